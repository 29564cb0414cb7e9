//! Recipes: how one is made, and what must hold of a foreign one before anything is fetched by it.
//!
//! Cut points are not checked: a recipe may come from another version that cuts elsewhere, and reassembly is concatenation.

use rch_schemas::document::{Recipe, RecipeChunk, SchemaId, SchemaVersion};
use rch_schemas::{Sha256, Timestamp};

use crate::chunk::{CHUNK_BYTES_MAX, CHUNKING};

/// Why a recipe is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecipeError {
    /// A chunk that could not have been stored.
    #[error("chunk {index} of the recipe has {size} bytes; a chunk has between 1 and {CHUNK_BYTES_MAX}")]
    ChunkSize {
        /// Which chunk, from 0.
        index: usize,
        /// Its size, in bytes.
        size: u32,
    },
    /// The chunks are not the whole.
    #[error("the chunks of the recipe have {found} bytes together, but it says {expected}")]
    Total {
        /// What the recipe says.
        expected: u64,
        /// The sum.
        found: u64,
    },
    /// More than the reader takes.
    #[error("the recipe is for {bytes} bytes, more than the {bytes_max} allowed")]
    TooLarge {
        /// What the recipe says.
        bytes: u64,
        /// The limit.
        bytes_max: u64,
    },
}

/// The recipe, made at `created_at`, of what was cut by [`crate::chunk::Cutter`].
pub(crate) fn of(created_at: Timestamp, sha256: Sha256, size: u64, chunks: Vec<RecipeChunk>) -> Recipe {
    let chunking = CHUNKING.to_owned();
    Recipe { schema_version: SchemaVersion::default(), schema_id: SchemaId::default(), created_at, sha256, size, chunking, chunks }
}

/// The chunk that `bytes` are.
pub(crate) fn chunk_of(bytes: &[u8]) -> RecipeChunk {
    RecipeChunk { sha256: Sha256::of(bytes), size: u32::try_from(bytes.len()).expect("a chunk is at most 2 MiB") }
}

/// Checks sizes: each chunk's, their sum, and the whole against `bytes_max`.
pub fn check(recipe: &Recipe, bytes_max: u64) -> Result<(), RecipeError> {
    for (index, chunk) in recipe.chunks.iter().enumerate() {
        if chunk.size == 0 || chunk.size as usize > CHUNK_BYTES_MAX {
            return Err(RecipeError::ChunkSize { index, size: chunk.size });
        }
    }
    let found = recipe.chunks.iter().map(|chunk| u64::from(chunk.size)).sum();
    if found != recipe.size {
        return Err(RecipeError::Total { expected: recipe.size, found });
    }
    if recipe.size > bytes_max {
        return Err(RecipeError::TooLarge { bytes: recipe.size, bytes_max });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use proptest::prelude::*;

    use super::*;

    fn recipe(size: u64, chunks: &[u32]) -> Recipe {
        let chunks = chunks.iter().map(|&size| RecipeChunk { sha256: Sha256::of("chunk"), size }).collect();
        of(Timestamp::from_unix_ms(0), Sha256::of("whole"), size, chunks)
    }

    #[test]
    fn a_recipe_whose_sizes_agree_passes() {
        assert_eq!(check(&recipe(2_097_155, &[2_097_152, 3]), 2_097_155), Ok(()));
        assert_eq!(check(&recipe(0, &[]), 0), Ok(()));
    }

    #[test]
    fn each_wrong_size_is_refused() {
        assert_eq!(check(&recipe(3, &[3, 0]), 9), Err(RecipeError::ChunkSize { index: 1, size: 0 }));
        assert_eq!(check(&recipe(2_097_153, &[2_097_153]), 1 << 30), Err(RecipeError::ChunkSize { index: 0, size: 2_097_153 }));
        assert_eq!(check(&recipe(4, &[3]), 9), Err(RecipeError::Total { expected: 4, found: 3 }));
        assert_eq!(check(&recipe(3, &[3]), 2), Err(RecipeError::TooLarge { bytes: 3, bytes_max: 2 }));
    }

    proptest! {
        #[test]
        fn what_passes_is_a_list_of_possible_chunks_that_add_up(
            sizes in proptest::collection::vec(prop_oneof![4 => 1_u32..=2_097_152, 1 => any::<u32>()], 0..6),
            said in prop_oneof![Just(None), any::<u64>().prop_map(Some)],
            bytes_max in prop_oneof![Just(u64::MAX), 0_u64..8_000_000],
        ) {
            let total: u64 = sizes.iter().map(|size| u64::from(*size)).sum();
            let recipe = recipe(said.unwrap_or(total), &sizes);
            let possible = sizes.iter().all(|size| (1..=2_097_152).contains(size));
            prop_assert_eq!(check(&recipe, bytes_max).is_ok(), possible && recipe.size == total && total <= bytes_max);
        }

        #[test]
        fn a_recipe_whose_text_was_changed_anywhere_is_read_and_checked_without_a_panic(
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
            cut in proptest::option::of(any::<prop::sample::Index>()),
        ) {
            let mut text = serde_json::to_vec(&recipe(2_097_155, &[2_097_152, 3])).unwrap();
            for (at, byte) in changes {
                let at = at.index(text.len());
                text[at] = byte;
            }
            if let Some(cut) = cut {
                text.truncate(cut.index(text.len()));
            }
            if let Ok(recipe) = serde_json::from_slice::<Recipe>(&text)
                && check(&recipe, 1 << 30).is_ok()
            {
                prop_assert_eq!(recipe.chunks.iter().map(|chunk| u64::from(chunk.size)).sum::<u64>(), recipe.size);
            }
        }
    }
}
