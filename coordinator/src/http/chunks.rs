//! Chunks of sources: which are missing, in and out.

use std::collections::BTreeSet;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use rch_bundle::recipe::check;
use rch_schemas::Sha256;
use rch_schemas::document::Recipe;
use rch_schemas::wire::http::MissingChunks;
use rch_store::chunk::FRAME_BYTES_MAX;
use rch_store::recipe::RECIPE_BYTES_MAX;

use super::error::{ApiError, ApiResult};
use super::server::Api;
use super::{body, names};
use crate::effects::restore_sources;
use crate::metrics;

/// `POST /v1/bundles/{sha256}/missing`: which chunks of a recipe the store lacks.
pub(super) async fn missing(State(api): State<Api>, Path(name): Path<String>, body: Body) -> ApiResult<Json<MissingChunks>> {
    let sha256 = names::digest(&name)?;
    let recipe: Recipe = body::parse(&body::read(body, RECIPE_BYTES_MAX).await?)?;
    if recipe.sha256 != sha256 {
        return Err(ApiError::invalid("recipe.sha256", &name, &recipe.sha256.to_string()));
    }
    check(&recipe, u64::MAX).map_err(|error| ApiError::invalid("recipe", "sizes that add up", &error.to_string()))?;
    let lacking = api.shared.store.missing_chunks(recipe.chunks.iter().map(|chunk| chunk.sha256)).await?;
    let mut lacking: BTreeSet<Sha256> = lacking.into_iter().collect();
    let missing = recipe.chunks.iter().map(|chunk| chunk.sha256).filter(|sha256| lacking.remove(sha256)).collect();
    Ok(Json(MissingChunks { missing }))
}

/// `GET /v1/chunks/{sha256}`: the zstd frame as it is stored; the reader verifies.
pub(super) async fn get(State(api): State<Api>, Path(name): Path<String>) -> ApiResult<Response> {
    let frame = api.shared.store.chunk_frame(names::digest(&name)?).await?;
    let frame: Bytes = frame.ok_or_else(|| ApiError::not_found("chunk", &name))?;
    Ok(([(header::CONTENT_TYPE, "application/zstd")], frame).into_response())
}

/// `PUT /v1/chunks/{sha256}`: visible once its digest is right. It may be the last one that a run waits for.
pub(super) async fn put(State(api): State<Api>, Path(name): Path<String>, body: Body) -> ApiResult<StatusCode> {
    let sha256 = names::digest(&name)?;
    let frame = body::read(body, FRAME_BYTES_MAX).await?;
    ::metrics::counter!(metrics::UPLOAD_BYTES).increment(frame.len() as u64);
    api.shared.store.put_chunk(sha256, frame).await?;
    restore_sources(&api.shared, Some(sha256)).await?;
    Ok(StatusCode::NO_CONTENT)
}
