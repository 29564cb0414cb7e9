//! Turns what was found into a checked list: valid names, no collisions, no escaping links, within the size.

use std::ffi::OsStr;
use std::fs::Metadata;
use std::path::{Path, PathBuf};

use super::error::NameRule;
use super::{Entry, Tree, WalkError};
use crate::link::Links;
use crate::name::{self, InvalidName, Taken};
use crate::tar::{self, Kind};

/// How many of the largest files a refusal names.
const LARGEST_NAMED: usize = 3;

/// Entries in the order they were found.
pub(crate) struct List {
    root: PathBuf,
    entries: Vec<Entry>,
}

impl List {
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), entries: Vec::new() }
    }

    pub(crate) fn push(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// Sorts and checks everything that only the whole list can tell.
    pub(crate) fn finish(mut self, bundle_bytes_max: Option<u64>) -> Result<Tree, WalkError> {
        self.entries.sort_by(|a, b| a.path.as_bytes().cmp(b.path.as_bytes()));
        self.check_collisions()?;
        self.check_links()?;
        self.check_size(bundle_bytes_max)?;
        Ok(Tree { root: self.root, entries: self.entries, empty_submodules: Vec::new() })
    }

    fn check_collisions(&self) -> Result<(), WalkError> {
        let mut taken = Taken::default();
        for entry in &self.entries {
            if let Err(earlier) = taken.take(&entry.path) {
                // Two names that differ only by normal form are equal in `path`, so show both as the disk has them.
                let first = self.entries.iter().find(|other| other.path == earlier).map_or(earlier, disk_name);
                return Err(WalkError::NameCollision { first, second: disk_name(entry) });
            }
        }
        Ok(())
    }

    fn check_links(&self) -> Result<(), WalkError> {
        let mut links = Links::default();
        for entry in &self.entries {
            if let Kind::Symlink { target } = &entry.kind {
                links.add(&entry.path, target);
            }
        }
        match links.escaping() {
            None => Ok(()),
            Some((path, target)) => Err(WalkError::EscapingSymlink { path: path.to_owned(), target: target.to_owned() }),
        }
    }

    fn check_size(&self, bundle_bytes_max: Option<u64>) -> Result<(), WalkError> {
        let mut by_size: Vec<(&str, u64)> = self.entries.iter().map(|entry| (entry.path.as_str(), entry.kind.content_bytes())).collect();
        by_size.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        let largest = || by_size.iter().take(LARGEST_NAMED).map(|(path, bytes)| ((*path).to_owned(), *bytes)).collect();
        if let Some((_, bytes)) = by_size.first().filter(|(_, bytes)| *bytes > tar::FILE_BYTES_MAX) {
            return Err(WalkError::SizeExceeded { bytes: *bytes, bytes_max: tar::FILE_BYTES_MAX, largest: largest() });
        }
        let members: u64 = self.entries.iter().map(|entry| tar::member_bytes(&entry.path, &entry.kind)).sum();
        let bytes = members + tar::TRAILER_BYTES as u64;
        match bundle_bytes_max {
            Some(bytes_max) if bytes > bytes_max => Err(WalkError::SizeExceeded { bytes, bytes_max, largest: largest() }),
            Some(_) | None => Ok(()),
        }
    }
}

fn disk_name(entry: &Entry) -> String {
    entry.disk.to_string_lossy().into_owned()
}

/// The path of `name` in `parent` as it would stand in the bundle; what is not UTF-8 is replaced, for [`check_name`] to refuse.
pub(crate) fn bundle_path(parent: &str, name: &OsStr) -> String {
    let name = name.to_string_lossy();
    let name = name::nfc(&name);
    if parent.is_empty() { name.into_owned() } else { format!("{parent}/{name}") }
}

/// Whether something called `name` on the disk may stand at `path`. Asked only of what is taken: an ignored name may be anything.
pub(crate) fn check_name(path: &str, name: &OsStr) -> Result<(), WalkError> {
    let checked = if name.to_str().is_none() { Err(NameRule::NotUnicode) } else { name::check(path).map_err(NameRule::Invalid) };
    checked.map_err(|rule| WalkError::Name { path: path.to_owned(), rule })
}

/// What stands at `disk`, by its own metadata (links are not followed). It is no directory.
pub(crate) fn leaf_kind(disk: &Path, path: &str, metadata: &Metadata) -> Result<Kind, WalkError> {
    use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
    let file_type = metadata.file_type();
    if file_type.is_file() {
        let executable = metadata.permissions().mode() & 0o100 != 0;
        return Ok(Kind::File { size: metadata.len(), executable });
    }
    if file_type.is_symlink() {
        let target = std::fs::read_link(disk).map_err(|source| WalkError::Unreadable { path: disk.to_owned(), source })?;
        let Some(target) = target.to_str() else {
            return Err(WalkError::Name { path: format!("{path} -> {}", target.to_string_lossy()), rule: NameRule::NotUnicode });
        };
        if target.len() > name::PATH_BYTES_MAX {
            return Err(WalkError::Name { path: format!("{path} -> {target}"), rule: InvalidName::TooLong.into() });
        }
        return Ok(Kind::Symlink { target: name::nfc(target).into_owned() });
    }
    let kind = match file_type {
        other if other.is_socket() => "socket",
        other if other.is_fifo() => "FIFO",
        other if other.is_block_device() => "block device",
        _ => "character device",
    };
    Err(WalkError::Unsupported { path: path.to_owned(), kind })
}
