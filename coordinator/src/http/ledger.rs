//! The ledger itself, for whoever wants to decide again what was decided, or to keep it elsewhere.

use std::io;

use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt as _, stream};
use rch_schemas::Reason;
use rch_schemas::wire::http::LEDGER_SEQ_HEADER;
use serde::Deserialize;

use super::error::{ApiError, ApiResult};
use super::server::Api;
use crate::error_line::error_line;
use crate::ledger::{JetStreamLog, TailError, records};

/// Which records; text, so that what is wrong is refused in our words.
#[derive(Debug, Deserialize)]
pub(super) struct LedgerQuery {
    /// The first, from 1.
    from: Option<String>,
    /// The last.
    to: Option<String>,
}

/// `GET /v1/ledger?from=&to=`: records as they lie in the ledger, one a line, up to the one that `Rch-Ledger-Seq` names. Each names the SHA-256 of
/// the line before it, without the line's end.
pub(super) async fn get(State(api): State<Api>, Query(query): Query<LedgerQuery>) -> ApiResult<Response> {
    let applied = api.shared.projection.applied().0;
    let from = bound("from", query.from.as_deref(), 1, (1, applied + 1))?;
    let to = bound("to", query.to.as_deref(), applied, (from.saturating_sub(1), applied))?;
    let connection = api.shared.connection.get().ok_or_else(away)?;
    let log = JetStreamLog::open(connection.jetstream.clone()).await.map_err(|error| unreadable(&error.into()))?;
    let mut records = Box::pin(records(&log, from..=to));
    // What cannot be read at all is refused; what cannot be read later breaks off the answer.
    let first = records.next().await.transpose().map_err(|error| unreadable(&error))?;
    let lines = stream::iter(first.map(Ok)).chain(records).map(|record| record.map(|record| line(&record)).map_err(broken));
    let mut response = Body::from_stream(lines).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/jsonl"));
    response.headers_mut().insert(LEDGER_SEQ_HEADER, HeaderValue::from(to));
    Ok(response)
}

fn bound(name: &str, text: Option<&str>, default: u64, (least, most): (u64, u64)) -> ApiResult<u64> {
    let Some(text) = text else { return Ok(default) };
    let wrong = || ApiError::invalid(name, &format!("the number of a record from {least} to {most}"), text);
    text.parse().ok().filter(|seq| (least..=most).contains(seq)).ok_or_else(wrong)
}

fn line(record: &Bytes) -> Bytes {
    [record.as_ref(), b"\n"].concat().into()
}

fn away() -> ApiError {
    ApiError::new(Reason::Overloaded, "this coordinator has no connection to NATS, where the ledger lies").fix("ask again in a few seconds")
}

fn unreadable(error: &TailError) -> ApiError {
    let code = if error.is_passing() { Reason::Overloaded } else { Reason::IntegrityMismatch };
    ApiError::new(code, error_line(error))
}

fn broken(error: TailError) -> io::Error {
    tracing::warn!(%error, "an export of the ledger breaks off");
    io::Error::other(error)
}
