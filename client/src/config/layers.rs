//! All layers that can be had before the farm is asked.

use std::path::{Path, PathBuf};

use rch_schemas::document::Farm;
use serde_json::Value;

use super::error::ConfigError;
use super::file;
use super::layer::Layer;
use super::merge::Merged;
use super::place::Place;
use super::table::REPO_FILE;
use crate::environment::Environment;

/// The layers, checked, and the tree they belong to.
#[derive(Debug, Clone)]
pub(crate) struct Layers {
    layers: Vec<Layer>,
    /// The directory that holds `.rch/xcode.toml`; `None` when there is none.
    root: Option<PathBuf>,
}

impl Layers {
    /// Reads the files, the variables and the flags (dotted key and value).
    pub(crate) fn read(environment: &Environment, flags: &[(&'static str, Value)]) -> Result<Self, ConfigError> {
        let user = environment.user_config().map(|path| Layer::of_file(&path, Place::User)).transpose()?.flatten();
        let found = file::find(REPO_FILE, &environment.working_directory);
        let (repo, root) = match found {
            Some((file, root)) => (Layer::of_file(&file, Place::Repo)?, Some(root)),
            None => (None, None),
        };
        let mut layers = vec![Layer::built_in()];
        layers.extend(user);
        layers.extend(repo);
        let actions: Vec<String> = layers.iter().flat_map(Layer::actions).cloned().collect();
        layers.push(Layer::of_environment(environment, &actions)?);
        layers.push(Layer::of_flags(flags)?);
        Ok(Self { layers, root })
    }

    /// The root of the tree, when it has a configuration.
    pub(crate) fn root(&self) -> Option<&Path> {
        self.root.as_deref()
    }

    /// What is known before the farm is asked.
    pub(crate) fn merged(&self) -> Merged {
        Merged::of(&self.layers)
    }

    /// Everything, with what the farm says.
    pub(crate) fn merged_with(&self, farm: &Farm) -> Result<Merged, ConfigError> {
        let (layer, notices) = Layer::of_farm(farm)?;
        let mut layers = self.layers.clone();
        layers.insert(1, layer);
        Ok(Merged { notices, ..Merged::of(&layers) })
    }
}
