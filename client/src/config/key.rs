//! Every key of the configuration, with its shape, bounds and built-in value.

use rch_schemas::action::Action;
use rch_schemas::id::{CacheNamespace, WorkerName};
use rch_schemas::requirement::XcodeRequirement;

/// What a value must be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    /// One line of text, not empty.
    Text,
    /// Text that a parser accepts; what it expected otherwise.
    Parsed(fn(&str) -> Result<(), String>),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// `true` or `false`.
    Switch,
    /// A whole number within these bounds.
    Integer {
        /// The least.
        min: u64,
        /// The greatest.
        max: u64,
    },
    /// An array of texts.
    List,
    /// Text, a switch or a whole number: the value of a build setting.
    Scalar,
}

/// Where a key may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// In every layer.
    Anywhere,
    /// Not in the repo's file: it is the user's or the machine's, and a repo that someone else wrote must not choose it.
    NotInRepo,
}

/// One key.
#[derive(Debug)]
pub(crate) struct Key {
    /// The dotted path; `*` stands for a name.
    pub(crate) path: &'static str,
    /// What its value must be.
    pub(crate) shape: Shape,
    /// Where it may stand.
    pub(crate) scope: Scope,
    /// The built-in value, as TOML.
    pub(crate) built_in: Option<&'static str>,
}

const fn key(path: &'static str, shape: Shape) -> Key {
    Key { path, shape, scope: Scope::Anywhere, built_in: None }
}

const fn with(path: &'static str, shape: Shape, built_in: &'static str) -> Key {
    Key { path, shape, scope: Scope::Anywhere, built_in: Some(built_in) }
}

/// The largest integer that JSON carries exactly.
const INTEGER_MAX: u64 = (1 << 53) - 1;
/// A week: nobody waits longer for a worker.
const QUEUE_SECONDS_MAX: u64 = 7 * 86_400;

/// The repo's file, from the root of the tree.
pub(crate) const REPO_FILE: &str = ".rch/xcode.toml";

