//! Chunks: put only when their digest is right, got only when it still is.
//!
//! A chunk that is there counts as present; whether its bytes are right is found by whoever reads it. A put repairs: when what is there already
//! turns out corrupt, the verified bytes take its place.

use std::collections::BTreeSet;

use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt as _, TryStreamExt as _};
use rch_bundle::chunk::CHUNK_BYTES_MAX;
use rch_bundle::compress::{DecompressError, compress, decompress};
use rch_schemas::Sha256;
use rch_schemas::document::RecipeChunk;

use crate::blocking::blocking;
use crate::layout;
use crate::store::{Created, Store, StoreError};

/// The largest frame: zstd makes incompressible bytes longer by less than one in 256, and by a header.
pub const FRAME_BYTES_MAX: u64 = (CHUNK_BYTES_MAX + CHUNK_BYTES_MAX / 256 + 512) as u64;
/// Looking for an object is one small request; sixteen at once hide the way to a distant store and load none.
const FINDS_AT_ONCE: usize = 16;
/// Chunks on their way in or out: at most 8 x 2 MiB in memory, and enough to fill a line.
const TRANSFERS_AT_ONCE: usize = 8;

/// Why a chunk was not put.
#[derive(Debug, thiserror::Error)]
pub enum PutChunkError {
    /// The body is no frame of a chunk.
    #[error("the body for chunk {sha256} is refused")]
    Frame {
        /// The chunk it was sent for.
        sha256: Sha256,
        /// What is wrong with it.
        #[source]
        source: DecompressError,
    },
    /// The body holds other bytes.
    #[error("the body for chunk {expected} holds bytes with the digest {found}")]
    Digest {
        /// The chunk it was sent for.
        expected: Sha256,
        /// What it holds.
        found: Sha256,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a chunk was not got.
#[derive(Debug, thiserror::Error)]
pub enum GetChunkError {
    /// It is not there.
    #[error("chunk {0} is missing in the store")]
    Missing(Sha256),
    /// It is there, with bytes that are not its own. Putting it again repairs it.
    #[error("chunk {sha256} is corrupt in the store")]
    Corrupt {
        /// The chunk.
        sha256: Sha256,
        /// What is wrong with its frame; `None` when the frame holds other bytes.
        #[source]
        source: Option<DecompressError>,
    },
    /// The chunk is right, and the recipe is wrong about its size.
    #[error("chunk {sha256} has {found} bytes, the recipe says {expected}")]
    Size {
        /// The chunk.
        sha256: Sha256,
        /// By the recipe.
        expected: u32,
        /// In truth.
        found: usize,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl GetChunkError {
    /// The chunk that must be put again, if that would help.
    pub fn absent(&self) -> Option<Sha256> {
        match self {
            Self::Missing(sha256) | Self::Corrupt { sha256, .. } => Some(*sha256),
            Self::Size { .. } | Self::Store(_) => None,
        }
    }
}

impl Store {
    /// Which of `chunks` are not there, each once, sorted.
    pub async fn missing_chunks(&self, chunks: impl IntoIterator<Item = Sha256>) -> Result<Vec<Sha256>, StoreError> {
        let wanted: BTreeSet<Sha256> = chunks.into_iter().collect();
        let finds = stream::iter(wanted).map(|sha256| async move {
            let size = self.size(&layout::chunk(&sha256)).await?;
            Ok(size.is_none().then_some(sha256))
        });
        finds.buffered(FINDS_AT_ONCE).try_filter_map(|missing| async move { Ok(missing) }).try_collect().await
    }

    /// Puts the chunk whose frame is `frame`, after checking that it is.
    pub async fn put_chunk(&self, sha256: Sha256, frame: Bytes) -> Result<(), PutChunkError> {
        let body = frame.clone();
        let plain = blocking(move || decompress(&body, CHUNK_BYTES_MAX).map(|plain| Sha256::of(&plain))).await;
        match plain {
            Err(source) => Err(PutChunkError::Frame { sha256, source }),
            Ok(found) if found != sha256 => Err(PutChunkError::Digest { expected: sha256, found }),
            Ok(_) => Ok(self.put_right_frame(sha256, frame).await?),
        }
    }

    /// Compresses and puts the chunk whose plain bytes are `plain`; its digest.
    pub async fn put_plain_chunk(&self, plain: Vec<u8>) -> Result<Sha256, StoreError> {
        let (sha256, frame) = blocking(move || (Sha256::of(&plain), Bytes::from(compress(&plain)))).await;
        self.put_right_frame(sha256, frame).await?;
        Ok(sha256)
    }

    async fn put_right_frame(&self, sha256: Sha256, frame: Bytes) -> Result<(), StoreError> {
        let key = layout::chunk(&sha256);
        if self.create(&key, frame.clone()).await? == Created::New {
            return Ok(());
        }
        match self.plain_chunk(sha256).await {
            Ok(_) => Ok(()),
            Err(GetChunkError::Store(error)) => Err(error),
            Err(GetChunkError::Missing(_) | GetChunkError::Corrupt { .. } | GetChunkError::Size { .. }) => {
                tracing::warn!(%sha256, "corrupt chunk replaced");
                self.put(&key, frame).await
            }
        }
    }

    /// The frame of a chunk as it lies in the store, unverified; `None` when it is not there. For passing on to someone who verifies.
    pub async fn chunk_frame(&self, sha256: Sha256) -> Result<Option<Bytes>, StoreError> {
        self.get(&layout::chunk(&sha256), FRAME_BYTES_MAX).await
    }

    /// The plain bytes of a chunk, verified.
    pub async fn get_chunk(&self, chunk: RecipeChunk) -> Result<Vec<u8>, GetChunkError> {
        let plain = self.plain_chunk(chunk.sha256).await?;
        if plain.len() == chunk.size as usize {
            Ok(plain)
        } else {
            Err(GetChunkError::Size { sha256: chunk.sha256, expected: chunk.size, found: plain.len() })
        }
    }

    /// The plain bytes of `chunks`, verified, in order; the next ones are fetched meanwhile.
    pub fn get_chunks(&self, chunks: Vec<RecipeChunk>) -> impl Stream<Item = Result<Vec<u8>, GetChunkError>> + Send + use<> {
        let store = self.clone();
        let gets = stream::iter(chunks).map(move |chunk| {
            let store = store.clone();
            async move { store.get_chunk(chunk).await }
        });
        gets.buffered(TRANSFERS_AT_ONCE)
    }

    async fn plain_chunk(&self, sha256: Sha256) -> Result<Vec<u8>, GetChunkError> {
        let frame = match self.chunk_frame(sha256).await {
            Ok(Some(frame)) => frame,
            Ok(None) => return Err(GetChunkError::Missing(sha256)),
            Err(StoreError::TooLarge { .. }) => return Err(GetChunkError::Corrupt { sha256, source: None }),
            Err(error @ (StoreError::Timeout { .. } | StoreError::Backend { .. })) => return Err(error.into()),
        };
        let read = move || match decompress(&frame, CHUNK_BYTES_MAX) {
            Ok(plain) if Sha256::of(&plain) == sha256 => Ok(plain),
            Ok(_) => Err(GetChunkError::Corrupt { sha256, source: None }),
            Err(source) => Err(GetChunkError::Corrupt { sha256, source: Some(source) }),
        };
        blocking(read).await
    }
}
