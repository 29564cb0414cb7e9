//! The cutting half of the pipeline: tar stream in, chunks and digests out.

use std::sync::mpsc;

use rch_schemas::Sha256;
use rch_schemas::digest::{HASHER_STATE_BYTES, Hasher};
use rch_schemas::document::RecipeChunk;

use super::reader::Block;
use crate::chunk::Cutter;
use crate::recipe;

/// The digest of the stream before a chunk, as a hasher that can go on from there.
pub(super) type State = [u8; HASHER_STATE_BYTES];

/// The tar stream of a tree, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stream {
    pub(super) chunks: Vec<RecipeChunk>,
    /// One for each chunk.
    pub(super) states: Vec<State>,
    pub(super) sha256: Sha256,
    pub(super) size: u64,
}

/// The first chunks of a stream, and the digest after them.
#[derive(Debug, Default)]
pub(super) struct Beginning {
    chunks: Vec<RecipeChunk>,
    states: Vec<State>,
    whole: Hasher,
    size: u64,
}

impl Stream {
    /// The chunks that are the same in every stream that begins with the first `length` bytes of this one.
    ///
    /// Where a chunk ends depends on its bytes and the one after them, so that one too must be among the first.
    pub(super) fn beginning(&self, length: u64) -> Beginning {
        let mut beginning = Beginning::default();
        let (mut count, mut end) = (0, 0);
        for chunk in &self.chunks {
            let next = end + u64::from(chunk.size);
            if next >= length {
                break;
            }
            (count, end) = (count + 1, next);
        }
        // A state that cannot be resumed is as good as none.
        if let Some(whole) = self.states.get(count).and_then(|state| Hasher::resume(state, end)) {
            beginning = Beginning { chunks: self.chunks[..count].to_vec(), states: self.states[..count].to_vec(), whole, size: end };
        }
        beginning
    }
}

impl Beginning {
    /// Where the next chunk begins.
    pub(super) fn end(&self) -> u64 {
        self.size
    }

    /// Cuts the blocks that follow, to the end of the stream.
    pub(super) fn continued(mut self, full: &mpsc::Receiver<Block>, empty: &mpsc::Sender<Vec<u8>>) -> Stream {
        let mut cutter = Cutter::new();
        for block in full {
            cutter.push(block.bytes(), |chunk| self.push(chunk));
            // The reader may have ended; then the block is of no more use.
            let _ = empty.send(block.into_buffer());
        }
        cutter.finish(|chunk| self.push(chunk));
        Stream { chunks: self.chunks, states: self.states, sha256: self.whole.finish(), size: self.size }
    }

    fn push(&mut self, chunk: &[u8]) {
        self.states.push(self.whole.save());
        self.whole.update(chunk);
        self.size += chunk.len() as u64;
        self.chunks.push(recipe::chunk_of(chunk));
    }
}
