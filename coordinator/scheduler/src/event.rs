//! What can happen. Events are what the ledger holds: released ones are never changed, only added.

use std::collections::BTreeSet;

use rch_schemas::capabilities::Facts;
use rch_schemas::document::{
    CandidateMetrics, CapabilitiesSource, EffectiveConfig, JudgedArgument, Outcome, PassedOver, RecipeRef, RunOptions, RunState,
    SelectionMode,
};
use rch_schemas::invocation::Policy;
use rch_schemas::protocol::{Feature, ProtocolRange};
use rch_schemas::requirement::DestinationRequest;
use rch_schemas::wire::agent::Finished;
use rch_schemas::wire::http::Intake;
use rch_schemas::{
    Action, Attempt, ClaimId, JobId, LedgerId, Reason, RequestId, RunId, SessionId, Sha256, Tick, TreeDirectory, WorkerName,
};
use serde::{Deserialize, Serialize};

use crate::config::FarmConfig;
use crate::judgement::Judgement;
use crate::queue::Share;
use crate::worker::IntakeBy;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub enum Event {
    /// The ledger begins.
    LedgerCreated {
        /// Its random name.
        ledger_id: LedgerId,
    },
    /// A coordinator leads from here on.
    LeaderStarted {
        /// Counts leaders.
        term: u64,
        /// Version of the coordinator.
        build: String,
    },
    /// The configuration that decisions use from here on.
    FarmConfigured {
        /// All of it.
        config: Box<FarmConfig>,
    },
    /// An agent started.
    SessionStarted {
        /// Its worker.
        worker: WorkerName,
        /// Its session.
        session: SessionId,
        /// Version of the agent.
        agent_version: String,
        /// The protocol versions it speaks.
        protocol: ProtocolRange,
        /// What it can do.
        features: BTreeSet<Feature>,
        /// Jobs at once.
        slots: u32,
    },
    /// A worker's facts are not what they were.
    CapabilitiesChanged {
        /// The worker.
        worker: WorkerName,
        /// The new facts.
        facts: Box<Facts>,
    },
    /// A worker was silent too long.
    WorkerLost {
        /// The worker.
        worker: WorkerName,
    },
    /// A lost worker was heard again.
    WorkerReturned {
        /// The worker.
        worker: WorkerName,
    },
    /// A worker's intake was opened or closed.
    IntakeChanged {
        /// The worker.
        worker: WorkerName,
        /// What it is now.
        intake: Intake,
        /// Why.
        reason: String,
        /// Who did it.
        #[serde(default)]
        by: IntakeBy,
    },
    /// A worker left the fleet, by a person's word or with its entry in the inventory; it holds nothing any more.
    WorkerRemoved {
        /// The worker.
        worker: WorkerName,
        /// Why.
        reason: String,
        /// Who did it.
        by: IntakeBy,
    },
    /// A run is recorded.
    RunAccepted {
        /// The run.
        run: Box<AcceptedRun>,
    },
    /// Every worker was judged against one requirement.
    FleetJudged {
        /// The judgement.
        judgement: Judgement,
    },
    /// A destination of a run has a worker.
    WorkerSelected {
        /// The choice.
        selection: Box<Selection>,
    },
    /// An attempt is offered to a worker.
    AttemptOffered {
        /// The job.
        job_id: JobId,
        /// The attempt, numbered for this worker and session alone.
        attempt: Attempt,
        /// The worker.
        worker: WorkerName,
        /// The worker's session.
        session: SessionId,
    },
    /// An attempt was claimed and may run.
    AttemptStarted {
        /// The job.
        job_id: JobId,
        /// The attempt.
        attempt: Attempt,
        /// The claim that was granted.
        claim_id: ClaimId,
        /// When the coordinator fences it.
        deadline: Tick,
    },
    /// The worker does not take the attempt, or cannot go on with it.
    AttemptRefused {
        /// The job.
        job_id: JobId,
        /// The attempt.
        attempt: Attempt,
        /// Why.
        code: Reason,
        /// One line.
        detail: String,
        /// The worker gets no offer of this job before.
        not_before: Tick,
        /// Chunks that must be uploaded again first.
        missing: Vec<Sha256>,
    },
    /// An offer was taken back before it was claimed.
    AttemptWithdrawn {
        /// The job.
        job_id: JobId,
        /// The attempt.
        attempt: Attempt,
        /// Why.
        detail: String,
    },
    /// A running attempt will not finish.
    AttemptInterrupted {
        /// The job.
        job_id: JobId,
        /// The attempt.
        attempt: Attempt,
        /// Why.
        code: Reason,
        /// One line.
        detail: String,
    },
    /// A running attempt's worker was lost; the attempt is fenced.
    AttemptLost {
        /// The job.
        job_id: JobId,
        /// The attempt.
        attempt: Attempt,
    },
    /// The current attempt's set is committed.
    AttemptFinished {
        /// What the agent reported, its attestation verified.
        finished: Box<Finished>,
    },
    /// The chunks a run waited for are in the store again.
    SourceRestored {
        /// The run.
        run_id: RunId,
    },
    /// Somebody wants jobs of a run to stop.
    CancelRequested {
        /// The run.
        run_id: RunId,
        /// The jobs that had not ended.
        jobs: Vec<JobId>,
        /// The run that takes its place; absent when a person cancels.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        superseded_by: Option<RunId>,
    },
    /// A job has its final outcome.
    JobEnded {
        /// The job.
        job_id: JobId,
        /// How it ended.
        outcome: Outcome,
        /// One line for people.
        human_summary: String,
    },
    /// A run has its final state.
    RunEnded {
        /// The run.
        run_id: RunId,
        /// The state.
        state: RunState,
        /// The exit code of `rch`.
        exit_code: u8,
        /// One line for people.
        human_summary: String,
    },
    /// An ended run leaves the state; it can still be read.
    RunForgotten {
        /// The run.
        run_id: RunId,
    },
}

