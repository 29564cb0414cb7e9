//! Recipes: found by what they say.

use rch_bundle::chunk::CHUNKING;
use rch_bundle::recipe::RecipeError;
use rch_schemas::document::{Recipe, RecipeChunk, SchemaId, SchemaVersion};
use rch_schemas::{Sha256, Timestamp};
use rch_store::layout;
use rch_store::recipe::GetRecipeError;

use crate::backend::Backend;
use crate::on_every_backend;

on_every_backend![
    a_recipe_comes_back_and_the_same_one_later_is_the_same_object,
    a_missing_a_corrupt_and_a_senseless_recipe_are_told_apart,
    a_put_repairs_a_corrupt_recipe,
];

fn recipe(created_at_ms: i64, size: u64) -> Recipe {
    Recipe {
        schema_version: SchemaVersion::default(),
        schema_id: SchemaId::default(),
        created_at: Timestamp::from_unix_ms(created_at_ms),
        sha256: Sha256::of("whole"),
        size,
        chunking: CHUNKING.to_owned(),
        chunks: vec![RecipeChunk { sha256: Sha256::of("chunk"), size: 5 }],
    }
}

async fn a_recipe_comes_back_and_the_same_one_later_is_the_same_object(backend: Backend) {
    let first = recipe(1, 5);
    let digest = backend.store.put_recipe(&first).await.unwrap();
    assert_eq!(backend.store.put_recipe(&recipe(2, 5)).await.unwrap(), digest);
    assert_eq!(backend.store.get_recipe(digest, 5).await.unwrap(), first);
}

async fn a_missing_a_corrupt_and_a_senseless_recipe_are_told_apart(backend: Backend) {
    let digest = recipe(1, 5).digest();
    assert!(matches!(backend.store.get_recipe(digest, 5).await, Err(GetRecipeError::Missing(_))));
    for damaged in [b"{".to_vec(), serde_json::to_vec(&recipe(1, 6)).unwrap()] {
        backend.overwrite(&layout::recipe(&digest), damaged).await;
        assert!(matches!(backend.store.get_recipe(digest, 5).await, Err(GetRecipeError::Corrupt { .. })));
    }
    let senseless = backend.store.put_recipe(&recipe(1, 6)).await.unwrap();
    let refused = backend.store.get_recipe(senseless, 99).await;
    assert!(matches!(refused, Err(GetRecipeError::Refused { source: RecipeError::Total { .. }, .. })));
    let large = backend.store.put_recipe(&recipe(1, 5)).await.unwrap();
    let refused = backend.store.get_recipe(large, 4).await;
    assert!(matches!(refused, Err(GetRecipeError::Refused { source: RecipeError::TooLarge { .. }, .. })));
}

async fn a_put_repairs_a_corrupt_recipe(backend: Backend) {
    let digest = recipe(1, 5).digest();
    for damaged in [b"nonsense".to_vec(), vec![b' '; 17 * 1024 * 1024]] {
        backend.overwrite(&layout::recipe(&digest), damaged).await;
        backend.store.put_recipe(&recipe(1, 5)).await.unwrap();
        assert_eq!(backend.store.get_recipe(digest, 5).await.unwrap(), recipe(1, 5));
    }
}
