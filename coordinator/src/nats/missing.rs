//! Whether chunks that an agent did not find are really not to be had.

use futures_util::{StreamExt as _, stream};
use rch_schemas::Sha256;
use rch_schemas::document::RecipeChunk;
use rch_store::Store;
use rch_store::chunk::GetChunkError;

/// Chunks looked at at once: each is read whole.
const READS_AT_ONCE: usize = 4;

/// Of `chunks`, those that are absent or corrupt; whoever puts such a chunk replaces what is there.
///
/// # Errors
/// When the store does not answer: then nothing is known.
pub(crate) async fn really_missing(store: &Store, chunks: &[Sha256]) -> Result<Vec<Sha256>, GetChunkError> {
    let mut looks = stream::iter(chunks.to_vec()).map(|sha256| is_missing(store, sha256)).buffered(READS_AT_ONCE);
    let mut missing = Vec::new();
    while let Some(look) = looks.next().await {
        missing.extend(look?);
    }
    Ok(missing)
}

async fn is_missing(store: &Store, sha256: Sha256) -> Result<Option<Sha256>, GetChunkError> {
    // The size is the recipe's business; only the digest is of interest here.
    match store.get_chunk(RecipeChunk { sha256, size: 0 }).await {
        Ok(_) | Err(GetChunkError::Size { .. }) => Ok(None),
        Err(GetChunkError::Missing(_)) => Ok(Some(sha256)),
        Err(GetChunkError::Corrupt { .. }) => {
            tracing::warn!(%sha256, "chunk is corrupt in the store, it counts as missing until it is uploaded again");
            Ok(Some(sha256))
        }
        Err(error @ GetChunkError::Store(_)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[tokio::test]
    async fn a_corrupt_chunk_counts_as_missing_and_a_right_one_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("file://{}", dir.path().display()), None).unwrap();
        let right = store.put_plain_chunk(b"right".to_vec()).await.unwrap();
        let corrupt = store.put_plain_chunk(b"corrupt".to_vec()).await.unwrap();
        let absent = Sha256::of("absent");
        store.put(&rch_store::layout::chunk(&corrupt), bytes::Bytes::from_static(b"no frame")).await.unwrap();
        assert_eq!(really_missing(&store, &[right, corrupt, absent]).await.unwrap(), [corrupt, absent]);
    }
}
