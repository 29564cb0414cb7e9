//! What a job came to.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::document;
use super::options::ArtifactProfile;
use crate::id::{JobId, WorkerName};
use crate::job_key::{ResolvedDestination, Toolchain};
use crate::reason::{FailureKind, Reason, exit};
use crate::requirement::{DestinationRequest, Version};

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// It did what was asked.
    Success,
    /// It did not.
    Failed,
    /// Its invocation was refused; it never ran.
    Rejected,
    /// It was cancelled.
    Cancelled,
    /// It was not tried, because another job ended as it did.
    Skipped,
}

/// The outcome of a job: status, and for all but success and skip the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Outcome {
    /// How it ended.
    pub status: JobStatus,
    /// The kind of failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_kind: Option<FailureKind>,
    /// The narrower reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_subkind: Option<Reason>,
    /// The exit code of `rch` for this outcome.
    pub exit_code: u8,
}

impl Outcome {
    /// It did what was asked.
    pub const SUCCESS: Self = Self { status: JobStatus::Success, failure_kind: None, failure_subkind: None, exit_code: exit::SUCCESS };
    /// It was not tried.
    pub const SKIPPED: Self = Self { status: JobStatus::Skipped, failure_kind: None, failure_subkind: None, exit_code: exit::SUCCESS };

    /// The outcome of a job that ends for `reason`; the status follows from the reason's kind.
    pub fn because(reason: Reason) -> Self {
        let status = match reason.kind() {
            Some(FailureKind::ClassifierRejected) => JobStatus::Rejected,
            Some(FailureKind::Cancelled) => JobStatus::Cancelled,
            Some(_) | None => JobStatus::Failed,
        };
        Self { status, failure_kind: reason.kind(), failure_subkind: Some(reason), exit_code: reason.exit_code() }
    }

    /// Whether kind, subkind, status and exit code say the same thing: what arrives from outside may not.
    pub fn is_consistent(&self) -> bool {
        match self.failure_subkind {
            Some(reason) => *self == Self::because(reason) && self.failure_kind.is_some(),
            None => *self == Self::SUCCESS || *self == Self::SKIPPED,
        }
    }
}

document! {
    /// The outcome of a job in one document; `summary.json`.
    job Summary = "summary" @ 1 {
        /// How it ended.
        pub status: JobStatus,
        /// The kind of failure.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub failure_kind: Option<FailureKind>,
        /// The narrower reason.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub failure_subkind: Option<Reason>,
        /// The exit code of `rch`.
        pub exit_code: u8,
        /// What drove Xcode: `xcodebuild` or `mcp`; absent when nothing ran.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub backend: Option<String>,
        /// The backend's own exit code.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub backend_exit_code: Option<i32>,
        /// The signal that ended the backend.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub backend_term_signal: Option<i32>,
        /// One line for people.
        pub human_summary: String,
        /// From go to the end of collecting, in milliseconds; 0 when nothing ran.
        pub duration_ms: u64,
        /// The profile produced; null in a set made by the coordinator.
        pub artifact_profile: Option<ArtifactProfile>,
        /// Where it ran; absent when nothing ran.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub worker: Option<WorkerName>,
        /// The first errors with a place, at most 20.
        #[serde(default)]
        pub first_errors: Vec<FirstError>,
        /// The first failing tests, at most 20.
        #[serde(default)]
        pub failing_tests: Vec<FailingTest>,
        /// Counts of the tests that ran; absent when the action runs none or the result could not be read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub tests: Option<TestCounts>,
        /// The job whose kept result this is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub cached_from_job_id: Option<JobId>,
        /// Whether `build.log` holds every byte that was printed.
        pub log_complete: bool,
        /// Whether a simulator made for the attempt could not be deleted.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub ephemeral_cleanup_failed: bool,
        /// Why the invocation was refused.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub rejection_reason: Option<String>,
    }
}

impl Summary {
    /// Status, kind, subkind and exit code as one value.
    pub fn outcome(&self) -> Outcome {
        Outcome { status: self.status, failure_kind: self.failure_kind, failure_subkind: self.failure_subkind, exit_code: self.exit_code }
    }
}

/// How many tests came to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TestCounts {
    /// All that were found.
    pub total: u32,
    /// Passed.
    pub passed: u32,
    /// Failed.
    pub failed: u32,
    /// Skipped.
    pub skipped: u32,
    /// Failed as they were expected to.
    pub expected_failures: u32,
}

/// An error with a place in the source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FirstError {
    /// Relative to the tree; absolute when outside it.
    pub path: String,
    /// From 1.
    #[schemars(range(min = 1))]
    pub line: u32,
    /// From 1; absent when the tool gives none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// The tool's message.
    pub message: String,
}

/// A test that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailingTest {
    /// `Target/Suite/name`.
    pub id: String,
    /// The first failure's message.
    pub message: String,
    /// Where it failed, relative to the tree; absent when the tool does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// From 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub line: Option<u32>,
}

document! {
    /// The tools as the machine reported them just before the backend ran, and just before the manifest was made.
    job ToolchainDocument = "toolchain" @ 1 {
        /// The version of Xcode, for people.
        pub xcode_version: Version,
        /// Read just before execution.
        pub before: Toolchain,
        /// Read just before the manifest.
        pub after: Toolchain,
    }
}

document! {
    /// The destination as asked, as resolved, and as it was on the worker.
    job Destination = "destination" @ 1 {
        /// As the user wrote it.
        pub asked: DestinationRequest,
        /// With nothing left to choose.
        pub resolved: ResolvedDestination,
        /// The simulator's identity on this Mac; absent for macOS and generic destinations.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub udid: Option<String>,
        /// Whether the simulator was made for this attempt.
        pub created: bool,
        /// The runtime's build as read after boot; absent when nothing was booted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub runtime_build_after_boot: Option<String>,
    }
}

document! {
    /// What an attempt cost.
    job Metrics = "metrics" @ 1 {
        /// Time in each phase, in order.
        pub phases: Vec<PhaseTime>,
        /// Bytes fetched from the store, compressed.
        pub fetched_bytes: u64,
        /// Chunks fetched from the store.
        pub fetched_chunks: u32,
        /// Chunks that were in the worker's chunk cache.
        pub cached_chunks: u32,
        /// Bytes the backend printed.
        pub log_bytes: u64,
        /// Other counters, by name.
        #[serde(default)]
        pub counters: BTreeMap<String, u64>,
    }
}

/// Time spent in one phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PhaseTime {
    /// The phase's name.
    pub phase: String,
    /// Milliseconds.
    pub duration_ms: u64,
}
