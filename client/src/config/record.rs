//! The configuration as it is shown and travels with a run, for the record: without what may be secret.

use rch_schemas::document::{EffectiveConfig, Redaction};
use serde_json::Value;

use super::merge::Merged;

/// What stands for a value that may be secret.
const REDACTED: &str = "(redacted)";
/// Parts of a variable's name that make its value a secret.
const SECRET: [&str; 9] = ["TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL", "PRIVATE", "AUTH", "KEY"];

/// The merged values with secrets replaced, their sources, and what was replaced.
pub(crate) fn effective(merged: &Merged) -> EffectiveConfig {
    let mut values = merged.values.clone();
    let mut redactions = Vec::new();
    if let Some(set) = values.pointer_mut("/env/set").and_then(Value::as_object_mut) {
        for (name, value) in set.iter_mut().filter(|(name, _)| is_secret(name)) {
            *value = REDACTED.into();
            redactions.push(Redaction { key: format!("env.set.{name}") });
        }
    }
    EffectiveConfig { values, sources: merged.sources.clone(), redactions }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    SECRET.iter().any(|part| name.contains(part))
}
