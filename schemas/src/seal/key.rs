//! Ed25519 keys, and what exactly they sign.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use ed25519_dalek::{Signature, Signer as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::digest::{Sha256, canonical};
use crate::document::Document;
use crate::id::InvalidId;

/// Why a seal does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// No signature where one is owed.
    #[error("{document} is not signed")]
    Unsigned {
        /// The schema id of the document.
        document: String,
    },
    /// The signature is not of this document by this key.
    #[error("the signature of {document} does not verify with key {fingerprint}")]
    SignatureInvalid {
        /// The schema id of the document.
        document: String,
        /// SHA-256 of the public key.
        fingerprint: Sha256,
    },
    /// The key is not one the reader trusts.
    #[error("{document} is signed by key {found}, expected {expected}")]
    KeyNotPinned {
        /// The schema id of the document.
        document: String,
        /// Fingerprint of the key that signed.
        found: Sha256,
        /// Fingerprint of the pinned key.
        expected: Sha256,
    },
    /// The document speaks of something else.
    #[error("{field} is {found}, expected {expected}")]
    Mismatch {
        /// The member that differs.
        field: &'static str,
        /// What it says.
        found: String,
        /// What it must say.
        expected: String,
    },
}

/// An Ed25519 public key; 64 lower-case hexadecimal digits as text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "Sha256")]
pub struct PublicKey(ed25519_dalek::VerifyingKey);

impl PublicKey {
    /// SHA-256 of the key's 32 bytes.
    pub fn fingerprint(&self) -> Sha256 {
        Sha256::of(self.0.as_bytes())
    }

    /// Checks `signature` over `document` without its `signature` member, strictly (no malleable or small-order forms).
    pub fn verify<D: Document + Serialize>(&self, document: &D, signature: Option<&str>) -> Result<(), SealError> {
        self.verify_bytes(D::document_id(), &signing_bytes(document), signature)
    }

    /// The same over a document as it was received: what is signed are all of its members, those of newer writers too.
    pub fn verify_received<D: Document>(&self, received: &Value, signature: Option<&str>) -> Result<(), SealError> {
        match signing_bytes_of(&D::document_id(), received.clone()) {
            Some(bytes) => self.verify_bytes(D::document_id(), &bytes, signature),
            None if signature.is_none() => Err(SealError::Unsigned { document: D::document_id() }),
            // What has no canonical form was signed by nobody.
            None => Err(self.invalid(D::document_id())),
        }
    }

    fn verify_bytes(&self, document: String, signed: &[u8], signature: Option<&str>) -> Result<(), SealError> {
        let Some(signature) = signature else { return Err(SealError::Unsigned { document }) };
        let bytes = HEXLOWER.decode(signature.as_bytes()).ok();
        let signature = bytes.and_then(|bytes| Signature::from_slice(&bytes).ok());
        let is_valid = signature.is_some_and(|signature| self.0.verify_strict(signed, &signature).is_ok());
        if is_valid { Ok(()) } else { Err(self.invalid(document)) }
    }

    fn invalid(&self, document: String) -> SealError {
        SealError::SignatureInvalid { document, fingerprint: self.fingerprint() }
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(self.0.as_bytes()))
    }
}

impl FromStr for PublicKey {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        HEXLOWER
            .decode(text.as_bytes())
            .ok()
            .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
            .and_then(|bytes| ed25519_dalek::VerifyingKey::from_bytes(&bytes).ok())
            .map(Self)
            .ok_or_else(|| InvalidId::new("public key", "64 lower-case hexadecimal digits of an Ed25519 point", text))
    }
}

impl TryFrom<String> for PublicKey {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        key.to_string()
    }
}

/// An Ed25519 key pair. The seed never leaves it but through [`SigningKey::seed_hex`], for the file it is kept in.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// The pair of a 32-byte seed, which must come from a cryptographic source of randomness.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(&seed))
    }

    /// The pair whose seed is written as 64 lower-case hexadecimal digits; white space around them is ignored.
    pub fn from_seed_hex(text: &str) -> Result<Self, InvalidId> {
        HEXLOWER
            .decode(text.trim().as_bytes())
            .ok()
            .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
            .map(Self::from_seed)
            .ok_or_else(|| InvalidId::new("key seed", "64 lower-case hexadecimal digits", "(not shown)"))
    }

    /// The seed, for the file it is kept in.
    pub fn seed_hex(&self) -> String {
        HEXLOWER.encode(self.0.as_bytes())
    }

    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// The signature of `document` without its `signature` member, in lower-case hex.
    pub fn sign<D: Document + Serialize>(&self, document: &D) -> String {
        HEXLOWER.encode(&self.0.sign(&signing_bytes(document)).to_bytes())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public_key().fingerprint())
    }
}

/// What is signed: the schema id, a newline, and the canonical document without its `signature` member. The id keeps a signature of one
/// kind of document from being taken for one of another.
pub fn signing_bytes<D: Document + Serialize>(document: &D) -> Vec<u8> {
    let value = serde_json::to_value(document).expect("documents serialize");
    signing_bytes_of(&D::document_id(), value).expect("signed documents hold no floats and no huge integers")
}

/// `None` when the document has no canonical form.
fn signing_bytes_of(id: &str, mut document: Value) -> Option<Vec<u8>> {
    if let Some(members) = document.as_object_mut() {
        members.remove("signature");
    }
    let canonical = canonical(&document).ok()?;
    Some([id.as_bytes(), b"\n", &canonical].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::Attestation;

    #[test]
    fn what_has_no_canonical_form_is_signed_by_nobody_not_even_with_a_signature_of_nothing() {
        let key = SigningKey::from_seed([7; 32]);
        let of_nothing = HEXLOWER.encode(&key.0.sign(b"").to_bytes());
        let received = serde_json::json!({ "since_version_9": 0.5 });
        let found = key.public_key().verify_received::<Attestation>(&received, Some(&of_nothing));
        assert!(matches!(found, Err(SealError::SignatureInvalid { .. })), "{found:?}");
        assert!(matches!(key.public_key().verify_received::<Attestation>(&received, None), Err(SealError::Unsigned { .. })));
    }
}
