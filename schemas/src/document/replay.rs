//! What came of deciding again what was decided.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::document;
use crate::id::{LedgerId, LedgerSeq, RunId, WorkerName};
use crate::time::Timestamp;

document! {
    /// Recorded decisions that were decided again by the same function from the same state, and what came of it; `rch replay --json`.
    farm Replay = "replay" @ 1 {
        /// The ledger; absent when nothing was read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub ledger_id: Option<LedgerId>,
        /// How many of its records were read, from the first on.
        pub records: u64,
        /// The version of the rules of the build that decided again.
        pub decision_version: u32,
        /// Decisions that are the same, byte for byte.
        pub same: u64,
        /// Decisions by another version of the rules; nothing can be said of them.
        pub other_version: u64,
        /// Decisions that come out otherwise.
        pub differing: u64,
        /// All decisions of the run that was asked about; else those that are not the same. At most 1,000, the first ones.
        pub decisions: Vec<ReplayedDecision>,
    }
}

/// One decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReplayedDecision {
    /// The record that holds it.
    pub ledger_seq: LedgerSeq,
    /// When it was made.
    pub at: Timestamp,
    /// What was decided.
    pub kind: DecisionKind,
    /// The run that was decided about; absent for what several runs may share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
    /// Index of the run's destination.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<u32>,
    /// The worker that was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<WorkerName>,
    /// The version of the rules it was made by.
    pub decision_version: u32,
    /// What came of it.
    pub outcome: ReplayOutcome,
    /// The first member that is not the same; present when the decision comes out otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<ReplayDifference>,
}

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DecisionKind {
    /// Every worker was judged against a requirement.
    Judgement,
    /// A worker was chosen for a destination of a run.
    Selection,
}

/// What came of a decision that was decided again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReplayOutcome {
    /// The same bytes.
    Same,
    /// Another version of the rules made it.
    OtherVersion,
    /// It comes out otherwise.
    Differs,
}

/// Where a decision comes out otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReplayDifference {
    /// The first member that is not the same, such as `passed_over/0/workers`.
    pub member: String,
    /// What was recorded; null when nothing was.
    pub recorded: Value,
    /// What is decided now; null when nothing is.
    pub decided: Value,
}
