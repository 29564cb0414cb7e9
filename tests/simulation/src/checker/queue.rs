//! Nobody starves: while a worker has slots to give, the job of a requester that has waited longest is not overtaken without bound.
//!
//! Measured as: a job that could start on its worker, the oldest of its requester and band there, sees at most so many younger jobs start
//! there that its share and its age put behind it. Order of arrival gives none. Later steps and retries of runs that have started go first by
//! rule, are bounded by their runs, and do not count. What is ahead by share is bounded by the shares
//! themselves: the runs of a requester follow one another in virtual time.

use rch_scheduler::Event;
use rch_schemas::document::Priority;
use rch_schemas::wire::http::Intake;

use super::book::{Book, JobRow, RunRow};
use super::{Broken, Case};
use crate::violation::Promise;

/// Younger jobs that may go first: the tries of runs that were offered a slot before and have not started.
const OVERTAKEN_MAX: u32 = 6;

pub(super) fn overtaking(case: &Case<'_>, event: &Event) -> Broken {
    let Event::AttemptOffered { job_id, worker, .. } = event else { return Vec::new() };
    let Some((_, run)) = case.book.job(job_id) else { return Vec::new() };
    let overtaken = case.book.overtaken_by(run, worker, case.record.stamp.tick);
    let starved = overtaken.filter(|(_, job, _)| job.overtaken >= OVERTAKEN_MAX);
    starved
        .map(|(starved, job, _)| {
            let younger = job.overtaken + 1;
            (Promise::NobodyStarves, format!("{starved} waits for {worker} while {younger} younger jobs start there, {job_id} the last"))
        })
        .collect()
}

/// The runs of a requester follow one another, so that whoever asks for more stands further back.
pub(super) fn shares(case: &Case<'_>, event: &Event) -> Broken {
    let Event::RunAccepted { run } = event else { return Vec::new() };
    let open = case.book.open.iter().filter_map(|run_id| case.book.runs.get(run_id));
    let before = open.filter(|other| other.request.0 == run.requester).map(|other| other.share.finish).max().unwrap_or_default();
    if run.share.start >= before && run.share.finish > run.share.start {
        return Vec::new();
    }
    vec![(Promise::SharesAreKept, format!("{} of {} has share {:?} after one until {before}", run.run_id, run.requester, run.share))]
}

impl Book {
    /// Jobs that could have started on a worker where one of a younger run is offered a slot.
    pub(super) fn overtaken_by<'a>(
        &'a self,
        younger: &'a RunRow,
        worker: &'a rch_schemas::WorkerName,
        now: rch_schemas::Tick,
    ) -> impl Iterator<Item = (&'a rch_schemas::JobId, &'a JobRow, &'a RunRow)> {
        let older = self.open.iter().filter_map(|run_id| self.runs.get(run_id)).filter(|run| run.order < younger.order);
        let begins = younger.keys.is_empty();
        let behind =
            older.filter(move |run| begins && self.band(run, now) <= self.band(younger, now) && run.share.start <= younger.share.start);
        let jobs = behind.flat_map(|run| run.steps.iter().flatten().filter_map(move |job_id| Some((job_id, self.jobs.get(job_id)?, run))));
        let could: Vec<_> = jobs.filter(|(_, job, run)| self.could_start(job, run, worker, now)).collect();
        let mut heads = std::collections::BTreeMap::new();
        for row in could {
            let head = heads.entry(row.2.request.0.clone()).or_insert(row);
            if row.2.order < head.2.order {
                *head = row;
            }
        }
        heads.into_values()
    }

    /// The band that a run counts as of; the lower goes first.
    fn band(&self, run: &RunRow, now: rch_schemas::Tick) -> u64 {
        let band = match run.priority {
            Priority::Interactive => 0_u64,
            Priority::Normal => 1,
            Priority::Batch => 2,
        };
        band.saturating_sub((now.0 - run.accepted.0) / self.config.queue.age_ms.max(1))
    }

    fn could_start(&self, job: &JobRow, run: &RunRow, worker: &rch_schemas::WorkerName, now: rch_schemas::Tick) -> bool {
        let waits = job.outcome.is_none() && job.live().is_none() && !job.cancelled && run.gap.is_none();
        let turn = self.before(job, run).all(|(_, other)| other.outcome.is_some());
        let Some(row) = self.workers.get(worker) else { return false };
        // Who may go to any of several workers does not stand in the line of the one that was last chosen for it.
        let is_bound = !run.adaptive || run.keys.contains_key(&job.destination);
        let Some(selection) = run.selections.get(&job.destination).filter(|_| is_bound) else { return false };
        let selection = &selection.selection;
        let enrolled = self.config.inventory.contains_key(worker);
        let there = enrolled
            && selection.worker == *worker
            && row.facts.as_ref().is_some_and(|(digest, _)| *digest == selection.capabilities_sha256);
        let backed_off = job.not_before.get(worker).is_some_and(|until| *until > now);
        waits && turn && there && row.intake == Intake::Open && !backed_off
    }
}
