//! What an earlier pass over the same tree has found, so that this one reads only what may differ.
//!
//! A file whose stamp is the one of then is not read: one `stat`, made by the walk, is all it costs. One with another stamp is read and
//! counts as unchanged when its digest is the same: `git checkout` and back costs those files, not the tree. The digest of the
//! whole is of the bytes in order, so it goes on from the last chunk before the first member that differs: the hasher's state was saved
//! there. A tree in which nothing differs is the case in which that member is the end.
//!
//! A stamp is believed when the file had been left alone for a while before it was read: git's rule for racily clean files.
//!
//! Rejected: to keep only each file's digest (the digest of the whole would still need every byte: an unchanged tree would cost as much
//! as a cold one), only the whole result (any change would cost all), and to reuse chunks after the first change (the digest of the whole
//! needs their bytes, and reading and hashing them is what takes the time).

mod changes;
mod encoding;

use std::path::PathBuf;

use rch_schemas::Timestamp;

pub use changes::Changes;
pub use encoding::NotEarlier;

use super::PackError;
use super::members::Members;
use super::reader::{Fact, Scratch, read_file};
use super::stream::Stream;
use crate::tar::Kind;
use crate::tree::{Entry, Tree};

/// What a pass found of a tree. Another tree, or another version of the cutter, has nothing to do with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    root: PathBuf,
    members: Vec<Member>,
    stream: Stream,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Member {
    path: String,
    kind: Kind,
    /// Of a file.
    fact: Option<Fact>,
    /// Whether its stamp may be believed.
    settled: bool,
}

impl Earlier {
    pub(super) fn of(members: &Members, stream: &Stream, began: Timestamp) -> Self {
        let known = members.known().map(|(entry, fact)| Member {
            path: entry.path.clone(),
            kind: entry.kind.clone(),
            fact: fact.copied(),
            settled: fact.is_none_or(|fact| fact.stamp.is_settled(began)),
        });
        Self { root: members.tree.root().to_owned(), members: known.collect(), stream: stream.clone() }
    }

    pub(super) fn stream(&self) -> &Stream {
        &self.stream
    }

    /// Whether it knows as many members as these, all of them unchanged.
    pub(super) fn is_all_of(&self, members: &Members) -> bool {
        self.members.len() == members.facts.len() && members.facts.len() == members.tree.entries.len()
    }

    /// What is known of the first members of `tree`, up to the first that differs; and whether any of them had to be read.
    pub(super) fn unchanged(&self, tree: &Tree) -> Result<Unchanged, PackError> {
        let mut unchanged = Unchanged { facts: Vec::with_capacity(tree.entries.len()), any_read: false };
        if self.root != tree.root {
            return Ok(unchanged);
        }
        let mut scratch = Scratch::default();
        for (member, entry) in self.members.iter().zip(&tree.entries) {
            if member.path != entry.path || member.kind != entry.kind {
                break;
            }
            let fact = match member.fact {
                Some(fact) if !(member.settled && entry.stamp == Some(fact.stamp)) => {
                    unchanged.any_read = true;
                    match same_content(tree, entry, &fact, &mut scratch)? {
                        Some(anew) => Some(anew),
                        None => break,
                    }
                }
                known => known,
            };
            unchanged.facts.push(fact);
        }
        Ok(unchanged)
    }
}

/// What is still true of a tree.
pub(super) struct Unchanged {
    pub(super) facts: Vec<Option<Fact>>,
    pub(super) any_read: bool,
}

/// Reads the file at `entry`: its fact now when its content is that of `fact`.
fn same_content(tree: &Tree, entry: &Entry, fact: &Fact, scratch: &mut Scratch) -> Result<Option<Fact>, PackError> {
    let (kind, anew) = read_file(&tree.root.join(&entry.disk), &entry.path, scratch)?;
    Ok((kind == entry.kind && anew.sha256 == fact.sha256).then_some(anew))
}

#[cfg(test)]
mod tests;
