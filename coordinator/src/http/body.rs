//! Bodies: read within a limit, parsed with an error that says where.

use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use rch_schemas::Reason;
use serde::de::DeserializeOwned;

use super::error::{ApiError, ApiResult};

/// How long a body may take: the client gives up on a chunk after as long.
const WITHIN: Duration = Duration::from_mins(2);

/// The whole body, of at most `bytes_max` bytes.
pub(super) async fn read(body: Body, bytes_max: u64) -> ApiResult<Bytes> {
    let limit = usize::try_from(bytes_max).unwrap_or(usize::MAX);
    let late = |_| ApiError::new(Reason::InvalidRequest, format!("the body did not come within {} s", WITHIN.as_secs()));
    tokio::time::timeout(WITHIN, to_bytes(body, limit)).await.map_err(late)?.map_err(|_| {
        ApiError::new(Reason::PayloadTooLarge, format!("the body is cut off, or has more than the {bytes_max} bytes that are allowed"))
    })
}

/// The bytes of a body as JSON. What is wrong is said with the member it is wrong in.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> ApiResult<T> {
    // The way to the member is only followed when it is needed: a recipe has thousands of them.
    serde_json::from_slice(bytes).map_err(|error| located::<T>(bytes).unwrap_or_else(|| not_json(bytes, &error)))
}

/// The member that is wrong; nothing when it is the body as a whole, or no JSON at all.
fn located<T: DeserializeOwned>(bytes: &[u8]) -> Option<ApiError> {
    let error = serde_path_to_error::deserialize::<_, T>(&mut serde_json::Deserializer::from_slice(bytes)).err()?;
    let field = error.path().to_string();
    (error.inner().is_data() && field != ".").then(|| ApiError::in_field(&field, &error.inner().to_string()))
}

fn not_json(bytes: &[u8], error: &serde_json::Error) -> ApiError {
    let found = if bytes.is_empty() { "an empty one".to_owned() } else { error.to_string() };
    ApiError::new(Reason::InvalidRequest, "the body is not the JSON that belongs here").found(&found)
}
