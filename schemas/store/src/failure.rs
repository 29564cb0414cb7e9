//! What a backend's failure was, in a few words and what to do about it.
//!
//! The backends tell with long chains that repeat themselves and, with some servers, quote what was signed. Here a failure becomes its innermost
//! cause and a kind; nothing else of it is passed on.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use object_store::client::{HttpError, HttpErrorKind};

/// How `object_store` begins to tell of an answer that is no success.
const STATUS: &str = "Server returned non-2xx status code: ";

/// What went wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    kind: FailureKind,
    said: String,
    tried_for: Duration,
}

/// What kind of failure it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// Nobody answered, or not in time, or the answer broke off.
    Unreachable,
    /// The server answered that it cannot now: 5xx, 408, 429.
    Busy,
    /// The server answered that we may not.
    Denied,
    /// The bucket or directory itself is not there.
    Gone,
    /// Anything else: a full disk, a request that the server does not understand.
    Other,
}

impl Failure {
    /// Reads what a backend said, `tried_for` so long from the first try to the end of the last.
    pub(crate) fn of(error: &object_store::Error, tried_for: Duration) -> Self {
        let said = innermost(error).to_string();
        let said = said.strip_prefix(STATUS).unwrap_or(&said).trim_end_matches([':', ' ']).to_owned();
        let status = innermost(error).to_string().strip_prefix(STATUS).and_then(|rest| rest.get(..3)?.parse::<u16>().ok());
        let kind = match (http_kind(error), status) {
            (Some(kind), _) if kind != HttpErrorKind::Decode => FailureKind::Unreachable,
            (_, Some(408 | 429 | 500..=599)) => FailureKind::Busy,
            (_, Some(401 | 403)) => FailureKind::Denied,
            (_, Some(404)) => FailureKind::Gone,
            (_, _) if matches!(error, object_store::Error::NotFound { .. }) => FailureKind::Gone,
            (_, _) => FailureKind::Other,
        };
        Self { kind, said, tried_for }
    }

    /// Whether the same may succeed later without anybody changing anything.
    pub(crate) fn is_passing(&self) -> bool {
        match self.kind {
            FailureKind::Unreachable | FailureKind::Busy => true,
            FailureKind::Denied | FailureKind::Gone | FailureKind::Other => false,
        }
    }

    fn advice(&self) -> Option<&'static str> {
        match self.kind {
            FailureKind::Unreachable => Some("see whether it runs and can be reached from here"),
            FailureKind::Busy => Some("see its own log for what keeps it from answering"),
            FailureKind::Denied => Some("check the credentials, this machine's clock, and what they may do: get, put, list"),
            FailureKind::Gone => Some("make the bucket, or correct its name"),
            FailureKind::Other => None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.said)?;
        // Below a second there was one try, or it was refused at once.
        if self.tried_for >= Duration::from_secs(1) {
            write!(f, ", tried for {} s", self.tried_for.as_secs())?;
        }
        self.advice().map_or(Ok(()), |advice| write!(f, "; {advice}"))
    }
}

/// Whether a request was sent and its answer lost, so that nobody knows what came of it.
pub(crate) fn is_outcome_unknown(error: &object_store::Error) -> bool {
    http_kind(error).is_some_and(|kind| kind != HttpErrorKind::Connect)
}

/// What the HTTP client says of a request that got no answer; `None` when there was an answer, or no HTTP.
fn http_kind(error: &object_store::Error) -> Option<HttpErrorKind> {
    chain(error).find_map(|error| error.downcast_ref::<HttpError>()).map(HttpError::kind)
}

fn innermost(error: &object_store::Error) -> &(dyn Error + 'static) {
    chain(error).last().expect("a chain of errors begins with the error")
}

fn chain(error: &object_store::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(Some(error as &(dyn Error + 'static)), |&error| error.source())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_was_tried_is_said_when_it_was_more_than_once() {
        let full = object_store::Error::Generic { store: "S3", source: "disk full".into() };
        assert_eq!(Failure::of(&full, Duration::from_millis(999)).to_string(), "disk full");
        assert_eq!(Failure::of(&full, Duration::from_secs(46)).to_string(), "disk full, tried for 46 s");
    }
}
