//! One source of values.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rch_schemas::Sha256;
use rch_schemas::document::Farm;
use serde_json::{Map, Value};

use super::error::ConfigError;
use super::key::{self, Scope};
use super::place::Place;
use super::table::KEYS;
use super::{check, file, variable};
use crate::environment::Environment;

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
            let table = file::parse(&format!("value = {text}")).expect("a test reads every built-in value");
            variable::insert(&mut values, &names(key.path), table["value"].clone());
        }
        Self { place: Place::BuiltIn, values: Value::Object(values), sha256: None }
    }

    /// What the farm chooses for its runs, and what of it is left out, in words: a farm may be newer than we are, and know more keys; and some
    /// keys are not a farm's to choose.
    pub(crate) fn of_farm(farm: &Farm) -> Result<(Self, Vec<String>), ConfigError> {
        let place = Place::Farm(farm.name.clone());
        let (mut values, mut notices) = (Map::new(), Vec::new());
        let mode = serde_json::to_value(farm.selection).expect("a word serializes");
        variable::insert(&mut values, &names("worker_selection.mode"), mode);
        for (dotted, value) in &farm.defaults {
            let path = names(dotted);
            match key::find(&path.iter().map(String::as_str).collect::<Vec<_>>()) {
                Some(key) if key.scope == Scope::Anywhere => variable::insert(&mut values, &path, value.clone()),
                Some(_) => notices.push(format!("{place}: the default of {dotted} is left out: it is not a farm's to choose")),
                None => notices.push(format!("{place}: the default of {dotted} is left out: this rch has no such key; a newer one may")),
            }
        }
        Ok((Self::checked(place, Value::Object(values), None)?, notices))
    }

    /// A file; `None` when it is not there.
    pub(crate) fn of_file(path: &Path, place: fn(PathBuf) -> Place) -> Result<Option<Self>, ConfigError> {
        let Some((values, sha256)) = file::read(path)? else { return Ok(None) };
        Self::checked(place(path.to_owned()), values, Some(sha256)).map(Some)
    }

    /// What a file would be that holds `bytes`.
    pub(crate) fn of_bytes(path: &Path, bytes: &[u8], place: fn(PathBuf) -> Place) -> Result<Self, ConfigError> {
        let (values, sha256) = file::values(path, bytes)?;
        Self::checked(place(path.to_owned()), values, Some(sha256))
    }

    /// The `RCH_*` variables; `actions` are the names of the files.
    pub(crate) fn of_environment(environment: &Environment, actions: &[String]) -> Result<Self, ConfigError> {
        Self::checked(Place::Environment, variable::read(environment, actions)?, None)
    }

    /// Values given by flags, by dotted key.
    pub(crate) fn of_flags(flags: &[(&'static str, Value)]) -> Result<Self, ConfigError> {
        let mut values = Map::new();
        for (path, value) in flags {
            variable::insert(&mut values, &names(path), value.clone());
        }
        Self::checked(Place::Flags, Value::Object(values), None)
    }

    /// Every scalar and array by its path. Not dotted: a setting's name may hold a dot.
    pub(crate) fn leaves(&self) -> BTreeMap<Vec<&str>, &Value> {
        let mut leaves = BTreeMap::new();
        collect(&self.values, &mut Vec::new(), &mut leaves);
        leaves
    }

    /// The names of the actions that it configures.
    pub(super) fn actions(&self) -> impl Iterator<Item = &String> {
        let actions = self.values.get("actions").and_then(Value::as_object).into_iter().flatten();
        actions.filter(|(_, value)| value.is_object()).map(|(name, _)| name)
    }
}

/// The names of a dotted path.
fn names(dotted: &str) -> Vec<String> {
    dotted.split('.').map(str::to_owned).collect()
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
