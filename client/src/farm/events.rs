//! A stream of events that is being read.

use std::collections::VecDeque;
use std::time::Duration;

use reqwest::Url;

use super::error::FarmError;
use super::sse::{Parser, SseEvent};

/// Events as they come. A stream that is silent for too long counts as broken: whoever reads it resumes.
#[derive(Debug)]
pub(crate) struct Events {
    /// The coordinator.
    base: Url,
    response: reqwest::Response,
    parser: Parser,
    ready: VecDeque<SseEvent>,
    idle: Duration,
}

impl Events {
    pub(super) fn new(base: Url, response: reqwest::Response, idle: Duration) -> Self {
        Self { base, response, parser: Parser::default(), ready: VecDeque::new(), idle }
    }

    /// The next event; `None` when the coordinator ended the stream.
    ///
    /// # Cancel safety
    /// Bytes that were received are kept: a call that is dropped loses nothing.
    pub(crate) async fn next(&mut self) -> Result<Option<SseEvent>, FarmError> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            let silent = || FarmError::Unreachable { url: self.base.to_string(), cause: format!("silent for {} s", self.idle.as_secs()) };
            let chunk = tokio::time::timeout(self.idle, self.response.chunk()).await.map_err(|_| silent())?;
            let Some(bytes) = chunk.map_err(|error| FarmError::unreachable(&self.base, &error))? else { return Ok(None) };
            let ready = &mut self.ready;
            self.parser.push(&bytes, |event| ready.push_back(event)).map_err(|error| FarmError::Answer {
                url: self.response.url().to_string(),
                status: self.response.status().as_u16(),
                expected: "a stream of events".to_owned(),
                found: error.to_string(),
            })?;
        }
    }
}
