//! The one function that decides about a command line.

use std::collections::{BTreeMap, BTreeSet};

use super::agree;
use super::classified::{Classified, Container, Dropped, Rejected};
use super::policy::Policy;
use super::scan::{Found, What, scan};
use super::settings;
use super::table::{Class, Row, TABLE};
use super::value::{Refusal, refuse};
use crate::Action;
use crate::destination::DestinationSpec;

/// Decides about `argv`, what follows the word `xcodebuild`. Never fails and never panics: what is wrong is in `rejected`.
pub fn classify(argv: &[String], policy: &Policy) -> Classified {
    let mut judge = Judge::new(policy);
    for found in scan(argv) {
        judge.take(found);
    }
    judge.finish()
}

/// What of `argv`, beside what it is refused for on any destination, does not go with `destination`: another platform than `-sdk`, an arch that
/// is not built, tests where there is no device. A destination that cannot be read is for whoever resolves it.
pub fn refused_for(argv: &[String], destination: &str, policy: &Policy) -> Vec<Rejected> {
    if DestinationSpec::parse(destination).is_err() {
        return Vec::new();
    }
    let line = [argv, &["-destination".to_owned(), destination.to_owned()]].concat();
    let rejected = classify(&line, policy).rejected;
    rejected.into_iter().filter(|rejected| rejected.index >= argv.len()).collect()
}

/// Where something stands in the line, and how it is written there.
#[derive(Debug, Clone)]
pub(super) struct Span {
    pub(super) index: usize,
    pub(super) length: usize,
    /// The words, cut to 200 characters.
    pub(super) text: String,
}

impl Span {
    fn of(found: &Found<'_>) -> Self {
        /// Enough to recognise it by; the original line is kept elsewhere.
        const SHOWN_MAX: usize = 200;
        let text = found.words.join(" ").chars().take(SHOWN_MAX).collect();
        Self { index: found.index, length: found.words.len(), text }
    }

    pub(super) fn reject(&self, refusal: Refusal) -> Rejected {
        Rejected { index: self.index, length: self.length, argument: self.text.clone(), reason: refusal.reason, fix: refusal.fix }
    }
}

/// An argument that is kept.
pub(super) struct Kept {
    pub(super) row: &'static Row,
    pub(super) name: &'static str,
    pub(super) value: String,
    pub(super) span: Span,
}

/// A destination that could be read.
pub(super) struct Asked {
    pub(super) text: String,
    pub(super) spec: DestinationSpec,
    pub(super) span: Span,
}

/// A line that is being read.
struct Judge<'a> {
    policy: &'a Policy,
    actions: Vec<(Action, Span)>,
    clean: Option<Span>,
    kept: Vec<Kept>,
    settings: BTreeMap<String, String>,
    asked: Vec<Asked>,
    dropped: Vec<Dropped>,
    rejected: Vec<Rejected>,
}

impl<'a> Judge<'a> {
    fn new(policy: &'a Policy) -> Self {
        Self {
            policy,
            actions: Vec::new(),
            clean: None,
            kept: Vec::new(),
            settings: BTreeMap::new(),
            asked: Vec::new(),
            dropped: Vec::new(),
            rejected: Vec::new(),
        }
    }

    fn take(&mut self, found: Found<'_>) {
        let span = Span::of(&found);
        let taken = match found.what {
            What::Argument { row, name, value } => self.take_argument(row, name, value, &span),
            What::Setting { key, value } => self.take_setting(key, value),
            What::Unreadable { reason, fix } => refuse(reason, fix),
        };
        if let Err(refusal) = taken {
            self.rejected.push(span.reject(refusal));
        }
    }

    fn take_argument(&mut self, row: &'static Row, name: &'static str, value: &str, span: &Span) -> Result<(), Refusal> {
        match row.class {
            Class::Deny => refuse(row.rule, row.instead),
            Class::OwnedIfTrusted if !self.policy.trust_macros_and_plugins => refuse(row.rule, row.instead),
            Class::Owned if name == "-destination" => self.take_destination(value, span),
            Class::Owned | Class::OwnedIfTrusted => {
                if name == "clean" {
                    self.clean.get_or_insert_with(|| span.clone());
                }
                self.drop(span, row.rule);
                Ok(())
            }
            Class::Policy if !self.policy.arguments.contains(name) => {
                refuse(format!("{name} is left to the farm's policy, which does not name it"), row.instead)
            }
            Class::Allow | Class::Policy => match name.parse() {
                Ok(action) => self.take_action(action, span),
                Err(_) => self.keep(row, name, value, span),
            },
        }
    }

    fn drop(&mut self, span: &Span, reason: &str) {
        self.dropped.push(Dropped { index: span.index, argument: span.text.clone(), reason: reason.to_owned() });
    }

    fn take_action(&mut self, action: Action, span: &Span) -> Result<(), Refusal> {
        if self.actions.iter().any(|(seen, _)| *seen == action) {
            return refuse(format!("{action} is there twice"), "write it once");
        }
        self.actions.push((action, span.clone()));
        Ok(())
    }

