//! Why a job waits, in one word and one sentence.

use std::collections::BTreeMap;

use rch_scheduler::{AttemptState, FarmConfig, Job, Run, Worker};
use rch_schemas::WorkerName;
use rch_schemas::wire::http::{Intake, JobState, Liveness, Waiting, WaitingReason};

use super::view::worker_liveness;
use crate::health::Vitals;

/// What a job's waiting depends on.
pub(super) struct Around<'a> {
    /// Its run.
    pub(super) run: &'a Run,
    /// All jobs of the run.
    pub(super) jobs: &'a [Job],
    /// The workers chosen for the run.
    pub(super) workers: &'a BTreeMap<WorkerName, Worker>,
    /// The configuration in force.
    pub(super) config: &'a FarmConfig,
    /// What the leader hears, when this is the leader.
    pub(super) vitals: Option<&'a Vitals>,
}

/// Why a job is not running; `None` when it is or has ended.
pub(super) fn waiting(job: &Job, around: &Around<'_>) -> Option<Waiting> {
    if job.state() != JobState::Queued {
        return None;
    }
    let (reason, detail) = reason(job, around);
    Some(Waiting { reason, ahead: None, detail })
}

fn reason(job: &Job, around: &Around<'_>) -> (WaitingReason, String) {
    let run = around.run;
    if around.jobs.iter().any(|earlier| earlier.step < job.step && earlier.outcome().is_none()) {
        return (WaitingReason::Step, "an earlier step has not ended".to_owned());
    }
    if let Some(gap) = &run.source_gap {
        let chunks = if gap.missing.len() == 1 { "1 chunk".to_owned() } else { format!("{} chunks", gap.missing.len()) };
        return (WaitingReason::Source, format!("{chunks} of the source must be uploaded again"));
    }
    if let Some(offered) = job.live().filter(|record| record.state == AttemptState::Offered) {
        return (WaitingReason::Claim, format!("offered to {}, which has not claimed it yet", offered.worker));
    }
    let Some(made) = run.selection(job.destination) else {
        return (WaitingReason::Worker, "no worker that matches takes jobs now".to_owned());
    };
    let name = made.selection.worker();
    let Some(worker) = around.workers.get(name) else {
        return (WaitingReason::Worker, format!("{name} was chosen, and is no longer known"));
    };
    worker_reason(job, worker, around)
}

fn worker_reason(job: &Job, worker: &Worker, around: &Around<'_>) -> (WaitingReason, String) {
    let name = &worker.name;
    match worker_liveness(worker, around.config, around.vitals) {
        Liveness::Unknown | Liveness::Lost => return (WaitingReason::Worker, format!("{name} was chosen, and is not connected")),
        Liveness::Suspect => return (WaitingReason::Worker, format!("{name} was chosen, and is silent")),
        Liveness::Online => {}
    }
    match worker.intake {
        Intake::Open => {}
        Intake::Draining => return (WaitingReason::Worker, format!("{name} was chosen, and is draining")),
        Intake::Quarantined => return (WaitingReason::Worker, format!("{name} was chosen, and is quarantined")),
    }
    let not_before = job.not_before.get(name).zip(around.vitals).filter(|(until, vitals)| **until > vitals.now);
    if let Some((until, vitals)) = not_before {
        let seconds = until.since(vitals.now).as_secs() + 1;
        return (WaitingReason::Backoff, format!("{name} refused, and is asked again in {seconds} s"));
    }
    let slots = worker.session.as_ref().map_or(0, |session| session.slots);
    (WaitingReason::Slot, format!("{name} has {} of {slots} slots taken", worker.held.len()))
}
