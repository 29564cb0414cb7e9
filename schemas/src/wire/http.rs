//! Bodies of the HTTP interface that are no documents of their own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::digest::Sha256;
use crate::directory::TreeDirectory;
use crate::document::{EffectiveConfig, JobStatus, Outcome, Priority, Recipe, RunOptions, RunPlan, RunState, WorkerSelection};
use crate::id::{Attempt, JobId, LedgerSeq, RequestId, RunId, WorkerName};
use crate::job_key::{JobKey, ResolvedDestination};
use crate::protocol::ProtocolRange;
use crate::reason::Reason;
use crate::requirement::DestinationRequest;
use crate::time::Timestamp;

pub use super::waiting::{Because, EstimateBasis, JobAhead, WaitEstimate, Waiting, WaitingReason};

/// The newest record a response depends on.
pub const LEDGER_SEQ_HEADER: &str = "Rch-Ledger-Seq";
/// A request with this header waits, at most two seconds, until the replica has applied that record.
pub const MIN_SEQ_HEADER: &str = "Rch-Min-Seq";

/// Body of `POST /v1/runs` and `POST /v1/selection`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SubmitRun {
    /// The same id again gives the same run; with another body it is a conflict.
    pub request_id: RequestId,
    /// Version of the client.
    pub rch_version: String,
    /// The protocol versions the client speaks.
    pub protocol: ProtocolRange,
    /// The project's name, for people.
    pub project: String,
    /// How the tree is stored.
    pub recipe: Recipe,
    /// The destinations of all steps; selection is made once for each.
    pub destinations: Vec<DestinationRequest>,
    /// The steps, in order; each has a job for each of its destinations.
    pub steps: Vec<SubmitStep>,
    /// Everything else.
    pub options: RunOptions,
    /// The merged configuration, for the record.
    pub effective_config: EffectiveConfig,
    /// Whether the client stays to follow.
    #[serde(default)]
    pub detach: bool,
}

/// One step of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SubmitStep {
    /// The name of the step in the configuration, or the action's word.
    pub name: String,
    /// What follows the word `xcodebuild`. The coordinator judges it again, whatever the client thought of it.
    pub argv: Vec<String>,
    /// The destinations it has a job for, as indices into the run's, each once; absent means all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destinations: Option<Vec<u32>>,
    /// The directory to run in, for a Swift package that does not lie at the tree's root: then `argv` names no workspace or project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<TreeDirectory>,
    /// Whether a test action that runs no test succeeds all the same. Without effect on an action that runs none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_empty: bool,
}

impl SubmitStep {
    /// A step on every destination of the run, at the root of the tree.
    pub fn new(name: impl Into<String>, argv: Vec<String>) -> Self {
        Self { name: name.into(), argv, destinations: None, directory: None, allow_empty: false }
    }
}

/// The answer to `POST /v1/runs`: the run is recorded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunAccepted {
    /// The run.
    pub run_id: RunId,
    /// The record that holds it.
    pub ledger_seq: LedgerSeq,
    /// The run as it is now.
    pub run: RunView,
}

/// A run as it is now; `GET /v1/runs/{id}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunView {
    /// Its state.
    pub state: RunState,
    /// Bumped on every transition.
    pub seq: u64,
    /// The plan.
    pub plan: RunPlan,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When it ended; absent while it has not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// The exit code of `rch`; absent while it has not ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<u8>,
    /// Whether a cancel was asked for.
    #[serde(default)]
    pub cancel_requested: bool,
    /// The run that took its place; absent while none has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<RunId>,
    /// The runs whose place it took when it was accepted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub supersedes: Vec<RunId>,
    /// Its jobs, in plan order.
    pub jobs: Vec<JobView>,
}

/// A job as it is now; `GET /v1/jobs/{id}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JobView {
    /// The job.
    pub job_id: JobId,
    /// The run it belongs to.
    pub run_id: RunId,
    /// Index of its step.
    pub step: u32,
    /// What it does.
    pub action: Action,
    /// Index of its destination in the plan.
    pub destination: u32,
    /// Its state.
    pub state: JobState,
    /// Bumped on every transition.
    pub seq: u64,
    /// Its key; absent until a toolchain is bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_key: Option<JobKey>,
    /// The destination on its worker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<ResolvedDestination>,
    /// The current attempt; 0 before the first.
    pub attempt: Attempt,
    /// Where the current attempt is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<WorkerName>,
    /// Why it is not running; absent when it is or has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// One line of how it ended, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub human_summary: Option<String>,
    /// From claim to end, in milliseconds; 0 before.
    pub duration_ms: u64,
    /// Digest of the committed set's manifest, once the set can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest_sha256: Option<Sha256>,
}

