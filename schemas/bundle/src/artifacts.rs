//! A directory of artifacts and its manifest: what a set holds, and whether a directory is that set.
//!
//! The agent lists its set with [`list`]; whoever has downloaded one compares it with [`verify`]. The manifest and the attestation are no part of
//! the list: they vouch for it. A manifest knows files and directories, so a symbolic link is refused.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use rch_schemas::Sha256;
use rch_schemas::digest::Hasher;
use rch_schemas::seal::{ATTESTATION_PATH, MANIFEST_PATH, Manifest, ManifestEntry, ManifestEntryType};

use crate::directory;
use crate::tar::Kind;
use crate::tree::WalkError;

/// Bytes read at a time.
const READ_BYTES: usize = 256 * 1024;

/// Why a directory of artifacts cannot be listed.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// Something in it could not be stored.
    #[error(transparent)]
    Walk(#[from] WalkError),
    /// A manifest has no word for it.
    #[error("{path} is a symbolic link; an artifact set holds files and directories")]
    Symlink {
        /// The path in the set.
        path: String,
    },
    /// A file could not be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// The manifest entries of everything in `root` but the manifest and the attestation, sorted by path bytes. Reads every file.
pub fn list(root: &Path) -> Result<Vec<ManifestEntry>, ListError> {
    let tree = directory::list(root)?;
    let listed = tree.entries().iter().filter(|entry| entry.path != MANIFEST_PATH && entry.path != ATTESTATION_PATH);
    let entry_of = |path: &str, disk: &Path, kind: &Kind| {
        let path = path.to_owned();
        match kind {
            Kind::Directory => Ok(ManifestEntry { path, entry_type: ManifestEntryType::Directory, size: 0, sha256: None }),
            Kind::Symlink { .. } => Err(ListError::Symlink { path }),
            Kind::File { .. } => {
                let disk = root.join(disk);
                let (sha256, size) = digest(&disk).map_err(|source| ListError::Unreadable { path: disk, source })?;
                Ok(ManifestEntry { path, entry_type: ManifestEntryType::File, size, sha256: Some(sha256) })
            }
        }
    };
    listed.map(|entry| entry_of(&entry.path, &entry.disk, &entry.kind)).collect()
}

fn digest(path: &Path) -> io::Result<(Sha256, u64)> {
    let mut file = File::open(path)?;
    let mut hasher = Hasher::new();
    let mut size = 0;
    let mut buffer = vec![0; READ_BYTES];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok((hasher.finish(), size)),
            Ok(length) => {
                hasher.update(&buffer[..length]);
                size += length as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The directories of `entries` (sorted by path bytes) that are in no other: each is stored whole, as one recipe. Their places in the list.
pub fn stored_directories(entries: &[ManifestEntry]) -> Vec<usize> {
    let mut stored: Vec<usize> = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let outermost = !stored.iter().any(|&outer| is_inside(&entry.path, &entries[outer].path));
        if entry.entry_type == ManifestEntryType::Directory && outermost {
            stored.push(index);
        }
    }
    stored
}

/// Whether `path` is in the directory `outer`.
pub fn is_inside(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'))
}

/// What a directory proved to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Files that are there and have their digest.
    pub files: usize,
    /// Stored directories that were not fetched, of which nothing is there; by path.
    pub not_fetched: Vec<String>,
}

/// Why a directory is not the set of a manifest.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The directory cannot be listed or read.
    #[error(transparent)]
    List(#[from] ListError),
    /// It is another set, or a damaged one.
    #[error("the artifacts do not match their manifest: {}", shown(.0))]
    Mismatch(Vec<Mismatch>),
}

/// One way in which a directory is not the set of a manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// In the manifest, not in the directory.
    #[error("{0} is missing")]
    Missing(String),
    /// In the directory, not in the manifest.
    #[error("{0} is not in the manifest")]
    Extra(String),
    /// There, but with other content.
    #[error("{0} has other content")]
    Differs(String),
}

fn shown(mismatches: &[Mismatch]) -> String {
    let texts: Vec<String> = mismatches.iter().map(ToString::to_string).collect();
    texts.join(", ")
}

