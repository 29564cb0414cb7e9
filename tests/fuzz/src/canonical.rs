//! Canonical JSON: two implementations of RFC 8785 write the same bytes, and reading them gives the value again.

use rch_schemas::digest::{Sha256, canonical};
use serde_json::Value;

/// A JSON text.
pub(crate) fn check(data: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(data) else { return };
    let Ok(bytes) = canonical(&value) else { return };
    let second = serde_json_canonicalizer::to_vec(&value).expect("a value that one of them can write");
    assert_eq!(bytes, second, "{} and {}", String::from_utf8_lossy(&bytes), String::from_utf8_lossy(&second));
    let again: Value = serde_json::from_slice(&bytes).expect("canonical JSON is JSON");
    assert_eq!(canonical(&again).expect("it was canonical"), bytes);
    assert_eq!(Sha256::of_canonical(&value).ok(), Some(Sha256::of(&bytes)));
}