/// The table. Sections in the order of the documentation.
pub(crate) const KEYS: &[Key] = &[
    key("schema_version", Shape::Integer { min: 1, max: 1 }),
    Key { path: "coordinator", shape: Shape::Parsed(coordinator), scope: Scope::NotInRepo, built_in: None },
    with("backend", Shape::OneOf(&["xcodebuild", "mcp"]), "\"xcodebuild\""),
    with("artifact_profile", Shape::OneOf(&["minimal", "rich"]), "\"minimal\""),
    key("project.path", Shape::Parsed(relative_path)),
    key("project.workspace", Shape::Parsed(relative_path)),
    key("project.project", Shape::Parsed(relative_path)),
    key("project.package", Shape::Parsed(relative_path)),
    key("project.scheme", Shape::Text),
    key("project.configuration", Shape::Text),
    key("actions.verify", Shape::List),
    key("actions.*.action", Shape::Parsed(action)),
    key("actions.*.path", Shape::Parsed(relative_path)),
    key("actions.*.workspace", Shape::Parsed(relative_path)),
    key("actions.*.project", Shape::Parsed(relative_path)),
    key("actions.*.package", Shape::Parsed(relative_path)),
    key("actions.*.scheme", Shape::Text),
    key("actions.*.configuration", Shape::Text),
    key("actions.*.destinations", Shape::List),
    key("actions.*.test_plan", Shape::Text),
    key("actions.*.only_testing", Shape::List),
    key("actions.*.skip_testing", Shape::List),
    key("actions.*.coverage", Shape::Switch),
    key("actions.*.args", Shape::List),
    key("actions.*.settings.*", Shape::Scalar),
    key("actions.*.allow_empty", Shape::Switch),
    key("destination.value", Shape::Text),
    key("destination.values", Shape::List),
    with("destination.mode", Shape::OneOf(&["pinned", "constraints"]), "\"constraints\""),
    with("destination.provisioning", Shape::OneOf(&["existing", "ephemeral"]), "\"existing\""),
    key("toolchain.xcode", Shape::Parsed(xcode)),
    key("requires.tools", Shape::List),
    key("env.set.*", Shape::Scalar),
    key("env.pass", Shape::List),
    with("worker_selection.mode", Shape::OneOf(&["deterministic", "adaptive"]), "\"deterministic\""),
    key("worker_selection.tags", Shape::List),
    key("worker_selection.worker", Shape::Parsed(worker)),
    with("timeouts.overall_seconds", Shape::Integer { min: 1, max: 86_400 }, "1800"),
    with("timeouts.idle_log_seconds", Shape::Integer { min: 1, max: 86_400 }, "300"),
    with("timeouts.queue_seconds", Shape::Integer { min: 0, max: QUEUE_SECONDS_MAX }, "3600"),
    with("timeouts.connect_seconds", Shape::Integer { min: 1, max: 300 }, "30"),
    with("bundle.mode", Shape::OneOf(&["worktree", "git_index"]), "\"worktree\""),
    key("bundle.include", Shape::List),
    with("bundle.max_bytes", Shape::Integer { min: 0, max: INTEGER_MAX }, "0"),
    key("cache.namespace", Shape::Parsed(namespace)),
    with("cache.results", Shape::OneOf(&["on", "off"]), "\"on\""),
    with("cache.derived_data", Shape::OneOf(&["off", "run", "shared"]), "\"run\""),
    with("cache.spm", Shape::OneOf(&["off", "shared"]), "\"shared\""),
    key("cache.flaky", Shape::Switch),
    with("artifacts.download", Shape::OneOf(&["none", "small", "all"]), "\"small\""),
    key("artifacts.collect", Shape::List),
    with("artifacts.coverage", Shape::Switch, "false"),
    with("artifacts.attachments", Shape::Switch, "false"),
    with("run.continue_on_failure", Shape::Switch, "false"),
    with("run.priority", Shape::OneOf(&["interactive", "normal", "batch"]), "\"normal\""),
];

/// Keys that say the same thing in different words: a layer gives one of them, and a later layer's choice replaces an earlier one's.
/// `*` stands for a name.
pub(crate) const EXCLUSIVE: &[&[&str]] = &[
    &["project.workspace", "project.project", "project.package"],
    &["actions.*.workspace", "actions.*.project", "actions.*.package"],
    &["destination.value", "destination.values"],
];

/// Whether a table's pattern describes this path.
pub(crate) fn matches(pattern: &str, path: &[&str]) -> bool {
    let mut segments = pattern.split('.');
    path.iter().all(|name| segments.next().is_some_and(|segment| segment == "*" || segment == *name)) && segments.next().is_none()
}

/// The key of this path. `actions.verify` is the list of names, not an action of that name.
pub(crate) fn find(path: &[&str]) -> Option<&'static Key> {
    KEYS.iter().find(|key| matches(key.path, path))
}

/// Whether keys can stand beneath this path.
pub(crate) fn is_section(path: &[&str]) -> bool {
    let begins = |key: &Key| {
        let segments: Vec<&str> = key.path.split('.').collect();
        segments.len() > path.len() && matches(&segments[..path.len()].join("."), path)
    };
    path != ["actions", "verify"] && KEYS.iter().any(begins)
}

