//! Who waits, and for what.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::document;
use super::options::Priority;
use crate::action::Action;
use crate::id::{JobId, RunId};
use crate::wire::http::Waiting;

document! {
    /// Jobs that wait and what each waits for; `GET /v1/queue`.
    farm Queue = "queue" @ 1 {
        /// Jobs that wait, for whatever; those whose run has an earlier step to end first are not counted.
        pub waiting: u32,
        /// Jobs that run or are offered.
        pub running: u32,
        /// How long the oldest of the waiting ones has waited, in milliseconds; absent when none waits.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub oldest_ms: Option<u64>,
        /// How long jobs waited that ended lately; absent when none did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub waits: Option<Waits>,
        /// The waiting jobs, or as many as were asked for: those of one worker in the order of its line, else in order of arrival.
        pub jobs: Vec<WaitingJob>,
    }
}

/// How long jobs waited that ended within the last 24 hours, or the last thousand of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Waits {
    /// How many jobs.
    pub jobs: u32,
    /// Half of them waited no longer, in milliseconds.
    pub p50_ms: u64,
    /// 95 of 100 waited no longer, in milliseconds.
    pub p95_ms: u64,
}

/// A job that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WaitingJob {
    /// The job.
    pub job_id: JobId,
    /// Its run.
    pub run_id: RunId,
    /// Who asked for it.
    pub requester: String,
    /// The band it waits in.
    pub priority: Priority,
    /// The project's name.
    pub project: String,
    /// What it does.
    pub action: Action,
    /// How long it has waited, in milliseconds, since the step before it ended.
    pub waited_ms: u64,
    /// What it waits for.
    pub waiting: Waiting,
}
