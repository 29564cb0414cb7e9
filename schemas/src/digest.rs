//! The only hashing: SHA-256 over bytes, and over the canonical form (RFC 8785, JCS) of a value.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use sha2::Digest as _;
use sha2::digest::common::hazmat::SerializableState as _;

use crate::id::InvalidId;

/// A SHA-256 digest; 64 lower-case hexadecimal digits as text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sha256([u8; 32]);

impl Sha256 {
    /// The digest of `bytes`.
    pub fn of(bytes: impl AsRef<[u8]>) -> Self {
        Self(sha2::Sha256::digest(bytes.as_ref()).into())
    }

    /// The digest of the canonical bytes of `value`.
    pub fn of_canonical(value: &impl Serialize) -> Result<Self, CanonicalError> {
        canonical(value).map(Self::of)
    }

    /// The digest that these bytes are, kept somewhere in this form.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Four digits at each end, for people: `7c1f..e90a`.
    pub fn short(&self) -> String {
        let hex = self.to_string();
        format!("{}..{}", &hex[..4], &hex[60..])
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Sha256 {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        HEXLOWER
            .decode(text.as_bytes())
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or_else(|| InvalidId::new("SHA-256 digest", "^[0-9a-f]{64}$", text))
    }
}

impl TryFrom<String> for Sha256 {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<Sha256> for String {
    fn from(digest: Sha256) -> Self {
        digest.to_string()
    }
}

impl JsonSchema for Sha256 {
    fn schema_name() -> Cow<'static, str> {
        "Sha256".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9a-f]{64}$", "description": "A SHA-256 digest: 64 lower-case hexadecimal digits." })
    }
}

/// A digest that is still being fed.
#[derive(Clone, Default)]
pub struct Hasher(sha2::Sha256);

/// Bytes of a saved [`Hasher`]: eight words, the count of blocks, and the block that is not yet full.
pub const HASHER_STATE_BYTES: usize = 104;

impl Hasher {
    /// A hasher that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of everything seen so far; more may follow.
    pub fn current(&self) -> Sha256 {
        Sha256(self.0.clone().finalize().into())
    }

    /// What it takes to go on from here later, even in another process. For caches of our own: not a form of the contract.
    pub fn save(&self) -> [u8; HASHER_STATE_BYTES] {
        self.0.serialize().into()
    }

    /// The hasher that was saved when it had seen `seen` bytes; `None` when `saved` is not of such a one.
    ///
    /// Eight words that were tampered with give a wrong digest, not an error: keep a digest of what you save.
    pub fn resume(saved: &[u8; HASHER_STATE_BYTES], seen: u64) -> Option<Self> {
        let (_words, rest) = saved.split_first_chunk::<32>()?;
        let (blocks, rest) = rest.split_first_chunk::<8>()?;
        let (partial, _) = rest.split_first()?;
        let counted = u64::from_le_bytes(*blocks).checked_mul(64)?.checked_add(u64::from(*partial))?;
        let hasher = sha2::Sha256::deserialize(saved.into()).ok()?;
        (counted == seen).then_some(Self(hasher))
    }

    /// The digest of everything seen.
    pub fn finish(self) -> Sha256 {
        Sha256(self.0.finalize().into())
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hasher")
    }
}

/// A value that has no canonical form we accept.
#[derive(Debug, thiserror::Error)]
pub enum CanonicalError {
    /// The value does not serialize to JSON at all.
    #[error("value has no canonical JSON form")]
    Json(#[from] serde_json::Error),
    /// Floats print differently in different languages, and integers beyond 2^53 - 1 collide in RFC 8785.
    #[error("{number} at {path} is not an integer within +-(2^53 - 1), the only numbers a hashed document may hold")]
    Number {
        /// The number as serde_json prints it.
        number: String,
        /// Where it stands, as a JSON pointer.
        path: String,
    },
}

/// The canonical bytes (RFC 8785) of `value`.
///
/// # Errors
/// [`CanonicalError::Number`] for a float or an integer outside ±(2⁵³−1), so that no two different values share their bytes.
pub fn canonical(value: &impl Serialize) -> Result<Vec<u8>, CanonicalError> {
    let value = serde_json::to_value(value)?;
    check_numbers(&value, &mut String::new())?;
    Ok(serde_jcs::to_vec(&value)?)
}

/// The largest integer that every JSON reader agrees on: 2^53 - 1 (RFC 8785, section 3.2.2.3).
const INTEGER_MAX: u64 = (1 << 53) - 1;

fn check_numbers(value: &serde_json::Value, path: &mut String) -> Result<(), CanonicalError> {
    use serde_json::Value;
    let length = path.len();
    match value {
        Value::Number(number) => {
            let fits =
                number.as_u64().is_some_and(|n| n <= INTEGER_MAX) || number.as_i64().is_some_and(|n| n.unsigned_abs() <= INTEGER_MAX);
            if !fits {
                return Err(CanonicalError::Number { number: number.to_string(), path: path.clone() });
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                path.push('/');
                path.push_str(&index.to_string());
                check_numbers(item, path)?;
                path.truncate(length);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                path.push('/');
                path.push_str(name);
                check_numbers(member, path)?;
                path.truncate(length);
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests;
