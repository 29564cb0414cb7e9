//! The projects of a workspace.

use std::path::{Component, Path, PathBuf};

use super::survey::read;
use super::xml::{Event, events};

/// The projects that the workspace at `path` names, from the tree's root. Those outside of the tree, and those of CocoaPods, are left out.
pub(super) fn projects(root: &Path, path: &Path) -> Vec<PathBuf> {
    let text = read(&root.join(path).join("contents.xcworkspacedata")).unwrap_or_default();
    let base = path.parent().unwrap_or(Path::new(""));
    // The groups that an element stands in, each a directory.
    let mut groups = vec![base.to_owned()];
    let mut projects = Vec::new();
    for event in events(&text) {
        match event {
            Event::Start { name, attributes } if name == "Group" => {
                let directory = attributes.get("location").and_then(|location| place(&groups, base, location));
                groups.push(directory.unwrap_or_else(|| base.to_owned()));
            }
            Event::End { name } if name == "Group" && groups.len() > 1 => drop(groups.pop()),
            Event::Start { name, attributes } if name == "FileRef" => {
                let project = attributes.get("location").and_then(|location| place(&groups, base, location));
                let is_own =
                    |path: &PathBuf| path.extension().is_some_and(|ending| ending == "xcodeproj") && !path.ends_with("Pods/Pods.xcodeproj");
                projects.extend(project.filter(is_own));
            }
            Event::Start { .. } | Event::End { .. } => {}
        }
    }
    projects
}

/// `group:` is from the group, `container:` from the workspace's directory; anything else is not of this tree.
fn place(groups: &[PathBuf], base: &Path, location: &str) -> Option<PathBuf> {
    let (kind, path) = location.split_once(':')?;
    match kind {
        "group" => lexical(&groups.last()?.join(path)),
        "container" => lexical(&base.join(path)),
        _ => None,
    }
}

/// The path without `.` and `..`; `None` when it leaves the tree.
pub(super) fn lexical(path: &Path) -> Option<PathBuf> {
    let mut parts: Vec<&std::ffi::OsStr> = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => parts.push(name),
            Component::ParentDir => drop(parts.pop()?),
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts.into_iter().collect())
}
