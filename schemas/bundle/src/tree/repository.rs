//! What git knows of a tree, read from its own files without running it.
//!
//! One [`Repository`] is one checkout: its work tree, where its index and its private excludes are. [`Tracked`] is what the indexes of
//! all the checkouts in a tree (submodules have their own) hold together, as paths from the tree's root.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};

use gix_index::entry::{Flags, Mode};

use super::WalkError;
use crate::name::nfc;

/// One checkout.
#[derive(Debug)]
pub(super) struct Repository {
    /// Its top directory.
    pub(super) top: PathBuf,
    /// Holds the index: `.git`, or where a `.git` file points.
    git: PathBuf,
    /// Holds config and excludes: another place than `git` for a linked work tree.
    common: PathBuf,
}

impl Repository {
    /// The checkout whose top directory is `directory`, if it is one.
    pub(super) fn at(directory: &Path) -> Option<Self> {
        let dot_git = directory.join(".git");
        let metadata = fs::metadata(&dot_git).ok()?;
        let git = if metadata.is_dir() { dot_git } else { directory.join(pointer(&dot_git, "gitdir: ")?) };
        if !git.join("HEAD").exists() {
            return None;
        }
        let common = pointer(&git.join("commondir"), "").map_or_else(|| git.clone(), |common| git.join(common));
        Some(Self { top: directory.to_owned(), git, common })
    }

    /// The checkout that `directory` is in.
    pub(super) fn around(directory: &Path) -> Option<Self> {
        directory.ancestors().find_map(Self::at)
    }

    /// The file of ignore rules that only this clone has.
    pub(super) fn exclude_file(&self) -> PathBuf {
        self.common.join("info/exclude")
    }

    /// The paths in the index, from the top directory.
    fn index(&self) -> Result<Vec<(String, Tracks)>, WalkError> {
        let path = self.git.join("index");
        let fail = |source: Box<dyn std::error::Error + Send + Sync>| WalkError::Index { path: path.clone(), source };
        // A checkout without a commit has no index yet.
        if !path.exists() {
            return Ok(Vec::new());
        }
        let index = gix_index::File::at(&path, self.object_hash(), false, gix_index::decode::Options::default())
            .map_err(|error| fail(Box::new(io::Error::other(error.to_string()))))?;
        let present = index.entries().iter().filter(|entry| !entry.flags.contains(Flags::SKIP_WORKTREE));
        let paths = present.filter_map(|entry| {
            let tracks = match entry.mode {
                Mode::COMMIT => Tracks::Submodule,
                // A sparse index holds whole directories that are not in the work tree.
                Mode::DIR => return None,
                _ => Tracks::File,
            };
            // A name that is not UTF-8 cannot be bundled; the walk refuses it when it meets it.
            let path = std::str::from_utf8(entry.path(&index)).ok()?;
            Some((nfc(path).into_owned(), tracks))
        });
        Ok(paths.collect())
    }

    /// The hash that the index uses: `extensions.objectFormat`, else SHA-1.
    fn object_hash(&self) -> gix_index::hash::Kind {
        let config = fs::read_to_string(self.common.join("config")).unwrap_or_default();
        let sha256 = config
            .lines()
            .filter_map(|line| line.split_once('='))
            .any(|(key, value)| key.trim().eq_ignore_ascii_case("objectformat") && value.trim().eq_ignore_ascii_case("sha256"));
        if sha256 { gix_index::hash::Kind::Sha256 } else { gix_index::hash::Kind::Sha1 }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tracks {
    File,
    Submodule,
}

/// The path in a one-line file such as `.git` or `commondir`.
fn pointer(file: &Path, prefix: &str) -> Option<PathBuf> {
    let text = fs::read_to_string(file).ok()?;
    Some(PathBuf::from(text.strip_prefix(prefix)?.trim_end()))
}

/// What git tracks in a tree: paths from the tree's root, NFC.
#[derive(Debug, Default)]
pub(super) struct Tracked {
    files: BTreeSet<String>,
    submodules: BTreeSet<String>,
}

impl Tracked {
    /// Adds what `repository` tracks, where its top directory stands at `prefix` of the tree (empty for the root itself).
    pub(super) fn add_beneath(&mut self, prefix: &str, repository: &Repository) -> Result<(), WalkError> {
        for (path, tracks) in repository.index()? {
            let path = if prefix.is_empty() { path } else { format!("{prefix}/{path}") };
            self.add(path, tracks);
        }
        Ok(())
    }

    /// Adds what `repository` tracks of its directory `inner`, which is the tree's root.
    pub(super) fn add_from(&mut self, inner: &str, repository: &Repository) -> Result<(), WalkError> {
        for (path, tracks) in repository.index()? {
            if let Some(path) = path.strip_prefix(inner).and_then(|rest| rest.strip_prefix('/')) {
                self.add(path.to_owned(), tracks);
            }
        }
        Ok(())
    }

    fn add(&mut self, path: String, tracks: Tracks) {
        match tracks {
            Tracks::File => self.files.insert(path),
            Tracks::Submodule => self.submodules.insert(path),
        };
    }

    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty() && self.submodules.is_empty()
    }

    pub(super) fn has_file(&self, path: &str) -> bool {
        self.files.contains(path)
    }

    pub(super) fn is_submodule(&self, path: &str) -> bool {
        self.submodules.contains(path)
    }

    pub(super) fn submodules(&self) -> &BTreeSet<String> {
        &self.submodules
    }

    /// Whether anything tracked is in the directory `path`, or it is a submodule.
    pub(super) fn reaches_into(&self, path: &str) -> bool {
        let inside = format!("{path}/");
        let any = |set: &BTreeSet<String>| {
            let first = set.range::<str, _>((Bound::Included(inside.as_str()), Bound::Unbounded)).next();
            first.is_some_and(|found| found.starts_with(&inside))
        };
        self.is_submodule(path) || any(&self.files) || any(&self.submodules)
    }
}
