//! A directory to try things in, with a witness beside it that tells when something got out.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

const WITNESS: &str = "untouched";

/// A fresh directory `root` and a file beside it; both go when this is dropped.
#[derive(Debug)]
pub(crate) struct Scratch {
    place: TempDir,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        let place = tempfile::tempdir().expect("there is a directory for temporary files");
        fs::create_dir(place.path().join("root")).expect("it is empty");
        fs::write(place.path().join("victim"), WITNESS).expect("it is empty");
        Self { place }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.place.path().join("root")
    }

    /// Everything beneath the root, without following links, as a path from it.
    pub(crate) fn beneath(&self) -> Vec<PathBuf> {
        let root = self.root();
        let mut found = Vec::new();
        let mut waiting = vec![root.clone()];
        while let Some(directory) = waiting.pop() {
            for entry in fs::read_dir(directory).expect("what was made can be read") {
                let path = entry.expect("what was made can be read").path();
                if path.is_dir() && !path.is_symlink() {
                    waiting.push(path.clone());
                }
                found.push(path.strip_prefix(&root).unwrap_or(Path::new("")).to_owned());
            }
        }
        found
    }

    /// Nothing but the root has changed.
    pub(crate) fn check_outside(&self) {
        let mut beside: Vec<_> = fs::read_dir(self.place.path()).expect("it is ours").flatten().map(|entry| entry.file_name()).collect();
        beside.sort();
        assert_eq!(beside, ["root", "victim"], "something was made outside");
        let witness = fs::read_to_string(self.place.path().join("victim")).unwrap_or_default();
        assert_eq!(witness, WITNESS, "something outside was written");
    }
}
