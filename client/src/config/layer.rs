//! One source of values.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use rch_schemas::Sha256;
use rch_schemas::document::Farm;
use serde_json::{Map, Value, json};

use super::check;
use super::error::ConfigError;
use super::key::{self, KEYS, Key, Shape};
use crate::environment::Environment;

/// The largest configuration file, in bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// Variables that begin so belong to the farm's other programs, to its tests and to logging.
const FOREIGN: &[&str] =
    &["RCH_COORDINATOR_", "RCH_AGENT_", "RCH_LOCAL_", "RCH_XCODE_SIM_", "RCH_TEST_", "RCH_NATS_SERVER", "RCH_LOG", "RCH_FIXTURES"];

/// Where a layer's values come from, weakest first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// Built into this program.
    BuiltIn,
    /// The farm, by its name.
    Farm(String),
    /// The user's file.
    User(PathBuf),
    /// The repo's file.
    Repo(PathBuf),
    /// `RCH_*` variables.
    Environment,
    /// The command line.
    Flags,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("built-in"),
            Self::Farm(name) => write!(f, "farm {name}"),
            Self::User(path) | Self::Repo(path) => path.display().fmt(f),
            Self::Environment => f.write_str("environment"),
            Self::Flags => f.write_str("flags"),
        }
    }
}

/// Values that were checked against the table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Layer {
    /// Where they come from.
    pub(crate) place: Place,
    /// A JSON object.
    pub(crate) values: Value,
    /// The digest of the file's bytes.
    pub(crate) sha256: Option<Sha256>,
}

impl Layer {
    fn checked(place: Place, values: Value, sha256: Option<Sha256>) -> Result<Self, ConfigError> {
        let layer = Self { place, values, sha256 };
        check::check(&layer)?;
        Ok(layer)
    }

    /// The table's own values.
    pub(crate) fn built_in() -> Self {
        let mut values = Map::new();
        for key in KEYS {
            let Some(text) = key.built_in else { continue };
            let table: toml::Table = format!("value = {text}").parse().expect("a test reads every built-in value");
            insert(&mut values, key.path, serde_json::to_value(&table["value"]).expect("TOML has a JSON form"));
        }
        Self { place: Place::BuiltIn, values: Value::Object(values), sha256: None }
    }

    /// What the farm chooses for its runs.
    pub(crate) fn of_farm(farm: &Farm) -> Self {
        let mode = serde_json::to_value(farm.selection).expect("a word serializes");
        Self { place: Place::Farm(farm.name.clone()), values: json!({ "worker_selection": { "mode": mode } }), sha256: None }
    }

    /// A file; `None` when it is not there.
    pub(crate) fn of_file(path: &Path, place: fn(PathBuf) -> Place) -> Result<Option<Self>, ConfigError> {
        let place = place(path.to_owned());
        let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
        let bytes = match std::fs::metadata(path) {
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(None),
            Err(error) => return Err(unreadable(error)),
            Ok(metadata) if metadata.len() > FILE_BYTES_MAX => {
                let message = format!("it has {} bytes, more than the {FILE_BYTES_MAX} that are read", metadata.len());
                return Err(ConfigError::Syntax { place: place.to_string(), message });
            }
            Ok(_) => std::fs::read(path).map_err(unreadable)?,
        };
        let table = std::str::from_utf8(&bytes).map_err(|_| "it is not UTF-8".to_owned()).and_then(parse);
        let table = table.map_err(|message| ConfigError::Syntax { place: place.to_string(), message })?;
        Self::checked(place, table, Some(Sha256::of(&bytes))).map(Some)
    }

    /// The `RCH_*` variables.
    pub(crate) fn of_environment(environment: &Environment) -> Result<Self, ConfigError> {
        let mut values = Map::new();
        let ours = environment.variables.iter().filter(|(name, _)| name.starts_with("RCH_"));
        for (name, text) in ours.filter(|(name, text)| !FOREIGN.iter().any(|foreign| name.starts_with(foreign)) && !text.is_empty()) {
            let key = KEYS.iter().find(|key| variable_of(key.path) == *name).ok_or_else(|| ConfigError::UnknownKey {
                place: Place::Environment.to_string(),
                key: name.clone(),
                nearest: nearest_variable(name),
            })?;
            insert(&mut values, key.path, read(key, text));
        }
        Self::checked(Place::Environment, Value::Object(values), None)
    }

    /// Values given by flags, by dotted key.
    pub(crate) fn of_flags(flags: &[(&'static str, Value)]) -> Result<Self, ConfigError> {
        let mut values = Map::new();
        for (path, value) in flags {
            insert(&mut values, path, value.clone());
        }
        Self::checked(Place::Flags, Value::Object(values), None)
    }

    /// Every scalar and array by its path. Not dotted: a setting's name may hold a dot.
    pub(crate) fn leaves(&self) -> BTreeMap<Vec<&str>, &Value> {
        let mut leaves = BTreeMap::new();
        collect(&self.values, &mut Vec::new(), &mut leaves);
        leaves
    }
}

fn collect<'a>(value: &'a Value, path: &mut Vec<&'a str>, leaves: &mut BTreeMap<Vec<&'a str>, &'a Value>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                path.push(name);
                collect(member, path, leaves);
                path.pop();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            leaves.insert(path.clone(), value);
        }
    }
}

/// `RCH_TIMEOUTS_QUEUE_SECONDS` for `timeouts.queue_seconds`.
pub(super) fn variable_of(path: &str) -> String {
    format!("RCH_{}", path.replace('.', "_").to_ascii_uppercase())
}

fn nearest_variable(name: &str) -> Option<String> {
    let known: Vec<String> = KEYS.iter().map(|key| variable_of(key.path)).filter(|name| !name.contains('*')).collect();
    rch_schemas::invocation::nearest(name, known.iter().map(String::as_str)).map(str::to_owned)
}

/// A variable's text as the key's shape wants it; what does not fit stays text, and is refused by the check with what was found.
fn read(key: &Key, text: &str) -> Value {
    let as_text = || Value::String(text.to_owned());
    match key.shape {
        Shape::Switch => text.parse::<bool>().map_or_else(|_| as_text(), Value::Bool),
        Shape::Integer { .. } => text.parse::<u64>().map_or_else(|_| as_text(), Value::from),
        Shape::List => text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect(),
        Shape::Text | Shape::Parsed(_) | Shape::OneOf(_) | Shape::Scalar => as_text(),
    }
}

fn insert(values: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            values.insert(path.to_owned(), value);
        }
        Some((section, rest)) => {
            let section = values.entry(section).or_insert_with(|| json!({}));
            insert(section.as_object_mut().expect("a section is a table"), rest, value);
        }
    }
}

/// TOML as a JSON-like value; the parser's complaint on one line otherwise. Dates and floats have no key.
fn parse(text: &str) -> Result<Value, String> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        format!("line {line}: {}", error.message().replace('\n', ", "))
    })?;
    serde_json::to_value(table).map_err(|error| error.to_string())
}

/// The repo's file, searched upward from `from`; with it the tree's root.
pub(super) fn find_repo_file(from: &Path) -> Option<(PathBuf, PathBuf)> {
    from.ancestors().map(|root| (root.join(key::REPO_FILE), root.to_owned())).find(|(file, _)| file.is_file())
}
