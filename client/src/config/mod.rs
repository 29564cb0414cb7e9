//! The configuration: six layers, the last wins.
//!
//! Built-in values, the farm's defaults, `~/.config/rch/config.toml`, `.rch/xcode.toml`, `RCH_*` variables, flags. Each layer is checked
//! against one table of keys before anything runs; objects merge deeply, arrays and scalars are replaced. The result remembers where each
//! value came from.
//!
//! It owns the keys, their bounds and their meaning as types. It deliberately does not know what an action's arguments mean to xcodebuild.

mod check;
mod describe;
mod edit;
mod error;
mod file;
mod key;
mod layer;
mod layers;
mod merge;
mod place;
mod record;
mod settings;
mod table;
mod value;
mod variable;
mod without_effect;

pub(crate) use describe::described_keys;
pub(crate) use edit::{set_coordinator, user_coordinator};
pub(crate) use error::ConfigError;
pub(crate) use file::repo_root;
pub(crate) use key::dotted;
pub(crate) use layer::Layer;
pub(crate) use layers::Layers;
pub(crate) use merge::Merged;
pub(crate) use place::Place;
pub(crate) use record::effective;
pub(crate) use settings::{ActionConfig, ContainerConfig, Download, ProjectConfig, Settings, project_name};
pub(crate) use table::REPO_FILE;
pub(crate) use value::{coordinator_url, may_hold_a_password};

#[cfg(test)]
mod tests;
