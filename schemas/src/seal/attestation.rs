//! The attestation: who vouches for an artifact set, and for what.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::key::{PublicKey, SealError, SigningKey};
use crate::digest::Sha256;
use crate::document::{Document as _, document};
use crate::id::WorkerName;
use crate::job_key::{ResolvedDestination, Toolchain};

document! {
    /// The signed statement about one artifact set.
    job Attestation = "attestation" @ 1 {
        /// SHA-256 of the canonical bundle that was built; absent when the source was never unpacked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub source_sha256: Option<Sha256>,
        /// Where it ran; absent in a set that no attempt produced.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub worker: Option<WorkerIdentity>,
        /// Digest of the facts the worker was chosen by.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub capabilities_sha256: Option<Sha256>,
        /// Digest of the evidence for the choice of worker.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub evidence_sha256: Option<Sha256>,
        /// What drove Xcode; absent when nothing ran.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub backend: Option<BackendIdentity>,
        /// SHA-256 of the bytes of `manifest.json`.
        pub manifest_sha256: Sha256,
        /// The protocol version of the run.
        pub protocol_version: u32,
        /// Toolchain and destination as read just before execution.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub before: Option<Reading>,
        /// Toolchain and destination as read just before the manifest.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub after: Option<Reading>,
        /// Who signs.
        pub signer: Signer,
        /// The signer's public key.
        pub public_key: PublicKey,
        /// Ed25519 over the schema id, a newline and the canonical document without this member; lower-case hex.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub signature: Option<String>,
    }
}

impl Attestation {
    /// Signs with `key`, whose public half must be the one the document names.
    #[must_use]
    pub fn signed(mut self, key: &SigningKey) -> Self {
        self.public_key = key.public_key();
        self.signer.fingerprint = self.public_key.fingerprint();
        self.signature = Some(key.sign(&self));
        self
    }

    /// Checks the signature, and that it is by `pinned`.
    pub fn verify(&self, pinned: &PublicKey) -> Result<(), SealError> {
        self.is_of(pinned)?;
        pinned.verify(self, self.signature.as_deref())
    }

    /// The same, when this was read from `received`: a newer signer has signed members that are unknown here, too.
    pub fn verify_received(&self, received: &serde_json::Value, pinned: &PublicKey) -> Result<(), SealError> {
        self.is_of(pinned)?;
        pinned.verify_received::<Self>(received, self.signature.as_deref())
    }

    /// Checks that it names `pinned` as the key that signed; says nothing of the signature.
    pub fn is_of(&self, pinned: &PublicKey) -> Result<(), SealError> {
        if self.public_key != *pinned {
            let (found, expected) = (self.public_key.fingerprint(), pinned.fingerprint());
            return Err(SealError::KeyNotPinned { document: Self::document_id(), found, expected });
        }
        if self.signer.fingerprint != pinned.fingerprint() {
            return Err(SealError::Mismatch {
                field: "signer.fingerprint",
                found: self.signer.fingerprint.to_string(),
                expected: pinned.fingerprint().to_string(),
            });
        }
        Ok(())
    }
}

/// A worker by name and key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WorkerIdentity {
    /// Its name.
    pub name: WorkerName,
    /// SHA-256 of its public key.
    pub key_fingerprint: Sha256,
}

/// What drove Xcode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackendIdentity {
    /// `xcodebuild` or `mcp`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// Toolchain and destination as the machine reported them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reading {
    /// The tools.
    pub toolchain: Toolchain,
    /// The destination.
    pub destination: ResolvedDestination,
}

/// Who signs a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Signer {
    /// What the signer is.
    pub role: SignerRole,
    /// The worker's or the farm's name.
    pub name: String,
    /// SHA-256 of the signing key's public half.
    pub fingerprint: Sha256,
}

/// What a signer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignerRole {
    /// The Mac that did the work.
    Worker,
    /// The farm, for sets that no attempt produced.
    Farm,
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use crate::document::{SchemaId, SchemaVersion};
    use crate::id::Attempt;
    use crate::time::Timestamp;

    fn unsigned(key: &SigningKey) -> Attestation {
        Attestation {
            schema_version: SchemaVersion::default(),
            schema_id: SchemaId::default(),
            created_at: Timestamp::from_unix_ms(0),
            run_id: "run-000001".parse().unwrap(),
            job_id: "job-000001".parse().unwrap(),
            job_key: None,
            attempt: Attempt(1),
            source_sha256: None,
            worker: None,
            capabilities_sha256: None,
            evidence_sha256: None,
            backend: None,
            manifest_sha256: Sha256::of("manifest"),
            protocol_version: 1,
            before: None,
            after: None,
            signer: Signer { role: SignerRole::Worker, name: "macmini-01".to_owned(), fingerprint: key.public_key().fingerprint() },
            public_key: key.public_key(),
            signature: None,
        }
    }

    #[test]
    fn a_signature_holds_for_its_document_and_key_alone() {
        let key = SigningKey::from_seed([7; 32]);
        let signed = unsigned(&key).signed(&key);
        assert_eq!(signed.verify(&key.public_key()), Ok(()));

        let other = SigningKey::from_seed([8; 32]);
        assert!(matches!(signed.verify(&other.public_key()), Err(SealError::KeyNotPinned { .. })));

        let mut changed = signed.clone();
        changed.attempt = Attempt(2);
        assert!(matches!(changed.verify(&key.public_key()), Err(SealError::SignatureInvalid { .. })));

        let mut forged = signed.clone();
        forged.public_key = other.public_key();
        forged = forged.signed(&other);
        assert!(matches!(forged.verify(&key.public_key()), Err(SealError::KeyNotPinned { .. })));
        assert!(matches!(unsigned(&key).verify(&key.public_key()), Err(SealError::Unsigned { .. })));
    }

    #[test]
    fn a_signature_holds_for_every_member_that_was_received() {
        let key = SigningKey::from_seed([7; 32]);
        let signed = unsigned(&key).signed(&key);
        let mut received = serde_json::to_value(&signed).unwrap();
        assert_eq!(signed.verify_received(&received, &key.public_key()), Ok(()));
        for unknown in [serde_json::json!("unsigned"), serde_json::json!(0.5)] {
            received["since_version_9"] = unknown;
            assert!(matches!(signed.verify_received(&received, &key.public_key()), Err(SealError::SignatureInvalid { .. })));
        }
    }

    #[test]
    fn every_flipped_signature_digit_is_found() {
        let key = SigningKey::from_seed([7; 32]);
        let signed = unsigned(&key).signed(&key);
        let signature = signed.signature.clone().unwrap();
        for index in 0..signature.len() {
            let mut digits = signature.clone().into_bytes();
            digits[index] = if digits[index] == b'0' { b'1' } else { b'0' };
            let flipped = Attestation { signature: String::from_utf8(digits).ok(), ..signed.clone() };
            assert!(flipped.verify(&key.public_key()).is_err());
        }
    }
}