/// The state of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum JobState {
    /// It waits.
    Queued,
    /// An attempt of it was claimed.
    Running,
    /// It did what was asked.
    Succeeded,
    /// It did not.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// It was not tried.
    Skipped,
    /// Its invocation was refused.
    Rejected,
}

impl JobState {
    /// The state of a job that ended so.
    pub fn ended(status: JobStatus) -> Self {
        match status {
            JobStatus::Success => Self::Succeeded,
            JobStatus::Failed => Self::Failed,
            JobStatus::Rejected => Self::Rejected,
            JobStatus::Cancelled => Self::Cancelled,
            JobStatus::Skipped => Self::Skipped,
        }
    }

    /// Whether the state is final.
    pub fn is_terminal(self) -> bool {
        match self {
            Self::Queued | Self::Running => false,
            Self::Succeeded | Self::Failed | Self::Cancelled | Self::Skipped | Self::Rejected => true,
        }
    }
}

/// A change of a run; the data of `GET /v1/runs/{id}/events`. The event's id is `<ledger_seq>.<index>`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunEvent {
    /// The record that holds the change.
    pub ledger_seq: LedgerSeq,
    /// When it was recorded.
    pub at: Timestamp,
    /// What changed.
    pub change: RunChange,
}

/// What changed about a run. Whoever missed earlier changes starts from `run`, which is the whole state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum RunChange {
    /// The whole run, as it is now.
    Run {
        /// The run.
        run: Box<RunView>,
    },
    /// Chunks must be uploaded again; whoever follows the run should do so.
    SourceMissing {
        /// The chunks.
        missing: Vec<Sha256>,
    },
}

/// Data of the `log` events of `GET /v1/jobs/{id}/log`; the event's id is the cursor `<attempt>:<offset>` after these bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum LogEvent {
    /// Bytes of the log.
    Log {
        /// The attempt that printed them.
        attempt: Attempt,
        /// Offset of the first byte.
        offset: u64,
        /// The bytes, in base64: a log is bytes, not text.
        data: String,
    },
    /// Another attempt began; its log starts at 0.
    Attempt {
        /// The attempt.
        attempt: Attempt,
        /// Where it runs.
        worker: WorkerName,
    },
    /// Bytes that were printed and are not to be had.
    Gap {
        /// The attempt.
        attempt: Attempt,
        /// The first missing byte.
        from: u64,
        /// The byte after the last missing one.
        to: u64,
    },
    /// The log is complete.
    End {
        /// The attempt.
        attempt: Attempt,
        /// Its length.
        bytes: u64,
    },
}

/// Chunks that the store lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MissingChunks {
    /// Their digests, in recipe order, each once.
    pub missing: Vec<Sha256>,
}

/// The answer to `POST /v1/selection`: what would happen, recorded nowhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SelectionPreview {
    /// Per destination, the evidence as it would be.
    pub selections: Vec<WorkerSelection>,
    /// Per step, then per destination of the run: the job key as it would be; absent where the step has no job, no worker matches, or the
    /// invocation is refused.
    pub job_keys: Vec<Vec<Option<JobKey>>>,
    /// What stands in the way, in the words of the refusal.
    pub problems: Vec<String>,
    /// Chunks that would be uploaded.
    pub missing: Vec<Sha256>,
}

