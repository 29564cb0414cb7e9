//! `[defaults]`: what runs are configured with unless they say otherwise.
//!
//! The keys are those of the client's configuration. Their table lives in the client, which checks every value against it and leaves out keys
//! that it does not know: a farm may be configured for clients newer than itself. Here only the form is checked.

use std::collections::BTreeMap;

use rch_schemas::document::SelectionMode;
use serde_json::Value;

use super::ConfigError;

/// More than there are keys.
const DEFAULTS_MAX: usize = 200;
/// The key that is the farm's own too: it tells clients by which mode it chooses.
const SELECTION_KEY: &str = "worker_selection.mode";

/// Dotted keys and their values.
pub(super) fn read(table: toml::Table) -> Result<BTreeMap<String, Value>, ConfigError> {
    let mut defaults = BTreeMap::new();
    flatten("", table, &mut defaults)?;
    if defaults.len() > DEFAULTS_MAX {
        let found = format!("{} keys", defaults.len());
        return Err(ConfigError::BadValue { key: "defaults", expected: "at most 200 keys", found });
    }
    Ok(defaults)
}

/// How workers are chosen unless a run says otherwise.
pub(super) fn selection(defaults: &BTreeMap<String, Value>) -> Result<SelectionMode, ConfigError> {
    let Some(value) = defaults.get(SELECTION_KEY) else { return Ok(SelectionMode::default()) };
    serde_json::from_value(value.clone()).map_err(|_| ConfigError::BadValue {
        key: "defaults.worker_selection.mode",
        expected: "\"deterministic\" or \"adaptive\"",
        found: value.to_string(),
    })
}

fn flatten(section: &str, table: toml::Table, defaults: &mut BTreeMap<String, Value>) -> Result<(), ConfigError> {
    for (name, value) in table {
        let dotted = if section.is_empty() { name } else { format!("{section}.{name}") };
        if let toml::Value::Table(inner) = value {
            flatten(&dotted, inner, defaults)?;
        } else {
            defaults.insert(dotted.clone(), leaf(&dotted, value)?);
        }
    }
    Ok(())
}

fn leaf(dotted: &str, value: toml::Value) -> Result<Value, ConfigError> {
    let refused = |found: String| ConfigError::BadValue {
        key: "defaults",
        expected: "texts, whole numbers, true or false, and arrays of texts",
        found: format!("{dotted} = {found}"),
    };
    match value {
        toml::Value::String(text) => Ok(Value::String(text)),
        toml::Value::Integer(number) => Ok(Value::from(number)),
        toml::Value::Boolean(switch) => Ok(Value::Bool(switch)),
        toml::Value::Array(items) if items.iter().all(toml::Value::is_str) => {
            Ok(items.into_iter().filter_map(|item| item.as_str().map(str::to_owned)).collect())
        }
        other @ (toml::Value::Array(_) | toml::Value::Float(_) | toml::Value::Datetime(_) | toml::Value::Table(_)) => {
            Err(refused(other.to_string()))
        }
    }
}
