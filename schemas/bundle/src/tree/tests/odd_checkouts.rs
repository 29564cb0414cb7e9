//! Checkouts that git itself treats in a way of its own: marked entries, broken or nested repositories, odd ignore files.

use super::*;

fn checkout(files: &[&str]) -> TempDir {
    let root = tree_of(files);
    git(root.path(), &["init", "--quiet"]);
    commit_all(root.path());
    root
}

fn git_index() -> Options {
    Options { mode: Mode::GitIndex, ..Options::default() }
}

#[test]
fn a_file_that_git_was_told_not_to_look_at_is_as_tracked_as_before() {
    let root = checkout(&["App.swift", "Secrets.plist", "Vendored.swift"]);
    git(root.path(), &["update-index", "--skip-worktree", "Secrets.plist"]);
    git(root.path(), &["update-index", "--assume-unchanged", "Vendored.swift"]);
    fs::write(root.path().join(".gitignore"), "*.plist\nVendored.swift\n").unwrap();
    assert_eq!(paths(root.path(), &Options::default()), [".gitignore", "App.swift", "Secrets.plist", "Vendored.swift"]);
    assert_eq!(paths(root.path(), &git_index()), ["App.swift", "Secrets.plist", "Vendored.swift"]);
    fs::remove_file(root.path().join("Secrets.plist")).unwrap();
    assert_eq!(paths(root.path(), &git_index()), ["App.swift", "Vendored.swift"]);
}

#[test]
fn a_file_that_is_only_intended_to_be_added_is_tracked() {
    let root = checkout(&["App.swift"]);
    write(root.path(), &["New.swift"]);
    git(root.path(), &["add", "--intent-to-add", "New.swift"]);
    assert_eq!(paths(root.path(), &git_index()), ["App.swift", "New.swift"]);
    assert_eq!(walk(root.path(), &Options::default()).unwrap().untracked().count(), 0);
}

#[test]
fn what_a_sparse_checkout_leaves_out_is_not_missed() {
    let library = checkout(&["Lib.swift"]);
    let root = checkout(&["a/one.swift", "b/two.swift"]);
    git(root.path(), &["submodule", "--quiet", "add", library.path().to_str().unwrap(), "b/Lib"]);
    commit_all(root.path());
    git(root.path(), &["submodule", "--quiet", "deinit", "--force", "b/Lib"]);
    for sparse in [&["sparse-checkout", "set", "--cone", "a"][..], &["sparse-checkout", "set", "--no-cone", "/a/"]] {
        git(root.path(), sparse);
        let tree = walk(root.path(), &Options::default()).unwrap();
        assert!(tree.get("a/one.swift").is_some() && tree.get("b/two.swift").is_none(), "{sparse:?}");
        assert_eq!((tree.untracked().count(), tree.empty_submodules().len()), (0, 0), "{sparse:?}");
    }
}

#[test]
fn a_checkout_in_which_git_never_added_anything_has_untracked_files_only() {
    let root = tree_of(&["App.swift", "a.log"]);
    git(root.path(), &["init", "--quiet"]);
    fs::write(root.path().join(".gitignore"), "*.log\n").unwrap();
    let tree = walk(root.path(), &Options::default()).unwrap();
    assert_eq!(tree.untracked().collect::<Vec<_>>(), [".gitignore", "App.swift"]);
    assert!(matches!(walk(root.path(), &git_index()), Err(WalkError::NoIndex { .. })));
}

#[test]
fn a_clone_inside_that_is_no_submodule_is_untracked_and_has_its_own_rules() {
    let root = checkout(&["App.swift"]);
    write(root.path(), &["Clone/kept.swift", "Clone/tracked.log"]);
    git(&root.path().join("Clone"), &["init", "--quiet"]);
    commit_all(&root.path().join("Clone"));
    write(root.path(), &["Clone/new.log", "Clone/new.swift"]);
    fs::write(root.path().join("Clone/.gitignore"), "*.log\n").unwrap();
    // The outer checkout has no say in it.
    fs::write(root.path().join(".gitignore"), "*.swift\n").unwrap();
    let all = [".gitignore", "App.swift", "Clone/.gitignore", "Clone/kept.swift", "Clone/new.swift", "Clone/tracked.log"];
    assert_eq!(paths(root.path(), &Options::default()), all);
    assert_eq!(paths(root.path(), &git_index()), ["App.swift"]);
}

