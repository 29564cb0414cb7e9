//! What belongs to a source tree.
//!
//! Tracked files are always in, submodules' too. Untracked ones are in unless an ignore file says otherwise or they stand on the fixed
//! list (build products, personal data, secrets). A directory is listed when something in it is: git keeps no empty directories, and
//! one that only holds ignored files must not change the digest. A tree without git works the same, all of it untracked.
//!
//! It owns the list; it reads no file's content. Every path is in NFC, sorted by its bytes, and safe to unpack on a Mac.

mod error;
mod excluded;
mod list;
mod open;
mod repository;
mod rules;
mod tracked;
mod walk;

use std::path::{Path, PathBuf};

pub(crate) use error::LEAVE_OUT;
pub use error::WalkError;
pub(crate) use list::{List, bundle_path, check_name};
pub(crate) use open::OpenDirectory;
pub use walk::walk;

use crate::stamp::Stamp;
use crate::tar::Kind;

/// Which files of a checkout are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Tracked files, and untracked ones that nothing excludes.
    #[default]
    Worktree,
    /// Only tracked files, with the content they have in the work tree, and `Package.resolved` even where it is ignored: it decides what is built
    /// (spec 7.3, which wins over "tracked only" of 1.7).
    GitIndex,
}

/// What to take beyond the rules, and how much.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Which files are taken.
    pub mode: Mode,
    /// Globs over paths from the root that bring ignored files back; the fixed list stays out.
    pub include: Vec<String>,
    /// The largest bundle allowed, in bytes of its tar; `None` for no limit of its own.
    pub bundle_bytes_max: Option<u64>,
}

/// Where a file comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Git knows it.
    Tracked,
    /// In a checkout, but git does not know it.
    Untracked,
    /// The tree is no git checkout, or the entry is a directory.
    Unversioned,
}

/// One member of the bundle and where it is read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The path in the bundle: from the root, `/` between components, NFC.
    pub path: String,
    /// The path on this disk, from the root; differs from `path` when the disk's name is not NFC.
    pub disk: PathBuf,
    /// What it is.
    pub kind: Kind,
    /// Where it comes from.
    pub origin: Origin,
    /// A file's, when it was listed.
    pub(crate) stamp: Option<Stamp>,
}

/// What belongs to the tree at `root`, sorted by path bytes, every parent before its children.
#[derive(Debug, Clone)]
pub struct Tree {
    pub(crate) root: PathBuf,
    pub(crate) mode: Mode,
    pub(crate) entries: Vec<Entry>,
    pub(crate) empty_submodules: Vec<String>,
}

impl Tree {
    /// The directory that was walked.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Every member.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The member at `path`.
    pub fn get(&self, path: &str) -> Option<&Entry> {
        let at = self.entries.binary_search_by(|entry| entry.path.as_bytes().cmp(path.as_bytes())).ok()?;
        self.entries.get(at)
    }

    /// Submodules that git knows and that are not checked out, by path.
    pub fn empty_submodules(&self) -> &[String] {
        &self.empty_submodules
    }

    /// Files and links: what a person counts.
    pub fn files(&self) -> usize {
        self.entries.iter().filter(|entry| entry.kind != Kind::Directory).count()
    }

    /// Bytes in all files.
    pub fn content_bytes(&self) -> u64 {
        self.entries.iter().map(|entry| entry.kind.content_bytes()).sum()
    }

    /// Paths that are in although git does not know them.
    pub fn untracked(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter(|entry| entry.origin == Origin::Untracked).map(|entry| entry.path.as_str())
    }
}

#[cfg(test)]
mod tests;
