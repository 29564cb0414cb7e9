//! Trees under git, with git itself as the oracle.

use super::*;

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
fn pinned_packages_are_taken_beside_the_index_and_those_of_others_are_not() {
    let of_project = "App.xcodeproj/project.xcworkspace/xcshareddata/swiftpm/Package.resolved";
    let root = tree_of(&["App.xcodeproj/project.pbxproj", "Kit/Package.swift", "Kit/.gitignore"]);
    git(root.path(), &["init", "--quiet"]);
    fs::write(root.path().join(".gitignore"), "Package.resolved\nxcshareddata/\n").unwrap();
    commit_all(root.path());
    write(
        root.path(),
        &[of_project, "Kit/Package.resolved", "Kit/.build/checkouts/log/Package.resolved", "Kit/new.swift", "new/Package.resolved"],
    );
    let options = Options { mode: Mode::GitIndex, ..Options::default() };
    let expected =
        [".gitignore", "App.xcodeproj/project.pbxproj", of_project, "Kit/.gitignore", "Kit/Package.resolved", "Kit/Package.swift"];
    assert_eq!(paths(root.path(), &options), expected);
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
fn a_broken_index_is_named() {
    let root = tree_of(&["a"]);
    git(root.path(), &["init", "--quiet"]);
    fs::write(root.path().join(".git/index"), "DIRC and then nonsense that is long enough to have a checksum").unwrap();
    let error = refusal(root.path());
    assert!(matches!(&error, WalkError::Index { path, .. } if path.ends_with(".git/index")), "{error}");
}

#[test]
fn submodules_of_submodules_are_in_and_the_deepest_empty_one_is_named() {
    let checkout = |files: &[&str], submodule: Option<(&Path, &str)>| {
        let root = tree_of(files);
        git(root.path(), &["init", "--quiet"]);
        if let Some((from, at)) = submodule {
            git(root.path(), &["submodule", "--quiet", "add", from.to_str().unwrap(), at]);
        }
        commit_all(root.path());
        root
    };
    let inner = checkout(&["Inner.swift"], None);
    let middle = checkout(&["Middle.swift"], Some((inner.path(), "Deps/Inner")));
    let root = checkout(&["App.swift"], Some((middle.path(), "Vendor/Middle")));
    assert_eq!(walk(root.path(), &Options::default()).unwrap().empty_submodules(), ["Vendor/Middle/Deps/Inner"]);

    git(root.path(), &["submodule", "--quiet", "update", "--init", "--recursive"]);
    write(root.path(), &["Vendor/Middle/Deps/Inner/New.swift", "Vendor/Middle/Deps/Inner/.env"]);
    let tracked = git(root.path(), &["ls-files", "--recurse-submodules", "-z"]);
    let tracked: Vec<&str> = tracked.split_terminator('\0').collect();
    assert!(tracked.contains(&"Vendor/Middle/Deps/Inner/Inner.swift"), "{tracked:?}");
    assert_eq!(paths(root.path(), &Options { mode: Mode::GitIndex, ..Options::default() }), tracked);
    let tree = walk(root.path(), &Options::default()).unwrap();
    assert_eq!(tree.untracked().collect::<Vec<_>>(), ["Vendor/Middle/Deps/Inner/New.swift"]);
    assert_eq!((tree.files(), tree.empty_submodules().len()), (tracked.len() + 1, 0));
}

#[test]
fn a_submodule_is_in_although_its_place_is_ignored() {
    let library = tree_of(&["Lib.swift"]);
    git(library.path(), &["init", "--quiet"]);
    commit_all(library.path());
    let root = tree_of(&["App.swift", "Vendor/stray.swift"]);
    git(root.path(), &["init", "--quiet"]);
    git(root.path(), &["submodule", "--quiet", "add", library.path().to_str().unwrap(), "Vendor/Lib"]);
    fs::write(root.path().join(".gitignore"), "Vendor/\n").unwrap();
    assert_eq!(paths(root.path(), &Options::default()), [".gitignore", ".gitmodules", "App.swift", "Vendor/Lib/Lib.swift"]);
}
