//! Artifact sets: written by one attempt, read by whoever the ledger tells which one counts.
//!
//! Files up to 1 MiB are objects named by their place in the manifest; a larger file, or a directory that is in no other, is a recipe over
//! chunks. The manifest comes after everything it lists and the attestation after the manifest, so a set that was cut short has none.
//! That a set is complete does not make it count: the ledger's event does, by the digest of the manifest.

mod error;
mod read;
mod verify;
mod write;

pub use error::{OpenSetError, ReadSetError};
pub use read::Set;
pub use write::PutSetError;

/// The largest file that is an object of its own, in bytes.
pub const OBJECT_BYTES_MAX: u64 = 1024 * 1024;
/// The largest manifest or attestation, in bytes: about 60,000 files of a result bundle.
pub const DOCUMENT_BYTES_MAX: u64 = 16 * 1024 * 1024;
