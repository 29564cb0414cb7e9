//! What a line that someone used to give to xcodebuild means here: judged, and completed from the configuration.
//!
//! One reading serves `rch xcodebuild`, which makes a plan of it, and `rch xcode explain`, which tells it.

use std::collections::BTreeMap;
use std::path::Path;

use rch_schemas::environment::{self, VariableClass, VariableError};
use rch_schemas::invocation::{self, Class, Classified, Container, Policy, Rejected, SplitError, anatomy, split};
use rch_schemas::{Action, TreeDirectory};

use super::argv;
use super::assemble::{Plan, PlanError, Step, complete, no_destination, without_destinations};
use super::command_line::CommandLine;
use super::directories::{Directories, only_container, package_here, rebased};
use super::policy;
use super::refusal::{Refusal, Refused};
use crate::config::{ConfigError, ContainerConfig, Place, ProjectConfig, Settings, project_name};

/// A line as it was understood.
#[derive(Debug)]
pub(crate) struct Reading {
    line: CommandLine,
    /// Words before the arguments.
    skipped: usize,
    /// Arguments of the line's own.
    own: usize,
    /// All arguments: the line's own with paths from the tree's root, then what was filled in.
    argv: Vec<String>,
    /// What the line leaves to others.
    pub(crate) filled: Vec<Filled>,
    /// What nobody says.
    pub(crate) missing: Vec<ConfigError>,
    /// How the arguments are judged.
    pub(crate) classified: Classified,
    /// Variables the line sets.
    pub(crate) env: BTreeMap<String, String>,
    /// What a person may want to know.
    pub(crate) notices: Vec<String>,
    refusals: Vec<Refusal>,
    opened: Option<ContainerConfig>,
    /// The directory of the package that is opened.
    pub(crate) directory: Option<TreeDirectory>,
}

/// Arguments that the line left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filled {
    /// The arguments.
    pub(crate) words: Vec<String>,
    /// Who says them.
    pub(crate) origin: String,
}

/// An argument of a line, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Explained {
    /// As it is written.
    pub(crate) argument: String,
    /// Its class; `unknown` for what no table knows.
    pub(crate) class: &'static str,
    /// What it is for, or why it is dropped or refused.
    pub(crate) meaning: &'static str,
    /// Who says it, when the line does not.
    pub(crate) origin: Option<String>,
}

/// Reads a line given in `at`. Without a policy, what some farm may allow is accepted: the coordinator has the last word.
pub(crate) fn read(settings: &Settings<'_>, words: &[String], at: Directories<'_>, policy: Option<&Policy>) -> Reading {
    let mut reading = Reading::opened(CommandLine::read(words));
    reading.argv = rebased(&reading.line.words[reading.skipped..], at);
    reading.own = reading.argv.len();
    reading.judge(policy);
    if reading.is_call() {
        reading.fill_project(settings, at);
        reading.judge(policy);
        reading.fill_destination(settings, at);
    }
    reading.judge(policy);
    reading.refuse();
    reading
}

impl Reading {
    /// Takes away what stands before the arguments.
    fn opened(line: CommandLine) -> Self {
        let classified = invocation::classify(&[], &Policy::default());
        let mut reading = Self {
            skipped: 0,
            own: 0,
            argv: Vec::new(),
            filled: Vec::new(),
            missing: Vec::new(),
            classified,
            env: BTreeMap::new(),
            notices: Vec::new(),
            refusals: Vec::new(),
            opened: None,
            directory: None,
            line,
        };
        match split(&reading.line.words) {
            Ok(split) => {
                reading.skipped = split.skipped;
                match split.tool {
                    None => reading.line.call_xcodebuild(),
                    Some(tool) if tool.starts_with('/') => {
                        reading.notices.push(format!("{tool} is not used: the Xcode is chosen by toolchain.xcode"));
                    }
                    Some(_) => {}
                }
                reading.line.hide_values(reading.skipped);
                split.environment.into_iter().for_each(|set| reading.take_variable(set.name, set.value));
            }
            Err(error) => reading.refuse_opening(&error),
        }
        reading.refusals.append(&mut reading.line.refusals);
        reading
    }

