//! Between the coordinator and an agent.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::capabilities::{Facts, Observed};
use crate::digest::Sha256;
use crate::document::{ArtifactProfile, Job, Outcome};
use crate::id::{Attempt, CacheNamespace, ClaimId, JobId, LedgerSeq, SessionId, WorkerName};
use crate::protocol::{Feature, ProtocolRange};
use crate::reason::Reason;
use crate::seal::{Attestation, PublicKey};
use crate::time::Timestamp;

/// An offer of one attempt. It is no right: the agent claims, and starts on `go` alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Offer {
    /// The worker it is for.
    pub worker: WorkerName,
    /// The session it is for; an agent of another session leaves it alone.
    pub session: SessionId,
    /// The record that made the offer.
    pub ledger_seq: LedgerSeq,
    /// What is to be done; `job.attempt` is the attempt offered.
    pub job: Job,
}

/// A report, numbered within its session from 1 and kept by the agent until it is answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// The agent's session.
    pub session: SessionId,
    /// From 1, in the order the agent made them.
    pub number: u64,
    /// What is reported.
    pub body: ReportBody,
}

/// What an agent reports. Reports are idempotent by (job, attempt, kind).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ReportBody {
    /// A session begins.
    Announce(Box<Announce>),
    /// The machine was read again.
    Capabilities {
        /// The stable facts.
        facts: Box<Facts>,
        /// What changes.
        observed: Box<Observed>,
    },
    /// May this attempt start?
    Claim {
        /// The job.
        job_id: JobId,
        /// The attempt offered.
        attempt: Attempt,
        /// Chosen for this claim; the same claim gets the same answer.
        claim_id: ClaimId,
    },
    /// The attempt ran to its end and its set is stored.
    Finished(Box<Finished>),
    /// The attempt was claimed and will not finish.
    Interrupted {
        /// The job.
        job_id: JobId,
        /// The attempt.
        attempt: Attempt,
        /// Why.
        code: Reason,
        /// One line.
        detail: String,
    },
    /// The agent does not take or cannot go on with the attempt; another worker, or this one later, may.
    Refused {
        /// The job.
        job_id: JobId,
        /// The attempt.
        attempt: Attempt,
        /// Why.
        code: Reason,
        /// One line.
        detail: String,
        /// When to try this worker again, in seconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after_seconds: Option<u32>,
        /// Chunks that are absent or corrupt in the store.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        missing: Vec<Sha256>,
    },
}

impl ReportBody {
    /// The word for logs and metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Announce(_) => "announce",
            Self::Capabilities { .. } => "capabilities",
            Self::Claim { .. } => "claim",
            Self::Finished(_) => "finished",
            Self::Interrupted { .. } => "interrupted",
            Self::Refused { .. } => "refused",
        }
    }
}

/// The start of a session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Announce {
    /// Version of the agent.
    pub rch_xcode_lane_version: String,
    /// The protocol versions it speaks.
    pub protocol: ProtocolRange,
    /// What it can do beside the minimum.
    pub features: BTreeSet<Feature>,
    /// Its key; it must be the one pinned in the inventory.
    pub public_key: PublicKey,
    /// Jobs at once.
    pub slots: u32,
    /// Attempts it still holds from before, by its disk.
    pub held: Vec<HeldAttempt>,
    /// The stable facts.
    pub facts: Facts,
    /// What changes.
    pub observed: Observed,
}

/// An attempt that an agent holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HeldAttempt {
    /// The job.
    pub job_id: JobId,
    /// The attempt.
    pub attempt: Attempt,
    /// Where it is.
    pub phase: Phase,
    /// Bytes of log so far.
    pub log_offset: u64,
}

/// The phases of an attempt, in order; each has a budget and is timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Fetching missing chunks.
    Fetch,
    /// Unpacking the source.
    Unpack,
    /// Finding or making the destination.
    Provision,
    /// Resolving packages.
    Resolve,
    /// The backend runs.
    Execute,
    /// Reading results.
    Collect,
    /// Storing the set.
    Upload,
}

impl Phase {
    /// The word in documents and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            Self::Unpack => "unpack",
            Self::Provision => "provision",
            Self::Resolve => "resolve",
            Self::Execute => "execute",
            Self::Collect => "collect",
            Self::Upload => "upload",
        }
    }
}

