//! Writing a set from a directory that holds it, manifest and attestation included.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use rch_bundle::artifacts::{is_inside, stored_directories};
use rch_bundle::directory;
use rch_bundle::file::CutFile;
use rch_bundle::pack::{PackError, Packed, ReadChunkError, pack};
use rch_bundle::tree::WalkError;
use rch_schemas::document::{EntryType, Recipe, RecipeChunk, SourceEntry};
use rch_schemas::seal::{ATTESTATION_PATH, MANIFEST_PATH, Manifest, ManifestEntry, ManifestEntryType};
use rch_schemas::{Sha256, Timestamp};

use super::OBJECT_BYTES_MAX;
use crate::blocking::blocking;
use crate::layout::SetBase;
use crate::store::{Store, StoreError};

/// Chunks or small files that are read, compressed and put at once: two cores' worth, and the way to the store filled meanwhile.
const PUTS_AT_ONCE: usize = 4;

/// Why a set was not written.
#[derive(Debug, thiserror::Error)]
pub enum PutSetError {
    /// A file of the set could not be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The manifest is not one, or is not in order.
    #[error("manifest.json of the set is not a manifest in order")]
    Manifest(#[source] Option<serde_json::Error>),
    /// A file is not what the manifest says.
    #[error("{path} is not what the manifest says; it changed after it was listed")]
    Changed {
        /// The path in the set.
        path: String,
    },
    /// A directory of the set cannot be listed.
    #[error(transparent)]
    Walk(#[from] WalkError),
    /// A directory of the set cannot be read.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ReadChunkError> for PutSetError {
    fn from(error: ReadChunkError) -> Self {
        let path = match error {
            ReadChunkError::Changed { path } => path,
            ReadChunkError::Differs { index, .. } => format!("chunk {index}"),
        };
        Self::Changed { path }
    }
}

impl Store {
    /// Writes the set in `directory` to `base`: everything the manifest lists, then `manifest.json`, then `attestation.json`, byte for byte.
    ///
    /// Safe to repeat. Recipes are made at `created_at`.
    pub async fn put_set(&self, base: &SetBase, directory: &Path, created_at: Timestamp) -> Result<(), PutSetError> {
        let document = |name: &str| {
            let path = directory.join(name);
            blocking(move || fs::read(&path).map(Bytes::from).map_err(|source| PutSetError::Unreadable { path, source }))
        };
        let (manifest_bytes, attestation_bytes) = (document(MANIFEST_PATH).await?, document(ATTESTATION_PATH).await?);
        let manifest: Manifest = serde_json::from_slice(&manifest_bytes).map_err(|error| PutSetError::Manifest(Some(error)))?;
        if !manifest.is_consistent() {
            return Err(PutSetError::Manifest(None));
        }
        let writing = Writing { store: self, base, directory, entries: Arc::new(manifest.entries), created_at };
        let puts = stream::iter(parts(&writing.entries)).map(|part| writing.put_part(part));
        puts.buffer_unordered(PUTS_AT_ONCE).try_collect::<()>().await?;
        self.put(&base.manifest(), manifest_bytes).await?;
        Ok(self.put(&base.attestation(), attestation_bytes).await?)
    }
}

/// One set on its way into the store.
struct Writing<'a> {
    store: &'a Store,
    base: &'a SetBase,
    directory: &'a Path,
    entries: Arc<Vec<ManifestEntry>>,
    created_at: Timestamp,
}

impl Writing<'_> {
    async fn put_part(&self, part: Part) -> Result<(), PutSetError> {
        let index = part.index();
        let disk = self.directory.join(&self.entries[index].path);
        let entries = Arc::clone(&self.entries);
        match part {
            Part::Object(_) => {
                let bytes = blocking(move || read_object(&disk, &entries[index])).await?;
                Ok(self.store.put(&self.base.file(index), bytes).await?)
            }
            Part::LargeFile(_) => {
                let cut = blocking(move || cut_file(&disk, &entries[index])).await?;
                self.put_chunked(index, &Arc::new(Chunked::File(cut))).await
            }
            Part::Directory(_) => {
                let packed = blocking(move || pack_directory(&disk, &entries, index)).await?;
                self.put_chunked(index, &Arc::new(Chunked::Directory(packed))).await
            }
        }
    }

    /// Puts the chunks that the store lacks, then the recipe.
    async fn put_chunked(&self, index: usize, chunked: &Arc<Chunked>) -> Result<(), PutSetError> {
        let chunks = chunked.chunks();
        let missing = self.store.missing_chunks(chunks.iter().map(|chunk| chunk.sha256)).await?;
        let mut missing: HashSet<Sha256> = missing.into_iter().collect();
        let indices: Vec<usize> = (0..chunks.len()).filter(|&index| missing.remove(&chunks[index].sha256)).collect();
        let puts = stream::iter(indices).map(|index| {
            let chunked = Arc::clone(chunked);
            async move {
                let plain = blocking(move || chunked.read_chunk(index)).await?;
                self.store.put_plain_chunk(plain).await?;
                Ok::<(), PutSetError>(())
            }
        });
        puts.buffer_unordered(PUTS_AT_ONCE).try_collect::<()>().await?;
        let recipe = serde_json::to_vec(&chunked.recipe(self.created_at)).expect("a recipe is plain data");
        Ok(self.store.put(&self.base.recipe(index), Bytes::from(recipe)).await?)
    }
}

