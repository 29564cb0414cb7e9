//! `[queue]`: who goes first when there are more jobs than slots.

use std::collections::BTreeMap;

use rch_scheduler::QueueConfig;
use serde::Deserialize;

use super::{ConfigError, at_least_one};

/// The table, each key optional.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// How much of the farm a requester gets, compared with others; 1 for those who are not named.
    weights: Option<BTreeMap<String, u32>>,
    /// How long a job waits in a band before it counts as of the next, in milliseconds.
    age_ms: Option<u64>,
}

/// What decisions use of it.
pub(super) fn config(file: File) -> Result<QueueConfig, ConfigError> {
    let defaults = QueueConfig::default();
    let weights = file.weights.unwrap_or_default();
    for weight in weights.values() {
        at_least_one("queue.weights", *weight)?;
    }
    let age_ms = file.age_ms.unwrap_or(defaults.age_ms);
    if age_ms == 0 {
        return Err(ConfigError::BadValue { key: "queue.age_ms", expected: "at least 1", found: age_ms.to_string() });
    }
    Ok(QueueConfig { weights, age_ms })
}
