//! A packed tree: its digest, its chunks, its files' digests, and the bytes of any chunk once more.

use rch_schemas::document::{Recipe, RecipeChunk, SourceEntry};
use rch_schemas::{Reason, Sha256, Timestamp};

use super::earlier::Earlier;
use super::members::{Changed, Members, starts};
use super::reader::Fact;
use super::stream::Stream;
use crate::manifest;
use crate::recipe;
use crate::tar;
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

impl From<Changed> for ReadChunkError {
    fn from(Changed { path }: Changed) -> Self {
        Self::Changed { path }
    }
}

/// A tree that was read, or is known from an earlier time, whole.
#[derive(Debug)]
pub struct Packed {
    members: Members,
    stream: Stream,
    /// Where each chunk starts in the tar, and where the last ends.
    chunk_starts: Vec<u64>,
    /// Whether nothing had to be read.
    as_earlier: bool,
}

impl Packed {
    pub(super) fn read(members: Members, stream: Stream) -> Self {
        let chunk_starts = starts(stream.chunks.iter().map(|chunk| u64::from(chunk.size)));
        assert!(chunk_starts.last() == Some(&stream.size), "chunks cover the stream");
        assert!(members.end() + tar::TRAILER_BYTES as u64 == stream.size, "members are laid out as they were written");
        Self { members, stream, chunk_starts, as_earlier: false }
    }

    pub(super) fn as_earlier(members: Members, stream: Stream) -> Self {
        Self { as_earlier: true, ..Self::read(members, stream) }
    }

    /// The tree, with sizes as they were read.
    pub fn tree(&self) -> &Tree {
        &self.members.tree
    }

    /// The digest of the canonical tar: `source_sha256` of a source tree.
    pub fn sha256(&self) -> Sha256 {
        self.stream.sha256
    }

    /// Bytes of the canonical tar.
    pub fn size(&self) -> u64 {
        self.stream.size
    }

    /// The pieces of the tar, in order.
    pub fn chunks(&self) -> &[RecipeChunk] {
        &self.stream.chunks
    }

    /// How the bundle is stored, as a document made at `created_at`.
    pub fn recipe(&self, created_at: Timestamp) -> Recipe {
        recipe::of(created_at, self.sha256(), self.size(), self.stream.chunks.clone())
    }

    /// Every member with the digest of its content: the entries of a source manifest.
    pub fn source_entries(&self) -> Vec<SourceEntry> {
        let known = self.members.known();
        known.map(|(entry, fact)| manifest::source_entry(&entry.path, &entry.kind, fact.map(|fact| fact.sha256))).collect()
    }

    /// What [`super::pack_since`] may begin with next time, when this pass began at `began` by the clock of this machine; `None` when it
    /// would be what this pass began with.
    pub fn remember(&self, began: Timestamp) -> Option<Earlier> {
        (!self.as_earlier).then(|| Earlier::of(&self.members, &self.stream, began))
    }

    /// Whether it is what an earlier pass has found, of which nothing had to be read.
    pub(super) fn is_as_earlier(&self) -> bool {
        self.as_earlier
    }

    /// Each member with what was learnt of it.
    pub(super) fn known(&self) -> impl Iterator<Item = (&Entry, Option<&Fact>)> {
        self.members.known()
    }

    pub(super) fn lfs_pointers(&self) -> Vec<&str> {
        let pointers = self.members.known().filter(|(_, fact)| fact.is_some_and(|fact| fact.is_pointer));
        pointers.map(|(entry, _)| entry.path.as_str()).collect()
    }

    /// The plain bytes of the chunk at `index` of [`Self::chunks`], read from the tree again and checked.
    ///
    /// Blocks its thread for at most 2 MiB of files. Panics when there is no such chunk.
    pub fn read_chunk(&self, index: usize) -> Result<Vec<u8>, ReadChunkError> {
        let bytes = self.members.read(&(self.chunk_starts[index]..self.chunk_starts[index + 1]))?;
        let (expected, found) = (self.stream.chunks[index].sha256, Sha256::of(&bytes));
        if found == expected { Ok(bytes) } else { Err(ReadChunkError::Differs { index, expected, found }) }
    }
}