/// Compares everything in `root` with `manifest`. A stored directory of which nothing is there counts as not fetched.
///
/// Whether the manifest's own root and order hold is [`Manifest::is_consistent_as`], for whoever has it as it was received: a newer writer
/// hashes members that are not in here.
///
/// # Errors
/// [`VerifyError::Mismatch`] with every path that is missing, extra or different.
pub fn verify(root: &Path, manifest: &Manifest) -> Result<Verified, VerifyError> {
    let found: BTreeMap<String, ManifestEntry> = list(root)?.into_iter().map(|entry| (entry.path.clone(), entry)).collect();
    let stored = stored_directories(&manifest.entries).into_iter().map(|index| manifest.entries[index].path.as_str());
    let not_fetched: Vec<&str> = stored.filter(|path| !found.contains_key(*path)).collect();
    let mut mismatches = Vec::new();
    for entry in &manifest.entries {
        match found.get(&entry.path) {
            Some(there) if there == entry => {}
            Some(_) => mismatches.push(Mismatch::Differs(entry.path.clone())),
            None if not_fetched.iter().any(|outer| entry.path == *outer || is_inside(&entry.path, outer)) => {}
            None => mismatches.push(Mismatch::Missing(entry.path.clone())),
        }
    }
    let known = |path: &str| manifest.entries.binary_search_by(|entry| entry.path.as_bytes().cmp(path.as_bytes())).is_ok();
    mismatches.extend(found.keys().filter(|path| !known(path)).cloned().map(Mismatch::Extra));
    if !mismatches.is_empty() {
        return Err(VerifyError::Mismatch(mismatches));
    }
    let files = found.values().filter(|entry| entry.entry_type == ManifestEntryType::File).count();
    Ok(Verified { files, not_fetched: not_fetched.into_iter().map(str::to_owned).collect() })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::fs;

    use rch_schemas::document::{SchemaId, SchemaVersion};
    use rch_schemas::{Attempt, Timestamp};
    use tempfile::TempDir;

    use super::*;

    fn set() -> TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("result.xcresult/Data")).unwrap();
        for path in
            ["build.log", "summary.json", "result.xcresult/Info.plist", "result.xcresult/Data/0~a", "manifest.json", "attestation.json"]
        {
            fs::write(root.path().join(path), path).unwrap();
        }
        root
    }

    fn manifest(root: &Path) -> Manifest {
        let entries = list(root).unwrap();
        Manifest {
            schema_version: SchemaVersion::default(),
            schema_id: SchemaId::default(),
            created_at: Timestamp::from_unix_ms(0),
            run_id: "run-000001".parse().unwrap(),
            job_id: "job-000001".parse().unwrap(),
            job_key: None,
            attempt: Attempt(1),
            artifact_root_sha256: Manifest::root_of(&entries),
            entries,
        }
    }

    fn mismatches(root: &Path, manifest: &Manifest) -> Vec<Mismatch> {
        let Err(VerifyError::Mismatch(mismatches)) = verify(root, manifest) else { panic!("it was to be a mismatch") };
        mismatches
    }

    #[test]
    fn a_set_lists_everything_but_what_vouches_for_it() {
        let root = set();
        let manifest = manifest(root.path());
        let paths: Vec<&str> = manifest.entries.iter().map(|entry| entry.path.as_str()).collect();
        let expected = [
            "build.log",
            "result.xcresult",
            "result.xcresult/Data",
            "result.xcresult/Data/0~a",
            "result.xcresult/Info.plist",
            "summary.json",
        ];
        assert_eq!(paths, expected);
        assert_eq!(manifest.entries[0].sha256, Some(Sha256::of("build.log")));
        assert_eq!(stored_directories(&manifest.entries), [1]);
        assert_eq!(verify(root.path(), &manifest).unwrap(), Verified { files: 4, not_fetched: Vec::new() });
    }

    #[test]
    fn a_stored_directory_that_was_not_fetched_is_named_and_half_of_one_is_a_mismatch() {
        let root = set();
        let manifest = manifest(root.path());
        fs::remove_dir_all(root.path().join("result.xcresult/Data")).unwrap();
        let missing = |path: &str| Mismatch::Missing(path.to_owned());
        assert_eq!(mismatches(root.path(), &manifest), [missing("result.xcresult/Data"), missing("result.xcresult/Data/0~a")]);
        fs::remove_dir_all(root.path().join("result.xcresult")).unwrap();
        let verified = verify(root.path(), &manifest).unwrap();
        assert_eq!(verified, Verified { files: 2, not_fetched: vec!["result.xcresult".to_owned()] });
    }

    #[test]
    fn every_extra_missing_and_changed_file_is_named() {
        let root = set();
        let mut manifest = manifest(root.path());
        fs::write(root.path().join("extra"), "").unwrap();
        fs::write(root.path().join("build.log"), "BUILD.LOG").unwrap();
        fs::remove_file(root.path().join("summary.json")).unwrap();
        let expected =
            [Mismatch::Differs("build.log".to_owned()), Mismatch::Missing("summary.json".to_owned()), Mismatch::Extra("extra".to_owned())];
        assert_eq!(mismatches(root.path(), &manifest), expected);
        // The root is over members that are not in here, too: it is checked where the bytes are.
        manifest.artifact_root_sha256 = Sha256::of("of a newer writer");
        assert_eq!(mismatches(root.path(), &manifest), expected);
    }

    #[test]
    fn a_symbolic_link_in_a_set_is_refused() {
        let root = set();
        std::os::unix::fs::symlink("build.log", root.path().join("latest")).unwrap();
        assert!(matches!(list(root.path()), Err(ListError::Symlink { path }) if path == "latest"));
    }
}
