//! Trees made on disk, with real git where git matters.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

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
fn tracked_files_are_in_even_when_ignored_and_on_the_fixed_list() {
    let root = tree_of(&["build/tracked.o", ".env", "DerivedData/tracked", "App.swift"]);
    git(root.path(), &["init", "--quiet"]);
    fs::write(root.path().join(".gitignore"), "build/\n").unwrap();
    commit_all(root.path());
    write(root.path(), &["build/new.o", ".env.local", "DerivedData/new", "New.swift"]);
    assert_eq!(
        paths(root.path(), &Options::default()),
        [".env", ".gitignore", "App.swift", "DerivedData/tracked", "New.swift", "build/tracked.o"]
    );
    let tree = walk(root.path(), &Options::default()).unwrap();
    assert_eq!(tree.untracked().collect::<Vec<_>>(), ["New.swift"]);
}

#[test]
fn only_tracked_files_are_taken_when_the_index_decides() {
    let root = tree_of(&["App.swift", "gone.swift"]);
    git(root.path(), &["init", "--quiet"]);
    commit_all(root.path());
    fs::remove_file(root.path().join("gone.swift")).unwrap();
    write(root.path(), &["New.swift"]);
    let options = Options { mode: Mode::GitIndex, ..Options::default() };
    assert_eq!(paths(root.path(), &options), ["App.swift"]);
    let plain = tree_of(&["App.swift"]);
    assert!(matches!(walk(plain.path(), &options), Err(WalkError::NoIndex { .. })));
}

#[test]
fn the_index_is_read_in_every_version_that_git_writes() {
    let files = ["a/one.swift", "a/two.swift", "b/three.swift"];
    for arguments in [
        &["update-index", "--index-version", "4"][..],
        &["update-index", "--split-index"],
        &["sparse-checkout", "set", "--sparse-index", "a"],
    ] {
        let root = tree_of(&files);
        git(root.path(), &["init", "--quiet"]);
        commit_all(root.path());
        git(root.path(), arguments);
        let tree = walk(root.path(), &Options::default()).unwrap();
        let there = files.iter().filter(|file| root.path().join(file).exists()).count();
        assert_eq!((tree.files(), tree.untracked().count()), (there, 0), "{arguments:?}");
    }
}

#[test]
fn a_checkout_with_sha256_objects_is_read() {
    let root = tree_of(&["App.swift"]);
    git(root.path(), &["init", "--quiet", "--object-format=sha256"]);
    commit_all(root.path());
    assert_eq!(walk(root.path(), &Options::default()).unwrap().untracked().count(), 0);
}

#[test]
fn a_linked_work_tree_and_a_folder_of_a_checkout_know_what_is_tracked() {
    let root = tree_of(&["app/App.swift", "app/gen/kept.swift", "other/x"]);
    git(root.path(), &["init", "--quiet"]);
    fs::write(root.path().join(".gitignore"), "gen/\n").unwrap();
    commit_all(root.path());
    let linked = root.path().join("app/linked");
    git(root.path(), &["worktree", "add", "--quiet", linked.to_str().unwrap()]);
    fs::write(root.path().join(".git/info/exclude"), "private\n").unwrap();
    write(&linked, &["private", "new", "app/gen/dropped"]);
    let tree = walk(&linked, &Options::default()).unwrap();
    assert_eq!(tree.untracked().collect::<Vec<_>>(), ["new"]);
    assert!(tree.get("app/gen/kept.swift").is_some() && tree.get("app/gen/dropped").is_none());

    let app = walk(&linked.join("app"), &Options::default()).unwrap();
    let all: Vec<&str> = app.entries().iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!((all, app.untracked().count()), (vec!["App.swift", "gen", "gen/kept.swift"], 0));
}

#[test]
fn a_checkout_that_only_surrounds_the_tree_has_no_say() {
    let home = tree_of(&[".gitignore", ".profile"]);
    git(home.path(), &["init", "--quiet"]);
    commit_all(home.path());
    fs::write(home.path().join(".gitignore"), "*\n").unwrap();
    write(home.path(), &["project/App.swift"]);
    assert_eq!(paths(&home.path().join("project"), &Options::default()), ["App.swift"]);
}

