//! The merged configuration as types. The table of keys has checked every value; what is left is what belongs together.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use rch_bundle::tree;
use rch_schemas::document::{ArtifactOptions, RunOptions, SelectionMode, Timeouts};
use rch_schemas::id::CacheNamespace;
use rch_schemas::job_key::Provisioning;
use rch_schemas::requirement::DestinationMode;
use rch_schemas::{Action, TreeDirectory};
use serde_json::Value;

use super::error::ConfigError;
use super::merge::Merged;
use super::place::Place;
use super::without_effect;
use crate::environment::Environment;

/// What xcodebuild opens, with the path as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ContainerConfig {
    /// A workspace.
    Workspace(String),
    /// A project.
    Project(String),
    /// A directory with a `Package.swift` and no container.
    Package(String),
}

/// The `[project]` keys, of the section or overridden by an action.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ProjectConfig {
    /// A directory of the tree that paths start from.
    pub(crate) path: Option<String>,
    /// What is opened.
    pub(crate) container: Option<ContainerConfig>,
    /// The scheme.
    pub(crate) scheme: Option<String>,
    /// The build configuration.
    pub(crate) configuration: Option<String>,
}

/// One `[actions.NAME]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ActionConfig {
    /// What it does; the action's name when that is an action.
    pub(crate) action: Option<Action>,
    /// `[project]` with this action's own keys over it.
    pub(crate) project: ProjectConfig,
    /// Its destinations; those of `[destination]` when empty.
    pub(crate) destinations: Vec<String>,
    /// The test plan.
    pub(crate) test_plan: Option<String>,
    /// Tests to run, and no others.
    pub(crate) only_testing: Vec<String>,
    /// Tests not to run.
    pub(crate) skip_testing: Vec<String>,
    /// Whether coverage is gathered; the scheme decides when absent.
    pub(crate) coverage: Option<bool>,
    /// More arguments.
    pub(crate) args: Vec<String>,
    /// Build settings.
    pub(crate) settings: BTreeMap<String, String>,
    /// Whether a test action that runs no test succeeds.
    pub(crate) allow_empty: bool,
}

/// What is downloaded when a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Download {
    /// Nothing.
    None,
    /// Everything but stored directories.
    Small,
    /// Everything.
    All,
}

/// The configuration as types.
#[derive(Debug, Clone)]
pub(crate) struct Settings<'a> {
    merged: &'a Merged,
}

impl<'a> Settings<'a> {
    /// Reads the merged configuration.
    pub(crate) fn new(merged: &'a Merged) -> Self {
        Self { merged }
    }

    /// Where the coordinator is.
    pub(crate) fn coordinator(&self) -> Result<reqwest::Url, ConfigError> {
        let text = self.merged.text(&["coordinator"]).ok_or(ConfigError::NoCoordinator)?;
        Ok(reqwest::Url::parse(text).expect("the table of keys has parsed it"))
    }

    /// How long the coordinator may be out of reach at the start.
    pub(crate) fn connect(&self) -> Duration {
        Duration::from_secs(self.timeouts().connect_seconds.into())
    }

    /// The `[project]` section.
    pub(crate) fn project(&self) -> ProjectConfig {
        self.project_at(&["project"])
    }

    fn project_at(&self, section: &[&str]) -> ProjectConfig {
        let text = |name: &str| self.merged.text(&[section, &[name]].concat()).map(str::to_owned);
        let container = text("workspace")
            .map(ContainerConfig::Workspace)
            .or_else(|| text("project").map(ContainerConfig::Project))
            .or_else(|| text("package").map(ContainerConfig::Package));
        ProjectConfig { path: text("path"), container, scheme: text("scheme"), configuration: text("configuration") }
    }

    /// The names of `actions.verify`; when there is none, the only action there is.
    pub(crate) fn verify(&self) -> Result<Vec<String>, ConfigError> {
        let named = self.merged.list(&["actions", "verify"]);
        if !named.is_empty() {
            return Ok(named);
        }
        let known = self.action_names();
        if let [only] = known.as_slice() {
            return Ok(vec![only.clone()]);
        }
        if self.merged.get(&["actions", "verify"]).is_some() {
            return Err(ConfigError::Disagree {
                what: "actions.verify names no action".to_owned(),
                fix: format!("name one or more, such as [\"test\"]; actions that are configured: {}", listed(&known)),
            });
        }
        Err(ConfigError::Missing {
            key: "actions.verify".to_owned(),
            expected: "the names of the actions that verify the tree, such as [\"build\", \"test\"]".to_owned(),
            fix: format!("write it into .rch/xcode.toml; actions that are configured: {}", listed(&known)),
        })
    }

