//! One git checkout, read from git's own files without running it: its work tree, where its index and its private excludes are.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use gix_index::entry::{Flags, Mode};

use super::WalkError;
use super::rules::read_bytes;
use crate::name::nfc;

/// The largest file that points elsewhere: one path, and macOS opens none of more than 1 KiB.
const POINTER_BYTES_MAX: u64 = 8 * 1024;

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
    /// The checkout whose top directory is `directory`, if it is one. A directory called `.git` without a `HEAD` makes none, as for git.
    ///
    /// # Errors
    /// [`WalkError::BrokenCheckout`] for a `.git` file that leads nowhere, [`WalkError::Unreadable`] for what cannot be looked at: to take
    /// the tree for one without git would leave out what is tracked and ignored, and forget what must not be sent.
    pub(super) fn at(directory: &Path) -> Result<Option<Self>, WalkError> {
        let dot_git = directory.join(".git");
        let Some(metadata) = look_at(&dot_git)? else { return Ok(None) };
        let (git, is_pointer) = if metadata.is_dir() {
            (dot_git.clone(), false)
        } else {
            let Some(target) = pointer(&dot_git, "gitdir: ") else { return Ok(None) };
            (directory.join(target), true)
        };
        match look_at(&git.join("HEAD"))? {
            Some(_) => {}
            None if is_pointer => return Err(WalkError::BrokenCheckout { file: dot_git, target: git }),
            None => return Ok(None),
        }
        let common = pointer(&git.join("commondir"), "").map_or_else(|| git.clone(), |common| git.join(common));
        Ok(Some(Self { top: directory.to_owned(), git, common }))
    }

    /// The checkout that `directory` is in.
    pub(super) fn around(directory: &Path) -> Result<Option<Self>, WalkError> {
        directory.ancestors().find_map(|above| Self::at(above).transpose()).transpose()
    }

    /// The file of ignore rules that only this clone has.
    pub(super) fn exclude_file(&self) -> PathBuf {
        self.common.join("info/exclude")
    }

    /// The paths in the index, from the top directory, NFC.
    pub(super) fn index(&self) -> Result<Vec<(String, Tracks)>, WalkError> {
        let path = self.git.join("index");
        let fail = |source: Box<dyn std::error::Error + Send + Sync>| WalkError::Index { path: path.clone(), source };
        // A checkout without a commit has no index yet.
        if !path.exists() {
            return Ok(Vec::new());
        }
        // Its own digest is not checked: git does not either before `git fsck`.
        let index = gix_index::File::at(&path, self.object_hash(), true, gix_index::decode::Options::default())
            .map_err(|error| fail(Box::new(io::Error::other(error.to_string()))))?;
        let paths = index.entries().iter().filter_map(|entry| {
            let tracks = match entry.mode {
                // A sparse checkout leaves it out on purpose. A file that is marked so and there all the same is one that somebody keeps
                // git's hands off: it is as tracked as before.
                Mode::COMMIT if entry.flags.contains(Flags::SKIP_WORKTREE) => return None,
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

/// What the index has at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tracks {
    /// A file or symbolic link.
    File,
    /// A checkout of its own.
    Submodule,
}

/// What is at `path`; `None` when nothing is.
fn look_at(path: &Path) -> Result<Option<fs::Metadata>, WalkError> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(source) => Err(WalkError::Unreadable { path: path.to_owned(), source }),
    }
}

/// The path in a one-line file such as `.git` or `commondir`.
fn pointer(file: &Path, prefix: &str) -> Option<PathBuf> {
    let text = String::from_utf8(read_bytes(file, POINTER_BYTES_MAX).ok()??).ok()?;
    Some(PathBuf::from(text.strip_prefix(prefix)?.trim_end()))
}
