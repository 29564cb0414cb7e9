//! Evidence: why this worker. A pure function of recorded decisions, so that anybody can replay it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::document;
use super::options::SelectionMode;
use crate::capabilities::{Facts, Observed};
use crate::digest::Sha256;
use crate::id::{LedgerSeq, WorkerName};
use crate::job_key::{ResolvedDestination, Toolchain};
use crate::protocol::ProtocolRange;
use crate::reason::Reason;
use crate::requirement::{Requirement, Version};

document! {
    /// Why a destination of a run was given to a worker; `worker_selection.json`.
    run WorkerSelection = "worker_selection" @ 1 {
        /// Index of the destination in the run.
        pub destination: u32,
        /// Revision of the run's plan that this selection made.
        pub revision: u32,
        /// What decided among workers that would all do.
        pub mode: SelectionMode,
        /// What was asked.
        pub requirement: Requirement,
        /// Every worker considered: candidates by rank, then the others by name.
        pub workers: Vec<ConsideredWorker>,
        /// How many would have done.
        pub candidate_count: u32,
        /// The first by rank.
        pub selected_worker: WorkerName,
        /// The version of the chosen Xcode, for people; its identity is in `toolchain`.
        pub xcode_version: Version,
        /// The tools of the chosen worker.
        pub toolchain: Toolchain,
        /// The destination on the chosen worker.
        pub resolved: ResolvedDestination,
        /// What was decided on the way that the user may want to know, such as a version that was rounded up.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub notices: Vec<String>,
        /// Workers that give the same job key, by name.
        pub group: Vec<WorkerName>,
        /// The protocol version of the run.
        pub protocol_version: u32,
        /// Version of the rules that decided; another one may decide otherwise.
        pub decision_version: u32,
        /// The ledger record that holds the decision.
        pub ledger_seq: LedgerSeq,
        /// Ed25519 over the domain line and the canonical document without this member, by the farm's key; lower-case hex. Absent in what is
        /// hashed into `evidence_sha256`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub signature: Option<String>,
    }
}

/// One worker, as it was judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConsideredWorker {
    /// The worker.
    pub worker: WorkerName,
    /// Priority in the inventory; the lower number goes first.
    pub priority: u32,
    /// From 1; absent for workers that were excluded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<u32>,
    /// Why it was excluded, most telling first; empty for candidates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub verdicts: Vec<Verdict>,
    /// What would make it a candidate and at which rank; absent for candidates and where nothing simple would.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counterfactual: Option<String>,
    /// Digest of the facts it was judged by; absent when it never announced any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities_sha256: Option<Sha256>,
    /// Age of the facts when judged, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities_age_ms: Option<u64>,
    /// Whether the facts were at hand or probed for this decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities_source: Option<CapabilitiesSource>,
    /// The protocol versions its agent speaks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<ProtocolRange>,
}

/// Whether facts were at hand or probed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CapabilitiesSource {
    /// At hand, and young enough.
    Cached,
    /// Probed for this decision.
    Fresh,
}

/// One reason why a worker will not do, with the two values that were compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// The code.
    pub code: Reason,
    /// What was required.
    pub required: String,
    /// What the worker has.
    pub found: String,
}

document! {
    /// What a worker can do and how it was; `capabilities.json`.
    farm CapabilitiesDocument = "capabilities" @ 1 {
        /// The worker.
        pub worker: WorkerName,
        /// Hashed: `capabilities_sha256` is SHA-256 over the canonical form of this member.
        pub facts: Facts,
        /// Not hashed.
        pub observed: Observed,
    }
}
