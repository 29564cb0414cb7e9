//! `RCH_*` variables: every key has one.
//!
//! `timeouts.queue_seconds` is `RCH_TIMEOUTS_QUEUE_SECONDS`. Where the table of keys has a name, the variable has it too: `RCH_ENV_SET_LANG`,
//! `RCH_ACTIONS_UNIT_SCHEME`, `RCH_ACTIONS_UNIT_SETTINGS_ONLY_ACTIVE_ARCH`. An action is found by its name in capitals with everything but
//! letters and digits as `_`; the names of variables and settings stand as they are. Lists are separated by commas, those whose items may
//! hold commas by line breaks, and what begins with `[` is an array as in TOML.

use serde_json::{Map, Value};

use super::error::ConfigError;
use super::file;
use super::key::{Key, Shape};
use super::place::Place;
use super::table::KEYS;
use crate::environment::{Environment, TOKEN_VARIABLE};

/// Variables that begin so belong to the farm's other programs, to its tests and to logging.
const FOREIGN: &[&str] =
    &["RCH_COORDINATOR_", "RCH_AGENT_", "RCH_LOCAL_", "RCH_XCODE_SIM_", "RCH_TEST_", "RCH_NATS_SERVER", "RCH_LOG", "RCH_FIXTURES"];

/// `RCH_TIMEOUTS_QUEUE_SECONDS` for `timeouts.queue_seconds`.
pub(super) fn variable_of(path: &str) -> String {
    format!("RCH_{}", shouted(path))
}

fn shouted(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() || c == '*' { c.to_ascii_uppercase() } else { '_' }).collect()
}

/// What the variables set, as a JSON object. `actions` are the names that the files know.
pub(super) fn read(environment: &Environment, actions: &[String]) -> Result<Value, ConfigError> {
    let mut values = Map::new();
    let is_foreign = |name: &str| name == TOKEN_VARIABLE || FOREIGN.iter().any(|foreign| name.starts_with(foreign));
    let ours = environment.variables.iter().filter(|(name, _)| name.starts_with("RCH_") && !is_foreign(name));
    for (name, text) in ours {
        let (key, path) = find(name, actions).ok_or_else(|| ConfigError::UnknownKey {
            place: Place::Environment.to_string(),
            key: name.clone(),
            hint: hint(name),
        })?;
        // A variable that is set to nothing is one that is not set, except where nothing is a value.
        if !text.is_empty() || matches!(key.shape, Shape::Scalar) {
            insert(&mut values, &path, value(key, text));
        }
    }
    Ok(Value::Object(values))
}

/// The key that a variable sets, with the names that stand in its pattern.
fn find(variable: &str, actions: &[String]) -> Option<(&'static Key, Vec<String>)> {
    let key_of = |path: &str| KEYS.iter().find(|key| key.path == path);
    if let Some(key) = KEYS.iter().find(|key| variable_of(key.path) == variable) {
        return Some((key, key.path.split('.').map(str::to_owned).collect()));
    }
    if let Some(name) = variable.strip_prefix("RCH_ENV_SET_").filter(|name| !name.is_empty()) {
        return Some((key_of("env.set.*")?, vec!["env".to_owned(), "set".to_owned(), name.to_owned()]));
    }
    let rest = variable.strip_prefix("RCH_ACTIONS_")?;
    let found = find_of_action(rest, actions)?;
    // The list of names is no action, and nothing can stand beneath it.
    (found.1[1] != "verify").then_some(found)
}

/// The key of an action that a variable sets, by the variable's name after `RCH_ACTIONS_`.
fn find_of_action(rest: &str, actions: &[String]) -> Option<(&'static Key, Vec<String>)> {
    let path = |action: &str, last: &[&str]| {
        let known = actions.iter().find(|known| shouted(known) == action).cloned();
        let action = known.unwrap_or_else(|| action.to_lowercase());
        [vec!["actions".to_owned(), action], last.iter().map(|name| (*name).to_owned()).collect()].concat()
    };
    if let Some((action, setting)) = rest.split_once("_SETTINGS_").filter(|(action, setting)| !action.is_empty() && !setting.is_empty()) {
        return Some((KEYS.iter().find(|key| key.path == "actions.*.settings.*")?, path(action, &["settings", setting])));
    }
    KEYS.iter().find_map(|key| {
        let last = key.path.strip_prefix("actions.*.").filter(|last| !last.contains('*'))?;
        let action = rest.strip_suffix(&format!("_{}", shouted(last))).filter(|action| !action.is_empty())?;
        Some((key, path(action, &[last])))
    })
}

fn hint(name: &str) -> String {
    let known: Vec<String> = KEYS.iter().map(|key| variable_of(key.path)).filter(|name| !name.contains('*')).collect();
    let near = rch_schemas::invocation::nearest(name, known.iter().map(String::as_str).chain([TOKEN_VARIABLE]));
    near.map_or_else(|| "`rch config keys` lists those there are".to_owned(), |near| format!("did you mean {near}?"))
}

