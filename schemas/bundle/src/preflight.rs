//! What would fail on every Mac, said before anything is sent, each with its fix.
//!
//! It looks at the list and at a few project files on this disk. What it cannot tell for sure it lets pass: xcodebuild has the last word.

mod error;

use std::fs;
use std::path::Path;

pub use error::{LeftOut, PreflightError};

use crate::tree::Tree;
use crate::xcconfig;

const WORKSPACE_DESCRIPTION: &str = "contents.xcworkspacedata";
const PROJECT_DESCRIPTION: &str = "project.pbxproj";
const PACKAGE_DESCRIPTION: &str = "Package.swift";

/// What is to be built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Where it is described.
    pub container: Container,
    /// The scheme, when one was named.
    pub scheme: Option<String>,
    /// The file of settings, when one was named.
    pub xcconfig: Option<String>,
}

/// The file or directory that describes what is built; paths from the root of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Container {
    /// An `.xcworkspace`.
    Workspace(String),
    /// An `.xcodeproj`.
    Project(String),
    /// The directory of a `Package.swift`; `.` or empty for the root.
    Package(String),
}

/// Checks that `tree` holds what a build of `project` needs. Git LFS pointers are found by [`crate::pack`], which reads every file.
///
/// # Errors
/// The first of: project, submodules, pods, settings, scheme.
pub fn check(tree: &Tree, project: &Project) -> Result<(), PreflightError> {
    check_container(tree, &project.container)?;
    if !tree.empty_submodules().is_empty() {
        return Err(PreflightError::SubmoduleEmpty { paths: tree.empty_submodules().to_vec() });
    }
    check_pods(tree, &project.container)?;
    if let Some(file) = &project.xcconfig {
        xcconfig::check(tree.root(), file)?;
    }
    match &project.scheme {
        Some(scheme) => check_scheme(tree, &project.container, scheme),
        None => Ok(()),
    }
}

fn check_container(tree: &Tree, container: &Container) -> Result<(), PreflightError> {
    let described = match container {
        Container::Workspace(path) => within(trimmed(path), WORKSPACE_DESCRIPTION),
        Container::Project(path) => within(trimmed(path), PROJECT_DESCRIPTION),
        Container::Package(directory) => within(trimmed(directory), PACKAGE_DESCRIPTION),
    };
    if tree.get(&described).is_some() {
        return Ok(());
    }
    let path = match container {
        Container::Workspace(path) | Container::Project(path) => trimmed(path).to_owned(),
        Container::Package(_) => described.clone(),
    };
    if !tree.root().join(&described).exists() {
        return Err(PreflightError::ProjectMissing { path, found: containers(tree) });
    }
    // Some of it may be in although what describes it is not: name what has to come back.
    let path = if tree.get(&path).is_some() { described } else { path };
    Err(PreflightError::ProjectLeftOut { path, why: LeftOut::of(tree.mode) })
}

/// The containers a person would name, the shallowest first.
fn containers(tree: &Tree) -> Vec<String> {
    let paths = tree.entries().iter().map(|entry| entry.path.as_str());
    // A project has a workspace of its own inside, which nobody names; packages in Pods are somebody else's.
    let own =
        paths.filter(|path| is_container(path) && !parent(path).split('/').any(|component| is_container(component) || component == "Pods"));
    let mut found: Vec<String> = own.map(str::to_owned).collect();
    found.sort_by_key(|path| (path.matches('/').count(), path.clone()));
    found
}

fn is_container(path: &str) -> bool {
    let extension = Path::new(path).extension().and_then(std::ffi::OsStr::to_str);
    matches!(extension, Some("xcworkspace" | "xcodeproj")) || path.rsplit('/').next() == Some(PACKAGE_DESCRIPTION)
}

/// `CocoaPods` is known by its workspace naming the project of pods, or the project naming the settings it generates.
fn check_pods(tree: &Tree, container: &Container) -> Result<(), PreflightError> {
    let (container, description, sign) = match container {
        Container::Workspace(path) => (trimmed(path), WORKSPACE_DESCRIPTION, "Pods/Pods.xcodeproj"),
        Container::Project(path) => (trimmed(path), PROJECT_DESCRIPTION, "Pods/Target Support Files/"),
        Container::Package(_) => return Ok(()),
    };
    let text = fs::read_to_string(tree.root().join(container).join(description)).unwrap_or_default();
    let directory = parent(container);
    let pods = within(directory, "Pods");
    if !text.contains(sign) || tree.get(&pods).is_some() {
        return Ok(());
    }
    let container = container.to_owned();
    if tree.root().join(&pods).is_dir() {
        return Err(PreflightError::PodsLeftOut { container, pods, why: LeftOut::of(tree.mode) });
    }
    let directory = if directory.is_empty() { "the root of the tree".to_owned() } else { directory.to_owned() };
    Err(PreflightError::PodsNotInstalled { container, pods, directory })
}

/// Refuses only a scheme that is certainly private or left out. A scheme that is nowhere may be one that xcodebuild makes up itself.
fn check_scheme(tree: &Tree, container: &Container, scheme: &str) -> Result<(), PreflightError> {
    let file = format!("{scheme}.xcscheme");
    let shared = format!("xcshareddata/xcschemes/{file}");
    let anywhere = format!("/{shared}");
    if tree.entries().iter().any(|entry| entry.path.ends_with(&anywhere)) {
        return Ok(());
    }
    let homes: Vec<String> = match container {
        Container::Project(path) => vec![trimmed(path).to_owned()],
        // A workspace shows the schemes of its projects too.
        Container::Workspace(path) => std::iter::once(trimmed(path).to_owned()).chain(containers(tree)).collect(),
        Container::Package(_) => return Ok(()),
    };
    let scheme = scheme.to_owned();
    if let Some(path) = homes.iter().map(|home| within(home, &shared)).find(|path| tree.root().join(path).is_file()) {
        return Err(PreflightError::SchemeLeftOut { scheme, path, why: LeftOut::of(tree.mode) });
    }
    let private = homes.iter().find(|home| {
        let users = fs::read_dir(tree.root().join(home).join("xcuserdata")).into_iter().flatten().flatten();
        users.into_iter().any(|user| user.path().join("xcschemes").join(&file).is_file())
    });
    match private {
        Some(home) => Err(PreflightError::SchemeNotShared { scheme, expected: within(home, &shared) }),
        None => Ok(()),
    }
}

/// The path as entries have it: without `./` before and `/` after.
fn trimmed(path: &str) -> &str {
    let path = path.trim_start_matches("./").trim_end_matches('/');
    if path == "." { "" } else { path }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

fn within(directory: &str, name: &str) -> String {
    if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") }
}

#[cfg(test)]
mod tests;
