//! Why a set cannot be opened or read.

use rch_bundle::artifacts::Mismatch;
use rch_bundle::recipe::RecipeError;
use rch_bundle::unpack::UnpackError;
use rch_schemas::Sha256;

use crate::chunk::GetChunkError;
use crate::layout::{Key, SetBase};
use crate::store::StoreError;

/// Why a set cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenSetError {
    /// Its manifest or attestation is not there.
    #[error("{0} is missing in the store")]
    Missing(Key),
    /// There is a manifest, and it is not the one that counts.
    #[error("the manifest at {base} has the digest {found}, not {expected}")]
    Manifest {
        /// The set.
        base: SetBase,
        /// The one that counts.
        expected: Sha256,
        /// What is there.
        found: Sha256,
    },
    /// The attestation is for another manifest.
    #[error("the attestation at {base} is for the manifest {found}, not {expected}")]
    Attestation {
        /// The set.
        base: SetBase,
        /// The manifest that counts.
        expected: Sha256,
        /// The one attested.
        found: Sha256,
    },
    /// The right bytes say nothing usable.
    #[error("{key} is not a document in order")]
    Malformed {
        /// The object.
        key: Key,
        /// Why it cannot be read; `None` when root or order is wrong.
        #[source]
        source: Option<serde_json::Error>,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why something of a set cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadSetError {
    /// The manifest has no such path.
    #[error("the set has no {0}")]
    NoSuchPath(String),
    /// It is a directory, or in one, which comes as a whole.
    #[error("{path} comes with the directory {directory}; fetch that by its recipe")]
    InDirectory {
        /// What was asked for.
        path: String,
        /// The stored directory.
        directory: String,
    },
    /// It is an object of its own and has no recipe.
    #[error("{0} is small and has no recipe; fetch the file")]
    NotChunked(String),
    /// What the store has is not what the manifest says.
    #[error("{0} in the store")]
    Mismatch(Mismatch),
    /// Several such.
    #[error("the stored set does not match its manifest: {}", shown(.0))]
    Mismatches(Vec<Mismatch>),
    /// A recipe whose sizes make no sense.
    #[error("the recipe of {path} is refused")]
    Recipe {
        /// The path in the set.
        path: String,
        /// What is wrong with it.
        #[source]
        source: RecipeError,
    },
    /// A chunk of it.
    #[error("{path} cannot be read")]
    Chunk {
        /// The path in the set.
        path: String,
        /// Why.
        #[source]
        source: GetChunkError,
    },
    /// A stored directory that is no archive of ours.
    #[error("the directory {path} cannot be unpacked")]
    Unpack {
        /// The path in the set.
        path: String,
        /// Why.
        #[source]
        source: UnpackError,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn shown(mismatches: &[Mismatch]) -> String {
    let texts: Vec<String> = mismatches.iter().map(ToString::to_string).collect();
    texts.join(", ")
}