/// A variable's text as the key's shape wants it; what does not fit stays text, and is refused by the check with what was found.
fn value(key: &Key, text: &str) -> Value {
    let as_text = || Value::String(text.to_owned());
    match key.shape {
        Shape::Switch => text.parse::<bool>().map_or_else(|_| as_text(), Value::Bool),
        Shape::Integer { .. } => text.parse::<u64>().map_or_else(|_| as_text(), Value::from),
        Shape::List(_) if text.trim_start().starts_with('[') => array(text).unwrap_or_else(as_text),
        Shape::List(items) => text.split(items.between).map(str::trim).filter(|item| !item.is_empty()).collect(),
        Shape::Text | Shape::Parsed(_) | Shape::OneOf(_) | Shape::Scalar => as_text(),
    }
}

/// An array as TOML and JSON write it.
fn array(text: &str) -> Option<Value> {
    file::parse(&format!("value = {text}")).ok()?.get("value").filter(|value| value.is_array()).cloned()
}

/// Puts a value at a path, making the tables it stands in.
pub(super) fn insert(values: &mut Map<String, Value>, path: &[String], value: Value) {
    let Some((name, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        values.insert(name.clone(), value);
        return;
    }
    let section = values.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()));
    insert(section.as_object_mut().expect("no key is a section too"), rest, value);
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use serde_json::json;

    use super::*;

    #[test]
    fn every_key_has_a_variable_and_none_two_keys_share() {
        let mut variables: Vec<String> = KEYS.iter().map(|key| variable_of(key.path).replace('*', "X")).collect();
        for (variable, key) in variables.iter().zip(KEYS) {
            let (found, path) = find(variable, &["X".to_owned()]).unwrap();
            assert_eq!((found.path, path.join(".")), (key.path, key.path.replace('*', "X")), "{variable}");
        }
        variables.sort();
        variables.dedup();
        assert_eq!(variables.len(), KEYS.len());
    }

    #[test]
    fn verify_is_no_action_and_no_two_variables_collide() {
        let actions: [&[String]; 2] = [&[], &["verify".to_owned(), "Verify".to_owned()]];
        let both = |first: &str, second: &str, actions| {
            let variables = [first, second].map(|name| (name.to_owned(), "test".to_owned())).into();
            read(&Environment { variables, ..Environment::default() }, actions)
        };
        let error = both("RCH_ACTIONS_VERIFY", "RCH_ACTIONS_VERIFY_SCHEME", &[]).unwrap_err();
        assert!(error.to_string().starts_with("environment: there is no key RCH_ACTIONS_VERIFY_SCHEME;"), "{error}");
        let names = KEYS.iter().flat_map(|key| ["VERIFY", "X", "A_SETTINGS", ""].map(|name| variable_of(key.path).replace('*', name)));
        let names: Vec<String> = names.collect();
        for (first, second) in names.iter().flat_map(|first| names.iter().map(move |second| (first, second))) {
            for actions in actions {
                drop(both(first, second, actions));
            }
        }
    }

    #[test]
    fn names_lists_and_maps_are_read_from_variables() {
        let variables = [
            ("RCH_ENV_SET_API_URL", "https://a,b"),
            ("RCH_ENV_SET_EMPTY", ""),
            ("RCH_CACHE_RESULTS", ""),
            ("RCH_ENV_PASS", "CI, BUILD_NUMBER,"),
            ("RCH_ACTIONS_UI_TESTS_SCHEME", "AppUITests"),
            ("RCH_ACTIONS_UI_TESTS_SETTINGS_ONLY_ACTIVE_ARCH", "NO"),
            ("RCH_ACTIONS_LINT_ACTION", "build"),
            ("RCH_ACTIONS_VERIFY", "[\"ui-tests\", \"lint\"]"),
            ("RCH_DESTINATION_VALUES", "platform=macOS,arch=arm64\nplatform=iOS Simulator,name=iPhone 16"),
            ("RCH_ARTIFACTS_COVERAGE", "true"),
            ("RCH_TOKEN", "not a key"),
            ("RCH_LOG", "debug"),
        ];
        let variables = variables.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        let environment = Environment { variables, ..Environment::default() };
        let expected = json!({
            "env": {"set": {"API_URL": "https://a,b", "EMPTY": ""}, "pass": ["CI", "BUILD_NUMBER"]},
            "actions": {
                "verify": ["ui-tests", "lint"], "lint": {"action": "build"},
                "ui-tests": {"scheme": "AppUITests", "settings": {"ONLY_ACTIVE_ARCH": "NO"}},
            },
            "destination": {"values": ["platform=macOS,arch=arm64", "platform=iOS Simulator,name=iPhone 16"]},
            "artifacts": {"coverage": true},
        });
        assert_eq!(read(&environment, &["ui-tests".to_owned(), "build".to_owned()]).unwrap(), expected);
    }
}
