//! The members of a tree that was read: where each stands in the tar, and any range of the tar once more.

use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;

use rustix::fs::fstat;

use super::reader::{self, Fact};
use crate::stamp::Stamp;
use crate::tar::{self, Kind};
use crate::tree::{Entry, Tree};

/// A member can no longer be read as it was.
#[derive(Debug)]
pub(super) struct Changed {
    pub(super) path: String,
}

/// Members in the order of the tar; all of a tree, or the first of them.
#[derive(Debug)]
pub(super) struct Members {
    pub(super) tree: Tree,
    /// What was learnt of each file; `None` for what is none. As many as are known, from the first on.
    pub(super) facts: Vec<Option<Fact>>,
    /// Where each member starts in the tar, and where the trailer does.
    starts: Vec<u64>,
}

impl Members {
    /// The first members of `tree`, as many as there are `facts`.
    pub(super) fn new(tree: Tree, facts: Vec<Option<Fact>>) -> Self {
        let lengths = tree.entries.iter().take(facts.len()).map(|entry| tar::member_bytes(&entry.path, &entry.kind));
        let starts = starts(lengths);
        Self { tree, facts, starts }
    }

    /// Where the last of them ends.
    pub(super) fn end(&self) -> u64 {
        *self.starts.last().expect("there is always a start of what comes after")
    }

    /// Each member with what was learnt of it.
    pub(super) fn known(&self) -> impl Iterator<Item = (&Entry, Option<&Fact>)> {
        self.tree.entries.iter().zip(self.facts.iter().map(Option::as_ref))
    }

    /// The bytes of `range` of the tar, read from the tree again; whatever is after the members is zeros.
    ///
    /// The range is a chunk or a part of one: it is held in memory.
    pub(super) fn read(&self, range: &Range<u64>) -> Result<Vec<u8>, Changed> {
        let mut bytes = Vec::with_capacity(length(range));
        let first = self.starts.partition_point(|start| *start <= range.start) - 1;
        let members = self.known().zip(&self.starts).skip(first);
        for ((entry, fact), start) in members.take_while(|(_, start)| **start < range.end) {
            let header = tar::header(&entry.path, &entry.kind);
            let content = start + header.len() as u64..start + header.len() as u64 + entry.kind.content_bytes();
            let in_header = overlap(&(*start..content.start), range);
            bytes.extend_from_slice(&header[length(&(*start..in_header.start))..][..length(&in_header)]);
            let in_content = overlap(&content, range);
            if let (Kind::File { .. }, Some(fact)) = (&entry.kind, fact) {
                self.append_content(entry, fact, in_content.start - content.start..in_content.end - content.start, &mut bytes)?;
            }
            let padding = content.end..content.end + tar::padding(entry.kind.content_bytes()) as u64;
            bytes.resize(bytes.len() + length(&overlap(&padding, range)), 0);
        }
        // What is left of the range is the trailer.
        bytes.resize(length(range), 0);
        Ok(bytes)
    }

    /// Appends `part` of a file's content; refuses when the file is not the one that was read.
    fn append_content(&self, entry: &Entry, fact: &Fact, part: Range<u64>, bytes: &mut Vec<u8>) -> Result<(), Changed> {
        if part.is_empty() {
            return Ok(());
        }
        let read = || -> io::Result<Option<Vec<u8>>> {
            let mut file = reader::open(&self.tree.root.join(&entry.disk))?;
            let mut content = vec![0; length(&part)];
            file.seek(SeekFrom::Start(part.start))?;
            file.read_exact(&mut content)?;
            Ok((Stamp::of(&fstat(&file)?) == fact.stamp).then_some(content))
        };
        match read() {
            Ok(Some(content)) => {
                bytes.extend(content);
                Ok(())
            }
            Ok(None) | Err(_) => Err(Changed { path: entry.path.clone() }),
        }
    }
}

/// The running sums of `lengths`, from 0 to their total.
pub(super) fn starts(lengths: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut starts = vec![0];
    let mut end = 0;
    for length in lengths {
        end += length;
        starts.push(end);
    }
    starts
}

/// The part of `inner` that is in `outer`; empty, and within `inner`, when there is none.
fn overlap(inner: &Range<u64>, outer: &Range<u64>) -> Range<u64> {
    let start = inner.start.max(outer.start).min(inner.end);
    start..inner.end.min(outer.end).max(start)
}

fn length(range: &Range<u64>) -> usize {
    usize::try_from(range.end - range.start).expect("a part of a chunk fits in memory")
}
