//! The decision about one command line, in the words of `invocation.json`.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::sdk::Sdk;
use crate::Action;
use crate::destination::Platform;

/// The decision about one command line.
///
/// A line with anything in `rejected` must not run; its `sanitized_argv` is what would remain without the rejected arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Classified {
    /// What the job does; `build` when the line names no action.
    pub action: Action,
    /// Whether `clean` was asked for: a cached result must come from a clean build.
    pub clean: bool,
    /// The canonical arguments, action first, without `-destination`: the same bytes for every spelling of the same invocation.
    pub sanitized_argv: Vec<String>,
    /// The destinations as asked, in order, each once; several mean several jobs.
    pub destinations: Vec<String>,
    /// The workspace or project, when the line names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Container>,
    /// The scheme, when the line names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<String>,
    /// What the farm decides itself, in the order of the line. `-destination` is not among it: `destinations` carries it.
    pub dropped: Vec<Dropped>,
    /// What the farm refuses, in the order of the line; empty when the line may run.
    pub rejected: Vec<Rejected>,
}

/// What xcodebuild opens; a path relative to the tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Container {
    /// `-workspace`.
    Workspace(String),
    /// `-project`.
    Project(String),
}

/// An argument that is ours to decide: never executed, without effect on the job key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Dropped {
    /// Its place in the line, counted from 0 after the word `xcodebuild`.
    pub index: usize,
    /// The argument with its value, as written; cut to 200 characters.
    pub argument: String,
    /// Why it is not needed.
    pub reason: String,
}

/// An argument that is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rejected {
    /// Its place in the line, counted from 0 after the word `xcodebuild`.
    pub index: usize,
    /// How many words of the line it covers, at least 1.
    pub length: usize,
    /// The argument with its value, as written; cut to 200 characters.
    pub argument: String,
    /// Why it is refused.
    pub reason: String,
    /// What to write instead.
    pub fix: String,
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.argument, self.reason, self.fix)
    }
}

impl Classified {
    /// Whether the line may run.
    pub fn is_accepted(&self) -> bool {
        self.rejected.is_empty()
    }

    /// The SDK, when the line names one.
    pub fn sdk(&self) -> Option<Sdk> {
        sdk_of(&self.sanitized_argv)
    }

    /// The destination that `-sdk` alone implies, when the line names none: macOS itself, or generic for what only builds. Tests on another
    /// platform need a device, which the config names.
    pub fn implied_destination(&self) -> Option<String> {
        if !self.destinations.is_empty() {
            return None;
        }
        let platform = self.sdk()?.platform;
        if platform == Platform::MacOs {
            return Some("platform=macOS".to_owned());
        }
        (!self.action.runs_tests()).then(|| format!("generic/platform={platform}"))
    }
}

/// The SDK that canonical arguments name; nothing when they name none.
pub fn sdk_of(sanitized_argv: &[String]) -> Option<Sdk> {
    let flag = sanitized_argv.iter().position(|word| word == "-sdk")?;
    sanitized_argv.get(flag + 1)?.parse().ok()
}
