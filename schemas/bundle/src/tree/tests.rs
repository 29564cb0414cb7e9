//! Trees made on disk, with real git where git matters.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod checkouts;
mod odd_checkouts;
mod refusals;

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use rch_schemas::Reason;
use tempfile::TempDir;

use super::*;

fn tree_of(files: &[&str]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), files);
    root
}

fn write(root: &Path, files: &[&str]) {
    for file in files {
        let path = root.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("content of {file}\n")).unwrap();
    }
}

/// Runs git away from the configuration of whoever runs the tests; what it printed.
fn git(directory: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(directory)
        .args(["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "protocol.file.allow=always"])
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .expect("the tests need git on the PATH");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn commit_all(directory: &Path) {
    git(directory, &["add", "--all", "--force"]);
    git(directory, &["commit", "--quiet", "--allow-empty", "-m", "all"]);
}

fn paths(root: &Path, options: &Options) -> Vec<String> {
    let tree = walk(root, options).unwrap();
    tree.entries().iter().filter(|entry| entry.kind != Kind::Directory).map(|entry| entry.path.clone()).collect()
}

fn refusal(root: &Path) -> WalkError {
    walk(root, &Options::default()).expect_err("it was to be refused")
}

fn including(patterns: &[&str]) -> Options {
    Options { include: patterns.iter().map(|&pattern| pattern.to_owned()).collect(), ..Options::default() }
}

#[test]
fn a_tree_without_git_is_taken_whole_but_for_the_fixed_list_and_its_ignore_files() {
    let root = tree_of(&["App/App.swift", "App.xcodeproj/project.pbxproj", "App.xcodeproj/xcuserdata/me/x", ".env", "a.log", "keep.log"]);
    fs::write(root.path().join(".gitignore"), "*.log\n!keep.log\n").unwrap();
    assert_eq!(paths(root.path(), &Options::default()), [".gitignore", "App.xcodeproj/project.pbxproj", "App/App.swift", "keep.log"]);
    let tree = walk(root.path(), &Options::default()).unwrap();
    assert_eq!((tree.files(), tree.untracked().count()), (4, 0));
}

#[test]
fn entries_are_sorted_by_path_bytes_with_parents_first() {
    let root = tree_of(&["a.txt", "a/b", "a-b", "Z"]);
    let tree = walk(root.path(), &Options::default()).unwrap();
    let all: Vec<&str> = tree.entries().iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(all, ["Z", "a", "a-b", "a.txt", "a/b"]);
    assert_eq!(tree.get("a/b").unwrap().disk, Path::new("a/b"));
    assert!(tree.get("b").is_none());
}

#[test]
fn our_own_ignore_file_wins_over_gits() {
    let root = tree_of(&["docs/a.md", "gen/b.swift", "src/c.swift"]);
    fs::write(root.path().join(".gitignore"), "gen/\n").unwrap();
    fs::write(root.path().join(".rchignore"), "docs/\n!gen/\n").unwrap();
    assert_eq!(paths(root.path(), &Options::default()), [".gitignore", ".rchignore", "gen/b.swift", "src/c.swift"]);
}

#[test]
fn an_include_brings_ignored_files_back_but_not_the_fixed_list() {
    let root = tree_of(&["Pods/A/a.m", "Pods/.DS_Store", "Pods/cert.p12", "node_modules/x.js", "gen/deep/a.swift", "gen/deep/a.txt"]);
    fs::write(root.path().join(".gitignore"), "Pods/\nnode_modules/\ngen/\n").unwrap();
    assert_eq!(paths(root.path(), &Options::default()), [".gitignore"]);
    assert_eq!(paths(root.path(), &including(&["Pods/**"])), [".gitignore", "Pods/A/a.m"]);
    assert_eq!(paths(root.path(), &including(&["Pods"])), [".gitignore", "Pods/A/a.m"]);
    assert_eq!(paths(root.path(), &including(&["gen/**/*.swift"])), [".gitignore", "gen/deep/a.swift"]);
    assert!(matches!(walk(root.path(), &including(&["a[/"])), Err(WalkError::Include { pattern, .. }) if pattern == "a[/"));
}

#[test]
fn resolved_packages_are_in_however_they_are_ignored() {
    let of_project = "App.xcodeproj/project.xcworkspace/xcshareddata/swiftpm/Package.resolved";
    let of_package = ".swiftpm/xcode/package.xcworkspace/xcshareddata/swiftpm/Package.resolved";
    let root = tree_of(&["Package.resolved", of_project, of_package, ".swiftpm/xcode/other", "Lib.xcworkspace/x"]);
    fs::write(root.path().join(".gitignore"), "Package.resolved\n*.xcworkspace\n.swiftpm/\n").unwrap();
    assert_eq!(paths(root.path(), &Options::default()), [".gitignore", of_package, of_project, "Package.resolved"]);
}

#[test]
fn what_xcode_shares_of_swiftpm_is_in_and_the_rest_of_it_is_private() {
    let shared = ".swiftpm/xcode/xcshareddata/xcschemes/Lib.xcscheme";
    let private = [".swiftpm/configuration/mirrors.json", ".swiftpm/xcode/package.xcworkspace/contents.xcworkspacedata"];
    let root = tree_of(&[shared, private[0], private[1], "Package.swift"]);
    assert_eq!(paths(root.path(), &Options::default()), [shared, "Package.swift"]);
    assert_eq!(paths(root.path(), &including(&[".swiftpm"])), [shared, "Package.swift"]);
    git(root.path(), &["init", "--quiet"]);
    commit_all(root.path());
    assert_eq!(paths(root.path(), &Options::default()), [private[0], private[1], shared, "Package.swift"]);
}

#[test]
fn a_directory_with_nothing_taken_is_not_there() {
    let root = tree_of(&["a/x.log", "b/c/y.txt"]);
    fs::create_dir(root.path().join("empty")).unwrap();
    fs::write(root.path().join(".gitignore"), "*.log\n").unwrap();
    let tree = walk(root.path(), &Options::default()).unwrap();
    let all: Vec<&str> = tree.entries().iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(all, [".gitignore", "b", "b/c", "b/c/y.txt"]);
}

#[test]
fn the_owner_s_execute_bit_is_the_only_permission_kept() {
    let root = tree_of(&["run.sh", "data"]);
    fs::set_permissions(root.path().join("run.sh"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::set_permissions(root.path().join("data"), fs::Permissions::from_mode(0o666)).unwrap();
    let tree = walk(root.path(), &Options::default()).unwrap();
    assert!(matches!(tree.get("run.sh").unwrap().kind, Kind::File { executable: true, .. }));
    assert!(matches!(tree.get("data").unwrap().kind, Kind::File { executable: false, .. }));
}

#[test]
fn a_decomposed_name_is_composed_in_the_bundle_and_still_known_to_git() {
    let root = tree_of(&["cafe\u{301}/a"]);
    git(root.path(), &["init", "--quiet"]);
    commit_all(root.path());
    let tree = walk(root.path(), &Options::default()).unwrap();
    let entry = tree.get("caf\u{e9}/a").unwrap();
    assert_eq!((entry.origin, entry.disk.as_path()), (Origin::Tracked, Path::new("cafe\u{301}/a")));
}

#[test]
fn two_names_of_one_file_are_two_files() {
    let root = tree_of(&["a"]);
    fs::hard_link(root.path().join("a"), root.path().join("b")).unwrap();
    let tree = walk(root.path(), &Options::default()).unwrap();
    assert_eq!(tree.get("a").unwrap().kind, tree.get("b").unwrap().kind);
    assert_eq!(tree.files(), 2);
}

#[test]
fn a_link_to_the_root_leads_to_the_same_tree() {
    let root = tree_of(&["App.swift"]);
    git(root.path(), &["init", "--quiet"]);
    commit_all(root.path());
    let elsewhere = tempfile::tempdir().unwrap();
    symlink(root.path(), elsewhere.path().join("link")).unwrap();
    let (direct, linked) =
        (walk(root.path(), &Options::default()).unwrap(), walk(&elsewhere.path().join("link"), &Options::default()).unwrap());
    assert_eq!((direct.root(), direct.entries()), (linked.root(), linked.entries()));
}

#[test]
fn odd_names_that_a_mac_can_hold_are_kept_as_they_are() {
    let names = ["back\\slash", "colon:", "dots...", "quote\"'", "space ", "star*?[", "~", "\u{1f600}"];
    let root = tree_of(&names);
    assert_eq!(paths(root.path(), &Options::default()), names);
}
