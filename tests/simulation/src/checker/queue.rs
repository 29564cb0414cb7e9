//! Nobody starves: while a worker has slots to give, the job of a requester that has waited longest is not overtaken without bound.
//!
//! Measured as: a job that could start on its worker, the oldest of its requester and band there, sees at most so many younger jobs of its
//! band start there. Order of arrival gives none; fair shares give each other requester its turns, so the bound leaves room for those.

use rch_scheduler::Event;
use rch_schemas::wire::http::Intake;

use super::book::{Book, JobRow, RunRow};
use super::{Broken, Case};
use crate::violation::Promise;

/// Younger jobs that may go first: with three requesters of equal weight two go between two turns, and retries double that.
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

impl Book {
    /// Jobs that could have started on a worker where one of a younger run is offered a slot.
    pub(super) fn overtaken_by<'a>(
        &'a self,
        younger: &'a RunRow,
        worker: &'a rch_schemas::WorkerName,
        now: rch_schemas::Tick,
    ) -> impl Iterator<Item = (&'a rch_schemas::JobId, &'a JobRow, &'a RunRow)> {
        let older = self.open.iter().filter_map(|run_id| self.runs.get(run_id)).filter(|run| run.order < younger.order);
        let same_band = older.filter(|run| run.priority == younger.priority);
        let jobs =
            same_band.flat_map(|run| run.steps.iter().flatten().filter_map(move |job_id| Some((job_id, self.jobs.get(job_id)?, run))));
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

    fn could_start(&self, job: &JobRow, run: &RunRow, worker: &rch_schemas::WorkerName, now: rch_schemas::Tick) -> bool {
        let waits = job.outcome.is_none() && job.live().is_none() && !job.cancelled && run.gap.is_none();
        let turn = self.before(job, run).all(|(_, other)| other.outcome.is_some());
        let Some((selection, row)) = run.selections.get(&job.destination).zip(self.workers.get(worker)) else { return false };
        let there = selection.worker() == worker && row.facts.as_ref().is_some_and(|(digest, _)| *digest == selection.capabilities_sha256);
        let backed_off = job.not_before.get(worker).is_some_and(|until| *until > now);
        waits && turn && there && row.intake == Intake::Open && !backed_off
    }
}