/// A run as it was accepted, everything that later decisions need.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcceptedRun {
    /// The run.
    pub run_id: RunId,
    /// The id of the request.
    pub request_id: RequestId,
    /// Digest of the request.
    pub body_sha256: Sha256,
    /// Who asked.
    pub requester: String,
    /// What it takes of the requester's share.
    #[serde(default)]
    pub share: Share,
    /// The project's name.
    pub project: String,
    /// Fixed here for the whole run.
    pub protocol_version: u32,
    /// The policy its arguments were judged by.
    pub policy: Policy,
    /// The stored source.
    pub recipe: RecipeRef,
    /// The destinations.
    pub destinations: Vec<DestinationRequest>,
    /// The steps.
    pub steps: Vec<AcceptedStep>,
    /// Everything else.
    pub options: RunOptions,
    /// The merged configuration, for the record.
    pub effective_config: EffectiveConfig,
    /// The older runs of its label, which are cancelled in the same record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub supersedes: Vec<RunId>,
}

/// One step as it was accepted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcceptedStep {
    /// The name of the step.
    pub name: String,
    /// What it does.
    pub action: Action,
    /// The arguments as given.
    pub original_argv: Vec<String>,
    /// The canonical arguments.
    pub argv: Vec<String>,
    /// Whether `clean` was said.
    pub clean: bool,
    /// Arguments that are the farm's to decide.
    pub dropped: Vec<JudgedArgument>,
    /// Arguments that were refused; not empty means the step's jobs are rejected.
    pub rejected: Vec<JudgedArgument>,
    /// The directory it runs in; absent for the tree's root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<TreeDirectory>,
    /// Whether a test action that runs no test succeeds.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_empty: bool,
    /// A job for each of its destinations.
    pub jobs: Vec<AcceptedJob>,
}

/// One job as it was accepted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcceptedJob {
    /// The job.
    pub job_id: JobId,
    /// Index of its destination.
    pub destination: u32,
    /// When it gives up waiting.
    pub queue_deadline: Tick,
    /// The argument that does not go with this destination; present means that this job is rejected, whatever becomes of its step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<JudgedArgument>,
}

/// The choice of a worker for one destination of a run.
///
/// What the worker makes of the requirement, and who else would have done, is in the judgement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    /// The run.
    pub run_id: RunId,
    /// Index of the destination.
    pub destination: u32,
    /// Counts the choices made for the run.
    pub revision: u32,
    /// The judgement it rests on.
    pub judgement_sha256: Sha256,
    /// What decided.
    pub mode: SelectionMode,
    /// The chosen worker.
    pub worker: WorkerName,
    /// Candidates that were looked at and would not do then, or not for this run, with what was seen of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed_over: Vec<PassedOver>,
    /// What was seen of it and of its equals that had a slot, in adaptive mode; in order of rank.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<CandidateMetrics>,
    /// Digest of the facts of the chosen worker.
    pub capabilities_sha256: Sha256,
    /// Their age in milliseconds; absent while the leader could not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities_age_ms: Option<u64>,
    /// Whether they were at hand or probed for this.
    pub capabilities_source: CapabilitiesSource,
    /// Digest of the evidence document.
    pub evidence_sha256: Sha256,
    /// Version of the rules.
    pub decision_version: u32,
}
