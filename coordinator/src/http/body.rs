//! Bodies: read within a limit, parsed with an error that says where.

use axum::body::{Body, Bytes, to_bytes};
use rch_schemas::Reason;
use serde::de::DeserializeOwned;

use super::error::{ApiError, ApiResult};

/// The whole body, of at most `bytes_max` bytes.
pub(super) async fn read(body: Body, bytes_max: u64) -> ApiResult<Bytes> {
    let limit = usize::try_from(bytes_max).unwrap_or(usize::MAX);
    to_bytes(body, limit).await.map_err(|_| {
        ApiError::new(Reason::PayloadTooLarge, format!("the body is cut off, or has more than the {bytes_max} bytes that are allowed"))
    })
}

/// The body as JSON.
pub(super) async fn json<T: DeserializeOwned>(body: Body, bytes_max: u64) -> ApiResult<T> {
    let bytes = read(body, bytes_max).await?;
    serde_json::from_slice(&bytes).map_err(|error| ApiError::new(Reason::InvalidRequest, format!("the body is not as expected: {error}")))
}
