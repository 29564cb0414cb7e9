//! What vouches for a set: attestation and manifest.

use rch_bundle::name;
use rch_schemas::document::Farm;
use rch_schemas::seal::{ATTESTATION_PATH, Attestation, MANIFEST_PATH, Manifest, ManifestEntryType, PublicKey, SealError, SignerRole};
use rch_schemas::wire::http::JobView;
use rch_schemas::{Attempt, Reason, Sha256};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A set that somebody we trust vouches for.
#[derive(Debug)]
pub(super) struct Seal {
    pub(super) manifest: Manifest,
    pub(super) attestation: Attestation,
}

/// Why nobody we trust vouches for a set.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SealFailure {
    /// Not the document it should be.
    #[error("{path} cannot be read")]
    Unreadable {
        /// The file.
        path: &'static str,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The signature, or its key.
    #[error("attestation.json is not to be trusted")]
    Signature(#[from] SealError),
    /// The signer is none that the farm names.
    #[error("attestation.json is signed by {0}, which the farm does not name; its inventory may have changed")]
    UnknownSigner(String),
    /// It speaks of something else.
    #[error("what came is not what was signed: {field} is {found}, expected {expected}")]
    Mismatch {
        /// What is compared.
        field: &'static str,
        /// What the set says.
        found: String,
        /// What it must say.
        expected: String,
    },
    /// A path that would reach out of the set.
    #[error("the manifest names {path:?}, and {why}")]
    Path {
        /// The path.
        path: String,
        /// What is wrong with it.
        why: String,
    },
}

impl SealFailure {
    /// The code of the contract.
    pub(super) fn reason(&self) -> Reason {
        match self {
            Self::Signature(SealError::KeyNotPinned { .. }) | Self::UnknownSigner(_) => Reason::KeyNotPinned,
            Self::Signature(SealError::Unsigned { .. } | SealError::SignatureInvalid { .. } | SealError::Mismatch { .. }) => {
                Reason::SignatureInvalid
            }
            Self::Unreadable { .. } | Self::Mismatch { .. } | Self::Path { .. } => Reason::IntegrityMismatch,
        }
    }
}

/// Checks the bytes of attestation and manifest against each other, the job and the farm's pinned keys.
pub(super) fn check(job: &JobView, farm: &Farm, manifest: &[u8], attestation: &[u8]) -> Result<Seal, SealFailure> {
    let (signed, received): (Attestation, Value) = parse(ATTESTATION_PATH, attestation)?;
    signed.verify_received(&received, pinned(&signed, farm)?)?;
    if let (SignerRole::Worker, Some(worker)) = (signed.signer.role, &signed.worker) {
        equal("key_fingerprint of the attestation's worker", &worker.key_fingerprint, &signed.public_key.fingerprint())?;
    }
    let digest = Sha256::of(manifest);
    equal("manifest_sha256 of the attestation", &signed.manifest_sha256, &digest)?;
    if let Some(recorded) = &job.manifest_sha256 {
        equal("the manifest's digest", &digest, recorded)?;
    }
    equal("job_id of the attestation", &signed.job_id, &job.job_id)?;
    equal("run_id of the attestation", &signed.run_id, &job.run_id)?;
    // A set that no attempt produced says 0, whatever attempts were made before.
    let expected = if signed.signer.role == SignerRole::Farm && signed.attempt == Attempt::NONE { Attempt::NONE } else { job.attempt };
    equal("attempt of the attestation", &signed.attempt, &expected)?;
    equal("job_key of the attestation", &shown(signed.job_key.as_ref()), &shown(job.job_key.as_ref()))?;
    let (manifest, received): (Manifest, Value) = parse(MANIFEST_PATH, manifest)?;
    equal("job_id of the manifest", &manifest.job_id, &signed.job_id)?;
    equal("attempt of the manifest", &manifest.attempt, &signed.attempt)?;
    equal("job_key of the manifest", &shown(manifest.job_key.as_ref()), &shown(signed.job_key.as_ref()))?;
    check_entries(&manifest, &received)?;
    Ok(Seal { manifest, attestation: signed })
}

/// A document by what is known of it, and as it is: signatures and digests are over all of it.
fn parse<T: DeserializeOwned>(path: &'static str, bytes: &[u8]) -> Result<(T, Value), SealFailure> {
    let unreadable = |source| SealFailure::Unreadable { path, source };
    Ok((serde_json::from_slice(bytes).map_err(unreadable)?, serde_json::from_slice(bytes).map_err(unreadable)?))
}

/// The key that the farm names for the signer.
pub(super) fn pinned<'a>(signed: &Attestation, farm: &'a Farm) -> Result<&'a PublicKey, SealFailure> {
    match signed.signer.role {
        SignerRole::Farm => Ok(&farm.public_key),
        SignerRole::Worker => {
            let named = farm.worker_keys.iter().find(|key| key.worker.as_str() == signed.signer.name);
            let key = named.ok_or_else(|| SealFailure::UnknownSigner(signed.signer.name.clone()))?;
            if let Some(worker) = &signed.worker {
                equal("worker of the attestation", &worker.name, &key.worker)?;
            }
            Ok(&key.public_key)
        }
    }
}

pub(super) fn check_entries(manifest: &Manifest, received: &Value) -> Result<(), SealFailure> {
    if !manifest.is_consistent_as(received) {
        let expected = Manifest::root_of(&manifest.entries).to_string();
        return Err(SealFailure::Mismatch { field: "artifact_root_sha256", found: manifest.artifact_root_sha256.to_string(), expected });
    }
    for entry in &manifest.entries {
        let fail = |why: String| Err(SealFailure::Path { path: entry.path.clone(), why });
        if let Err(error) = name::check(&entry.path) {
            return fail(error.to_string());
        }
        if entry.path == MANIFEST_PATH || entry.path == ATTESTATION_PATH {
            return fail("a set does not list what vouches for it".to_owned());
        }
        let is_file = entry.entry_type == ManifestEntryType::File;
        if is_file != entry.sha256.is_some() || !is_file && entry.size > 0 {
            return fail("its digest or size does not fit what it is".to_owned());
        }
    }
    Ok(())
}

fn shown(key: Option<&rch_schemas::JobKey>) -> String {
    key.map_or_else(|| "null".to_owned(), ToString::to_string)
}

fn equal<T: PartialEq + ToString>(field: &'static str, found: &T, expected: &T) -> Result<(), SealFailure> {
    if found == expected {
        return Ok(());
    }
    Err(SealFailure::Mismatch { field, found: found.to_string(), expected: expected.to_string() })
}
