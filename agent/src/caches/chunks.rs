//! Chunks by digest, as the frames the store holds. Every read is verified; what does not verify is forgotten and fetched again.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use futures_util::stream::{self, StreamExt as _};
use rch_bundle::chunk::CHUNK_BYTES_MAX;
use rch_bundle::compress::{compress, decompress};
use rch_schemas::Sha256;
use rch_schemas::document::RecipeChunk;
use rch_store::chunk::GetChunkError;
use rch_store::{Store, StoreError};

/// Fetches at once: at most 16 MiB in memory, and a distant store's line filled.
const FETCHES_AT_ONCE: usize = 8;
/// Frames kept; beyond this the longest unused go. A large tree is some hundred MiB.
const CACHE_BYTES_MAX: u64 = 10 * 1024 * 1024 * 1024;

/// The folder of chunks.
#[derive(Debug, Clone)]
pub(crate) struct ChunkCache {
    folder: PathBuf,
}

/// What fetching cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Fetched {
    /// Bytes fetched, compressed.
    pub(crate) bytes: u64,
    /// Chunks fetched.
    pub(crate) chunks: u32,
    /// Chunks that were here.
    pub(crate) cached: u32,
}

/// Why the chunks are not all here.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    /// These are absent or corrupt in the store, and must be put again.
    #[error("{} chunks of the source are absent or corrupt in the store", .0.len())]
    Missing(Vec<Sha256>),
    /// The store failed.
    #[error("the source could not be fetched")]
    Store(#[source] StoreError),
    /// The recipe contradicts the chunks.
    #[error("the recipe of the source is wrong")]
    Recipe(#[source] GetChunkError),
    /// The cache cannot be used.
    #[error("the chunk cache cannot be used at {}", path.display())]
    Cache { path: PathBuf, source: io::Error },
}

impl ChunkCache {
    /// Opens the folder, making it if it is not there.
    pub(crate) fn open(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    /// Fetches those of `chunks` that are not here. All of the missing ones are named, not only the first.
    pub(crate) async fn fetch(&self, store: &Store, chunks: &[RecipeChunk]) -> Result<Fetched, FetchError> {
        let mut fetched = Fetched::default();
        let (mut absent, mut seen) = (Vec::new(), BTreeSet::new());
        for chunk in chunks {
            if self.path(&chunk.sha256).is_file() {
                fetched.cached += 1;
            } else if seen.insert(chunk.sha256) {
                absent.push(*chunk);
            }
        }
        let mut missing = Vec::new();
        let gets = stream::iter(absent).map(|chunk| async move { (chunk, store.get_chunk(chunk).await) });
        let mut gets = std::pin::pin!(gets.buffer_unordered(FETCHES_AT_ONCE));
        while let Some((chunk, got)) = gets.next().await {
            match got {
                Ok(plain) => {
                    fetched.bytes += self.keep(chunk.sha256, plain).await?;
                    fetched.chunks += 1;
                }
                Err(GetChunkError::Store(error)) => return Err(FetchError::Store(error)),
                Err(error) => missing.push(error.absent().ok_or(FetchError::Recipe(error))?),
            }
        }
        if missing.is_empty() {
            return Ok(fetched);
        }
        missing.sort();
        Err(FetchError::Missing(missing))
    }

    /// The plain bytes of a chunk that was fetched. Blocks. `None` when it is gone or damaged, and then it is forgotten.
    pub(crate) fn read(&self, chunk: &RecipeChunk) -> Option<Vec<u8>> {
        let path = self.path(&chunk.sha256);
        let plain = fs::read(&path).ok().and_then(|frame| decompress(&frame, CHUNK_BYTES_MAX).ok());
        let plain = plain.filter(|plain| plain.len() == chunk.size as usize && Sha256::of(plain) == chunk.sha256);
        if plain.is_none() {
            tracing::warn!(sha256 = %chunk.sha256, "damaged chunk removed from the cache");
            let _ = fs::remove_file(&path);
        } else if let Ok(file) = fs::File::open(&path) {
            // The time of last use, for eviction; a file system that keeps none evicts by age instead.
            let _ = file.set_modified(SystemTime::now());
        }
        plain
    }

    async fn keep(&self, sha256: Sha256, plain: Vec<u8>) -> Result<u64, FetchError> {
        let path = self.path(&sha256);
        let failed = {
            let path = path.clone();
            move |source| FetchError::Cache { path, source }
        };
        let kept = tokio::task::spawn_blocking(move || {
            let frame = compress(&plain);
            let partial = path.with_extension(format!("{}.partial", crate::clock::request_id()));
            fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
            fs::write(&partial, &frame)?;
            fs::rename(&partial, &path)?;
            Ok(frame.len() as u64)
        });
        kept.await.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(failed)
    }

    /// Removes what is longest unused beyond the limit, and what a crash left half written. Blocks.
    pub(crate) fn evict(&self) -> io::Result<()> {
        let mut frames = Vec::new();
        for folder in fs::read_dir(&self.folder)? {
            let folder = folder?.path();
            for entry in if folder.is_dir() { fs::read_dir(&folder)? } else { continue } {
                let entry = entry?;
                let metadata = entry.metadata()?;
                if entry.path().extension().is_some() {
                    fs::remove_file(entry.path())?;
                } else {
                    frames.push((metadata.modified()?, metadata.len(), entry.path()));
                }
            }
        }
        let mut total: u64 = frames.iter().map(|(_, bytes, _)| bytes).sum();
        frames.sort();
        for (_, bytes, path) in frames {
            if total <= CACHE_BYTES_MAX {
                break;
            }
            fs::remove_file(path)?;
            total -= bytes;
        }
        Ok(())
    }

    fn path(&self, sha256: &Sha256) -> PathBuf {
        let hex = sha256.to_string();
        self.folder.join(&hex[..2]).join(hex)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    struct Bench {
        _dir: tempfile::TempDir,
        store: Store,
        cache: ChunkCache,
    }

    fn bench() -> Bench {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("file://{}/store", dir.path().display()), None).unwrap();
        let cache = ChunkCache::open(dir.path().join("chunks")).unwrap();
        Bench { _dir: dir, store, cache }
    }

    fn chunk(plain: &[u8]) -> RecipeChunk {
        RecipeChunk { sha256: Sha256::of(plain), size: u32::try_from(plain.len()).unwrap() }
    }

    #[tokio::test]
    async fn a_chunk_is_fetched_once_and_read_again_and_again() {
        let Bench { store, cache, _dir } = bench();
        store.put_plain_chunk(b"one".to_vec()).await.unwrap();
        let chunks = [chunk(b"one")];
        let first = cache.fetch(&store, &chunks).await.unwrap();
        let second = cache.fetch(&store, &chunks).await.unwrap();
        assert_eq!((first.chunks, first.cached, second.chunks, second.cached), (1, 0, 0, 1));
        assert_eq!(cache.read(&chunks[0]).unwrap(), b"one");
    }

    #[tokio::test]
    async fn every_absent_chunk_is_named() {
        let Bench { store, cache, _dir } = bench();
        store.put_plain_chunk(b"there".to_vec()).await.unwrap();
        let error = cache.fetch(&store, &[chunk(b"gone"), chunk(b"there"), chunk(b"lost")]).await.unwrap_err();
        let FetchError::Missing(missing) = error else { panic!("{error}") };
        let mut expected = [Sha256::of("gone"), Sha256::of("lost")];
        expected.sort();
        assert_eq!(missing, expected);
    }

    #[tokio::test]
    async fn a_damaged_chunk_is_forgotten_and_fetched_again() {
        let Bench { store, cache, _dir } = bench();
        store.put_plain_chunk(b"one".to_vec()).await.unwrap();
        let chunks = [chunk(b"one")];
        cache.fetch(&store, &chunks).await.unwrap();
        fs::write(cache.path(&chunks[0].sha256), "garbage").unwrap();
        assert_eq!(cache.read(&chunks[0]), None);
        assert_eq!(cache.fetch(&store, &chunks).await.unwrap().chunks, 1);
        assert_eq!(cache.read(&chunks[0]).unwrap(), b"one");
    }

    #[tokio::test]
    async fn eviction_removes_what_a_crash_left_and_keeps_what_fits() {
        let Bench { store, cache, _dir } = bench();
        store.put_plain_chunk(b"one".to_vec()).await.unwrap();
        cache.fetch(&store, &[chunk(b"one")]).await.unwrap();
        let partial = cache.path(&Sha256::of("one")).with_extension("x.partial");
        fs::write(&partial, "half").unwrap();
        cache.evict().unwrap();
        assert!(!partial.exists() && cache.read(&chunk(b"one")).is_some());
    }
}
