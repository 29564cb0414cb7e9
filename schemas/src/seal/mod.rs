//! Seals: the manifest of an artifact set, its attestation, and the keys that sign.

mod attestation;
mod key;
mod manifest;

pub use attestation::{Attestation, BackendIdentity, Reading, Signer, SignerRole, WorkerIdentity};
pub use key::{PublicKey, SealError, SigningKey, signing_bytes};
pub use manifest::{ATTESTATION_PATH, MANIFEST_PATH, Manifest, ManifestEntry, ManifestEntryType};