/// A worker as it is now; `GET /v1/workers`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WorkerView {
    /// Its name.
    pub worker: WorkerName,
    /// Priority in the inventory; the lower number goes first.
    pub priority: u32,
    /// Its tags.
    pub tags: Vec<String>,
    /// Whether it is heard.
    pub liveness: Liveness,
    /// Whether it takes jobs.
    pub intake: Intake,
    /// Why intake is not open; absent when it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intake_reason: Option<String>,
    /// Who closed it: a token's name, or `coordinator`; absent when it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intake_actor: Option<String>,
    /// When it was closed; absent when it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intake_since: Option<Timestamp>,
    /// Attempts that were offered to it and are not claimed yet.
    #[serde(default)]
    pub offered: u32,
    /// Jobs at once; 0 before it announced itself.
    pub slots: u32,
    /// The jobs it runs.
    pub running: Vec<RunningJob>,
    /// Xcode versions with their builds.
    pub xcodes: Vec<String>,
    /// macOS version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub macos: Option<String>,
    /// Free disk space in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_free_bytes: Option<u64>,
    /// Milliseconds since it was last heard; absent when it never was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_ms: Option<u64>,
    /// Version of its agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_version: Option<String>,
    /// The protocol versions its agent speaks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<ProtocolRange>,
    /// Digest of its facts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities_sha256: Option<Sha256>,
    /// Milliseconds since its facts were confirmed last; absent when this coordinator heard no confirmation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities_age_ms: Option<u64>,
    /// Why its machine could not be read again, and how long that took; absent when it could, or was not tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe_failure: Option<String>,
}

/// Body of `POST /v1/workers/{worker}/drain` and `resume`; no body is an empty one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeIntake {
    /// Why, in the operator's words: one line.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// Body of `POST /v1/workers/{worker}/remove`; no body is an empty one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveWorker {
    /// Why, in the operator's words: one line.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Whether a worker that is neither drained nor lost goes, too; what it runs is given to others.
    #[serde(default)]
    pub force: bool,
}

/// The answer to `POST /v1/workers/{worker}/remove`: it is no longer in the fleet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WorkerRemoved {
    /// The worker.
    pub worker: WorkerName,
    /// Jobs that it ran and that others are to run now.
    pub given_up: Vec<JobId>,
}

/// A job on a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunningJob {
    /// The job.
    pub job_id: JobId,
    /// What it does.
    pub action: Action,
    /// The project.
    pub project: String,
    /// Milliseconds since its claim.
    pub running_ms: u64,
    /// Its run; absent from a coordinator that does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
    /// Who asked for it; absent from a coordinator that does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requester: Option<String>,
    /// Milliseconds that it will probably still hold its slot, by earlier jobs of its kind; absent when none of them took so long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_ms: Option<u64>,
}

/// Whether a worker is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Liveness {
    /// In the inventory, and never heard.
    Unknown,
    /// Heard within 15 s.
    Online,
    /// Not heard for 15 s; derived, never recorded.
    Suspect,
    /// Not heard for 60 s; recorded.
    Lost,
}

/// Whether a worker takes jobs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Intake {
    /// It does.
    #[default]
    Open,
    /// It finishes started runs only.
    Draining,
    /// It takes none until a person decides.
    Quarantined,
}

/// A line of `GET /v1/runs`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunLine {
    /// The run.
    pub run_id: RunId,
    /// Its state.
    pub state: RunState,
    /// The project.
    pub project: String,
    /// Who asked.
    pub requester: String,
    /// The band it waits in.
    pub priority: Priority,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When it ended; absent while it has not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// The names of its steps, in order.
    #[serde(default)]
    pub steps: Vec<String>,
    /// The exit code of `rch`; absent while it has not ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<u8>,
}

/// The health of a coordinator; `GET /v1/healthz` and `/v1/readyz`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// Whether it can do its work.
    pub ready: bool,
    /// Whether it leads.
    pub leader: bool,
    /// Whether acknowledged work survives a power cut: `synced`, `degraded` or `unknown`.
    pub durability: String,
    /// The newest record applied.
    pub ledger_seq: LedgerSeq,
    /// What is wrong, in words an operator can act on.
    pub problems: Vec<String>,
}

/// An error of the HTTP interface (RFC 9457).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// `urn:rch-xcode:problem:<code>`.
    #[serde(rename = "type")]
    pub problem_type: String,
    /// One sentence for the code.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened this time.
    pub detail: String,
    /// The code.
    pub code: Reason,
    /// The member of the request that is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What was expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// Chunks to upload, with `SOURCE_MISSING`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Sha256>,
}

impl Problem {
    /// A problem of `code` with one line of detail.
    pub fn new(status: u16, code: Reason, detail: impl Into<String>) -> Self {
        Self {
            problem_type: format!("urn:rch-xcode:problem:{}", code.code()),
            title: code.sentence().to_owned(),
            status,
            detail: detail.into(),
            code,
            field: None,
            expected: None,
            found: None,
            fix: None,
            missing: Vec::new(),
        }
    }
}
