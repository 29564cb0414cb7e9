//! Why a job waits: by its rows, and by the leader's board for the line it stands in.

use std::collections::BTreeMap;

use rch_scheduler::{Board, FarmConfig, Job, Run, Worker};
use rch_schemas::WorkerName;
use rch_schemas::wire::http::{Because, Waiting};

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
    /// Who waits for what, when this is the leader.
    pub(super) board: Option<&'a Board>,
}

/// Why a job is not running; `None` when it is or has ended.
pub(super) fn waiting(job: &Job, around: &Around<'_>) -> Option<Waiting> {
    let made = around.run.bound_to(job.destination);
    let worker = made.and_then(|made| around.workers.get(&made.selection.worker));
    let worker = worker.map(|worker| (worker, worker_liveness(worker, around.config, around.vitals)));
    let now = around.vitals.map(|vitals| vitals.now);
    let by_rows = rch_scheduler::reason(job, around.jobs.iter(), &rch_scheduler::Around { run: around.run, worker, now })?;
    // The board may be a little older than the rows: it is asked for what they do not say, and only while it agrees with them.
    let told = around.board.and_then(|board| board.waiting(around.run, &job.job_id));
    let same = |told: &Waiting| told.worker == by_rows.worker && (told.reason == by_rows.reason || told.worker.is_none());
    let agrees = |told: &Waiting| by_rows.because == Some(Because::Busy) && same(told);
    Some(told.filter(agrees).unwrap_or(by_rows))
}
