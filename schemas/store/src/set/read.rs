//! Reading a set by the digest of its manifest: nothing of it is handed out before its own digest agrees.

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use rch_bundle::artifacts::{Mismatch, is_inside};
use rch_bundle::recipe::check;
use rch_schemas::Sha256;
use rch_schemas::digest::Hasher;
use rch_schemas::document::Recipe;
use rch_schemas::seal::{Attestation, Manifest, ManifestEntry};

use super::error::{OpenSetError, ReadSetError};
use super::write::{Part, parts};
use super::{DOCUMENT_BYTES_MAX, OBJECT_BYTES_MAX};
use crate::chunk::GetChunkError;
use crate::layout::{Key, SetBase};
use crate::recipe::RECIPE_BYTES_MAX;
use crate::store::Store;

/// A set whose manifest is the one that was asked for.
#[derive(Debug, Clone)]
pub struct Set {
    pub(super) store: Store,
    pub(super) base: SetBase,
    pub(super) manifest: Manifest,
    manifest_bytes: Bytes,
    attestation: Attestation,
    attestation_bytes: Bytes,
    pub(super) parts: Vec<Part>,
}

impl Store {
    /// Opens the set at `base` whose `manifest.json` has the digest `manifest_sha256`. Its signature is the caller's to check.
    pub async fn open_set(&self, base: &SetBase, manifest_sha256: Sha256) -> Result<Set, OpenSetError> {
        let manifest_bytes = self.document(base.manifest()).await?;
        let (expected, found) = (manifest_sha256, Sha256::of(&manifest_bytes));
        if found != expected {
            return Err(OpenSetError::Manifest { base: base.clone(), expected, found });
        }
        let malformed = |key: Key, source| OpenSetError::Malformed { key, source };
        let manifest: Manifest = serde_json::from_slice(&manifest_bytes).map_err(|error| malformed(base.manifest(), Some(error)))?;
        let received = serde_json::from_slice(&manifest_bytes).map_err(|error| malformed(base.manifest(), Some(error)))?;
        if !manifest.is_consistent_as(&received) {
            return Err(malformed(base.manifest(), None));
        }
        let attestation_bytes = self.document(base.attestation()).await?;
        let attestation: Attestation =
            serde_json::from_slice(&attestation_bytes).map_err(|error| malformed(base.attestation(), Some(error)))?;
        let found = attestation.manifest_sha256;
        if found != expected {
            return Err(OpenSetError::Attestation { base: base.clone(), expected, found });
        }
        let parts = parts(&manifest.entries);
        Ok(Set { store: self.clone(), base: base.clone(), manifest, manifest_bytes, attestation, attestation_bytes, parts })
    }

    async fn document(&self, key: Key) -> Result<Bytes, OpenSetError> {
        self.get(&key, DOCUMENT_BYTES_MAX).await?.ok_or(OpenSetError::Missing(key))
    }
}

impl Set {
    /// What is in the set.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// `manifest.json` byte for byte.
    pub fn manifest_bytes(&self) -> &Bytes {
        &self.manifest_bytes
    }

    /// Who vouches for it; not yet verified against a key.
    pub fn attestation(&self) -> &Attestation {
        &self.attestation
    }

    /// `attestation.json` byte for byte.
    pub fn attestation_bytes(&self) -> &Bytes {
        &self.attestation_bytes
    }