/// The known path that a mistyped one was meant to be: near in its letters, or the same last name in another section.
pub(crate) fn nearest(path: &[&str]) -> Option<String> {
    let dotted = path.join(".");
    let candidates: Vec<String> = KEYS.iter().flat_map(|key| prefixes(&instantiate(key.path, path))).collect();
    let near = rch_schemas::invocation::nearest(&dotted, candidates.iter().map(String::as_str)).map(str::to_owned);
    let same_name = || {
        let last = path.last()?;
        KEYS.iter().map(|key| key.path).find(|key| key.rsplit('.').next() == Some(last)).map(|key| key.replace('*', "NAME"))
    };
    let same_section = || {
        let (last, section) = path.split_last()?;
        let names = candidates.iter().filter_map(|candidate| candidate.rsplit_once('.'));
        let siblings = names.filter(|(parent, _)| *parent == section.join(".")).map(|(_, name)| name);
        rch_schemas::invocation::nearest(last, siblings).map(|name| [section, &[name]].concat().join("."))
    };
    near.or_else(same_section).or_else(same_name)
}

/// A path and the sections it stands in.
fn prefixes(path: &str) -> Vec<String> {
    let ends = path.match_indices('.').map(|(at, _)| at).chain([path.len()]);
    ends.map(|end| path[..end].to_owned()).collect()
}

/// The pattern with its `*` replaced by the names at the same places of `path`.
fn instantiate(pattern: &str, path: &[&str]) -> String {
    let named = pattern.split('.').enumerate().map(|(index, segment)| match segment {
        "*" => path.get(index).copied().unwrap_or("NAME"),
        _ => segment,
    });
    named.collect::<Vec<_>>().join(".")
}

fn coordinator(text: &str) -> Result<(), String> {
    let expected = || "a URL such as \"http://coordinator.local:7070\"".to_owned();
    let url = reqwest::Url::parse(text).map_err(|_| expected())?;
    if matches!(url.scheme(), "http" | "https") && url.has_host() { Ok(()) } else { Err(expected()) }
}

fn relative_path(text: &str) -> Result<(), String> {
    let lexical = !text.is_empty() && !text.starts_with(['/', '-']) && text.split('/').all(|part| part != "..");
    if lexical && !text.contains(char::is_control) {
        Ok(())
    } else {
        Err("a path inside the tree, relative to the directory of .rch, without \"..\"".to_owned())
    }
}

fn action(text: &str) -> Result<(), String> {
    text.parse::<Action>().map(|_| ()).map_err(|_| "build, test, build-for-testing or test-without-building".to_owned())
}

fn xcode(text: &str) -> Result<(), String> {
    text.parse::<XcodeRequirement>().map(|_| ()).map_err(|error| error.expected.to_owned())
}

fn worker(text: &str) -> Result<(), String> {
    text.parse::<WorkerName>().map(|_| ()).map_err(|error| error.expected.to_owned())
}

fn namespace(text: &str) -> Result<(), String> {
    text.parse::<CacheNamespace>().map(|_| ()).map_err(|error| error.expected.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_key_finds_the_one_that_was_meant() {
        for (path, expected) in [
            ("timeouts.overal_seconds", Some("timeouts.overall_seconds")),
            ("timeout.overall_seconds", Some("timeouts.overall_seconds")),
            ("actions.unit.only_test", Some("actions.unit.only_testing")),
            ("project.xcode", Some("toolchain.xcode")),
            ("bundel", Some("bundle")),
            ("action.build", Some("actions.build")),
            ("no.such.thing", None),
        ] {
            assert_eq!(nearest(&path.split('.').collect::<Vec<_>>()).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn every_built_in_value_has_the_shape_of_its_key() {
        for key in KEYS {
            let Some(text) = key.built_in else { continue };
            let table: toml::Table = format!("value = {text}").parse().expect("built-in values are TOML");
            let value = serde_json::to_value(&table["value"]).expect("TOML has a JSON form");
            assert_eq!(super::super::check::shape(&key.shape, &value), Ok(()), "{}", key.path);
        }
    }

    #[test]
    fn verify_is_a_list_of_names_and_no_action() {
        assert!(matches!(find(&["actions", "verify"]).map(|key| &key.shape), Some(Shape::List)));
        assert!(!is_section(&["actions", "verify"]));
        assert!(is_section(&["actions", "test", "settings"]) && is_section(&["actions", "anything"]));
    }
}