    fn refuse_opening(&mut self, error: &SplitError) {
        self.refusals.push(self.line.refuse((error.index, 1), &error.reason(), error.fix()));
        let tool = self.line.words.iter().position(|word| word.rsplit('/').next() == Some("xcodebuild"));
        self.skipped = tool.map_or(self.line.words.len(), |tool| tool + 1);
        self.line.hide_values(self.skipped);
    }

    fn take_variable(&mut self, name: String, value: String) {
        let word = format!("{name}={value}");
        let Some(index) = self.line.words.iter().position(|other| *other == word) else { return };
        match environment::check_name(&name) {
            Ok(()) => drop(self.env.insert(name, value)),
            Err(VariableError::Refused { row, .. }) if row.class == VariableClass::Owned => {
                self.notices.push(format!("{name} is left out: {}", row.rule));
            }
            Err(VariableError::Refused { row, .. }) => self.refusals.push(self.line.refuse((index, 1), row.rule, row.instead)),
            Err(error) => self.refusals.push(self.line.refuse((index, 1), &error.to_string(), "leave it out")),
        }
    }

    /// Whether the line calls xcodebuild at all.
    fn is_call(&self) -> bool {
        self.skipped < self.line.words.len() || self.refusals.is_empty()
    }

    fn judge(&mut self, policy: Option<&Policy>) {
        let generous = || policy::most_generous(&self.argv);
        self.classified = invocation::classify(&self.argv, &policy.cloned().unwrap_or_else(generous));
    }

    fn says(&self, names: &[&str]) -> bool {
        self.argv.iter().any(|word| names.contains(&word.as_str()))
    }

    fn fill(&mut self, words: Vec<String>, origin: String) {
        self.argv.extend(words.iter().cloned());
        self.filled.push(Filled { words, origin });
    }

    /// Container, scheme and configuration.
    fn fill_project(&mut self, settings: &Settings<'_>, at: Directories<'_>) {
        // What the configuration builds elsewhere has a scheme and a configuration of its own.
        let package = package_here(at).filter(|_| !self.says(&["-workspace", "-project"]));
        let is_here = package.is_some();
        let project = package.unwrap_or_else(|| settings.project());
        if is_here {
            self.open(&project, "the package in the working directory".to_owned());
        } else if !self.says(&["-workspace", "-project"]) {
            self.fill_container(settings, &project, at);
        }
        if !self.says(&["-scheme"]) {
            match project.scheme {
                Some(scheme) => self.fill(vec!["-scheme".to_owned(), scheme], origin(settings, &["project", "scheme"], at.root)),
                None => self.missing.push(no_scheme()),
            }
        }
        if let Some(configuration) = project.configuration.filter(|_| !self.says(&["-configuration"])) {
            self.fill(vec!["-configuration".to_owned(), configuration], origin(settings, &["project", "configuration"], at.root));
        }
    }

    fn fill_container(&mut self, settings: &Settings<'_>, project: &ProjectConfig, at: Directories<'_>) {
        let found = match &project.container {
            Some(container) => {
                let key = match container {
                    ContainerConfig::Workspace(_) => "workspace",
                    ContainerConfig::Project(_) => "project",
                    ContainerConfig::Package(_) => "package",
                };
                Ok((project.clone(), origin(settings, &["project", key], at.root)))
            }
            None => only_container(at).map(|found| (found, "the only one in the working directory".to_owned())),
        };
        match found {
            Ok((found, origin)) => self.open(&found, origin),
            Err(error) => self.missing.push(error),
        }
    }

    /// Opens what a configuration or the working directory names.
    fn open(&mut self, found: &ProjectConfig, origin: String) {
        match argv::container(found).and_then(|words| Ok((words, argv::directory(found)?))) {
            Ok((words, directory)) => {
                (self.opened, self.directory) = (found.container.clone(), directory);
                if !words.is_empty() {
                    self.fill(words, origin);
                }
            }
            Err(error) => self.missing.push(error),
        }
    }