/// One thing that is stored, by its place in the manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// A file as an object.
    Object(usize),
    /// A file as a recipe.
    LargeFile(usize),
    /// A directory and all that is in it, as a recipe.
    Directory(usize),
}

impl Part {
    pub(super) fn index(self) -> usize {
        match self {
            Self::Object(index) | Self::LargeFile(index) | Self::Directory(index) => index,
        }
    }
}

/// What a set with these entries consists of in the store.
pub(super) fn parts(entries: &[ManifestEntry]) -> Vec<Part> {
    let directories = stored_directories(entries);
    let is_in_one = |path: &str| directories.iter().any(|&outer| is_inside(path, &entries[outer].path));
    let files = entries.iter().enumerate().filter(|(_, entry)| entry.entry_type == ManifestEntryType::File && !is_in_one(&entry.path));
    let files = files.map(|(index, entry)| if entry.size <= OBJECT_BYTES_MAX { Part::Object(index) } else { Part::LargeFile(index) });
    let mut parts: Vec<Part> = files.chain(directories.iter().map(|&index| Part::Directory(index))).collect();
    parts.sort_by_key(|part| part.index());
    parts
}

/// What is stored in chunks.
enum Chunked {
    File(CutFile),
    Directory(Packed),
}

impl Chunked {
    fn chunks(&self) -> &[RecipeChunk] {
        match self {
            Self::File(cut) => cut.chunks(),
            Self::Directory(packed) => packed.chunks(),
        }
    }

    fn recipe(&self, created_at: Timestamp) -> Recipe {
        match self {
            Self::File(cut) => cut.recipe(created_at),
            Self::Directory(packed) => packed.recipe(created_at),
        }
    }

    fn read_chunk(&self, index: usize) -> Result<Vec<u8>, PutSetError> {
        match self {
            Self::Directory(packed) => Ok(packed.read_chunk(index)?),
            Self::File(cut) => {
                let changed = || PutSetError::Changed { path: cut.path().display().to_string() };
                let bytes = cut.read_chunk(index).map_err(|_| changed())?;
                if Sha256::of(&bytes) == cut.chunks()[index].sha256 { Ok(bytes) } else { Err(changed()) }
            }
        }
    }
}

fn read_object(disk: &Path, entry: &ManifestEntry) -> Result<Bytes, PutSetError> {
    let bytes = fs::read(disk).map_err(|source| PutSetError::Unreadable { path: disk.to_owned(), source })?;
    if Some(Sha256::of(&bytes)) == entry.sha256 && bytes.len() as u64 == entry.size {
        Ok(Bytes::from(bytes))
    } else {
        Err(PutSetError::Changed { path: entry.path.clone() })
    }
}

fn cut_file(disk: &Path, entry: &ManifestEntry) -> Result<CutFile, PutSetError> {
    let cut = CutFile::read(disk).map_err(|source| PutSetError::Unreadable { path: disk.to_owned(), source })?;
    if Some(cut.sha256()) == entry.sha256 { Ok(cut) } else { Err(PutSetError::Changed { path: entry.path.clone() }) }
}

fn pack_directory(disk: &Path, entries: &[ManifestEntry], index: usize) -> Result<Packed, PutSetError> {
    let packed = pack(&directory::list(disk)?)?;
    let outer = &entries[index].path;
    let listed = entries.iter().filter(|entry| is_inside(&entry.path, outer));
    let packed_entries = packed.source_entries();
    let mut found = packed_entries.iter();
    for entry in listed {
        let same = found.next().is_some_and(|found| is_same(found, outer, entry));
        if !same {
            return Err(PutSetError::Changed { path: entry.path.clone() });
        }
    }
    match found.next() {
        None => Ok(packed),
        Some(extra) => Err(PutSetError::Changed { path: format!("{outer}/{}", extra.path) }),
    }
}

/// Whether a member of the directory `outer` is what the manifest says of it.
pub(super) fn is_same(found: &SourceEntry, outer: &str, entry: &ManifestEntry) -> bool {
    let same_type = match found.entry_type {
        EntryType::File => entry.entry_type == ManifestEntryType::File,
        EntryType::Directory => entry.entry_type == ManifestEntryType::Directory,
        EntryType::Symlink => false,
    };
    let path = entry.path.strip_prefix(outer).and_then(|rest| rest.strip_prefix('/'));
    same_type && path == Some(found.path.as_str()) && found.size == entry.size && found.sha256 == entry.sha256
}
