//! Where and when something may be offered, start and run.

use rch_scheduler::Event;
use rch_schemas::WorkerName;
use rch_schemas::wire::http::Intake;

use super::book::{Book, JobRow, RunRow, is_failure};
use super::{Broken, Case};
use crate::violation::Promise;
use crate::world::World;

/// By the ledger there are never more attempts on a worker than it has slots.
pub(super) fn slots(case: &Case<'_>, event: &Event) -> Broken {
    let Event::AttemptOffered { job_id, worker, session, .. } = event else { return Vec::new() };
    let Some(row) = case.book.workers.get(worker) else { return Vec::new() };
    let mut broken = Vec::new();
    if row.held.len() >= row.slots {
        broken.push((Promise::SlotsAreNotOversubscribed, format!("{job_id} is offered to {worker}, whose {} slots are taken", row.slots)));
    }
    if row.session.as_ref() != Some(session) || row.lost {
        broken.push((Promise::TheLostAreFenced, format!("{job_id} is offered to a session of {worker} that is not there")));
    }
    broken
}

/// By what agents ran as well; and nothing ran that the ledger did not start, or twice.
pub(super) fn begun(book: &Book, world: &World, index: usize) -> Broken {
    let execution = &world.executions[index];
    let (job_id, attempt) = &execution.attempt;
    let what = format!("{job_id} attempt {attempt} on {}", execution.worker);
    let mut broken = Vec::new();
    if execution.running > execution.slots as usize {
        broken.push((
            Promise::SlotsAreNotOversubscribed,
            format!("{what} runs as number {} in {} slots", execution.running, execution.slots),
        ));
    }
    if world.executions[..index].iter().any(|earlier| earlier.attempt == execution.attempt) {
        broken.push((Promise::StartsOnce, format!("{what} runs a second time")));
    }
    let started =
        book.jobs.get(job_id).and_then(|job| job.numbered(*attempt)).is_some_and(|row| row.started && row.session == execution.session);
    if !started {
        broken.push((Promise::StartsOnce, format!("{what} runs, and the ledger never started it")));
    }
    broken
}

/// Drained workers get no new runs, quarantined ones and those that left the fleet none: neither as an offer nor by a claim of an earlier one.
pub(super) fn intake(case: &Case<'_>, event: &Event) -> Broken {
    let (job_id, worker) = if let Event::AttemptOffered { job_id, worker, .. } = event {
        (job_id, worker)
    } else if let Event::AttemptStarted { job_id, attempt, .. } = event
        && let Some(row) = case.book.job(job_id).and_then(|(job, _)| job.numbered(*attempt))
    {
        (job_id, &row.worker)
    } else {
        return Vec::new();
    };
    let Some((job, run)) = case.book.job(job_id) else { return Vec::new() };
    if !case.book.config.inventory.contains_key(worker) {
        return vec![(Promise::IntakeIsRespected, format!("{worker} left the fleet: {}", super::book::line(event)))];
    }
    let allowed = match case.book.workers.get(worker).map(|row| row.intake) {
        Some(Intake::Open) | None => true,
        Some(Intake::Draining) => has_started_there(case.book, run, job, worker),
        Some(Intake::Quarantined) => false,
    };
    if allowed { Vec::new() } else { vec![(Promise::IntakeIsRespected, format!("{worker} is closed: {}", super::book::line(event)))] }
}

/// Whether a job of the same run and destination has run on a worker.
fn has_started_there(book: &Book, run: &RunRow, job: &JobRow, worker: &WorkerName) -> bool {
    let jobs = run.steps.iter().flatten().filter_map(|job_id| book.jobs.get(job_id));
    let same = jobs.filter(|other| other.destination == job.destination);
    same.flat_map(|other| &other.attempts).any(|attempt| attempt.worker == *worker && attempt.started)
}

/// Who refused is left alone for as long as it asked; a run whose source is missing waits for it.
pub(super) fn refusals(case: &Case<'_>, event: &Event) -> Broken {
    let Event::AttemptOffered { job_id, worker, .. } = event else { return Vec::new() };
    let Some((job, run)) = case.book.job(job_id) else { return Vec::new() };
    let mut broken = Vec::new();
    if job.not_before.get(worker).is_some_and(|until| *until > case.record.stamp.tick) {
        broken.push((Promise::RefusalsAreRespected, format!("{job_id} is offered to {worker}, which just refused it")));
    }
    if run.gap.is_some() {
        broken.push((Promise::RefusalsAreRespected, format!("{job_id} is offered while its source is missing")));
    }
    broken
}

/// A step begins when those before it are over, and not after one that failed.
pub(super) fn steps(case: &Case<'_>, event: &Event) -> Broken {
    let Event::AttemptOffered { job_id, .. } = event else { return Vec::new() };
    let Some((job, run)) = case.book.job(job_id) else { return Vec::new() };
    let wrong = case.book.before(job, run).find_map(|(other_id, other)| match &other.outcome {
        None => Some(format!("{job_id} is offered, and {other_id} of an earlier step is not over")),
        Some(outcome) if is_failure(*outcome) && !run.continue_on_failure => Some(format!("{job_id} is offered, and {other_id} failed")),
        Some(_) => None,
    });
    wrong.into_iter().map(|detail| (Promise::StepsAreInOrder, detail)).collect()
}