    fn action_names(&self) -> Vec<String> {
        self.merged.members(&["actions"]).filter(|(_, value)| value.is_object()).map(|(name, _)| name.clone()).collect()
    }

    /// The action of this name. A name that is an action's own word needs no section.
    pub(crate) fn action(&self, name: &str) -> Result<ActionConfig, ConfigError> {
        let section = ["actions", name];
        let at = |key: &'static str| ["actions", name, key];
        let configured = self.merged.get(&section).is_some_and(Value::is_object);
        let word: Option<Action> = self.merged.typed(&at("action")).or_else(|| name.parse().ok());
        if !configured && word.is_none() {
            return Err(ConfigError::Missing {
                key: format!("actions.{name}"),
                expected: "a section with at least action = \"build\" or \"test\"".to_owned(),
                fix: format!("write [actions.{name}] into .rch/xcode.toml, or name one of: {}", listed(&self.action_names())),
            });
        }
        let action = word.ok_or_else(|| ConfigError::Missing {
            key: format!("actions.{name}.action"),
            expected: "build, test, build-for-testing or test-without-building".to_owned(),
            fix: format!("write it into [actions.{name}] in .rch/xcode.toml"),
        })?;
        let (base, own) = (self.project(), self.project_at(&section));
        Ok(ActionConfig {
            action: Some(action),
            project: ProjectConfig {
                path: own.path.or(base.path),
                container: own.container.or(base.container),
                scheme: own.scheme.or(base.scheme),
                configuration: own.configuration.or(base.configuration),
            },
            destinations: self.merged.list(&at("destinations")),
            test_plan: self.merged.text(&at("test_plan")).map(str::to_owned),
            only_testing: self.merged.list(&at("only_testing")),
            skip_testing: self.merged.list(&at("skip_testing")),
            coverage: self.merged.get(&at("coverage")).and_then(Value::as_bool),
            args: self.merged.list(&at("args")),
            settings: self.merged.members(&at("settings")).map(|(name, value)| (name.clone(), scalar(value))).collect(),
            allow_empty: self.merged.switch(&at("allow_empty")),
        })
    }

    /// The destinations of `[destination]`, in order.
    pub(crate) fn destinations(&self) -> Vec<String> {
        let values = self.merged.list(&["destination", "values"]);
        if values.is_empty() { self.merged.text(&["destination", "value"]).map(str::to_owned).into_iter().collect() } else { values }
    }