#[test]
fn submodule_contents_are_in_and_an_empty_one_is_named() {
    let library = tree_of(&["Lib.swift"]);
    git(library.path(), &["init", "--quiet"]);
    commit_all(library.path());
    let root = tree_of(&["App.swift"]);
    git(root.path(), &["init", "--quiet"]);
    git(root.path(), &["submodule", "--quiet", "add", library.path().to_str().unwrap(), "Vendor/Lib"]);
    commit_all(root.path());
    // Rules of the outer checkout do not reach into it.
    fs::write(root.path().join(".gitignore"), "*.swift\n").unwrap();
    write(root.path(), &["Vendor/Lib/New.swift"]);
    let all = [".gitignore", ".gitmodules", "App.swift", "Vendor/Lib/Lib.swift", "Vendor/Lib/New.swift"];
    assert_eq!(paths(root.path(), &Options::default()), all);
    assert!(walk(root.path(), &Options::default()).unwrap().empty_submodules().is_empty());

    git(root.path(), &["submodule", "--quiet", "deinit", "--force", "Vendor/Lib"]);
    assert_eq!(walk(root.path(), &Options::default()).unwrap().empty_submodules(), ["Vendor/Lib"]);
    fs::remove_dir_all(root.path().join("Vendor")).unwrap();
    assert_eq!(walk(root.path(), &Options::default()).unwrap().empty_submodules(), ["Vendor/Lib"]);
}

