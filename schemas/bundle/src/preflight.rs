//! What would fail on every Mac, said before anything is sent, each with its fix.
//!
//! It looks at the list and at a few project files on this disk. What it cannot tell for sure it lets pass: xcodebuild has the last word.

use std::fs;
use std::path::Path;

use rch_schemas::Reason;

use crate::tree::Tree;

/// How many other containers or submodules a message names.
const NAMED_MAX: usize = 5;

/// What is to be built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Where it is described.
    pub container: Container,
    /// The scheme, when one was named.
    pub scheme: Option<String>,
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

/// Why the tree cannot be built anywhere but here, or at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PreflightError {
    /// The container is not there.
    #[error("{path} is not in the tree; the tree has {}", named(found))]
    ProjectMissing {
        /// What was named.
        path: String,
        /// Containers that are there.
        found: Vec<String>,
    },
    /// The container is there, but not in the bundle.
    #[error("{path} is there, but ignored; add {path:?} to bundle.include")]
    ProjectIgnored {
        /// What was named.
        path: String,
    },
    /// The scheme is one person's own.
    #[error(
        "the scheme {scheme} is not shared, so no other machine sees it; in Xcode choose Product > Scheme > Manage Schemes and tick Shared, which writes {expected}"
    )]
    SchemeNotShared {
        /// The scheme.
        scheme: String,
        /// Where a shared scheme would lie.
        expected: String,
    },
    /// CocoaPods were never installed.
    #[error("{container} needs {pods}, which is not there; run `pod install` in {directory}")]
    PodsNotInstalled {
        /// What needs them.
        container: String,
        /// The directory of pods.
        pods: String,
        /// Where the Podfile is.
        directory: String,
    },
    /// CocoaPods are installed, but not in the bundle.
    #[error("{container} needs {pods}, which is ignored; add \"{pods}/**\" to bundle.include")]
    PodsIgnored {
        /// What needs them.
        container: String,
        /// The directory of pods.
        pods: String,
    },
    /// Submodules that were never checked out.
    #[error("submodules are not checked out; run `git submodule update --init --recursive`. They are {}", named(paths))]
    SubmoduleEmpty {
        /// The submodules.
        paths: Vec<String>,
    },
}

impl PreflightError {
    /// The code of the contract.
    pub fn reason(&self) -> Reason {
        match self {
            Self::ProjectMissing { .. } | Self::ProjectIgnored { .. } => Reason::ProjectMissing,
            Self::SchemeNotShared { .. } => Reason::SchemeNotShared,
            Self::PodsNotInstalled { .. } | Self::PodsIgnored { .. } => Reason::PodsMissing,
            Self::SubmoduleEmpty { .. } => Reason::SubmoduleEmpty,
        }
    }
}

fn named(paths: &[String]) -> String {
    match paths.len() {
        0 => "none".to_owned(),
        count if count > NAMED_MAX => format!("{} and {} more", paths[..NAMED_MAX].join(", "), count - NAMED_MAX),
        _ => paths.join(", "),
    }
}

/// Checks that `tree` holds what a build of `project` needs. Git LFS pointers are found by [`crate::pack`], which reads every file.
///
/// # Errors
/// The first of: project, submodules, pods, scheme.
pub fn check(tree: &Tree, project: &Project) -> Result<(), PreflightError> {
    check_container(tree, &project.container)?;
    if !tree.empty_submodules().is_empty() {
        return Err(PreflightError::SubmoduleEmpty { paths: tree.empty_submodules().to_vec() });
    }
    check_pods(tree, &project.container)?;
    match &project.scheme {
        Some(scheme) => check_scheme(tree, &project.container, scheme),
        None => Ok(()),
    }
}

fn check_container(tree: &Tree, container: &Container) -> Result<(), PreflightError> {
    let path = match container {
        Container::Workspace(path) | Container::Project(path) => trimmed(path).to_owned(),
        Container::Package(directory) => within(trimmed(directory), "Package.swift"),
    };
    if tree.get(&path).is_some() {
        return Ok(());
    }
    if tree.root().join(&path).exists() {
        return Err(PreflightError::ProjectIgnored { path });
    }
    Err(PreflightError::ProjectMissing { path, found: containers(tree) })
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
    matches!(extension, Some("xcworkspace" | "xcodeproj")) || path.rsplit('/').next() == Some("Package.swift")
}