    fn take_destination(&mut self, text: &str, span: &Span) -> Result<(), Refusal> {
        refuse_unfilled(text)?;
        let spec = match DestinationSpec::parse(text) {
            Ok(spec) => spec,
            Err(_) if text.contains('"') => {
                return refuse("a quote is left in the destination", "quote it as a whole: -destination 'platform=…,name=…'");
            }
            Err(error) => return refuse(error.to_string(), "write it as xcodebuild -showdestinations lists it, with = for each colon"),
        };
        if self.asked.iter().any(|asked| asked.spec == spec) {
            self.drop(span, "the same destination stands before it");
        } else {
            self.asked.push(Asked { text: text.to_owned(), spec, span: span.clone() });
        }
        Ok(())
    }

    fn keep(&mut self, row: &'static Row, name: &'static str, value: &str, span: &Span) -> Result<(), Refusal> {
        refuse_unfilled(value)?;
        let value = row.value.canonical(name, value)?;
        if let Some(before) = self.kept.iter().find(|kept| kept.name == name && !row.repeats) {
            let reason = if before.value == value { String::new() } else { format!(", first with {}", before.value) };
            return refuse(format!("{name} is there twice{reason}"), "write it once");
        }
        self.kept.push(Kept { row, name, value, span: span.clone() });
        Ok(())
    }

    fn take_setting(&mut self, key: &str, value: &str) -> Result<(), Refusal> {
        settings::check(key, value, self.policy)?;
        if let Some(before) = self.settings.get(key) {
            let reason = if before == value { String::new() } else { format!(", first to {before:?}") };
            return refuse(format!("{key} is set twice{reason}"), "write it once");
        }
        self.settings.insert(key.to_owned(), value.to_owned());
        Ok(())
    }

    fn finish(mut self) -> Classified {
        let action = self.decide_action();
        self.rejected.extend(agree::check(action, &self.kept, &self.asked));
        self.rejected.sort_by_key(|rejected| rejected.index);
        let value_of = |name: &str| self.kept.iter().find(|kept| kept.name == name).map(|kept| kept.value.clone());
        Classified {
            action,
            clean: self.clean.is_some(),
            sanitized_argv: canonical_argv(action, &self.kept, &self.settings),
            container: value_of("-workspace").map(Container::Workspace).or_else(|| value_of("-project").map(Container::Project)),
            scheme: value_of("-scheme"),
            destinations: self.asked.into_iter().map(|asked| asked.text).collect(),
            dropped: self.dropped,
            rejected: self.rejected,
        }
    }

    /// Exactly one action: none means build, and `test` builds anyway.
    fn decide_action(&mut self) -> Action {
        let has = |wanted| self.actions.iter().any(|(action, _)| *action == wanted);
        let implied = has(Action::Test).then_some(Action::Build);
        let mut actions = self.actions.iter().filter(|(action, _)| Some(*action) != implied);
        let Some((action, _)) = actions.next() else {
            if let Some(span) = &self.clean {
                let reason = "clean alone has nothing to clean: every job has fresh products".to_owned();
                self.rejected.push(span.reject(Refusal { reason, fix: "leave the line out, or write clean build".to_owned() }));
            }
            return Action::Build;
        };
        for (extra, span) in actions {
            let fix = match (action, extra) {
                (Action::BuildForTesting, Action::Test) => "write test: it builds what it runs".to_owned(),
                (Action::BuildForTesting, Action::TestWithoutBuilding) => "write test, or two actions of one run".to_owned(),
                _ => "write one of them, or two lines".to_owned(),
            };
            let reason = format!("a job does one thing, and {action} stands before it");
            self.rejected.push(span.reject(Refusal { reason, fix }));
        }
        *action
    }
}

/// `$SCHEME`, `${SCHEME}`: no name of a file, scheme, test or device has such a form.
fn refuse_unfilled(value: &str) -> Result<(), Refusal> {
    let is_name = |name: &str| name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if value.contains("${") || value.strip_prefix('$').is_some_and(is_name) {
        return refuse("the shell variable in it was not filled in", "write its value");
    }
    Ok(())
}

/// The order of the table, repeated values sorted and unique, settings last by key.
fn canonical_argv(action: Action, kept: &[Kept], settings: &BTreeMap<String, String>) -> Vec<String> {
    let mut argv = vec![action.as_str().to_owned()];
    for row in TABLE {
        let of_row = kept.iter().filter(|kept| row.names.contains(&kept.name));
        let values: BTreeSet<(&str, &str)> = of_row.map(|kept| (kept.name, kept.value.as_str())).collect();
        for (name, value) in values {
            argv.extend(spelling(row, name, value));
        }
    }
    argv.extend(settings.iter().map(|(key, value)| format!("{key}={value}")));
    argv
}

fn spelling(row: &Row, name: &str, value: &str) -> Vec<String> {
    use super::value::Value;
    match row.value {
        Value::None => vec![name.to_owned()],
        Value::TestName => vec![format!("{name}:{value}")],
        Value::Text
        | Value::YesNo
        | Value::Number(..)
        | Value::OneOf(_)
        | Value::Sdk
        | Value::Configuration
        | Value::Locale
        | Value::Path(_) => vec![name.to_owned(), value.to_owned()],
    }
}