#[test]
fn git_itself_agrees_about_its_ignore_files() {
    let files = [
        "a.log",
        "keep.log",
        "sub/a.log",
        "sub/keep.log",
        "sub/deep/x.o",
        "sub/deep/y.o",
        "build/x",
        "sub/build/x",
        "src/build.swift",
        "#hash",
        "!bang",
        "space ",
        "docs/a.txt",
        "docs/b/c.txt",
        "docs/b/d.md",
        "cache/1",
        "cache/.keep",
        "Foo.tmp",
        "foo.TMP",
        "x/y/z/w",
        "x/w",
        "only/dir",
        "only.dir",
    ];
    let root = tree_of(&files);
    git(root.path(), &["init", "--quiet"]);
    let outer = "*.log\n!keep.log\n/build/\n\\#hash\n\\!bang\nspace\\ \n# comment\ndocs/**/*.txt\ncache/*\n!cache/.keep\n*.[tT]mp\nx/**/w\nonly/\n\n[bad\n";
    fs::write(root.path().join(".gitignore"), outer).unwrap();
    fs::write(root.path().join("sub/.gitignore"), "!a.log\nkeep.log\n/deep/*\n!/deep/y.o\n").unwrap();
    fs::write(root.path().join(".git/info/exclude"), "src/\n!Foo.tmp\n").unwrap();
    let listed = git(root.path(), &["ls-files", "--others", "--exclude-standard", "-z"]);
    let mut expected: Vec<&str> = listed.split_terminator('\0').collect();
    expected.sort_unstable();
    assert!(expected.len() > 8 && expected.len() < files.len(), "{expected:?}");
    assert_eq!(paths(root.path(), &Options::default()), expected);
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
    let root =
        tree_of(&["Package.resolved", "App.xcodeproj/project.xcworkspace/xcshareddata/swiftpm/Package.resolved", "Lib.xcworkspace/x"]);
    fs::write(root.path().join(".gitignore"), "Package.resolved\n*.xcworkspace\n").unwrap();
    let expected = [".gitignore", "App.xcodeproj/project.xcworkspace/xcshareddata/swiftpm/Package.resolved", "Package.resolved"];
    assert_eq!(paths(root.path(), &Options::default()), expected);
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
fn links_inside_are_kept_and_an_escaping_one_is_refused_by_name() {
    let root = tree_of(&["Versions/A/Lib"]);
    symlink("A", root.path().join("Versions/Current")).unwrap();
    symlink("nowhere", root.path().join("dangling")).unwrap();
    let tree = walk(root.path(), &Options::default()).unwrap();
    assert_eq!(tree.get("Versions/Current").unwrap().kind, Kind::Symlink { target: "A".to_owned() });

    symlink("../../outside", root.path().join("Versions/bad")).unwrap();
    let error = refusal(root.path());
    assert_eq!(error.reason(), Some(Reason::EscapingSymlink));
    assert!(error.to_string().starts_with("the symbolic link Versions/bad points to ../../outside, outside the tree"), "{error}");
}

#[test]
fn a_socket_is_refused_by_name_unless_ignored() {
    let root = tree_of(&["a"]);
    let _socket = std::os::unix::net::UnixListener::bind(root.path().join("daemon.sock")).unwrap();
    let error = refusal(root.path());
    assert_eq!(error.reason(), Some(Reason::UnsupportedFile));
    assert!(error.to_string().starts_with("daemon.sock is a socket"), "{error}");
    fs::write(root.path().join(".rchignore"), "*.sock\n").unwrap();
    assert_eq!(paths(root.path(), &Options::default()), [".rchignore", "a"]);
}

#[test]
fn names_that_collide_on_a_mac_are_refused_with_both() {
    let root = tree_of(&["Sources/View.swift", "sources/Model.swift"]);
    let error = refusal(root.path());
    assert_eq!(error.reason(), Some(Reason::NameCollision));
    assert!(error.to_string().starts_with("Sources and sources are the same name"), "{error}");

    let root = tree_of(&["caf\u{e9}", "cafe\u{301}"]);
    let error = refusal(root.path()).to_string();
    assert!(error.contains("caf\\u{e9}") && error.contains("cafe\\u{301}"), "{error}");
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
fn a_name_that_is_not_text_is_refused_unless_ignored() {
    use std::os::unix::ffi::OsStrExt as _;
    let root = tree_of(&["a"]);
    fs::write(root.path().join(std::ffi::OsStr::from_bytes(b"b\xff.bin")), "x").unwrap();
    assert_eq!(refusal(root.path()).reason(), Some(Reason::UnsupportedFile));
    fs::write(root.path().join(".gitignore"), "*.bin\n").unwrap();
    assert_eq!(paths(root.path(), &Options::default()), [".gitignore", "a"]);
}

#[test]
fn a_tree_over_the_limit_is_refused_with_its_largest_files() {
    let root = tree_of(&["small"]);
    fs::write(root.path().join("large"), vec![0; 10_000]).unwrap();
    let limited = |bytes| walk(root.path(), &Options { bundle_bytes_max: Some(bytes), ..Options::default() });
    // Two headers, one block of content, twenty, and the end.
    let exact = 2 * 512 + 512 + 20 * 512 + 1_024;
    assert!(limited(exact).is_ok());
    let error = limited(exact - 1).expect_err("one byte too many");
    assert_eq!(error.reason(), Some(Reason::SizeExceeded));
    assert!(error.to_string().ends_with("The largest: large (10000), small (17)"), "{error}");
}

#[test]
fn a_root_that_is_no_directory_is_refused() {
    let root = tree_of(&["file"]);
    assert!(matches!(walk(&root.path().join("file"), &Options::default()), Err(WalkError::NotADirectory { .. })));
    assert!(matches!(walk(&root.path().join("nothing"), &Options::default()), Err(WalkError::NotADirectory { .. })));
}

#[test]
fn a_broken_index_is_named() {
    let root = tree_of(&["a"]);
    git(root.path(), &["init", "--quiet"]);
    fs::write(root.path().join(".git/index"), "DIRC and then nonsense that is long enough to have a checksum").unwrap();
    let error = refusal(root.path());
    assert!(matches!(&error, WalkError::Index { path, .. } if path.ends_with(".git/index")), "{error}");
}
