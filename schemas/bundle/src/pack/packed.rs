//! A packed tree: its digest, its chunks, its files' digests, and the bytes of any chunk once more.

use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;

use rch_schemas::document::{Recipe, RecipeChunk, SourceEntry};
use rch_schemas::{Reason, Sha256, Timestamp};

use super::Stream;
use super::reader::{self, Fact};
use super::stamp::Stamp;
use crate::manifest;
use crate::recipe;
use crate::tar::{self, Kind};
use crate::tree::{Entry, Tree};

/// Why a chunk's bytes cannot be made again.
#[derive(Debug, thiserror::Error)]
pub enum ReadChunkError {
    /// The tree is no longer the one that was packed.
    #[error("{path} changed after it was bundled; run again")]
    Changed {
        /// The path from the root.
        path: String,
    },
    /// The bytes have another digest, although no file in them looks changed.
    #[error("chunk {index} reads as {found}, not as {expected} as before, though no file looks changed; check the disk, then run again")]
    Differs {
        /// Which chunk.
        index: usize,
        /// Its digest when the tree was packed.
        expected: Sha256,
        /// Its digest now.
        found: Sha256,
    },
}

impl ReadChunkError {
    /// The code of the contract; `None` for a disk that does not repeat itself.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::Changed { .. } => Some(Reason::FileChanged),
            Self::Differs { .. } => None,
        }
    }
}

/// A tree that was read whole.
#[derive(Debug)]
pub struct Packed {
    tree: Tree,
    facts: Vec<Option<Fact>>,
    /// Where each member starts in the tar, and where the trailer does.
    member_starts: Vec<u64>,
    chunks: Vec<RecipeChunk>,
    /// Where each chunk starts in the tar, and where the last ends.
    chunk_starts: Vec<u64>,
    sha256: Sha256,
    size: u64,
}

impl Packed {
    pub(super) fn new(tree: Tree, facts: Vec<Option<Fact>>, stream: Stream) -> Self {
        let member_starts = starts(tree.entries.iter().map(|entry| tar::member_bytes(&entry.path, &entry.kind)));
        let chunk_starts = starts(stream.chunks.iter().map(|chunk| u64::from(chunk.size)));
        assert!(chunk_starts.last() == Some(&stream.size), "chunks cover the stream");
        assert!(
            member_starts.last().map(|end| end + tar::TRAILER_BYTES as u64) == Some(stream.size),
            "members are laid out as they were written"
        );
        Self { tree, facts, member_starts, chunks: stream.chunks, chunk_starts, sha256: stream.sha256, size: stream.size }
    }

    /// The tree, with sizes as they were read.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The digest of the canonical tar: `source_sha256` of a source tree.
    pub fn sha256(&self) -> Sha256 {
        self.sha256
    }

    /// Bytes of the canonical tar.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The pieces of the tar, in order.
    pub fn chunks(&self) -> &[RecipeChunk] {
        &self.chunks
    }

    /// How the bundle is stored, as a document made at `created_at`.
    pub fn recipe(&self, created_at: Timestamp) -> Recipe {
        recipe::of(created_at, self.sha256, self.size, self.chunks.clone())
    }

    /// Every member with the digest of its content: the entries of a source manifest.
    pub fn source_entries(&self) -> Vec<SourceEntry> {
        let facts = self.tree.entries.iter().zip(&self.facts);
        facts.map(|(entry, fact)| manifest::source_entry(&entry.path, &entry.kind, fact.map(|fact| fact.sha256))).collect()
    }

    pub(super) fn lfs_pointers(&self) -> Vec<&str> {
        let facts = self.tree.entries.iter().zip(&self.facts);
        facts.filter(|(_, fact)| fact.is_some_and(|fact| fact.is_pointer)).map(|(entry, _)| entry.path.as_str()).collect()
    }

    /// The plain bytes of the chunk at `index` of [`Self::chunks`], read from the tree again and checked.
    ///
    /// Blocks its thread for at most 2 MiB of files. Panics when there is no such chunk.
    pub fn read_chunk(&self, index: usize) -> Result<Vec<u8>, ReadChunkError> {
        let range = self.chunk_starts[index]..self.chunk_starts[index + 1];
        let bytes = self.read_range(&range)?;
        let (expected, found) = (self.chunks[index].sha256, Sha256::of(&bytes));
        if found == expected { Ok(bytes) } else { Err(ReadChunkError::Differs { index, expected, found }) }
    }

    fn read_range(&self, range: &Range<u64>) -> Result<Vec<u8>, ReadChunkError> {
        let mut bytes = Vec::with_capacity(length(range));
        let first = self.member_starts.partition_point(|start| *start <= range.start) - 1;
        let members = self.tree.entries.iter().zip(&self.facts).zip(&self.member_starts).skip(first);
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

    /// Appends `part` of a file's content; refuses when the file is not the one that was packed.
    fn append_content(&self, entry: &Entry, fact: &Fact, part: Range<u64>, bytes: &mut Vec<u8>) -> Result<(), ReadChunkError> {
        if part.is_empty() {
            return Ok(());
        }
        let read = || -> io::Result<Option<Vec<u8>>> {
            let mut file = reader::open(&self.tree.root.join(&entry.disk))?;
            let mut content = vec![0; length(&part)];
            file.seek(SeekFrom::Start(part.start))?;
            file.read_exact(&mut content)?;
            Ok((Stamp::of(&file.metadata()?) == fact.stamp).then_some(content))
        };
        match read() {
            Ok(Some(content)) => {
                bytes.extend(content);
                Ok(())
            }
            Ok(None) | Err(_) => Err(ReadChunkError::Changed { path: entry.path.clone() }),
        }
    }
}

/// The running sums of `lengths`, from 0 to their total.
fn starts(lengths: impl Iterator<Item = u64>) -> Vec<u64> {
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
