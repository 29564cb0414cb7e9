//! What can go wrong between client and coordinator.

use std::time::Duration;

use rch_schemas::protocol::ProtocolRange;
use rch_schemas::wire::http::Problem;
use rch_schemas::{Reason, Sha256};

use crate::output::Why;

/// What to do about a farm that is too old for us.
const UPGRADE_FARM: &str = "upgrade the farm's coordinator, or use an older rch";

/// Why a request has no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FarmError {
    /// No connection, or it broke.
    #[error(
        "cannot reach the coordinator at {url}: {cause}; check that it runs there ({url}v1/healthz), or say where it is with --coordinator, RCH_COORDINATOR or coordinator = \"…\" in ~/.config/rch/config.toml"
    )]
    Unreachable {
        /// The coordinator's address.
        url: String,
        /// The innermost cause.
        cause: String,
    },
    /// The coordinator says what is wrong.
    #[error("{}", told(problem))]
    Problem {
        /// In its words.
        problem: Box<Problem>,
        /// When to try again, if it says so.
        retry_after: Option<Duration>,
    },
    /// An answer that no coordinator of a version we know gives.
    #[error("{url} answered {status} with {found}; expected {expected}. Check that a coordinator runs there, and that its version fits")]
    Answer {
        /// What was asked.
        url: String,
        /// The status.
        status: u16,
        /// What it should have been.
        expected: String,
        /// What it was.
        found: String,
    },
    /// Something answers where the farm should be, in words that no coordinator has.
    #[error("something answers at {url}, but it is no coordinator; check the address")]
    NotACoordinator {
        /// The address.
        url: String,
    },
    /// The farm has another key than it had.
    #[error(
        "the farm at {url} has the key {found}, and {expected} was pinned: it is another farm, or its key was replaced; ask its operators for the fingerprint, and if they name the new one: rch login {url} --replace-key"
    )]
    KeyChanged {
        /// The coordinator's address.
        url: String,
        /// The fingerprint that was pinned.
        expected: Sha256,
        /// The fingerprint it has.
        found: Sha256,
    },
    /// The farm has another key than it should have.
    #[error("the farm at {url} has the key {found}, expected {expected}; nothing was kept: ask its operators which is right")]
    OtherKey {
        /// The coordinator's address.
        url: String,
        /// The fingerprint that was asked for.
        expected: Sha256,
        /// The fingerprint it has.
        found: Sha256,
    },
    /// A token would be readable on its way.
    #[error(
        "{url} is plain http to another machine, and everybody on the way could read the token; use https, an SSH tunnel to a loopback address, or rch login --insecure-http if that is what you want"
    )]
    PlainHttp {
        /// The coordinator's address.
        url: String,
    },
    /// No version of the protocol in common.
    #[error("the farm speaks protocol {theirs}, this rch {} speaks {ours}; {}", env!("CARGO_PKG_VERSION"), upgrade(*theirs, *ours, version))]
    Protocol {
        /// The coordinator's versions.
        theirs: ProtocolRange,
        /// The coordinator's own version; empty when it does not say.
        version: String,
        /// Ours.
        ours: ProtocolRange,
    },
    /// A document of another major version.
    #[error("{url} answers with a document {found}; this rch {} reads {expected}; {}", env!("CARGO_PKG_VERSION"), upgrade_for(found, expected))]
    OtherMajor {
        /// What was asked.
        url: String,
        /// The `schema_id` that came.
        found: String,
        /// The one that can be read.
        expected: String,
    },
}

impl FarmError {
    /// A request that failed below HTTP.
    pub(super) fn unreachable(url: &reqwest::Url, error: &reqwest::Error) -> Self {
        let mut cause: &dyn std::error::Error = error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        let cause = if error.is_timeout() { "no answer in time".to_owned() } else { cause.to_string() };
        Self::Unreachable { url: url.to_string(), cause }
    }

    /// Code and exit code.
    pub(crate) fn why(&self) -> Why {
        match self {
            Self::Unreachable { .. } | Self::NotACoordinator { .. } => Why::Reason(Reason::Unreachable),
            Self::Problem { problem, .. } => Why::Reason(problem.code),
            Self::Answer { status: 401 | 403, .. } => Why::Reason(Reason::Unauthorized),
            Self::Answer { .. } => Why::Internal,
            Self::Protocol { .. } | Self::OtherMajor { .. } => Why::Reason(Reason::UnsupportedProtocol),
            Self::KeyChanged { .. } | Self::OtherKey { .. } => Why::Reason(Reason::KeyNotPinned),
            Self::PlainHttp { .. } => Why::Usage,
        }
    }