    /// The destinations: of the flags, of the line, of its SDK, of the configuration.
    fn fill_destination(&mut self, settings: &Settings<'_>, at: Directories<'_>) {
        let key = if settings.origin(&["destination", "values"]).is_some() { "values" } else { "value" };
        let by_flag = matches!(settings.origin(&["destination", key]), Some(Place::Flags));
        if self.says(&["-destination"]) {
            if by_flag {
                self.missing.push(two_destinations());
            }
            return;
        }
        let implied = self.classified.implied_destination().filter(|_| !by_flag);
        let (destinations, origin) = match implied {
            Some(implied) => (vec![implied], "what -sdk alone means".to_owned()),
            None => (settings.destinations(), origin(settings, &["destination", key], at.root)),
        };
        if destinations.is_empty() {
            self.missing.push(no_destination());
        }
        for destination in destinations {
            self.fill(vec!["-destination".to_owned(), destination], origin.clone());
        }
    }

    /// Gathers what stands in the way of the line itself.
    fn refuse(&mut self) {
        if self.classified.rejected.iter().any(|rejected| rejected.index >= self.own) {
            // The mistake is in the configuration: the line is shown with it.
            for word in &self.argv[self.own..] {
                self.line.places.push(self.line.pieces.len());
                self.line.pieces.push(super::shell::quoted(word));
                self.line.words.push(word.clone());
            }
        }
        let unfilled = self.unfilled();
        let is_told = |refusal: &Refusal| unfilled.iter().any(|told| refusal.place.contains(&told.place.start));
        let skipped = self.skipped;
        let judged = self.classified.rejected.iter().map(|rejected: &Rejected| self.line.refuse_argument(skipped, rejected));
        let judged: Vec<Refusal> = judged.filter(|refusal| !is_told(refusal)).collect();
        let products = self.without_products();
        self.refusals.extend(judged.into_iter().chain(products).chain(unfilled));
    }

    /// What a shell would have filled in, where it matters: what is dropped or refused anyway may say anything.
    fn unfilled(&self) -> Vec<Refusal> {
        let parts = anatomy(&self.argv);
        let dropped = |index: usize| {
            let part = parts.iter().find(|part| (part.index..part.index + part.length).contains(&index));
            part.is_some_and(|part| {
                matches!(part.class, Some(Class::Owned | Class::OwnedIfTrusted | Class::Deny)) && self.argv[part.index] != "-destination"
            })
        };
        let matters = self.line.expansions.iter().filter(|(word, _)| *word < self.skipped || !dropped(*word - self.skipped));
        matters
            .map(|(word, text)| {
                let in_variable = *word < self.skipped && self.line.words[*word].contains('=');
                let (reason, fix) = match if in_variable { shape(text) } else { text } {
                    text if text.starts_with("${{") => (format!("{text} is for the CI service to fill in"), "write its value"),
                    text if text.starts_with("$(") || text.starts_with('`') => {
                        (format!("{text} is for a shell to run"), "write what it prints; a setting's own $(…) belongs into single quotes")
                    }
                    text => (format!("{text} is for a shell to fill in"), "write its value, or put double quotes around the whole line"),
                };
                self.line.refuse((*word, 1), &reason, fix)
            })
            .collect()
    }

    /// A single line has no step before it whose products it could test.
    fn without_products(&self) -> Option<Refusal> {
        let word = Action::TestWithoutBuilding.as_str();
        let index = self.argv[..self.own].iter().position(|argument| argument == word)?;
        (self.classified.action == Action::TestWithoutBuilding).then(|| {
            let reason = "what another line has built is not there: every job starts with fresh products";
            let fix = "write test, or make build-for-testing and test-without-building two actions of one run in .rch/xcode.toml";
            self.line.refuse((self.skipped + index, 1), reason, fix)
        })
    }

    /// The line with its mistakes, when it has any.
    pub(crate) fn refused(&self) -> Option<Refused> {
        (!self.refusals.is_empty()).then(|| Refused::new(self.line.pieces.clone(), self.refusals.clone()))
    }

