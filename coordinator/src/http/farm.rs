//! What a client needs to know of the farm before it submits.

use axum::Json;
use axum::extract::State;
use axum::http::{Method, Uri};
use rch_schemas::Reason;
use rch_schemas::document::{Farm, SchemaId, SchemaVersion, WorkerKey};
use rch_schemas::protocol::Feature;

use super::error::{ApiError, ApiResult};
use super::server::Api;
use crate::clock;

/// Operations and abilities of this coordinator, in the contract's words.
const FEATURES: [&str; 10] = [
    "has_source",
    "upload_source",
    "fetch",
    "run_events",
    "log_events",
    "selection_preview",
    Feature::SUPERSEDE,
    Feature::STEP_DESTINATIONS,
    Feature::STEP_DIRECTORY,
    Feature::ALLOW_EMPTY,
];

/// `GET /v1/farm`.
pub(super) async fn get(State(api): State<Api>) -> ApiResult<Json<Farm>> {
    let config = api.shared.projection.snapshot()?.farm()?.config;
    let key = |(worker, entry): (&rch_schemas::WorkerName, &rch_scheduler::InventoryEntry)| WorkerKey {
        worker: worker.clone(),
        public_key: entry.public_key.clone(),
    };
    Ok(Json(Farm {
        schema_version: SchemaVersion::default(),
        schema_id: SchemaId::default(),
        created_at: clock::wall(),
        name: api.shared.config.name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        protocol: api.shared.config.farm.protocol,
        features: FEATURES.map(str::to_owned).to_vec(),
        selection: api.shared.config.selection,
        durability: api.shared.board.durability().as_str().to_owned(),
        public_key: api.shared.key.public_key(),
        worker_keys: config.inventory.iter().map(key).collect(),
        policy_sha256: config.policy.digest(),
        policy: config.policy,
        defaults: api.shared.config.defaults.clone(),
    }))
}

/// Any other method.
pub(super) async fn no_such_method(method: Method, uri: Uri) -> ApiError {
    ApiError::new(Reason::InvalidRequest, format!("{method} is not to be had at {}", uri.path())).found(method.as_str())
}

/// Any other path.
pub(super) async fn no_such_route(uri: Uri) -> ApiError {
    ApiError::new(Reason::NotFound, format!("there is no {}", uri.path())).fix("paths start with /v1, such as /v1/farm")
}