    /// Where the value at a path comes from; nothing when it is not set.
    pub(crate) fn origin(&self, path: &[&str]) -> Option<&'a Place> {
        let path: Vec<String> = path.iter().map(|name| (*name).to_owned()).collect();
        self.merged.origins.get(&path)
    }

    /// Whether the destinations come from the command line or a variable, and so stand over those of an action.
    pub(crate) fn destinations_are_forced(&self) -> bool {
        [self.origin(&["destination", "value"]), self.origin(&["destination", "values"])]
            .into_iter()
            .flatten()
            .any(|place| matches!(place, Place::Flags | Place::Environment))
    }

    /// How much of a destination may be left to the farm, and whether simulators are made for the run.
    pub(crate) fn destination_switches(&self) -> (DestinationMode, Provisioning) {
        let mode = self.merged.typed(&["destination", "mode"]).unwrap_or_default();
        (mode, self.merged.typed(&["destination", "provisioning"]).unwrap_or_default())
    }

    /// Which files are bundled.
    pub(crate) fn bundle(&self) -> tree::Options {
        let mode = match self.merged.text(&["bundle", "mode"]) {
            Some("git_index") => tree::Mode::GitIndex,
            Some(_) | None => tree::Mode::Worktree,
        };
        let bundle_bytes_max = self.merged.get(&["bundle", "max_bytes"]).and_then(Value::as_u64).filter(|bytes| *bytes > 0);
        tree::Options { mode, include: self.merged.list(&["bundle", "include"]), bundle_bytes_max }
    }

    /// What is downloaded when a run ends.
    pub(crate) fn download(&self) -> Download {
        match self.merged.text(&["artifacts", "download"]) {
            Some("none") => Download::None,
            Some("all") => Download::All,
            Some(_) | None => Download::Small,
        }
    }

    /// The timeouts.
    pub(crate) fn timeouts(&self) -> Timeouts {
        let default = Timeouts::default();
        let seconds = |name: &str, default: u32| self.merged.typed(&["timeouts", name]).unwrap_or(default);
        Timeouts {
            overall_seconds: seconds("overall_seconds", default.overall_seconds),
            idle_log_seconds: seconds("idle_log_seconds", default.idle_log_seconds),
            queue_seconds: seconds("queue_seconds", default.queue_seconds),
            connect_seconds: seconds("connect_seconds", default.connect_seconds),
        }
    }

    /// Everything about a run that is not its source, its steps or its destinations. `project` names the default cache namespace.
    pub(crate) fn run_options(&self, project: &str, environment: &Environment) -> RunOptions {
        use rch_schemas::document::CacheOptions;
        let merged = self.merged;
        let namespace = merged.typed(&["cache", "namespace"]).unwrap_or_else(|| CacheNamespace::from_project_name(project));
        RunOptions {
            backend: merged.typed(&["backend"]).unwrap_or_default(),
            artifact_profile: merged.typed(&["artifact_profile"]).unwrap_or_default(),
            xcode: merged.typed(&["toolchain", "xcode"]),
            tools: merged.list(&["requires", "tools"]).into_iter().collect(),
            env: self.env(environment),
            selection: merged.typed::<SelectionMode>(&["worker_selection", "mode"]).unwrap_or_default(),
            tags: merged.list(&["worker_selection", "tags"]).into_iter().collect(),
            worker: merged.typed(&["worker_selection", "worker"]),
            timeouts: self.timeouts(),
            cache: CacheOptions {
                namespace,
                results: merged.typed(&["cache", "results"]).unwrap_or_default(),
                derived_data: merged.typed(&["cache", "derived_data"]).unwrap_or_default(),
                spm: merged.typed(&["cache", "spm"]).unwrap_or_default(),
                clean: false,
            },
            artifacts: ArtifactOptions {
                collect: merged.list(&["artifacts", "collect"]),
                coverage: merged.switch(&["artifacts", "coverage"]),
                attachments: merged.switch(&["artifacts", "attachments"]),
            },
            priority: merged.typed(&["run", "priority"]).unwrap_or_default(),
            continue_on_failure: self.continues_on_failure(),
            supersede: None,
        }
    }

    /// Whether later steps run after one failed, and the others where one is refused.
    pub(crate) fn continues_on_failure(&self) -> bool {
        self.merged.switch(&["run", "continue_on_failure"])
    }

    /// `[env]`: what is set, and what is passed on when it is there.
    fn env(&self, environment: &Environment) -> BTreeMap<String, String> {
        let passed = self.merged.list(&["env", "pass"]).into_iter();
        let passed = passed.filter_map(|name| environment.variables.get(&name).cloned().map(|value| (name, value)));
        let set = self.merged.members(&["env", "set"]).map(|(name, value)| (name.clone(), scalar(value)));
        passed.chain(set).collect()
    }

    /// Keys that are set and that no farm of this version acts on, each with what happens instead.
    pub(crate) fn without_effect(&self) -> Vec<String> {
        without_effect::of(self.merged).collect()
    }
}

/// A setting's value as xcodebuild reads it.
fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "YES".to_owned(),
        Value::Bool(false) => "NO".to_owned(),
        Value::Number(_) | Value::Null | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// A name for the project: its container's, else that of the directory it lies in.
pub(crate) fn project_name(container: Option<&ContainerConfig>, directory: Option<&TreeDirectory>, root: &Path) -> String {
    let path = match (container, directory) {
        (Some(ContainerConfig::Workspace(path) | ContainerConfig::Project(path)), _) => Path::new(path).file_stem(),
        (Some(ContainerConfig::Package(_)), Some(directory)) => Path::new(directory.as_str()).file_name(),
        (Some(ContainerConfig::Package(_)), None) | (None, _) => root.file_name(),
    };
    path.map_or_else(|| "project".to_owned(), |name| name.to_string_lossy().into_owned())
}
