//! What every request gets: the record it rests on, waiting for one it names, and a metric.

use std::time::{Duration, Instant};

use axum::body::to_bytes;
use axum::extract::{MatchedPath, Request, State};
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use rch_schemas::wire::http::{LEDGER_SEQ_HEADER, MIN_SEQ_HEADER};
use rch_schemas::{LedgerSeq, Reason};

use super::error::{ApiError, ApiResult, PROBLEM};
use super::server::Api;
use crate::metrics;

/// The longest refusal of the framework that is passed on.
const REFUSAL_BYTES_MAX: usize = 4 * 1024;
/// How long a request waits for the record it names, and for the ledger to be read for the first time.
const READ_WITHIN: Duration = Duration::from_secs(2);

/// Wraps every route.
pub(super) async fn around(State(api): State<Api>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let started = Instant::now();
    let named = request.headers().get(MIN_SEQ_HEADER).map(|value| value.to_str().unwrap_or_default().to_owned());
    let mut response = match wait_for_record(&api, named.as_deref()).await {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    };
    if is_foreign(&response) {
        response = in_our_form(response).await;
    }
    let code = response.status().as_str().to_owned();
    ::metrics::histogram!(metrics::HTTP_SECONDS, "route" => route, "code" => code).record(started.elapsed().as_secs_f64());
    // A handler that knows better which record its answer rests on has said so.
    if !response.headers().contains_key(LEDGER_SEQ_HEADER) {
        response.headers_mut().insert(LEDGER_SEQ_HEADER, HeaderValue::from(api.shared.projection.applied().0));
    }
    response
}

/// Lets nothing be read before the ledger was read to its end once: a coordinator that was killed would not know runs that it had told of.
pub(super) async fn after_first_reading(State(api): State<Api>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(READ_WITHIN, api.shared.projection.wait_for_floor()).await {
        Ok(true) => next.run(request).await,
        Ok(false) | Err(_) => ApiError::new(Reason::Overloaded, "this coordinator was just started and has not read its ledger yet")
            .fix("ask again in a few seconds; if it stays so, /v1/healthz says what is wrong")
            .into_response(),
    }
}

/// Whether this refusal is not ours: the framework's own readers of paths and queries answer in plain text.
fn is_foreign(response: &Response) -> bool {
    let is_problem = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == PROBLEM);
    response.status().is_client_error() && !is_problem
}

async fn in_our_form(response: Response) -> Response {
    let bytes = to_bytes(response.into_body(), REFUSAL_BYTES_MAX).await.unwrap_or_default();
    ApiError::new(Reason::InvalidRequest, String::from_utf8_lossy(&bytes).trim()).into_response()
}

async fn wait_for_record(api: &Api, named: Option<&str>) -> ApiResult<()> {
    let Some(text) = named else { return Ok(()) };
    let seq = text.parse().map(LedgerSeq).map_err(|_| ApiError::invalid(MIN_SEQ_HEADER, "a record's number", text))?;
    wait_for(api, seq).await
}

/// Waits until record `seq` can be read here.
pub(super) async fn wait_for(api: &Api, seq: LedgerSeq) -> ApiResult<()> {
    let there = tokio::time::timeout(READ_WITHIN, api.shared.projection.wait_for(seq)).await;
    if matches!(there, Ok(true)) {
        return Ok(());
    }
    let applied = api.shared.projection.applied();
    Err(ApiError::new(Reason::Overloaded, format!("this coordinator has come to record {applied}, not yet to {seq}")))
}