/// The end of an attempt whose set is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finished {
    /// The job.
    pub job_id: JobId,
    /// The attempt.
    pub attempt: Attempt,
    /// How it ended.
    pub outcome: Outcome,
    /// One line for people.
    pub human_summary: String,
    /// SHA-256 of the bytes of `manifest.json`.
    pub manifest_sha256: Sha256,
    /// The signed statement about the set.
    pub attestation: Attestation,
    /// The profile produced.
    pub artifact_profile: ArtifactProfile,
    /// From go to the end of collecting, in milliseconds.
    pub duration_ms: u64,
    /// Size of the log as printed.
    pub log_bytes: u64,
    /// SHA-256 of the log as printed.
    pub log_sha256: Sha256,
    /// Time to store the set, in milliseconds.
    pub upload_ms: u64,
}

/// The receipt of a report: it is in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Receipt {
    /// The report's number.
    pub number: u64,
    /// The newest record when it was answered.
    pub ledger_seq: LedgerSeq,
    /// For a claim that was granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub go: Option<Go>,
}

/// The right to start one attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Go {
    /// The job.
    pub job_id: JobId,
    /// The attempt.
    pub attempt: Attempt,
    /// How long the coordinator waits before it fences the attempt, in milliseconds from the claim.
    pub deadline_ms: u64,
}

/// Proof of life, each five seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Heartbeat {
    /// The agent's session.
    pub session: SessionId,
    /// By the agent's clock; shown, never used to order.
    pub sent_at: Timestamp,
    /// Jobs at once.
    pub slots: u32,
    /// Slots without a job.
    pub slots_free: u32,
    /// One-minute load average, in hundredths.
    pub load_hundredths: u32,
    /// Free disk space in bytes.
    pub disk_free_bytes: u64,
    /// The attempts it holds.
    pub held: Vec<HeldAttempt>,
    /// Namespaces whose caches are warm.
    pub warm_namespaces: BTreeSet<CacheNamespace>,
}

/// The whole truth for a worker: what it should hold. It kills what is not wanted, and ignores a state older than one it has seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WorkerState {
    /// The session the farm knows; another agent process of the name must stop.
    pub session: SessionId,
    /// The record this was derived at.
    pub ledger_seq: LedgerSeq,
    /// Whether new offers will come.
    pub draining: bool,
    /// Attempts offered to or claimed by the session.
    pub wanted: Vec<WantedAttempt>,
    /// Age in milliseconds at which capabilities no longer count: the agent reads its machine twice as often. Absent from a farm that does not
    /// say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe_ttl_ms: Option<u64>,
}

/// An attempt that should be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct WantedAttempt {
    /// The job.
    pub job_id: JobId,
    /// The attempt.
    pub attempt: Attempt,
}

/// A request on a worker's control subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Control {
    /// Read the machine again and report.
    Probe,
    /// What do you hold?
    Status,
    /// A piece of a running attempt's log.
    Tail {
        /// The job.
        job_id: JobId,
        /// The attempt.
        attempt: Attempt,
        /// From this byte.
        offset: u64,
        /// At most so many bytes.
        bytes_max: u32,
    },
    /// Kill an attempt.
    Cancel {
        /// The job.
        job_id: JobId,
        /// The attempt.
        attempt: Attempt,
        /// The record that says so; older than a `go` the agent holds, it is ignored.
        ledger_seq: LedgerSeq,
    },
    /// Take no more offers.
    Drain {
        /// The record that says so.
        ledger_seq: LedgerSeq,
    },
}

/// The answer to a control request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ControlAnswer {
    /// It will be done.
    Accepted,
    /// The session and what it holds.
    Status {
        /// The agent's session.
        session: SessionId,
        /// The attempts it holds.
        held: Vec<HeldAttempt>,
        /// Messages since its start that were not what their subject promises, and were dropped.
        #[serde(default)]
        dropped_messages: u64,
    },
    /// Bytes of a log.
    Tail {
        /// Offset of the first byte.
        offset: u64,
        /// The bytes, in base64.
        data: String,
        /// Where to go on.
        next_offset: u64,
        /// Whether the log ends there.
        end: bool,
    },
}