    /// In a few words, for someone who knows where the coordinator is.
    pub(crate) fn brief(&self) -> String {
        if let Self::Unreachable { url, cause } = self { format!("{url} ({cause})") } else { self.to_string() }
    }

    /// The code, when the coordinator gave one.
    pub(crate) fn code(&self) -> Option<Reason> {
        if let Self::Problem { problem, .. } = self { Some(problem.code) } else { None }
    }

    /// Whether the same request may succeed in a moment.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Problem { problem, .. } => matches!(problem.status, 502..=504),
            Self::Answer { status, .. } => matches!(status, 502..=504),
            Self::NotACoordinator { .. }
            | Self::Protocol { .. }
            | Self::OtherMajor { .. }
            | Self::KeyChanged { .. }
            | Self::OtherKey { .. }
            | Self::PlainHttp { .. } => false,
        }
    }

    /// How long the coordinator asks to wait before the next try.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        if let Self::Problem { retry_after, .. } = self { *retry_after } else { None }
    }
}

/// The same by the majors of two ids of one document: `rch-xcode/farm@2`, `rch-xcode/farm@1`.
fn upgrade_for(found: &str, expected: &str) -> &'static str {
    let major = |id: &str| id.rsplit_once('@').and_then(|(_, major)| major.parse::<u32>().ok());
    if major(found) > major(expected) { "upgrade rch" } else { UPGRADE_FARM }
}

/// Which of the two sides is too old.
fn upgrade(theirs: ProtocolRange, ours: ProtocolRange, version: &str) -> String {
    if ours.is_behind(theirs) {
        let wanted = if version.is_empty() { "a newer one".to_owned() } else { format!("version {version} or newer") };
        format!("upgrade rch to {wanted}")
    } else {
        UPGRADE_FARM.to_owned()
    }
}

fn told(problem: &Problem) -> String {
    let mut text = if problem.detail.is_empty() { problem.title.clone() } else { problem.detail.clone() };
    if let Some(field) = problem.field.as_ref().filter(|field| !text.contains(*field)) {
        text = format!("{field}: {text}");
    }
    // Some details say it themselves.
    let expected = problem.expected.as_ref().filter(|expected| !text.contains(*expected));
    let found = problem.found.as_ref().filter(|found| expected.is_some() || !text.contains(*found));
    let compared = match (expected, found) {
        (Some(expected), Some(found)) => Some(format!("expected {expected}, found {found}")),
        (Some(expected), None) => Some(format!("expected {expected}")),
        (None, Some(found)) => Some(format!("found {found}")),
        (None, None) => None,
    };
    std::iter::once(text).chain(compared).chain(problem.fix.clone()).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_detail_says_is_not_said_twice() {
        let mut problem = Problem::new(422, Reason::InvalidRequest, "run: expected the beginning of only one, found \"01\"");
        (problem.field, problem.expected) = (Some("run".to_owned()), Some("the beginning of only one".to_owned()));
        (problem.found, problem.fix) = (Some("01".to_owned()), Some("write more".to_owned()));
        assert_eq!(told(&problem), "run: expected the beginning of only one, found \"01\"; write more");
    }

    #[test]
    fn a_problem_says_what_was_expected_what_was_found_and_what_to_do() {
        let mut problem = Problem::new(422, Reason::InvalidRequest, "the destination cannot be read");
        problem.field = Some("destinations[0]".to_owned());
        problem.expected = Some("key=value pairs".to_owned());
        problem.found = Some("\"iPhone\"".to_owned());
        problem.fix = Some("write name=iPhone 16".to_owned());
        let error = FarmError::Problem { problem: Box::new(problem), retry_after: None };
        assert_eq!(
            error.to_string(),
            "destinations[0]: the destination cannot be read; expected key=value pairs, found \"iPhone\"; write name=iPhone 16"
        );
        assert_eq!(error.why().exit_code(), 2);
    }
}
