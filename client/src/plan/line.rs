//! A plan from a line that someone used to give to xcodebuild.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path};

use rch_schemas::environment::{self, VariableClass, VariableError};
use rch_schemas::invocation::{Assignment, Container, split};

use super::argv;
use super::assemble::{Plan, PlanError, Step, complete, without_destinations};
use crate::config::{ConfigError, ContainerConfig, ProjectConfig, Settings, project_name};

/// Arguments whose value is a path from the directory the line was given in.
const PATHS: [&str; 3] = ["-workspace", "-project", "-xcconfig"];

/// Where a line was given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Directories<'a> {
    /// The tree's root.
    pub(crate) root: &'a Path,
    /// The working directory, in the tree.
    pub(crate) working: &'a Path,
}

/// The plan of one line: its arguments, completed from the configuration, as one step.
pub(crate) fn from_line(settings: &Settings<'_>, words: &[String], at: Directories<'_>) -> Result<Plan, PlanError> {
    let split = split(words)?;
    let (env, mut notices) = variables(split.environment)?;
    if let Some(tool) = split.tool.filter(|tool| tool.starts_with('/')) {
        notices.push(format!("{tool} is not used: the Xcode is chosen by toolchain.xcode"));
    }
    let mut line = rebased(&split.argv, at);
    let first = Step::judged("xcodebuild", line.clone())?;
    let project = settings.project();
    let named = match &first.classified.container {
        Some(Container::Workspace(path)) => Some(ContainerConfig::Workspace(path.clone())),
        Some(Container::Project(path)) => Some(ContainerConfig::Project(path.clone())),
        None => {
            let filled = if project.container.is_some() { project.clone() } else { only_container(at)? };
            line.extend(argv::container(&filled)?);
            filled.container
        }
    };
    if first.classified.scheme.is_none() {
        let scheme = project.scheme.clone().ok_or_else(no_scheme)?;
        line.extend(["-scheme".to_owned(), scheme]);
    }
    if let Some(configuration) = project.configuration.filter(|_| !line.iter().any(|word| word == "-configuration")) {
        line.extend(["-configuration".to_owned(), configuration]);
    }
    let step = Step::judged(first.classified.action.as_str(), line)?;
    notices.extend(step.classified.dropped.iter().map(|dropped| format!("{} is left out: {}", dropped.argument, dropped.reason)));
    let asked = destinations(settings, &step);
    let step = Step { argv: without_destinations(&step.argv), ..step };
    let project = project_name(named.as_ref(), at.root);
    complete(settings, Plan { project, steps: vec![step], destinations: Vec::new(), env, notices }, &asked)
}

fn destinations(settings: &Settings<'_>, step: &Step) -> Vec<String> {
    let asked = step.classified.destinations.clone();
    if !asked.is_empty() {
        return asked;
    }
    step.classified.implied_destination().map_or_else(|| settings.destinations(), |implied| vec![implied])
}

fn no_scheme() -> ConfigError {
    ConfigError::Missing {
        key: "-scheme".to_owned(),
        expected: "the name of a shared scheme".to_owned(),
        fix: "add -scheme NAME, or write scheme = \"…\" into [project] of .rch/xcode.toml".to_owned(),
    }
}

/// What the line sets, without what is the worker's to set.
fn variables(set: Vec<Assignment>) -> Result<(BTreeMap<String, String>, Vec<String>), VariableError> {
    let (mut env, mut notices) = (BTreeMap::new(), Vec::new());
    for Assignment { name, value } in set {
        match environment::check_name(&name) {
            Ok(()) => drop(env.insert(name, value)),
            Err(VariableError::Refused { row, .. }) if row.class == VariableClass::Owned => {
                notices.push(format!("{name} is left out: {}", row.rule));
            }
            Err(error) => return Err(error),
        }
    }
    Ok((env, notices))
}

/// The line with its paths from the tree's root rather than from the working directory.
fn rebased(argv: &[String], at: Directories<'_>) -> Vec<String> {
    let Ok(inner) = at.working.strip_prefix(at.root) else { return argv.to_vec() };
    if inner == Path::new("") {
        return argv.to_vec();
    }
    let mut words = argv.to_vec();
    for index in 1..words.len() {
        if PATHS.contains(&words[index - 1].as_str()) && !words[index].starts_with('/') {
            words[index] = joined(inner, &words[index]);
        }
    }
    words
}

/// `a/b` and `../c` make `a/c`. What would leave the tree keeps its `..`, and is refused by the judge.
fn joined(inner: &Path, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let joined = inner.join(path);
    for component in joined.components() {
        match component {
            Component::ParentDir if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            Component::ParentDir => parts.push(".."),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
            Component::Normal(name) => parts.push(name.to_str().unwrap_or_default()),
        }
    }
    parts.join("/")
}

/// What xcodebuild would open by itself: the one workspace, project or package of the working directory.
fn only_container(at: Directories<'_>) -> Result<ProjectConfig, ConfigError> {
    let entries = fs::read_dir(at.working).into_iter().flatten();
    let names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    let ending = |suffix: &str| names.iter().filter(|name| name.ends_with(suffix)).cloned().collect::<Vec<_>>();
    let path = at.working.strip_prefix(at.root).ok().and_then(Path::to_str).map(str::to_owned).filter(|path| !path.is_empty());
    let container = match (ending(".xcworkspace").as_slice(), ending(".xcodeproj").as_slice()) {
        ([only], _) => ContainerConfig::Workspace(only.clone()),
        ([], [only]) => ContainerConfig::Project(only.clone()),
        ([], []) if names.iter().any(|name| name == "Package.swift") => ContainerConfig::Package(".".to_owned()),
        (workspaces, projects) => {
            let found = [workspaces, projects].concat();
            return Err(ConfigError::Missing {
                key: "-workspace or -project".to_owned(),
                expected: format!("one workspace or project in {}", at.working.display()),
                fix: format!("add -workspace or -project; found {}", if found.is_empty() { "none".to_owned() } else { found.join(", ") }),
            });
        }
    };
    Ok(ProjectConfig { path, container: Some(container), ..ProjectConfig::default() })
}
