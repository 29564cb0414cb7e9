//! Comparing what lies in the store with what the manifest says.
//!
//! Objects that the manifest does not name are not looked for: no reader ever sees them.

use futures_util::stream::{self, Stream, StreamExt as _, TryStreamExt as _};
use rch_bundle::artifacts::{Mismatch, is_inside};
use rch_bundle::unpack::{Expected, Unpack};
use rch_schemas::document::SourceEntry;
use rch_schemas::seal::ManifestEntry;

use super::error::ReadSetError;
use super::read::{Set, chunk_error};
use super::write::{Part, is_same};
use crate::blocking::blocking;
use crate::chunk::GetChunkError;

/// Objects looked for at once.
const FINDS_AT_ONCE: usize = 16;

impl Set {
    /// Whether everything the manifest lists is in the store, in the right size. Reads recipes, no content.
    ///
    /// # Errors
    /// [`ReadSetError::Mismatches`] with every path that is missing or has another size.
    pub async fn check_presence(&self) -> Result<(), ReadSetError> {
        let checks = stream::iter(self.parts.iter().copied()).map(|part| async move { self.is_present(part).await });
        gathered(checks.buffered(FINDS_AT_ONCE)).await
    }

    async fn is_present(&self, part: Part) -> Result<(), ReadSetError> {
        let entry = self.entry(part);
        let mismatch = |mismatch: fn(String) -> Mismatch| Err(ReadSetError::Mismatch(mismatch(entry.path.clone())));
        match part {
            Part::Object(index) => match self.store.size(&self.base.file(index)).await? {
                Some(size) if size == entry.size => Ok(()),
                Some(_) => mismatch(Mismatch::Differs),
                None => mismatch(Mismatch::Missing),
            },
            Part::LargeFile(_) | Part::Directory(_) => {
                let recipe = self.recipe_of(part).await?;
                let missing = self.store.missing_chunks(recipe.chunks.iter().map(|chunk| chunk.sha256)).await?;
                if missing.is_empty() { Ok(()) } else { mismatch(Mismatch::Missing) }
            }
        }
    }

    /// Reads everything and compares it with the manifest.
    ///
    /// # Errors
    /// [`ReadSetError::Mismatches`] with every path that is missing, extra (in a stored directory) or different.
    pub async fn verify(&self) -> Result<(), ReadSetError> {
        let checks = stream::iter(self.parts.iter().copied()).map(|part| async move {
            match part {
                Part::Object(_) | Part::LargeFile(_) => self.stream(part).await?.try_for_each(|_| async { Ok(()) }).await,
                Part::Directory(_) => self.verify_directory(part).await,
            }
        });
        // One after another: each already reads ahead.
        gathered(checks.buffered(1)).await
    }

    async fn verify_directory(&self, part: Part) -> Result<(), ReadSetError> {
        let outer = self.entry(part).path.as_str();
        let recipe = self.recipe_of(part).await?;
        let failed = |source| ReadSetError::Unpack { path: outer.to_owned(), source };
        let mut unpack = Unpack::nowhere(Expected { sha256: recipe.sha256, size: recipe.size });
        let mut chunks = self.store.get_chunks(recipe.chunks);
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|source| chunk_error(outer, source))?;
            let fed = blocking(move || unpack.feed(&chunk).map(|()| unpack)).await;
            unpack = fed.map_err(failed)?;
        }
        let found = unpack.finish().map_err(failed)?;
        let listed = self.manifest.entries.iter().filter(|entry| is_inside(&entry.path, outer));
        let mismatches = compared(outer, listed, &found);
        if mismatches.is_empty() { Ok(()) } else { Err(ReadSetError::Mismatches(mismatches)) }
    }
}

/// Runs all checks; their mismatches together, or the first other error.
async fn gathered(checks: impl Stream<Item = Result<(), ReadSetError>>) -> Result<(), ReadSetError> {
    let mut checks = std::pin::pin!(checks);
    let mut mismatches = Vec::new();
    while let Some(checked) = checks.next().await {
        match checked {
            Ok(()) => {}
            Err(ReadSetError::Mismatch(mismatch)) => mismatches.push(mismatch),
            Err(ReadSetError::Mismatches(more)) => mismatches.extend(more),
            Err(ReadSetError::Chunk { path, source: GetChunkError::Missing(_) }) => mismatches.push(Mismatch::Missing(path)),
            Err(ReadSetError::Chunk { path, source: GetChunkError::Corrupt { .. } }) => mismatches.push(Mismatch::Differs(path)),
            Err(error) => return Err(error),
        }
    }
    if mismatches.is_empty() { Ok(()) } else { Err(ReadSetError::Mismatches(mismatches)) }
}

/// How the members of the stored directory `outer` differ from what is listed; both are sorted by path bytes.
fn compared<'a>(outer: &str, listed: impl Iterator<Item = &'a ManifestEntry>, found: &[SourceEntry]) -> Vec<Mismatch> {
    let mut mismatches = Vec::new();
    let mut found = found.iter().peekable();
    for entry in listed {
        let name = &entry.path.as_bytes()[outer.len() + 1..];
        while let Some(extra) = found.next_if(|found| found.path.as_bytes() < name) {
            mismatches.push(Mismatch::Extra(format!("{outer}/{}", extra.path)));
        }
        match found.next_if(|found| found.path.as_bytes() == name) {
            Some(there) if is_same(there, outer, entry) => {}
            Some(_) => mismatches.push(Mismatch::Differs(entry.path.clone())),
            None => mismatches.push(Mismatch::Missing(entry.path.clone())),
        }
    }
    mismatches.extend(found.map(|extra| Mismatch::Extra(format!("{outer}/{}", extra.path))));
    mismatches
}
