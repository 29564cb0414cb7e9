//! What the threads of a walk have found, put together.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::super::list::check_name;
use super::super::{Entry, Origin, WalkError};
use super::directory::Directory;
use crate::tar::Kind;

/// What one thread has found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) entries: Vec<Entry>,
    pub(super) directories: Vec<Arc<Directory>>,
    pub(super) empty_submodules: Vec<String>,
    /// The first by path.
    error: Option<(String, WalkError)>,
}

impl Findings {
    pub(super) fn merge(&mut self, other: Self) {
        self.entries.extend(other.entries);
        self.directories.extend(other.directories);
        self.empty_submodules.extend(other.empty_submodules);
        if let Some((path, error)) = other.error {
            self.refuse(path, error);
        }
    }

    /// Something cannot be bundled; of several the first by path counts.
    pub(super) fn refuse(&mut self, path: String, error: WalkError) {
        if self.error.as_ref().is_none_or(|(first, _)| path < *first) {
            self.error = Some((path, error));
        }
    }

    /// Everything that was taken: the files, and the directories that hold any.
    pub(super) fn finish(mut self) -> Result<Vec<Entry>, WalkError> {
        // The root itself is no member.
        for directory in std::mem::take(&mut self.directories).into_iter().filter(|directory| directory.above.is_some()) {
            if directory.taken.load(Ordering::Relaxed) {
                let (path, disk) = (directory.path.clone(), directory.inner.clone());
                match check_name(&path, disk.file_name().unwrap_or_default()) {
                    Ok(()) => self.entries.push(Entry { path, disk, kind: Kind::Directory, origin: Origin::Unversioned, stamp: None }),
                    Err(error) => self.refuse(path, error),
                }
            }
        }
        match self.error {
            Some((_, error)) => Err(error),
            None => Ok(self.entries),
        }
    }
}
