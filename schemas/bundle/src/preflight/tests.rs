//! Each refusal with its fix, and what looks like one and is none.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use rch_schemas::Reason;
use tempfile::TempDir;

use super::*;
use crate::tree::{Mode, Options, walk};

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
    check(&tree, &Project { container, scheme: Some(scheme.to_owned()), xcconfig: None })
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
    let root =
        tree_of(&[("App.xcodeproj/project.pbxproj", ""), SHARED, ("App.xcworkspace/contents.xcworkspacedata", ""), ("Package.swift", "")]);
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
    let expected = "App.xcodeproj is not in the tree, which has Main.xcworkspace, ios/App.xcodeproj; name one that is there";
    assert_eq!(error.to_string(), expected);
    let error = checked(&root, Container::Package("lib".to_owned()), "App").unwrap_err();
    assert!(error.to_string().starts_with("lib/Package.swift is not in the tree"), "{error}");
    let error = checked(&tree_of(&[("project.yml", "")]), project("App.xcodeproj"), "App").unwrap_err();
    let expected = "App.xcodeproj is not in the tree, which has no project, workspace or Package.swift at all; generate it first, or name the directory that has one";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn an_ignored_project_says_how_to_bring_it_back() {
    let root = tree_of(&[("App.xcodeproj/project.pbxproj", ""), (".gitignore", "*.xcodeproj\n")]);
    let error = checked(&root, project("App.xcodeproj"), "App").unwrap_err();
    assert_eq!(error.reason(), Reason::ProjectMissing);
    assert_eq!(error.to_string(), "App.xcodeproj is there, but ignored; add \"App.xcodeproj\" to bundle.include");
}

#[test]
fn a_container_of_which_only_a_part_is_taken_is_refused_by_what_is_missing() {
    let resolved = ("App.xcworkspace/xcshareddata/swiftpm/Package.resolved", "");
    let root = tree_of(&[("App.xcworkspace/contents.xcworkspacedata", ""), resolved, (".gitignore", "*.xcworkspace\n")]);
    let error = checked(&root, workspace("App.xcworkspace"), "App").unwrap_err();
    let file = "App.xcworkspace/contents.xcworkspacedata";
    assert_eq!(error.to_string(), format!("{file} is there, but ignored; add \"{file}\" to bundle.include"));
    // Nothing describes it on this disk either: it is a left-over directory.
    fs::remove_file(root.path().join(file)).unwrap();
    assert!(matches!(checked(&root, workspace("App.xcworkspace"), "App"), Err(PreflightError::ProjectMissing { .. })));
}

#[test]
fn what_only_git_can_bring_in_says_so() {
    let root = tree_of(&[("App.xcodeproj/project.pbxproj", "")]);
    let mut tree = walk(root.path(), &Options::default()).unwrap();
    tree.mode = Mode::GitIndex;
    tree.entries.clear();
    let error = check(&tree, &Project { container: project("App.xcodeproj"), scheme: None, xcconfig: None }).unwrap_err();
    let expected =
        "App.xcodeproj is there, but not tracked, and bundle.mode is \"git_index\"; run `git add App.xcodeproj`, or use \"worktree\"";
    assert_eq!(error.to_string(), expected);
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
fn a_shared_scheme_that_is_ignored_says_how_to_bring_it_back() {
    let root = tree_of(&[("App.xcodeproj/project.pbxproj", ""), SHARED, (".gitignore", "xcschemes/\n")]);
    let error = checked(&root, project("App.xcodeproj"), "App").unwrap_err();
    assert_eq!(error.reason(), Reason::SchemeNotShared);
    let file = SHARED.0;
    let expected = format!("the scheme App is shared, but {file} is ignored; add \"{file}\" to bundle.include");
    assert_eq!(error.to_string(), expected);

    let tree = walk(root.path(), &Options { include: vec![file.to_owned()], ..Options::default() }).unwrap();
    assert_eq!(check(&tree, &Project { container: project("App.xcodeproj"), scheme: Some("App".to_owned()), xcconfig: None }), Ok(()));
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
    let error = check(&tree, &Project { container: project("App.xcodeproj"), scheme: None, xcconfig: None }).unwrap_err();
    assert_eq!(error.reason(), Reason::SubmoduleEmpty);
    let expected = "submodules are not checked out; run `git submodule update --init --recursive`. They are Vendor/Lib";
    assert_eq!(error.to_string(), expected);
}
