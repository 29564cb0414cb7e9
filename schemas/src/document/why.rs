//! Why a job is where it is: who was chosen and who was not, and what it waited for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::document;
use super::judgement::Verdict;
use super::options::{Priority, SelectionMode};
use crate::action::Action;
use crate::id::WorkerName;
use crate::time::Timestamp;
use crate::wire::http::{JobState, Waiting, WaitingReason};

document! {
    /// Why a job is where it is: the choice of its worker, and its waiting; `GET /v1/jobs/{id}/why`.
    job Why = "why" @ 1 {
        /// Who asked for it.
        pub requester: String,
        /// The project's name.
        pub project: String,
        /// The band it waits in.
        pub priority: Priority,
        /// The name of its step.
        pub step: String,
        /// What it does.
        pub action: Action,
        /// Where it is.
        pub state: JobState,
        /// The destination as it was asked for.
        pub destination: String,
        /// The choice of its worker; absent while none was chosen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub choice: Option<Choice>,
        /// What it waited for, in order, as far as that is recorded.
        pub waits: Vec<WaitSpan>,
        /// How long it waited until it first ran, or until now or its end when it never did, in milliseconds.
        pub waited_ms: u64,
        /// What it waits for now; absent when it does not wait.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub waiting: Option<Waiting>,
    }
}

/// A worker, and why it and no other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Choice {
    /// The chosen worker.
    pub worker: WorkerName,
    /// What decided among workers that would all do.
    pub mode: SelectionMode,
    /// Whether the run named the worker.
    pub named: bool,
    /// Its rank, from 1.
    pub rank: u32,
    /// Its priority in the inventory; the lower number goes first.
    pub priority: u32,
    /// How many workers would have done.
    pub candidates: u32,
    /// When it was chosen.
    pub at: Timestamp,
    /// The version of the rules that chose it; only a build with the same one can decide it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision_version: Option<u32>,
    /// All others that were considered: candidates by rank, then those that were excluded.
    pub others: Vec<OtherWorkers>,
}

/// Workers that were not chosen, all for the same reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OtherWorkers {
    /// They, by name.
    pub workers: Vec<WorkerName>,
    /// Their priority in the inventory; the lower number goes first.
    pub priority: u32,
    /// The rank of the first, from 1; absent when they were excluded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<u32>,
    /// Why they were excluded, most telling first; empty for candidates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub verdicts: Vec<Verdict>,
    /// What would have made the first a candidate and at which rank; absent for candidates and where nothing simple would.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counterfactual: Option<String>,
}

/// A time in which a job waited for one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WaitSpan {
    /// For what.
    pub reason: WaitingReason,
    /// How long, in milliseconds.
    pub waited_ms: u64,
    /// How it ended, or what it waits for, in one sentence.
    pub detail: String,
}