#[test]
fn a_person_s_own_excludes_change_nothing() {
    let root = checkout(&["App.swift"]);
    fs::write(root.path().join("excludes"), "*.swp\n").unwrap();
    git(root.path(), &["config", "core.excludesFile", root.path().join("excludes").to_str().unwrap()]);
    write(root.path(), &["App.swp"]);
    assert_eq!(git(root.path(), &["ls-files", "--others", "--exclude-standard"]), "excludes\n", "git itself hides it");
    let tree = walk(root.path(), &Options::default()).unwrap();
    assert_eq!(tree.untracked().collect::<Vec<_>>(), ["App.swp", "excludes"]);
}

#[test]
fn an_ignore_file_in_another_encoding_or_from_another_system_counts_line_by_line() {
    let root = tree_of(&["a.key", "b.key", "c.key", "d.key"]);
    fs::write(root.path().join(".gitignore"), b"\xef\xbb\xbfa.key\r\n# caf\xe9\n\xff\nb.key\r\nc.key").unwrap();
    assert_eq!(paths(root.path(), &Options::default()), [".gitignore", "d.key"]);
}

#[test]
fn what_is_only_called_an_ignore_file_is_none_and_is_not_waited_for() {
    let root = tree_of(&["a/.gitignore/x", "b/y", "c/z"]);
    assert!(Command::new("mkfifo").arg(root.path().join("b/.rchignore")).status().unwrap().success());
    fs::write(root.path().join(".rchignore"), "b/.rchignore\n").unwrap();
    symlink("gone", root.path().join("c/.gitignore")).unwrap();
    assert_eq!(paths(root.path(), &Options::default()), [".rchignore", "a/.gitignore/x", "b/y", "c/.gitignore", "c/z"]);
}

#[test]
fn what_is_only_called_dot_git_is_no_checkout_and_is_not_waited_for() {
    let root = tree_of(&["a/x", "b/y"]);
    for directory in ["", "a"] {
        assert!(Command::new("mkfifo").arg(root.path().join(directory).join(".git")).status().unwrap().success());
    }
    fs::write(root.path().join("b/.git"), format!("gitdir: {}", "d/".repeat(5_000))).unwrap();
    assert_eq!(paths(root.path(), &Options::default()), ["a/x", "b/y"]);
}

#[test]
fn an_ignore_file_of_more_than_16_mib_is_refused_in_words() {
    let root = tree_of(&["a"]);
    fs::File::create(root.path().join(".gitignore")).unwrap().set_len(16 * 1024 * 1024 + 1).unwrap();
    let WalkError::Unreadable { path, source } = refusal(root.path()) else { panic!("it was read") };
    assert!(path.ends_with(".gitignore") && source.to_string().contains("more than 16777216 bytes"), "{source}");
}

#[test]
fn an_ignore_file_that_cannot_be_read_is_refused_rather_than_forgotten() {
    let root = tree_of(&["a"]);
    // A loop of links: nobody can open it, whoever asks.
    symlink(".gitignore", root.path().join(".gitignore")).unwrap();
    let error = refusal(root.path());
    assert!(matches!(&error, WalkError::Unreadable { path, .. } if path.ends_with(".gitignore")), "{error}");
}

#[test]
fn a_git_file_that_leads_nowhere_is_refused_at_the_top_and_passed_over_below() {
    let root = tree_of(&["App.swift", "Vendor/Copied/Lib.swift"]);
    fs::write(root.path().join("Vendor/Copied/.git"), "gitdir: ../../.git/modules/Copied\n").unwrap();
    assert_eq!(paths(root.path(), &Options::default()), ["App.swift", "Vendor/Copied/Lib.swift"]);
    fs::write(root.path().join(".git"), "gitdir: /moved/away/.git/worktrees/x\n").unwrap();
    for place in [root.path().to_owned(), root.path().join("Vendor")] {
        let error = refusal(&place).to_string();
        assert!(error.contains(".git points to /moved/away/.git/worktrees/x") && error.contains("git worktree repair"), "{error}");
    }
}

#[test]
fn a_git_directory_without_a_head_makes_no_checkout_and_one_that_cannot_be_looked_at_is_refused() {
    let root = tree_of(&["App.swift", ".git/description"]);
    assert_eq!(paths(root.path(), &Options::default()), ["App.swift"]);
    fs::remove_dir_all(root.path().join(".git")).unwrap();
    symlink(".git", root.path().join(".git")).unwrap();
    let error = refusal(root.path());
    assert!(matches!(&error, WalkError::Unreadable { path, .. } if path.ends_with(".git")), "{error}");
}
