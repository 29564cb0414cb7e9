//! Where in the unpacked tree the backend runs: the root, or the directory that the job names.
//!
//! A tree may hold links, and what ran before may have made some: a directory is only used when every step of the way to it is a directory
//! itself, so that no job runs outside of its tree.

use std::io;
use std::path::{Path, PathBuf};

use rch_schemas::{Reason, TreeDirectory};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;

use super::workspace::io_reason;

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Why a job cannot run in the directory it names.
#[derive(Debug, thiserror::Error)]
pub(super) enum WorkingDirectoryError {
    #[error("the tree has no directory {0}: name one that is in the bundle")]
    Missing(TreeDirectory),
    #[error("{0} is a file, or leads through a link: name the directory itself")]
    NotADirectory(TreeDirectory),
    #[error("{directory} cannot be opened")]
    Unreadable { directory: TreeDirectory, source: io::Error },
}

impl WorkingDirectoryError {
    /// What the farm is told.
    pub(super) fn reason(&self) -> Reason {
        match self {
            Self::Missing(_) | Self::NotADirectory(_) => Reason::ProjectMissing,
            Self::Unreadable { source, .. } => io_reason(source),
        }
    }
}

/// The path of `directory` in `tree`, after a look at every step of the way. Blocks.
pub(super) fn beneath(tree: &Path, directory: &TreeDirectory) -> Result<PathBuf, WorkingDirectoryError> {
    let failed = |error: Errno| match error {
        Errno::NOENT => WorkingDirectoryError::Missing(directory.clone()),
        // macOS and Linux differ in which of the two a link is.
        Errno::NOTDIR | Errno::LOOP => WorkingDirectoryError::NotADirectory(directory.clone()),
        other => WorkingDirectoryError::Unreadable { directory: directory.clone(), source: other.into() },
    };
    // The way to the tree is the agent's own, and may lead through links.
    let mut open = openat(CWD, tree, DIRECTORY, Mode::empty()).map_err(failed)?;
    for component in directory.as_str().split('/') {
        open = openat(&open, component, DIRECTORY.union(OFlags::NOFOLLOW), Mode::empty()).map_err(failed)?;
    }
    Ok(tree.join(directory.as_str()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_directory_is_found_and_neither_a_link_nor_a_file_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let tree = folder.path().join("tree");
        fs::create_dir_all(tree.join("Packages/Kit")).unwrap();
        fs::create_dir_all(folder.path().join("outside/Kit")).unwrap();
        fs::write(tree.join("File"), "").unwrap();
        symlink("../outside", tree.join("Out")).unwrap();
        symlink("Packages/Kit", tree.join("In")).unwrap();
        let found = |text: &str| beneath(&tree, &text.parse().unwrap());
        assert_eq!(found("Packages/Kit").unwrap(), tree.join("Packages/Kit"));
        for text in ["Out", "Out/Kit", "In", "File", "File/x"] {
            assert!(matches!(found(text), Err(WorkingDirectoryError::NotADirectory(_))), "{text}");
        }
        let missing = found("Packages/Other").unwrap_err();
        assert_eq!(missing.reason(), Reason::ProjectMissing);
        assert_eq!(missing.to_string(), "the tree has no directory Packages/Other: name one that is in the bundle");
    }

    #[test]
    fn a_tree_whose_own_path_leads_through_a_link_is_entered() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("real/tree/Kit")).unwrap();
        symlink("real", folder.path().join("link")).unwrap();
        assert!(beneath(&folder.path().join("link/tree"), &"Kit".parse().unwrap()).is_ok());
    }
}
