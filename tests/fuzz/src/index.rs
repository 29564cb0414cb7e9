//! Git's index: whatever bytes lie there, the tree is listed or the index is named as the reason, and nothing outside is taken.

use std::fs;

use rch_bundle::tree::{Mode, Options, WalkError, walk};
use rch_schemas::Sha256;

use crate::input::Input;
use crate::scratch::Scratch;

/// A byte for the mode, then the index.
pub(crate) fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let mode = if input.byte() & 1 == 0 { Mode::Worktree } else { Mode::GitIndex };
    let scratch = Scratch::new();
    let root = scratch.root();
    let git = root.join(".git");
    fs::create_dir(&git).expect("it is empty");
    fs::write(git.join("HEAD"), "ref: refs/heads/main\n").expect("it is empty");
    fs::write(git.join("index"), input.rest()).expect("it is empty");
    for path in ["a", "b", "dir/a", "dir/b"] {
        fs::create_dir_all(root.join("dir")).expect("it is ours");
        fs::write(root.join(path), path).expect("it is ours");
    }
    match walk(&root, &Options { mode, ..Options::default() }) {
        Ok(tree) => {
            let files: Vec<&str> = tree.entries().iter().map(|entry| entry.path.as_str()).collect();
            assert!(files.iter().all(|path| ["a", "b", "dir", "dir/a", "dir/b"].contains(path)), "{files:?}");
            assert!(mode == Mode::GitIndex || files.len() == 5, "{files:?}");
            let _ = Sha256::of(tree.empty_submodules().join("\n"));
        }
        Err(WalkError::Index { .. } | WalkError::NoIndex { .. }) => {}
        Err(error) => panic!("an index cannot cause this: {error}"),
    }
    scratch.check_outside();
}
