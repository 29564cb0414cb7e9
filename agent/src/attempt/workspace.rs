//! The source of one attempt: chunks fetched, digests checked, tree unpacked.

use std::sync::Arc;

use rch_bundle::unpack::{Expected, Unpack, UnpackError};
use rch_schemas::document::{Job, Recipe, SourceEntry};
use rch_schemas::{Reason, RunId, Sha256};
use rch_store::Store;
use rch_store::recipe::GetRecipeError;

use crate::caches::{ChunkCache, FetchError, Fetched, Source, Sources};
use crate::error_line::error_line;

/// How often a chunk that was damaged in the cache is fetched anew before the disk is blamed.
const UNPACK_TRIES: u32 = 2;

/// Where sources come from.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    pub(crate) store: Store,
    pub(crate) chunks: ChunkCache,
    pub(crate) sources: Arc<Sources>,
    /// Largest tree in bytes; 0 means no limit.
    pub(crate) bytes_max: u64,
}

/// Why there is no source.
#[derive(Debug, thiserror::Error)]
#[error("{detail}")]
pub(crate) struct SourceError {
    /// What the farm is told.
    pub(crate) reason: Reason,
    /// Chunks that must be put again.
    pub(crate) missing: Vec<Sha256>,
    detail: String,
}

impl SourceError {
    fn new(reason: Reason, error: &dyn std::error::Error) -> Self {
        Self { reason, missing: Vec::new(), detail: error_line(error) }
    }
}

impl Workspace {
    /// Fetches the chunks of a job's source that are not here.
    pub(crate) async fn fetch(&self, job: &Job) -> Result<(Recipe, Fetched), SourceError> {
        let bytes_max = if self.bytes_max == 0 { u64::MAX } else { self.bytes_max };
        let recipe = self.store.get_recipe(job.recipe.recipe_sha256, bytes_max).await.map_err(|error| match &error {
            GetRecipeError::Missing(_) | GetRecipeError::Corrupt { .. } => SourceError::new(Reason::SourceMissing, &error),
            GetRecipeError::Refused { .. } => SourceError::new(Reason::SizeExceeded, &error),
            GetRecipeError::Store(_) => SourceError::new(Reason::Transfer, &error),
        })?;
        if recipe.sha256 != job.job_key_inputs.source_sha256 {
            let detail = format!("the recipe is of the source {}, the job's is {}", recipe.sha256, job.job_key_inputs.source_sha256);
            return Err(SourceError { reason: Reason::SourceCorrupt, missing: Vec::new(), detail });
        }
        let fetched = self.chunks.fetch(&self.store, &recipe.chunks).await.map_err(fetch_error)?;
        Ok((recipe, fetched))
    }

    /// Unpacks the tree of a run. Nothing of it is used unless the whole digest is right.
    pub(crate) async fn unpack(&self, run: &RunId, recipe: Recipe) -> Result<Source, SourceError> {
        for _ in 1..UNPACK_TRIES {
            match self.unpack_once(run, &recipe).await? {
                Some(source) => return Ok(source),
                None => self.chunks.fetch(&self.store, &recipe.chunks).await.map(|_| ()).map_err(fetch_error)?,
            }
        }
        self.unpack_once(run, &recipe).await?.ok_or_else(|| SourceError {
            reason: Reason::Internal,
            missing: Vec::new(),
            detail: "chunks are damaged in the worker's cache again and again; check its disk".to_owned(),
        })
    }

    /// `None` when a chunk was damaged in the cache.
    async fn unpack_once(&self, run: &RunId, recipe: &Recipe) -> Result<Option<Source>, SourceError> {
        let (sources, chunks, run, recipe) = (Arc::clone(&self.sources), self.chunks.clone(), run.clone(), recipe.clone());
        let unpacked = tokio::task::spawn_blocking(move || {
            let root = sources.prepare(&run).map_err(|error| SourceError::new(io_reason(&error), &error))?;
            let tree = crate::caches::tree_of(&root);
            let entries = feed(&tree, &chunks, &recipe).map_err(|error| SourceError::new(unpack_reason(&error), &error))?;
            Ok(entries.map(|entries| Source::new(root, entries)))
        });
        unpacked.await.unwrap_or_else(|error| Err(SourceError::new(Reason::Internal, &error)))
    }
}

fn feed(tree: &std::path::Path, chunks: &ChunkCache, recipe: &Recipe) -> Result<Option<Vec<SourceEntry>>, UnpackError> {
    let mut unpack = Unpack::new(tree, Expected { sha256: recipe.sha256, size: recipe.size })?;
    for chunk in &recipe.chunks {
        let Some(plain) = chunks.read(chunk) else { return Ok(None) };
        unpack.feed(&plain)?;
    }
    unpack.finish().map(Some)
}

fn fetch_error(error: FetchError) -> SourceError {
    let detail = error_line(&error);
    match error {
        FetchError::Missing(missing) => SourceError { reason: Reason::SourceMissing, missing, detail },
        FetchError::Store(_) => SourceError { reason: Reason::Transfer, missing: Vec::new(), detail },
        FetchError::Recipe(_) => SourceError { reason: Reason::SourceCorrupt, missing: Vec::new(), detail },
        FetchError::Cache { source, .. } => SourceError { reason: io_reason(&source), missing: Vec::new(), detail },
    }
}

fn unpack_reason(error: &UnpackError) -> Reason {
    match error {
        UnpackError::Destination { source, .. } | UnpackError::Io { source, .. } => io_reason(source),
        UnpackError::NotEmpty { .. } => Reason::Internal,
        UnpackError::Member { .. }
        | UnpackError::TooManyMembers
        | UnpackError::Truncated
        | UnpackError::Trailing
        | UnpackError::Size { .. }
        | UnpackError::Digest { .. } => Reason::SourceCorrupt,
    }
}

/// A full disk is another worker's chance; anything else of the disk is trouble here.
pub(crate) fn io_reason(error: &std::io::Error) -> Reason {
    if error.kind() == std::io::ErrorKind::StorageFull { Reason::DiskFull } else { Reason::Internal }
}
