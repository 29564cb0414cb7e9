//! Layers become one value that remembers where each part came from.

use std::collections::BTreeMap;

use rch_schemas::document::ConfigSource;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::key::{self, EXCLUSIVE};
use super::layer::Layer;
use super::place::Place;

/// The merged configuration.
#[derive(Debug, Clone)]
pub(crate) struct Merged {
    /// A JSON object.
    pub(crate) values: Value,
    /// Where each scalar and array comes from, by path.
    pub(crate) origins: BTreeMap<Vec<String>, Place>,
    /// The contributing layers, weakest first.
    pub(crate) sources: Vec<ConfigSource>,
    /// What a person may want to know about how it came to be.
    pub(crate) notices: Vec<String>,
}

impl Merged {
    /// Merges `layers`, weakest first: objects deeply, arrays and scalars are replaced.
    pub(crate) fn of(layers: &[Layer]) -> Self {
        let mut merged = Self { values: Value::Object(Map::new()), origins: BTreeMap::new(), sources: Vec::new(), notices: Vec::new() };
        for layer in layers {
            let leaves = layer.leaves();
            if leaves.is_empty() {
                continue;
            }
            for path in leaves.keys() {
                merged.forget_alternatives(path);
            }
            for (path, value) in leaves {
                merged.set(&path, value.clone());
                merged.origins.insert(path.into_iter().map(str::to_owned).collect(), layer.place.clone());
            }
            merged.sources.push(ConfigSource { name: layer.place.recorded(), sha256: layer.sha256 });
        }
        merged
    }

    /// The value at a path.
    pub(crate) fn get(&self, path: &[&str]) -> Option<&Value> {
        path.iter().try_fold(&self.values, |value, name| value.get(name))
    }

    /// The text at a path.
    pub(crate) fn text(&self, path: &[&str]) -> Option<&str> {
        self.get(path)?.as_str()
    }

    /// The texts of the array at a path; empty when it is not there.
    pub(crate) fn list(&self, path: &[&str]) -> Vec<String> {
        let items = self.get(path).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// Whether the switch at a path is on; off when it is not there.
    pub(crate) fn switch(&self, path: &[&str]) -> bool {
        self.get(path).and_then(Value::as_bool).unwrap_or(false)
    }

    /// The members of the object at a path, by name.
    pub(crate) fn members(&self, path: &[&str]) -> impl Iterator<Item = (&String, &Value)> {
        self.get(path).and_then(Value::as_object).into_iter().flatten()
    }

    /// The value at a path as a type; the table of keys has checked that it is one.
    pub(crate) fn typed<T: DeserializeOwned>(&self, path: &[&str]) -> Option<T> {
        let value = self.get(path)?.clone();
        Some(
            serde_json::from_value(value)
                .unwrap_or_else(|error| panic!("{} was checked against the table of keys: {error}", path.join("."))),
        )
    }

    /// Drops what an earlier layer said in the other words of a group.
    fn forget_alternatives(&mut self, path: &[&str]) {
        let Some((own, parent)) = path.split_last() else { return };
        for group in EXCLUSIVE.iter().filter(|group| group.iter().any(|pattern| key::matches(pattern, path))) {
            for other in group.iter().filter_map(|pattern| pattern.rsplit('.').next()).filter(|other| other != own) {
                let full: Vec<String> = parent.iter().chain([&other]).map(|name| (*name).to_owned()).collect();
                self.origins.remove(&full);
                let object = parent.iter().try_fold(&mut self.values, |value, name| value.get_mut(name));
                object.and_then(Value::as_object_mut).map(|members| members.remove(other));
            }
        }
    }

    fn set(&mut self, path: &[&str], value: Value) {
        let mut place = &mut self.values;
        for name in path {
            if !place.is_object() {
                *place = Value::Object(Map::new());
            }
            place = place.as_object_mut().expect("made an object above").entry(*name).or_insert(Value::Null);
        }
        *place = value;
    }
}
