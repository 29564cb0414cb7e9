//! Server-sent events from something that gives one after another.

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Serialize;

/// Proxies and clients give up on a silent connection; the shortest common limit is 30 s.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// A source of events; it ends with `None`.
pub(super) trait Events: Send + 'static {
    /// The next event. It may be dropped between two events, never within one.
    fn next(&mut self) -> impl Future<Output = Option<Event>> + Send;
}

/// The response that carries them.
pub(super) fn response(events: impl Events) -> Response {
    let stream = stream::unfold(events, |mut events| async move {
        let event = events.next().await?;
        Some((Ok::<_, Infallible>(event), events))
    });
    Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
}

/// An event with its id, its name and its data as JSON.
pub(super) fn event(id: String, name: &str, data: &impl Serialize) -> Event {
    Event::default().id(id).event(name).data(serde_json::to_string(data).expect("events serialize"))
}
