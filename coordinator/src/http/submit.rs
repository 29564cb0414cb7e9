//! Submitting a run, or asking what would happen to it.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use rch_bundle::recipe::check;
use rch_scheduler::{CommandBody, Reply, SubmitRequest, protocol_problem};
use rch_schemas::document::RecipeRef;
use rch_schemas::protocol::ProtocolRange;
use rch_schemas::wire::http::{LEDGER_SEQ_HEADER, RunAccepted, SubmitRun};
use rch_schemas::{Reason, Sha256, Timestamp};
use rch_store::recipe::RECIPE_BYTES_MAX;
use serde::Deserialize;

use super::error::{ApiError, ApiResult};
use super::server::Api;
use super::{body, middleware, view};
use crate::dispatcher::{Answer, Queue};

/// Who asks, while there are no tokens.
pub(super) const REQUESTER: &str = "local";
/// A request: the largest recipe, and a megabyte for all else.
const REQUEST_BYTES_MAX: u64 = RECIPE_BYTES_MAX + 1024 * 1024;

/// `POST /v1/runs`: 202 for a new run, 200 for one that this request made before, 424 with the chunks that must be uploaded first.
pub(super) async fn submit(State(api): State<Api>, body: Body) -> ApiResult<Response> {
    let submitted = prepare(&api, body).await?;
    let request_id = submitted.request.request_id.clone();
    let body = CommandBody::Submit(Box::new(submitted));
    let answer = api.shared.asks.ask(Queue::Submissions, REQUESTER.to_owned(), Some(request_id), body).await?;
    let Answer { reply, seq, recorded } = answer;
    match reply {
        Reply::Run(run_id) => {
            middleware::wait_for(&api, seq).await?;
            let run = view::run(&api.shared, &run_id).await?.ok_or_else(|| ApiError::not_found("run", run_id.as_str()))?;
            let status = if recorded { StatusCode::ACCEPTED } else { StatusCode::OK };
            let accepted = RunAccepted { run_id, ledger_seq: seq, run };
            Ok((status, [(LEDGER_SEQ_HEADER, seq.to_string())], Json(accepted)).into_response())
        }
        Reply::Refused(problem) => Err(problem.into()),
        Reply::Done | Reply::Preview(_) | Reply::Receipt(_) | Reply::NotAccepted(_) => Err(unexpected()),
    }
}

/// `POST /v1/selection`: what would happen, recorded nowhere.
pub(super) async fn preview(State(api): State<Api>, body: Body) -> ApiResult<Response> {
    let submitted = prepare(&api, body).await?;
    let body = CommandBody::Preview(Box::new(submitted));
    let answer = api.shared.asks.ask(Queue::Submissions, REQUESTER.to_owned(), None, body).await?;
    match answer.reply {
        Reply::Preview(preview) => Ok(Json(preview).into_response()),
        Reply::Refused(problem) => Err(problem.into()),
        Reply::Done | Reply::Run(_) | Reply::Receipt(_) | Reply::NotAccepted(_) => Err(unexpected()),
    }
}

pub(super) fn unexpected() -> ApiError {
    ApiError::new(Reason::Internal, "the coordinator answered as if something else had been asked")
}

/// Everything about the request that needs the store, found out before it is decided.
async fn prepare(api: &Api, body: Body) -> ApiResult<SubmitRequest> {
    let bytes = body::read(body, REQUEST_BYTES_MAX).await?;
    let farm = api.shared.config.farm.protocol;
    let request: SubmitRun = body::parse(&bytes).map_err(|error| without_common_protocol(&bytes, farm).unwrap_or(error))?;
    if let Some(problem) = protocol_problem(&request.rch_version, request.protocol, farm) {
        return Err(Box::new(problem).into());
    }
    if !api.shared.asks.is_leading() {
        return Err(crate::dispatcher::AskError::NotLeading.into());
    }
    check(&request.recipe, u64::MAX).map_err(|error| ApiError::invalid("recipe", "sizes that add up", &error.to_string()))?;
    let missing = api.shared.store.missing_chunks(request.recipe.chunks.iter().map(|chunk| chunk.sha256)).await?;
    let recipe_sha256 = if missing.is_empty() { api.shared.store.put_recipe(&request.recipe).await? } else { request.recipe.digest() };
    let recipe = RecipeRef {
        sha256: request.recipe.sha256,
        recipe_sha256,
        chunks: u32::try_from(request.recipe.chunks.len()).unwrap_or(u32::MAX),
        bytes: request.recipe.size,
    };
    Ok(SubmitRequest { body_sha256: body_digest(&request), recipe, missing, request })
}

/// What of a request tells whether the rest can be understood.
#[derive(Debug, Deserialize)]
struct Speaks {
    #[serde(default)]
    rch_version: String,
    protocol: ProtocolRange,
}

/// A request that cannot be read may be one of a client that we share no protocol version with: then that is what is wrong with it.
fn without_common_protocol(bytes: &[u8], farm: ProtocolRange) -> Option<ApiError> {
    let Speaks { rch_version, protocol } = serde_json::from_slice(bytes).ok()?;
    protocol_problem(&rch_version, protocol, farm).map(|problem| Box::new(problem).into())
}

/// What makes two requests of the same id the same: everything but when the recipe was written.
fn body_digest(request: &SubmitRun) -> Sha256 {
    let mut request = request.clone();
    request.recipe.created_at = Timestamp::from_unix_ms(0);
    Sha256::of(serde_json::to_vec(&request).expect("requests serialize"))
}