/// `CocoaPods` is known by its workspace naming the project of pods, or the project naming the settings it generates.
fn check_pods(tree: &Tree, container: &Container) -> Result<(), PreflightError> {
    let (container, description, sign) = match container {
        Container::Workspace(path) => (trimmed(path), "contents.xcworkspacedata", "Pods/Pods.xcodeproj"),
        Container::Project(path) => (trimmed(path), "project.pbxproj", "Pods/Target Support Files/"),
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
        return Err(PreflightError::PodsIgnored { container, pods });
    }
    let directory = if directory.is_empty() { "the root of the tree".to_owned() } else { directory.to_owned() };
    Err(PreflightError::PodsNotInstalled { container, pods, directory })
}

/// Refuses only a scheme that is certainly private. A scheme that is nowhere may be one that xcodebuild makes up itself.
fn check_scheme(tree: &Tree, container: &Container, scheme: &str) -> Result<(), PreflightError> {
    let file = format!("{scheme}.xcscheme");
    let shared = format!("xcshareddata/xcschemes/{file}");
    if tree.entries().iter().any(|entry| entry.path.ends_with(&format!("/{shared}"))) {
        return Ok(());
    }
    let homes: Vec<String> = match container {
        Container::Project(path) => vec![trimmed(path).to_owned()],
        // A workspace shows the schemes of its projects too.
        Container::Workspace(path) => std::iter::once(trimmed(path).to_owned()).chain(containers(tree)).collect(),
        Container::Package(_) => return Ok(()),
    };
    let private = homes.iter().find(|home| {
        let users = fs::read_dir(tree.root().join(home).join("xcuserdata")).into_iter().flatten().flatten();
        users.into_iter().any(|user| user.path().join("xcschemes").join(&file).is_file())
    });
    match private {
        Some(home) => Err(PreflightError::SchemeNotShared { scheme: scheme.to_owned(), expected: within(home, &shared) }),
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
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use tempfile::TempDir;

    use super::*;
    use crate::tree::{Options, walk};

    fn tree_of(files: &[(&str, &str)]) -> TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        root
    }

    fn checked(root: &TempDir, container: Container, scheme: &str) -> Result<(), PreflightError> {
        let tree = walk(root.path(), &Options::default()).unwrap();
        check(&tree, &Project { container, scheme: Some(scheme.to_owned()) })
    }

    fn workspace(path: &str) -> Container {
        Container::Workspace(path.to_owned())
    }

    fn project(path: &str) -> Container {
        Container::Project(path.to_owned())
    }

    const SHARED: (&str, &str) = ("App.xcodeproj/xcshareddata/xcschemes/App.xcscheme", "");
    const WITH_PODS: &str = r#"<FileRef location="group:App.xcodeproj"/><FileRef location="group:Pods/Pods.xcodeproj"/>"#;

    #[test]
    fn a_tree_that_has_everything_passes() {
        let root = tree_of(&[
            ("App.xcodeproj/project.pbxproj", ""),
            SHARED,
            ("App.xcworkspace/contents.xcworkspacedata", ""),
            ("Package.swift", ""),
        ]);
        for container in
            [project("App.xcodeproj"), project("./App.xcodeproj/"), workspace("App.xcworkspace"), Container::Package(".".to_owned())]
        {
            assert_eq!(checked(&root, container.clone(), "App"), Ok(()), "{container:?}");
        }
    }

    #[test]
    fn a_missing_project_is_refused_with_those_that_are_there() {
        let root = tree_of(&[
            ("ios/App.xcodeproj/project.xcworkspace/contents.xcworkspacedata", ""),
            ("Main.xcworkspace/contents.xcworkspacedata", ""),
            ("Pods/Pods.xcodeproj/project.pbxproj", ""),
        ]);
        let error = checked(&root, project("App.xcodeproj"), "App").unwrap_err();
        assert_eq!(error.reason(), Reason::ProjectMissing);
        assert_eq!(error.to_string(), "App.xcodeproj is not in the tree; the tree has Main.xcworkspace, ios/App.xcodeproj");
        let error = checked(&root, Container::Package("lib".to_owned()), "App").unwrap_err();
        assert!(error.to_string().starts_with("lib/Package.swift is not in the tree"), "{error}");
    }

    #[test]
    fn an_ignored_project_says_how_to_bring_it_back() {
        let root = tree_of(&[("App.xcodeproj/project.pbxproj", ""), (".gitignore", "*.xcodeproj\n")]);
        let error = checked(&root, project("App.xcodeproj"), "App").unwrap_err();
        assert_eq!(error.to_string(), "App.xcodeproj is there, but ignored; add \"App.xcodeproj\" to bundle.include");
    }

    #[test]
    fn a_private_scheme_is_refused_and_an_unknown_one_left_to_xcodebuild() {
        let private = ("App.xcodeproj/xcuserdata/me.xcuserdatad/xcschemes/App.xcscheme", "");
        let root = tree_of(&[("App.xcodeproj/project.pbxproj", ""), ("App.xcworkspace/contents.xcworkspacedata", ""), private]);
        for container in [project("App.xcodeproj"), workspace("App.xcworkspace")] {
            let error = checked(&root, container, "App").unwrap_err();
            assert_eq!(error.reason(), Reason::SchemeNotShared);
            assert!(error.to_string().ends_with("which writes App.xcodeproj/xcshareddata/xcschemes/App.xcscheme"), "{error}");
        }
        assert_eq!(checked(&root, project("App.xcodeproj"), "Other"), Ok(()));
        let both = tree_of(&[("App.xcodeproj/project.pbxproj", ""), private, SHARED]);
        assert_eq!(checked(&both, project("App.xcodeproj"), "App"), Ok(()));
    }

    #[test]
    fn pods_that_a_workspace_needs_must_be_in_the_bundle() {
        let needing = ("ios/App.xcworkspace/contents.xcworkspacedata", WITH_PODS);
        let missing = tree_of(&[needing, ("ios/Podfile", "")]);
        let error = checked(&missing, workspace("ios/App.xcworkspace"), "App").unwrap_err();
        assert_eq!(error.reason(), Reason::PodsMissing);
        assert_eq!(error.to_string(), "ios/App.xcworkspace needs ios/Pods, which is not there; run `pod install` in ios");

        let ignored = tree_of(&[needing, ("ios/Pods/Pods.xcodeproj/project.pbxproj", ""), (".gitignore", "Pods/\n")]);
        let error = checked(&ignored, workspace("ios/App.xcworkspace"), "App").unwrap_err();
        assert_eq!(error.to_string(), "ios/App.xcworkspace needs ios/Pods, which is ignored; add \"ios/Pods/**\" to bundle.include");

        let present = tree_of(&[needing, ("ios/Pods/Pods.xcodeproj/project.pbxproj", "")]);
        assert_eq!(checked(&present, workspace("ios/App.xcworkspace"), "App"), Ok(()));
        let unrelated = tree_of(&[("App.xcworkspace/contents.xcworkspacedata", ""), ("Example/Podfile", "")]);
        assert_eq!(checked(&unrelated, workspace("App.xcworkspace"), "App"), Ok(()));
    }

    #[test]
    fn empty_submodules_are_named_with_the_command_that_fills_them() {
        let root = tree_of(&[("App.xcodeproj/project.pbxproj", "")]);
        let mut tree = walk(root.path(), &Options::default()).unwrap();
        tree.empty_submodules = vec!["Vendor/Lib".to_owned()];
        let error = check(&tree, &Project { container: project("App.xcodeproj"), scheme: None }).unwrap_err();
        assert_eq!(error.reason(), Reason::SubmoduleEmpty);
        let expected = "submodules are not checked out; run `git submodule update --init --recursive`. They are Vendor/Lib";
        assert_eq!(error.to_string(), expected);
    }
}
