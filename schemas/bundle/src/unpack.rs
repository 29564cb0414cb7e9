//! An archive as a tree, however hostile the archive.
//!
//! Bytes are fed as they come. Each member is decoded, checked, encoded again and compared: whatever is not exactly what [`crate::tar`] writes
//! is refused, so there is nothing for two readers to disagree about. Files and directories are made beneath an open directory, one
//! component at a time, without following links. Links themselves are made last, when all of them are known to stay inside and the
//! whole digest agrees; until [`Unpack::finish`] returns, nothing is believed.
//!
//! What a refused archive has left behind is the caller's to remove. [`Unpack::nowhere`] asks the same of an archive and writes nothing.

mod beneath;
mod error;
mod member;
mod parser;

use std::collections::HashSet;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use rch_schemas::Sha256;
use rch_schemas::digest::Hasher;
use rch_schemas::document::SourceEntry;

pub use error::{MemberError, UnpackError};

use crate::link::Links;
use crate::manifest;
use crate::name::Taken;
use crate::tar::Kind;
use beneath::Beneath;
use parser::{Event, Parser};

/// More members than any source tree: the Linux kernel has 90,000 files.
pub const MEMBERS_MAX: usize = 1_000_000;

/// What the whole archive must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// SHA-256 of the tar.
    pub sha256: Sha256,
    /// Bytes of the tar.
    pub size: u64,
}

/// An archive that is being unpacked. Blocks its thread.
pub struct Unpack {
    expected: Expected,
    members_max: usize,
    /// Where to; `None` when the archive is only looked at.
    beneath: Option<Beneath>,
    /// The directories so far: nothing else may be a parent.
    directories: HashSet<String>,
    parser: Parser,
    hasher: Hasher,
    seen: u64,
    taken: Taken,
    entries: Vec<SourceEntry>,
    links: Links,
    writing: Option<Writing>,
}

/// The file whose content is coming.
struct Writing {
    path: String,
    kind: Kind,
    file: Option<File>,
    hasher: Hasher,
}

impl Unpack {
    /// Unpacks into `directory`, which must be there and empty.
    pub fn new(directory: &Path, expected: Expected) -> Result<Self, UnpackError> {
        Ok(Self { beneath: Some(Beneath::open(directory)?), ..Self::nowhere(expected) })
    }

    /// Checks and digests everything, and writes nothing.
    pub fn nowhere(expected: Expected) -> Self {
        Self {
            expected,
            members_max: MEMBERS_MAX,
            beneath: None,
            directories: HashSet::new(),
            parser: Parser::new(),
            hasher: Hasher::new(),
            seen: 0,
            taken: Taken::default(),
            entries: Vec::new(),
            links: Links::default(),
            writing: None,
        }
    }

    /// Takes the next bytes of the tar, in pieces of any size.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Result<(), UnpackError> {
        self.hasher.update(bytes);
        self.seen += bytes.len() as u64;
        if self.seen > self.expected.size {
            return Err(UnpackError::Size { expected: self.expected.size, found: self.seen });
        }
        while let Some(event) = self.parser.next(&mut bytes)? {
            match event {
                Event::Member { path, kind } => self.begin(path, kind)?,
                Event::Content(content) => self.write(content)?,
                Event::MemberEnd => self.end(),
            }
        }
        Ok(())
    }

    /// Everything was fed: checks the whole, then makes the links. What was unpacked, sorted by path bytes.
    pub fn finish(self) -> Result<Vec<SourceEntry>, UnpackError> {
        self.parser.finish()?;
        let found = Expected { sha256: self.hasher.finish(), size: self.seen };
        if found.size != self.expected.size {
            return Err(UnpackError::Size { expected: self.expected.size, found: found.size });
        }
        if found.sha256 != self.expected.sha256 {
            return Err(UnpackError::Digest { expected: self.expected.sha256, found: found.sha256 });
        }
        if let Some((path, target)) = self.links.escaping() {
            return Err(UnpackError::member(path, MemberError::EscapingSymlink { target: target.to_owned() }));
        }
        if let Some(mut beneath) = self.beneath {
            for entry in &self.entries {
                if let Some(target) = &entry.symlink_target {
                    beneath.symlink(&entry.path, target)?;
                }
            }
        }
        Ok(self.entries)
    }

    fn begin(&mut self, path: String, kind: Kind) -> Result<(), UnpackError> {
        if self.entries.len() == self.members_max {
            return Err(UnpackError::TooManyMembers);
        }
        if let Err(other) = self.taken.take(&path) {
            return Err(UnpackError::member(&path, MemberError::Collision { other }));
        }
        match path.rsplit_once('/') {
            Some((parent, _)) if !self.directories.contains(parent) => return Err(UnpackError::member(&path, MemberError::NoParent)),
            Some(_) | None => {}
        }
        match &kind {
            Kind::Directory => {
                if let Some(beneath) = &mut self.beneath {
                    beneath.directory(&path)?;
                }
                self.directories.insert(path.clone());
            }
            Kind::Symlink { target } => self.links.add(&path, target),
            Kind::File { executable, .. } => {
                let file = self.beneath.as_mut().map(|beneath| beneath.file(&path, *executable)).transpose()?;
                self.writing = Some(Writing { path, kind, file, hasher: Hasher::new() });
                return Ok(());
            }
        }
        self.entries.push(manifest::source_entry(&path, &kind, None));
        Ok(())
    }

    fn write(&mut self, content: &[u8]) -> Result<(), UnpackError> {
        let writing = self.writing.as_mut().expect("the parser gives content to files only");
        writing.hasher.update(content);
        match &mut writing.file {
            Some(file) => file.write_all(content).map_err(|source| UnpackError::Io { path: writing.path.clone(), source }),
            None => Ok(()),
        }
    }

    fn end(&mut self) {
        if let Some(Writing { path, kind, hasher, .. }) = self.writing.take() {
            self.entries.push(manifest::source_entry(&path, &kind, Some(hasher.finish())));
        }
    }
}

#[cfg(test)]
mod tests;
