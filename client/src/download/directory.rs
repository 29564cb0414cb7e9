//! A stored directory of a set, such as `result.xcresult`: fetched by its recipe, unpacked beside its place, then moved there whole.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use rch_bundle::chunk::CHUNK_BYTES_MAX;
use rch_bundle::compress::{DecompressError, decompress};
use rch_bundle::recipe::{self, RecipeError};
use rch_bundle::tar::{self, Kind};
use rch_bundle::unpack::{Expected, Unpack, UnpackError};
use rch_schemas::document::Recipe;
use rch_schemas::seal::{ManifestEntry, ManifestEntryType};
use rch_schemas::{JobId, Sha256};

use crate::farm::{Backoff, FarmClient, FarmError};

/// Chunks on their way at once.
const AT_ONCE: usize = 4;
/// Tries for one chunk, when what fails may pass: half a minute in all.
const TRIES_MAX: u32 = 10;

/// Why a stored directory is not here.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DirectoryError {
    /// The farm.
    #[error(transparent)]
    Farm(#[from] FarmError),
    /// The recipe cannot be that of the directory.
    #[error("{0}")]
    Recipe(#[from] RecipeError),
    /// A chunk is no frame.
    #[error("chunk {sha256}: {source}")]
    Frame {
        /// The chunk.
        sha256: Sha256,
        /// What is wrong with it.
        source: DecompressError,
    },
    /// A chunk is another one.
    #[error("a chunk has the digest {found}, expected {expected}")]
    Chunk {
        /// What the recipe says.
        expected: Sha256,
        /// What came.
        found: Sha256,
    },
    /// The archive is refused.
    #[error("{0}")]
    Unpack(#[from] UnpackError),
    /// Local files.
    #[error("cannot be written: {0}")]
    Local(#[from] io::Error),
}

impl DirectoryError {
    /// The failure of the farm or of this disk, when it is not the directory's own.
    pub(super) fn split(self) -> Result<io::Error, Result<FarmError, Self>> {
        match self {
            Self::Local(error) | Self::Unpack(UnpackError::Io { source: error, .. } | UnpackError::Destination { source: error, .. }) => {
                Ok(error)
            }
            Self::Farm(error) => Err(Ok(error)),
            Self::Recipe(_) | Self::Frame { .. } | Self::Chunk { .. } | Self::Unpack(_) => Err(Err(self)),
        }
    }
}

/// Fetches the directory `entry`, whose members are `members`, to `place`. `beside` is a directory on the same disk for what is unfinished.
/// What is in it is compared with the manifest by whoever checks the whole set.
pub(super) async fn fetch(
    client: &FarmClient,
    job: &JobId,
    (outer, members): (&str, &[&ManifestEntry]),
    beside: &Path,
    place: &Path,
) -> Result<(), DirectoryError> {
    let recipe = retried(|| client.job_recipe(job, outer)).await?;
    recipe::check(&recipe, tar_bytes(outer, members))?;
    let unfinished = tempfile::tempdir_in(beside)?;
    let inner = unfinished.path().join("directory");
    fs::create_dir(&inner)?;
    unpack(client, &recipe, &inner).await?;
    fs::set_permissions(&inner, fs::Permissions::from_mode(0o755))?;
    Ok(fs::rename(&inner, place)?)
}

/// Bytes of the archive that holds exactly these members: no other can be theirs.
fn tar_bytes(outer: &str, members: &[&ManifestEntry]) -> u64 {
    let member = |entry: &&ManifestEntry| {
        let path = entry.path.strip_prefix(outer).unwrap_or(&entry.path).trim_start_matches('/');
        let kind = match entry.entry_type {
            ManifestEntryType::File => Kind::File { size: entry.size, executable: false },
            ManifestEntryType::Directory => Kind::Directory,
        };
        tar::member_bytes(path, &kind)
    };
    members.iter().map(member).sum::<u64>() + tar::TRAILER_BYTES as u64
}

async fn unpack(client: &FarmClient, recipe: &Recipe, directory: &Path) -> Result<(), DirectoryError> {
    let mut unpack = Unpack::new(directory, Expected { sha256: recipe.sha256, size: recipe.size })?;
    let frames = stream::iter(recipe.chunks.clone()).map(|chunk| async move {
        let frame = retried(|| client.get_chunk(&chunk.sha256)).await?;
        Ok::<_, DirectoryError>((chunk.sha256, frame))
    });
    let mut frames = frames.buffered(AT_ONCE);
    while let Some((expected, frame)) = frames.try_next().await? {
        unpack = blocking(move || {
            let bytes = decompress(&frame, CHUNK_BYTES_MAX).map_err(|source| DirectoryError::Frame { sha256: expected, source })?;
            let found = Sha256::of(&bytes);
            if found != expected {
                return Err(DirectoryError::Chunk { expected, found });
            }
            unpack.feed(&bytes)?;
            Ok(unpack)
        })
        .await?;
    }
    blocking(move || Ok(unpack.finish().map(drop)?)).await
}

async fn retried<T, F: Future<Output = Result<T, FarmError>>>(ask: impl Fn() -> F) -> Result<T, FarmError> {
    let mut backoff = Backoff::default();
    loop {
        match ask().await {
            Err(error) if error.is_passing() && backoff.tries() < TRIES_MAX => tokio::time::sleep(backoff.next(error.retry_after())).await,
            outcome => return outcome,
        }
    }
}

/// Runs `work` on a thread that may block. A panic there is one here.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, DirectoryError> + Send + 'static) -> Result<T, DirectoryError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
