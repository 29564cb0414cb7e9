//! Identifiers, each a newtype made only by parsing: an invalid value cannot exist past the edge that received it.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// Why a text is not the identifier it was taken for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is not a valid {kind}: expected {expected}")]
pub struct InvalidId {
    /// Which identifier was expected, in the contract's word.
    pub kind: &'static str,
    /// The rule, as a regular expression with its limits.
    pub expected: &'static str,
    /// What was found, cut to 80 characters.
    pub found: String,
}

impl InvalidId {
    pub(crate) fn new(kind: &'static str, expected: &'static str, found: &str) -> Self {
        Self { kind, expected, found: found.chars().take(80).collect() }
    }
}

/// Run, job and request ids: safe in a path unescaped, in a URL and as one NATS subject token.
const OPAQUE_PATTERN: &str = "^[A-Za-z0-9][A-Za-z0-9_-]{9,63}$";
/// Worker names: a path component and a NATS subject token.
const WORKER_PATTERN: &str = "^[a-z0-9][a-z0-9-]{0,62}$";
/// Cache namespaces: they name directories on workers.
const NAMESPACE_PATTERN: &str = "^(?!.*\\.\\.)[A-Za-z0-9][A-Za-z0-9._-]{0,63}$";

/// Labels of runs: what a branch or a pull request is called.
const LABEL_PATTERN: &str = "^[A-Za-z0-9][A-Za-z0-9._/:#-]{0,63}$";

fn is_label(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'/' | b':' | b'#' | b'-'))
}

fn is_opaque(text: &str) -> bool {
    (10..=64).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

fn is_worker_name(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && !text.starts_with('-')
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn is_namespace(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
        && !text.contains("..")
}

macro_rules! text_id {
    (#[doc = $doc:literal] $name:ident, $kind:literal, $pattern:expr, $check:expr) => {
        #[doc = $doc]
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                if $check(text) { Ok(Self(text.to_owned())) } else { Err(InvalidId::new($kind, $pattern, text)) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                if $check(&text) { Ok(Self(text)) } else { Err(InvalidId::new($kind, $pattern, &text)) }
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern, "description": $doc.trim() })
            }
        }
    };
}

text_id!(
    /// One request: steps in order. Never reused.
    RunId, "run id", OPAQUE_PATTERN, is_opaque
);
text_id!(
    /// One action for exactly one destination. Never reused, unique over the life of a farm.
    JobId, "job id", OPAQUE_PATTERN, is_opaque
);
text_id!(
    /// Chosen by the caller, unique per request: what makes a retry safe.
    RequestId, "request id", OPAQUE_PATTERN, is_opaque
);
text_id!(
    /// One start of an agent; every message of the agent carries it.
    SessionId, "session id", OPAQUE_PATTERN, is_opaque
);
text_id!(
    /// One try of an agent to claim an attempt; the same claim gets the same answer again.
    ClaimId, "claim id", OPAQUE_PATTERN, is_opaque
);
text_id!(
    /// One record of the ledger, so that a leader recognises its own append after an unknown outcome.
    RecordId, "record id", OPAQUE_PATTERN, is_opaque
);
text_id!(
    /// One ledger, named in its first record.
    LedgerId, "ledger id", OPAQUE_PATTERN, is_opaque
);
text_id!(
    /// One Mac of the farm.
    WorkerName, "worker name", WORKER_PATTERN, is_worker_name
);
text_id!(
    /// Separates caches of unrelated projects on a worker; results are shared across namespaces, since the job key says everything.
    CacheNamespace, "cache namespace", NAMESPACE_PATTERN, is_namespace
);
text_id!(
    /// What runs of one requester and project have in common, so that a newer one can take the place of those before it.
    RunLabel, "label", LABEL_PATTERN, is_label
);

impl CacheNamespace {
    /// The default namespace of a project: its name made safe. Never empty: a name without a usable character becomes `project`.
    pub fn from_project_name(name: &str) -> Self {
        let mut safe = String::new();
        for c in name.chars() {
            let c = if c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.') { c } else { '-' };
            let doubles = matches!(c, '.' | '-') && safe.ends_with(['.', '-']);
            if safe.len() < 64 && !doubles && (!safe.is_empty() || c.is_ascii_alphanumeric()) {
                safe.push(c);
            }
        }
        let safe = safe.trim_end_matches(['.', '-']);
        safe.parse().unwrap_or_else(|_| Self("project".to_owned()))
    }
}

/// A try at a job on one worker, numbered from 1; 0 stands in documents of a set that no attempt produced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Attempt(pub u32);

impl Attempt {
    /// No attempt: the set is the coordinator's own.
    pub const NONE: Self = Self(0);

    /// The attempt after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A position in the ledger: the stream sequence of a record, from 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct LedgerSeq(pub u64);

impl fmt::Display for LedgerSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Milliseconds of farm time: monotonic over leaders, standing still while nobody leads. Every deadline is one of these.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Tick(pub u64);

impl Tick {
    /// The tick that is `duration` later; saturates at the end of time.
    #[must_use]
    pub fn after(self, duration: std::time::Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)))
    }

    /// How long ago `earlier` was; zero when it is not earlier.
    pub fn since(self, earlier: Self) -> std::time::Duration {
        std::time::Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_opaque_id_is_safe_in_a_path_or_refused() {
        for good in ["0123456789", "01KBQ3M5T2Y8ZC4W6N0R7HXA1D", "a_b-c_d-e_f", &"x".repeat(64)] {
            assert!(good.parse::<RunId>().is_ok(), "{good}");
        }
        for bad in ["", "short", "-123456789", "has/slash0", "has space0", "..........", "ten\u{e9}456789", &"x".repeat(65)] {
            assert!(bad.parse::<RunId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_refused_id_says_what_was_expected_and_what_was_found() {
        let error = "Mac Mini".parse::<WorkerName>().expect_err("upper case and a space");
        assert_eq!(error.to_string(), "\"Mac Mini\" is not a valid worker name: expected ^[a-z0-9][a-z0-9-]{0,62}$");
    }

    #[test]
    fn deserializing_checks_too() {
        assert!(serde_json::from_str::<WorkerName>("\"../x\"").is_err());
        assert!(serde_json::from_str::<WorkerName>("\"macmini-02\"").is_ok());
    }

    #[test]
    fn a_namespace_is_made_safe_from_any_project_name() {
        for (name, expected) in [
            ("SampleApp", "SampleApp"),
            ("My App", "My-App"),
            ("../up", "up"),
            ("16프로", "16"),
            ("", "project"),
            ("프로", "project"),
            ("a..b", "a.b"),
        ] {
            assert_eq!(CacheNamespace::from_project_name(name).as_str(), expected);
        }
    }
}
