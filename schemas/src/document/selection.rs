//! Evidence: why this worker. A pure function of recorded decisions, so that anybody can replay it.

use std::collections::BTreeSet;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::document;
use super::judgement::{ConsideredWorkers, FleetJudgement, Verdict};
use super::options::SelectionMode;
use crate::capabilities::{Facts, Observed};
use crate::digest::Sha256;
use crate::id::{LedgerSeq, WorkerName};
use crate::job_key::{ResolvedDestination, Toolchain};
use crate::requirement::Version;
use crate::wire::http::Liveness;

document! {
    /// Why a destination of a run was given to a worker; `worker_selection.json`.
    ///
    /// `evidence_sha256` is SHA-256 over the canonical form of this document without `judgement` and `signature`. The judgement, which many runs
    /// share, stands in it by its own digest: a reader checks both.
    run WorkerSelection = "worker_selection" @ 1 {
        /// Index of the destination in the run.
        pub destination: u32,
        /// Which of the run's choices this is, from 1: the revision of its plan.
        pub revision: u32,
        /// What decided among workers that would all do.
        pub mode: SelectionMode,
        /// Every worker against what was asked. Absent in what is hashed into `evidence_sha256`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub judgement: Option<FleetJudgement>,
        /// SHA-256 over the canonical form of `judgement`.
        pub judgement_sha256: Sha256,
        /// Candidates that would not do then, or not for this run, of those that were looked at; in order of rank.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub passed_over: Vec<PassedOver>,
        /// What decided in adaptive mode, of all who would have done: the first by rank that had a free slot, and others of its priority that had
        /// one, 64 at most; in order of rank. Other candidates of this or a lower priority number that were not passed over had none.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub metrics: Vec<CandidateMetrics>,
        /// Candidates of the judgement but for those passed over. At those behind the chosen one nobody looked any further.
        pub candidate_count: u32,
        /// The first by rank that was not passed over; in adaptive mode the best of `metrics`.
        pub selected_worker: WorkerName,
        /// Digest of its facts: of the member `facts` of the `capabilities.json` beside this.
        pub capabilities_sha256: Sha256,
        /// Age of its facts when it was chosen, in milliseconds; absent while the leader could not know.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub capabilities_age_ms: Option<u64>,
        /// Whether they were at hand or probed for this decision.
        pub capabilities_source: CapabilitiesSource,
        /// The version of the chosen Xcode, for people; its identity is in `toolchain`.
        pub xcode_version: Version,
        /// The tools of the chosen worker.
        pub toolchain: Toolchain,
        /// The destination on the chosen worker.
        pub resolved: ResolvedDestination,
        /// What was decided on the way that the user may want to know, such as a version that was rounded up.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub notices: Vec<String>,
        /// The protocol version of the run; the range of each worker's agent is in the judgement.
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

impl WorkerSelection {
    /// `evidence_sha256` of a document as it was received, with the members of newer writers; `None` when its judgement is not the one it names.
    pub fn received_sha256(received: &Value) -> Option<Sha256> {
        let mut body = received.clone();
        let members = body.as_object_mut()?;
        members.remove("signature");
        if let Some(judgement) = members.remove("judgement") {
            let named = members.get("judgement_sha256")?.as_str()?;
            Sha256::of_canonical(&judgement).ok().filter(|found| found.to_string() == named)?;
        }
        Sha256::of_canonical(&body).ok()
    }

    /// Workers that give the same job key as the chosen one, itself first: as far as the judgement says, and but for those passed over.
    pub fn group(&self) -> Vec<WorkerName> {
        let Some(judgement) = &self.judgement else { return vec![self.selected_worker.clone()] };
        let passed_over: BTreeSet<_> = self.passed_over.iter().flat_map(|passed| &passed.workers).collect();
        let same_key = |row: &ConsideredWorkers| {
            let resolution = judgement.resolution(row);
            resolution.is_some_and(|other| other.toolchain == self.toolchain && other.resolved == self.resolved)
        };
        let ranked = judgement.ranked().into_iter().filter(|(name, row)| !passed_over.contains(name) && same_key(row));
        ranked.map(|(name, _)| name.clone()).collect()
    }
}

/// Candidates that the choice went past, all for the same reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PassedOver {
    /// They, in order of rank.
    pub workers: Vec<WorkerName>,
    /// Why, most telling first.
    pub verdicts: Vec<Verdict>,
    /// Whether they were heard, when that was among the reasons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub liveness: Option<Liveness>,
    /// Age of their facts in milliseconds, when that was among the reasons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities_age_ms: Option<u64>,
    /// Why they were not younger: what came of asking for new ones; absent when the answer was still to come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe_failure: Option<ProbeFailure>,
}

/// A machine that was to be read again, and was not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProbeFailure {
    /// What went wrong.
    pub error: String,
    /// How long it took to go wrong, in milliseconds.
    pub after_ms: u64,
}

impl fmt::Display for ProbeFailure {
    /// `macmini-01 has no agent that listens (after 0.1 s)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (after {}.{} s)", self.error, self.after_ms / 1_000, self.after_ms % 1_000 / 100)
    }
}

/// What was seen of a worker when adaptive selection compared it with its equals.
///
/// Members are in the order in which they decide, each only among those that are equal in the ones before: a cached result, a free slot, a
/// warm namespace, fewer jobs per slot, more free disk space; then the name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CandidateMetrics {
    /// The worker.
    pub worker: WorkerName,
    /// Whether a result for the job's key was cached for its group; absent where nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_cached: Option<bool>,
    /// Slots that nothing was offered to or ran in.
    pub free_slots: u32,
    /// Whether it said that it keeps something of the run's cache namespace.
    pub warm_namespace: bool,
    /// Jobs offered to it or running on it.
    pub running: u32,
    /// Its slots.
    pub slots: u32,
    /// Free disk space, by its last heartbeat; 0 before the first.
    pub disk_free_bytes: u64,
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
