//! A run as planned and as it ended.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::document;
use super::options::{Priority, SelectionMode};
use super::result::Outcome;
use crate::action::Action;
use crate::digest::Sha256;
use crate::id::{Attempt, JobId, RequestId, WorkerName};
use crate::job_key::{JobKey, ResolvedDestination};
use crate::requirement::DestinationRequest;
use crate::time::Timestamp;

document! {
    /// The steps of a run and, per destination, where they run. A resumed or re-led run uses these values, not today's configuration.
    run RunPlan = "run_plan" @ 1 {
        /// The id the client chose for the request.
        pub request_id: RequestId,
        /// Who asked: the token's name, `local` without tokens.
        pub requester: String,
        /// The band the run waits in.
        pub priority: Priority,
        /// The project's name, for people.
        pub project: String,
        /// Fixed when the run was submitted.
        pub protocol_version: u32,
        /// Whether later steps run after one failed.
        pub continue_on_failure: bool,
        /// Bumped when a destination is selected again.
        pub revision: u32,
        /// The destinations of the run.
        pub destinations: Vec<PlannedDestination>,
        /// The steps, in order.
        pub steps: Vec<PlannedStep>,
    }
}

/// One destination of a run; selection is made once for each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedDestination {
    /// From 0.
    pub index: u32,
    /// As asked.
    pub asked: DestinationRequest,
    /// With nothing left to choose; absent until a worker is chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<ResolvedDestination>,
    /// How the worker is chosen.
    pub mode: SelectionMode,
    /// The chosen worker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<WorkerName>,
    /// Workers that give the same job key, the chosen one among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub group: Vec<WorkerName>,
    /// Digest of the evidence for the choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence_sha256: Option<Sha256>,
}

/// One step: jobs that differ only in destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedStep {
    /// From 0.
    pub index: u32,
    /// The name of the step in the configuration, or the action's word.
    pub name: String,
    /// What it does.
    pub action: Action,
    /// Its jobs, one for each of its destinations.
    pub jobs: Vec<PlannedJob>,
}

/// One job of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedJob {
    /// The job.
    pub job_id: JobId,
    /// Index into the plan's destinations.
    pub destination: u32,
    /// The job's key; absent until a toolchain is bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_key: Option<JobKey>,
    /// Why the invocation was refused; absent when it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<String>,
}

/// The state of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RunState {
    /// No job has run yet.
    Queued,
    /// A job has run or runs.
    Running,
    /// Every job succeeded.
    Succeeded,
    /// A job failed.
    Failed,
    /// A job was cancelled.
    Cancelled,
    /// An invocation was refused.
    Rejected,
}

impl RunState {
    /// The word for people and for metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Rejected => "rejected",
        }
    }

    /// Whether the state is final.
    pub fn is_terminal(self) -> bool {
        match self {
            Self::Queued | Self::Running => false,
            Self::Succeeded | Self::Failed | Self::Cancelled | Self::Rejected => true,
        }
    }
}

document! {
    /// A run that has ended.
    run RunSummary = "run_summary" @ 1 {
        /// The final state.
        pub status: RunState,
        /// The exit code of `rch` for the run.
        pub exit_code: u8,
        /// One line for people.
        pub human_summary: String,
        /// When the run was accepted.
        pub accepted_at: Timestamp,
        /// When it ended.
        pub ended_at: Timestamp,
        /// Jobs that succeeded.
        pub succeeded: u32,
        /// Jobs that failed.
        pub failed: u32,
        /// Jobs that were rejected.
        pub rejected: u32,
        /// Jobs that were cancelled.
        pub cancelled: u32,
        /// Jobs that were skipped.
        pub skipped: u32,
        /// The jobs, in plan order.
        pub jobs: Vec<SummarizedJob>,
    }
}

/// A job that has ended, with where its set is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SummarizedJob {
    /// The job.
    pub job_id: JobId,
    /// Index of its step.
    pub step: u32,
    /// What it did.
    pub action: Action,
    /// Index of its destination.
    pub destination: u32,
    /// The job's key; absent when no toolchain was ever bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_key: Option<JobKey>,
    /// How it ended.
    pub outcome: Outcome,
    /// Where it ran last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<WorkerName>,
    /// The attempt that counts; 0 when none did.
    pub attempt: Attempt,
    /// From claim to end in milliseconds; 0 when it never ran.
    pub duration_ms: u64,
    /// Digest of the committed set's manifest; absent until the set is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest_sha256: Option<Sha256>,
}
