//! Paths of a line, which people write from where they are, and what xcodebuild finds there by itself.

use std::fs;
use std::path::{Component, Path};

use crate::config::{ConfigError, ContainerConfig, ProjectConfig};

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

/// The line with its paths from the tree's root rather than from the working directory.
pub(super) fn rebased(argv: &[String], at: Directories<'_>) -> Vec<String> {
    let inner = at.working.strip_prefix(at.root).unwrap_or(Path::new(""));
    let mut words = argv.to_vec();
    for index in 1..words.len() {
        if PATHS.contains(&words[index - 1].as_str()) {
            words[index] = from_root(&words[index], inner, at.root);
        }
    }
    words
}

/// A path from the directory `inner` of the tree as one from its root; a shell may have made it absolute (`$PWD/App.xcworkspace`).
fn from_root(path: &str, inner: &Path, root: &Path) -> String {
    if let Ok(within) = Path::new(path).strip_prefix(root) {
        return joined(within, "");
    }
    if inner == Path::new("") || path.starts_with('/') || path.starts_with('$') { path.to_owned() } else { joined(inner, path) }
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

/// The package of a directory below the root, when there is nothing else to open: a line given there means it, whatever the configuration
/// builds elsewhere.
pub(super) fn package_here(at: Directories<'_>) -> Option<ProjectConfig> {
    let found = only_container(at).ok().filter(|_| at.working != at.root)?;
    matches!(found.container, Some(ContainerConfig::Package(_))).then_some(found)
}

/// What xcodebuild would open by itself: the one workspace, project or package of the working directory.
pub(super) fn only_container(at: Directories<'_>) -> Result<ProjectConfig, ConfigError> {
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