    /// The line as it is shown.
    pub(crate) fn pieces(&self) -> &[String] {
        &self.line.pieces
    }

    /// The arguments as they were typed, after the word `xcodebuild`.
    pub(crate) fn original_argv(&self) -> &[String] {
        let own = self.skipped.min(self.line.words.len());
        &self.line.words[own..(own + self.own).min(self.line.words.len())]
    }

    /// Every argument with its class.
    pub(crate) fn explained(&self) -> Vec<Explained> {
        let origin = |index: usize| {
            let mut end = self.own;
            let filled = self.filled.iter().find(|filled| {
                end += filled.words.len();
                index < end
            });
            filled.filter(|_| index >= self.own).map(|filled| filled.origin.clone())
        };
        let explain = |part: invocation::Part| {
            let words = &self.argv[part.index..part.index + part.length];
            Explained {
                argument: words.iter().map(|word| super::shell::quoted(word)).collect::<Vec<_>>().join(" "),
                class: part.class.map_or("unknown", Class::as_str),
                meaning: part.meaning,
                origin: origin(part.index),
            }
        };
        anatomy(&self.argv).into_iter().map(explain).collect()
    }

    /// The plan of the line, as one step.
    pub(crate) fn into_plan(self, settings: &Settings<'_>, root: &Path) -> Result<Plan, PlanError> {
        if let Some(refused) = self.refused() {
            return Err(PlanError::Rejected { what: "this line".to_owned(), refused });
        }
        if let Some(error) = self.missing.into_iter().next() {
            return Err(error.into());
        }
        let container = match &self.classified.container {
            Some(Container::Workspace(path)) => Some(ContainerConfig::Workspace(path.clone())),
            Some(Container::Project(path)) => Some(ContainerConfig::Project(path.clone())),
            None => self.opened,
        };
        let dropped = self.classified.dropped.iter().map(|dropped| format!("{} is left out: {}", dropped.argument, dropped.reason));
        let notices = self.notices.into_iter().chain(dropped).collect();
        let asked = self.classified.destinations.clone();
        let name = self.classified.action.to_string();
        let project = project_name(container.as_ref(), self.directory.as_ref(), root);
        let step = Step { directory: self.directory, ..Step::new(&name, without_destinations(&self.argv), self.classified) };
        let continue_on_failure = settings.continues_on_failure();
        let plan = Plan { project, steps: vec![step], destinations: Vec::new(), continue_on_failure, env: self.env, notices };
        complete(settings, plan, &asked)
    }
}

/// What a shell would fill in, without what may be a secret in it: `${TOKEN:-s3cr3t}` is `${…}`.
fn shape(expansion: &str) -> &str {
    let is_name = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    match expansion {
        text if text.strip_prefix('$').is_some_and(is_name) => text,
        text if text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).is_some_and(is_name) => text,
        text if text.starts_with("${{") => "${{ … }}",
        text if text.starts_with("$(") => "$(…)",
        text if text.starts_with('`') => "`…`",
        _ => "${…}",
    }
}

/// `project.scheme of .rch/xcode.toml`.
fn origin(settings: &Settings<'_>, path: &[&str], root: &Path) -> String {
    let key = path.join(".");
    match settings.origin(path) {
        Some(Place::Repo(file)) => format!("{key} of {}", file.strip_prefix(root).unwrap_or(file).display()),
        Some(place) => format!("{key} of {place}"),
        None => key,
    }
}

fn no_scheme() -> ConfigError {
    ConfigError::Missing {
        key: "-scheme".to_owned(),
        expected: "the name of a shared scheme".to_owned(),
        fix: "add -scheme NAME, or write scheme = \"…\" into [project] of .rch/xcode.toml".to_owned(),
    }
}

fn two_destinations() -> ConfigError {
    ConfigError::Disagree {
        what: "--destination and -destination both say where to run".to_owned(),
        fix: "leave one of them out".to_owned(),
    }
}
