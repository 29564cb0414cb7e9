//! Turns what was found into a checked list: valid names, no collisions, no escaping links, within the size.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::error::NameRule;
use super::{Entry, Mode, Origin, Tree, WalkError};
use crate::link::Links;
use crate::name;
use crate::tar::{self, Kind};
use crate::unpack::MEMBERS_MAX;

/// How many of the largest files a refusal names.
const LARGEST_NAMED: usize = 3;

/// Entries in the order they were found.
pub(crate) struct List {
    root: PathBuf,
    entries: Vec<Entry>,
}

impl List {
    pub(crate) fn new(root: &Path, entries: Vec<Entry>) -> Self {
        Self { root: root.to_owned(), entries }
    }

    /// Sorts and checks everything that only the whole list can tell.
    pub(crate) fn finish(mut self, bundle_bytes_max: Option<u64>) -> Result<Tree, WalkError> {
        self.entries.sort_by(|a, b| a.path.as_bytes().cmp(b.path.as_bytes()));
        self.check_collisions()?;
        self.check_links()?;
        check_count(self.entries.len())?;
        self.check_size(bundle_bytes_max)?;
        Ok(Tree { root: self.root, mode: Mode::Worktree, entries: self.entries, empty_submodules: Vec::new() })
    }

    fn check_collisions(&self) -> Result<(), WalkError> {
        let paths: Vec<&str> = self.entries.iter().map(|entry| entry.path.as_str()).collect();
        match name::collision(&paths) {
            None => Ok(()),
            // Two names that differ only by normal form are equal in `path`, so both are shown as the disk has them.
            Some((first, second)) => Err(WalkError::NameCollision { first: self.disk_name(first), second: self.disk_name(second) }),
        }
    }

    fn disk_name(&self, index: usize) -> String {
        self.entries[index].disk.to_string_lossy().into_owned()
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
            Some((path, target)) => {
                let entry = self.entries.iter().find(|entry| entry.path == path);
                let origin = entry.map_or(Origin::Unversioned, |entry| entry.origin);
                Err(WalkError::EscapingSymlink { path: path.to_owned(), target: target.to_owned(), origin })
            }
        }
    }

    fn check_size(&self, bundle_bytes_max: Option<u64>) -> Result<(), WalkError> {
        if let Some(entry) = self.entries.iter().find(|entry| entry.kind.content_bytes() > tar::FILE_BYTES_MAX) {
            return Err(WalkError::FileTooLarge { path: entry.path.clone(), bytes: entry.kind.content_bytes(), origin: entry.origin });
        }
        let members: u64 = self.entries.iter().map(|entry| tar::member_bytes(&entry.path, &entry.kind)).sum();
        let bytes = members + tar::TRAILER_BYTES as u64;
        match bundle_bytes_max {
            Some(bytes_max) if bytes > bytes_max => Err(WalkError::SizeExceeded { bytes, bytes_max, largest: self.largest() }),
            Some(_) | None => Ok(()),
        }
    }

    fn largest(&self) -> Vec<(String, u64)> {
        let mut by_size: Vec<(&str, u64)> = self.entries.iter().map(|entry| (entry.path.as_str(), entry.kind.content_bytes())).collect();
        by_size.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        by_size.iter().take(LARGEST_NAMED).map(|(path, bytes)| ((*path).to_owned(), *bytes)).collect()
    }
}

/// What is unpacked elsewhere has a limit, so what is packed has the same.
pub(super) fn check_count(members: usize) -> Result<(), WalkError> {
    if members > MEMBERS_MAX { Err(WalkError::TooManyMembers { members }) } else { Ok(()) }
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