    /// The content of the file at `path`, piece by piece. A small file is verified before the first piece; of a large one each piece is, and the
    /// whole before the stream ends without an error.
    pub async fn read(&self, path: &str) -> Result<BoxStream<'static, Result<Bytes, ReadSetError>>, ReadSetError> {
        match self.part(path)? {
            part @ (Part::Object(_) | Part::LargeFile(_)) => self.stream(part).await,
            Part::Directory(_) => Err(ReadSetError::InDirectory { path: path.to_owned(), directory: path.to_owned() }),
        }
    }

    /// How the large file or directory at `path` is stored. A file's recipe has the file's own digest; a directory's members are to be compared
    /// with the manifest by whoever unpacks it.
    pub async fn recipe(&self, path: &str) -> Result<Recipe, ReadSetError> {
        match self.part(path)? {
            Part::Object(_) => Err(ReadSetError::NotChunked(path.to_owned())),
            part @ (Part::LargeFile(_) | Part::Directory(_)) => self.recipe_of(part).await,
        }
    }

    pub(super) fn entry(&self, part: Part) -> &ManifestEntry {
        &self.manifest.entries[part.index()]
    }

    fn part(&self, path: &str) -> Result<Part, ReadSetError> {
        if let Some(part) = self.parts.iter().find(|part| self.entry(**part).path == path) {
            return Ok(*part);
        }
        let known = self.manifest.entries.iter().any(|entry| entry.path == path);
        let outer = self.parts.iter().map(|part| &self.entry(*part).path).find(|outer| known && is_inside(path, outer));
        match outer {
            Some(directory) => Err(ReadSetError::InDirectory { path: path.to_owned(), directory: directory.clone() }),
            None => Err(ReadSetError::NoSuchPath(path.to_owned())),
        }
    }

    pub(super) async fn stream(&self, part: Part) -> Result<BoxStream<'static, Result<Bytes, ReadSetError>>, ReadSetError> {
        let entry = self.entry(part).clone();
        match part {
            Part::Object(index) => {
                let mismatch = |mismatch: fn(String) -> Mismatch| ReadSetError::Mismatch(mismatch(entry.path.clone()));
                let bytes = self.store.get(&self.base.file(index), OBJECT_BYTES_MAX).await?;
                let bytes = bytes.ok_or_else(|| mismatch(Mismatch::Missing))?;
                if Some(Sha256::of(&bytes)) != entry.sha256 || bytes.len() as u64 != entry.size {
                    return Err(mismatch(Mismatch::Differs));
                }
                Ok(stream::once(async move { Ok(bytes) }).boxed())
            }
            Part::LargeFile(_) | Part::Directory(_) => {
                let recipe = self.recipe_of(part).await?;
                Ok(whole(self.store.get_chunks(recipe.chunks).boxed(), entry))
            }
        }
    }

    /// The recipe of a part, whose sizes make sense and which is for what the manifest says.
    pub(super) async fn recipe_of(&self, part: Part) -> Result<Recipe, ReadSetError> {
        let entry = self.entry(part);
        let path = || entry.path.clone();
        let bytes = self.store.get(&self.base.recipe(part.index()), RECIPE_BYTES_MAX).await?;
        let bytes = bytes.ok_or_else(|| ReadSetError::Mismatch(Mismatch::Missing(path())))?;
        let recipe: Recipe = serde_json::from_slice(&bytes).map_err(|_| ReadSetError::Mismatch(Mismatch::Differs(path())))?;
        check(&recipe, u64::MAX).map_err(|source| ReadSetError::Recipe { path: path(), source })?;
        let is_right = match part {
            Part::Object(_) | Part::LargeFile(_) => Some(recipe.sha256) == entry.sha256 && recipe.size == entry.size,
            Part::Directory(_) => true,
        };
        if is_right { Ok(recipe) } else { Err(ReadSetError::Mismatch(Mismatch::Differs(path()))) }
    }
}

pub(super) fn chunk_error(path: &str, source: GetChunkError) -> ReadSetError {
    ReadSetError::Chunk { path: path.to_owned(), source }
}

/// Passes chunks on and ends with an error when together they are not the file of `entry`.
fn whole(
    chunks: BoxStream<'static, Result<Vec<u8>, GetChunkError>>,
    entry: ManifestEntry,
) -> BoxStream<'static, Result<Bytes, ReadSetError>> {
    let state = Some((chunks, entry, Hasher::new()));
    let pieces = stream::try_unfold(state, |state| async move {
        let Some((mut chunks, entry, mut hasher)) = state else { return Ok(None) };
        match chunks.next().await {
            Some(Ok(chunk)) => {
                hasher.update(&chunk);
                Ok(Some((Bytes::from(chunk), Some((chunks, entry, hasher)))))
            }
            Some(Err(source)) => Err(chunk_error(&entry.path, source)),
            None if Some(hasher.finish()) == entry.sha256 => Ok(None),
            None => Err(ReadSetError::Mismatch(Mismatch::Differs(entry.path))),
        }
    });
    pieces.boxed()
}
