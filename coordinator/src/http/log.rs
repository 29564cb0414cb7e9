//! `GET /v1/jobs/{job}/log`: the same while the job runs and after; as events, or as bytes for whoever polls.

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::sse::Event;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use data_encoding::BASE64;
use futures_util::StreamExt as _;
use rch_scheduler::{Job, JobPhase};
use rch_schemas::Attempt;
use rch_schemas::wire::http::LogEvent;
use serde::Deserialize;

use super::artifacts::committed;
use super::error::{ApiError, ApiResult};
use super::log_follower::{LogFollower, Piece};
use super::names;
use super::server::Api;
use super::sse::{self, Events, event};
use crate::log::Cursor;

/// Where a reader of bytes goes on.
const CURSOR_HEADER: &str = "Rch-Log-Cursor";
/// `true` when there is nothing after these bytes.
const END_HEADER: &str = "Rch-Log-End";
/// Bytes of a running log in one answer to whoever polls.
const POLL_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The log of a set.
pub(super) const LOG_PATH: &str = "build.log";

/// From where to read.
#[derive(Debug, Deserialize)]
pub(super) struct LogQuery {
    /// `<attempt>:<offset>`; absent means the beginning.
    cursor: Option<String>,
}

/// The log from the cursor on.
pub(super) async fn get(
    State(api): State<Api>,
    Path(name): Path<String>,
    Query(query): Query<LogQuery>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let (job, run) = names::job(&api.shared.projection.snapshot()?, &name)?;
    let last_id = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    let from = last_id.or(query.cursor.as_deref()).map(str::parse::<Cursor>).transpose();
    let from = from.map_err(|error| ApiError::new(rch_schemas::Reason::InvalidRequest, error.to_string()))?.unwrap_or(Cursor::START);
    let wants_events =
        headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|accept| accept.contains("event-stream"));
    if wants_events {
        let follower = LogFollower::open(api, job.job_id, from);
        return Ok(sse::response(LogEvents(follower)));
    }
    if matches!(job.phase, JobPhase::Ended { .. }) {
        let (base, manifest_sha256) = committed(&api, &run, &job).await?;
        let set = api.shared.store.open_set(&base, manifest_sha256).await?;
        let attempt = attempt_of(&job);
        let size = set.manifest().entries.iter().find(|entry| entry.path == LOG_PATH).map_or(0, |entry| entry.size);
        let skip = if from.attempt == attempt { from.offset.min(size) } else { 0 };
        let body = Body::from_stream(skipping(set.read(LOG_PATH).await?, skip));
        return Ok(bytes_response(body, Cursor { attempt, offset: size }, true));
    }
    poll(LogFollower::open(api, job.job_id, from), from).await
}

/// The attempt whose log the set of an ended job holds: the committed one, or in the coordinator's own set the last one that ran.
pub(super) fn attempt_of(job: &Job) -> Attempt {
    match &job.phase {
        JobPhase::Ended { set: Some(set), .. } => set.attempt,
        JobPhase::Queued | JobPhase::Running | JobPhase::Ended { set: None, .. } => {
            job.last_started().map_or(Attempt::NONE, |record| record.number)
        }
    }
}

/// What there is by now, up to a limit.
async fn poll(mut follower: LogFollower, from: Cursor) -> ApiResult<Response> {
    let (mut bytes, mut at, mut end) = (Vec::new(), from, false);
    while bytes.len() < POLL_BYTES_MAX {
        let Some(piece) = follower.ready().await else { break };
        match piece {
            // The bytes of two attempts never come in one answer.
            Piece::Attempt { attempt, .. } if !bytes.is_empty() && attempt != at.attempt => break,
            Piece::Attempt { attempt, .. } => at = Cursor { attempt, offset: 0 },
            Piece::Bytes { attempt, offset, bytes: more } => {
                at = Cursor { attempt, offset: offset + more.len() as u64 };
                bytes.extend_from_slice(&more);
            }
            Piece::Gap { attempt, to, .. } => at = Cursor { attempt, offset: to },
            Piece::End { .. } => {
                end = true;
                break;
            }
        }
    }
    Ok(bytes_response(Body::from(bytes), at, end))
}

fn bytes_response(body: Body, at: Cursor, end: bool) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(CURSOR_HEADER, at.to_string().parse().expect("digits and a colon"));
    headers.insert(END_HEADER, HeaderValue::from_static(if end { "true" } else { "false" }));
    response
}

/// A stream of pieces without its first `skip` bytes.
pub(super) fn skipping<E: Send + 'static>(
    pieces: futures_util::stream::BoxStream<'static, Result<Bytes, E>>,
    mut skip: u64,
) -> futures_util::stream::BoxStream<'static, Result<Bytes, E>> {
    let rest = pieces.filter_map(move |piece| {
        let piece = piece.map(|bytes| {
            let cut = usize::try_from(skip.min(bytes.len() as u64)).expect("at most the length of the piece");
            skip -= cut as u64;
            bytes.slice(cut..)
        });
        let worth_it = !piece.as_ref().is_ok_and(Bytes::is_empty);
        async move { worth_it.then_some(piece) }
    });
    rest.boxed()
}

struct LogEvents(LogFollower);

impl Events for LogEvents {
    async fn next(&mut self) -> Option<Event> {
        let piece = self.0.next().await?;
        let cursor = |attempt, offset| Cursor { attempt, offset }.to_string();
        let (id, data) = match piece {
            Piece::Attempt { attempt, worker } => (cursor(attempt, 0), LogEvent::Attempt { attempt, worker }),
            Piece::Bytes { attempt, offset, bytes } => {
                (cursor(attempt, offset + bytes.len() as u64), LogEvent::Log { attempt, offset, data: BASE64.encode(&bytes) })
            }
            Piece::Gap { attempt, from, to } => (cursor(attempt, to), LogEvent::Gap { attempt, from, to }),
            Piece::End { attempt, bytes } => (cursor(attempt, bytes), LogEvent::End { attempt, bytes }),
        };
        Some(event(id, "log", &data))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn skipping_goes_over_the_borders_of_pieces() {
        let pieces = || {
            let texts = ["compile\n", "link\n", "test\n"];
            futures_util::stream::iter(texts.map(|text| Ok::<_, std::convert::Infallible>(Bytes::from_static(text.as_bytes())))).boxed()
        };
        for (skip, expected) in [(0, "compile\nlink\ntest\n"), (3, "pile\nlink\ntest\n"), (8, "link\ntest\n"), (10, "nk\ntest\n"), (99, "")]
        {
            let rest: Vec<_> = skipping(pieces(), skip).collect().await;
            let rest: Vec<u8> =
                rest.into_iter().flat_map(|piece| piece.map_or_else(|never| match never {}, |bytes| bytes.to_vec())).collect();
            assert_eq!(String::from_utf8_lossy(&rest), expected);
        }
    }
}
