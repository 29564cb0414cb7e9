//! A job and the table of its states.

use std::collections::BTreeMap;

use rch_schemas::document::{JudgedArgument, Outcome};
use rch_schemas::wire::http::JobState;
use rch_schemas::{Action, Attempt, JobId, JobKey, Reason, RetryClass, RunId, Sha256, Tick, Timestamp, WorkerName};
use serde::{Deserialize, Serialize};

use crate::attempt::{AttemptRecord, AttemptState};

/// One action for exactly one destination.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// The job.
    pub job_id: JobId,
    /// The run it belongs to.
    pub run_id: RunId,
    /// Index of its step.
    pub step: u32,
    /// What it does.
    pub action: Action,
    /// Index of its destination.
    pub destination: u32,
    /// Bumped on every transition.
    pub seq: u64,
    /// Its key, once a toolchain is bound.
    pub job_key: Option<JobKey>,
    /// Where it is.
    pub phase: JobPhase,
    /// Whether somebody wants it to stop.
    pub cancel_requested: bool,
    /// Since when it waits: the acceptance of its run, or the end of the step before it.
    #[serde(default)]
    pub waits_since: Tick,
    /// When it gives up waiting.
    pub queue_deadline: Tick,
    /// Every attempt so far; the last one is the current one.
    pub attempts: Vec<AttemptRecord>,
    /// Attempts that reached Running and were not refused there.
    pub started: u32,
    /// Refusals so far.
    pub refusals: u32,
    /// Workers that asked to be left alone with this job until then.
    pub not_before: BTreeMap<WorkerName, Tick>,
    /// The argument that does not go with its destination; its step's own are with the step.
    #[serde(default)]
    pub rejected: Option<JudgedArgument>,
}

/// Where a job is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum JobPhase {
    /// It waits; its current attempt, if any, is offered or over.
    Queued,
    /// Its current attempt runs.
    Running,
    /// It is over.
    Ended {
        /// How it ended.
        outcome: Outcome,
        /// One line for people.
        human_summary: String,
        /// When.
        ended_at: Timestamp,
        /// From the claim of the last attempt to the end, in milliseconds.
        duration_ms: u64,
        /// The committed set; absent when the coordinator writes one.
        set: Option<SetRef>,
    },
}

/// A set that an attempt wrote and the ledger committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetRef {
    /// The attempt.
    pub attempt: Attempt,
    /// SHA-256 of the bytes of its manifest.
    pub manifest_sha256: Sha256,
}

/// Chunks that a run waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceGap {
    /// The chunks.
    pub missing: Vec<Sha256>,
    /// When waiting ends.
    pub deadline: Tick,
}

impl Job {
    /// The state as the contract names it.
    pub fn state(&self) -> JobState {
        match &self.phase {
            JobPhase::Queued => JobState::Queued,
            JobPhase::Running => JobState::Running,
            JobPhase::Ended { outcome, .. } => JobState::ended(outcome.status),
        }
    }

    /// How it ended; `None` while it has not.
    pub fn outcome(&self) -> Option<Outcome> {
        match &self.phase {
            JobPhase::Queued | JobPhase::Running => None,
            JobPhase::Ended { outcome, .. } => Some(*outcome),
        }
    }

    /// Since when it waits for what it waits for now: the end of the last attempt that ran, if any did.
    pub fn waiting_since(&self) -> Tick {
        self.last_started().and_then(|attempt| attempt.ended).map_or(self.waits_since, |ended| ended.max(self.waits_since))
    }

    /// The attempt made last.
    pub fn current(&self) -> Option<&AttemptRecord> {
        self.attempts.last()
    }

    /// The current attempt, while it is offered or running.
    pub fn live(&self) -> Option<&AttemptRecord> {
        self.current().filter(|attempt| attempt.state.is_live())
    }

    /// The attempt that runs, or ran last: the one whose log is the job's.
    pub fn last_started(&self) -> Option<&AttemptRecord> {
        self.attempts.iter().rev().find(|attempt| attempt.started.is_some())
    }

    /// The current attempt if it has this number.
    pub fn current_numbered(&self, number: Attempt) -> Option<&AttemptRecord> {
        self.current().filter(|attempt| attempt.number == number)
    }

    /// The number for the next attempt.
    pub fn next_attempt(&self) -> Attempt {
        self.current().map_or(Attempt(1), |attempt| attempt.number.next())
    }

    /// Why a worker that refused this job is still to be left alone with it. A worker that was merely busy is waited for instead.
    pub fn refused_by(&self, worker: &WorkerName, now: Tick) -> Option<(Reason, &str)> {
        self.not_before.get(worker).filter(|until| **until > now)?;
        let last = self.attempts.iter().rev().find(|attempt| attempt.worker == *worker)?;
        match &last.state {
            AttemptState::Refused { code, detail } if code.retry_class() == RetryClass::Elsewhere && *code != Reason::Busy => {
                Some((*code, detail))
            }
            AttemptState::Offered
            | AttemptState::Running { .. }
            | AttemptState::Finished { .. }
            | AttemptState::Interrupted { .. }
            | AttemptState::Lost
            | AttemptState::Refused { .. }
            | AttemptState::Withdrawn { .. } => None,
        }
    }

    /// Whether an attempt of it ran, or runs, on a worker.
    pub(crate) fn has_run_on(&self, worker: &WorkerName) -> bool {
        self.attempts.iter().any(|attempt| attempt.worker == *worker && attempt.started.is_some())
    }

    /// Workers that were lost with a running attempt of this job.
    pub fn workers_lost(&self) -> impl Iterator<Item = &WorkerName> {
        self.attempts.iter().filter(|attempt| attempt.state == AttemptState::Lost).map(|attempt| &attempt.worker)
    }
}

/// Whether a job may go from one state to another. Every pair not listed is an error; `None` is a job that is not there yet.
pub(crate) fn may_become(from: Option<JobState>, to: JobState) -> bool {
    use JobState::{Cancelled, Failed, Queued, Rejected, Running, Skipped, Succeeded};
    matches!(
        (from, to),
        (None, Queued | Skipped | Failed | Succeeded | Rejected)
            | (Some(Queued), Running | Succeeded | Failed | Cancelled | Skipped)
            | (Some(Running), Succeeded | Failed | Cancelled | Queued)
    )
}
