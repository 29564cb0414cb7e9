//! Recipes: one that passes is a list of possible chunks that add up.

use rch_bundle::chunk::CHUNK_BYTES_MAX;
use rch_bundle::recipe;
use rch_schemas::document::Recipe;

const BYTES_MAX: u64 = 1 << 30;

/// A JSON text.
pub(crate) fn check(data: &[u8]) {
    let Ok(found) = serde_json::from_slice::<Recipe>(data) else { return };
    match recipe::check(&found, BYTES_MAX) {
        Ok(()) => {
            assert!(found.chunks.iter().all(|chunk| chunk.size > 0 && chunk.size as usize <= CHUNK_BYTES_MAX));
            let total: u64 = found.chunks.iter().map(|chunk| u64::from(chunk.size)).sum();
            assert!(total == found.size && total <= BYTES_MAX);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
