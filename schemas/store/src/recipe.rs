//! Recipes of bundles, each under the digest of what it says, so that two that say the same are one object.
//!
//! Whether a recipe is still provisional is the coordinator's to know: a recipe that is well-formed may still be wrong about its whole.

use bytes::Bytes;
use rch_bundle::recipe::{RecipeError, check};
use rch_schemas::Sha256;
use rch_schemas::document::Recipe;

use crate::layout;
use crate::store::{Created, Store, StoreError};

/// The largest recipe, in bytes: about 150,000 chunks, which is over 100 GiB of sources.
pub const RECIPE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Why a recipe was not got.
#[derive(Debug, thiserror::Error)]
pub enum GetRecipeError {
    /// It is not there.
    #[error("the recipe {0} is missing in the store")]
    Missing(Sha256),
    /// What is there says something else, or nothing.
    #[error("the recipe {digest} is corrupt in the store")]
    Corrupt {
        /// The recipe.
        digest: Sha256,
        /// Why it cannot be read; `None` when it reads as another recipe.
        #[source]
        source: Option<serde_json::Error>,
    },
    /// Its sizes make no sense.
    #[error("the recipe {digest} is refused")]
    Refused {
        /// The recipe.
        digest: Sha256,
        /// What is wrong with it.
        #[source]
        source: RecipeError,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Puts a recipe; the digest it is found by.
    pub async fn put_recipe(&self, recipe: &Recipe) -> Result<Sha256, StoreError> {
        let digest = recipe.digest();
        let key = layout::recipe(&digest);
        let bytes = Bytes::from(serde_json::to_vec(recipe).expect("a recipe is plain data"));
        if self.create(&key, bytes.clone()).await? == Created::AlreadyThere {
            match self.get_recipe(digest, u64::MAX).await {
                // The same, written at another time.
                Ok(_) | Err(GetRecipeError::Refused { .. }) => {}
                Err(GetRecipeError::Missing(_) | GetRecipeError::Corrupt { .. } | GetRecipeError::Store(StoreError::TooLarge { .. })) => {
                    self.put(&key, bytes).await?;
                }
                Err(GetRecipeError::Store(error @ (StoreError::Timeout { .. } | StoreError::Backend { .. }))) => return Err(error),
            }
        }
        Ok(digest)
    }

    /// The recipe with this digest, verified, for at most `bytes_max` bytes of bundle.
    pub async fn get_recipe(&self, digest: Sha256, bytes_max: u64) -> Result<Recipe, GetRecipeError> {
        let bytes = self.get(&layout::recipe(&digest), RECIPE_BYTES_MAX).await?.ok_or(GetRecipeError::Missing(digest))?;
        let recipe: Recipe = serde_json::from_slice(&bytes).map_err(|source| GetRecipeError::Corrupt { digest, source: Some(source) })?;
        if recipe.digest() != digest {
            return Err(GetRecipeError::Corrupt { digest, source: None });
        }
        check(&recipe, bytes_max).map_err(|source| GetRecipeError::Refused { digest, source })?;
        Ok(recipe)
    }
}
