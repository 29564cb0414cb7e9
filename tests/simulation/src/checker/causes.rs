//! Whatever is stopped is stopped for a cause, and what is not wanted is stopped.

use rch_scheduler::Event;
use rch_schemas::{Reason, SessionId};

use super::book::{AttemptRow, Book, JobRow, Place};
use super::{Broken, Case};
use crate::execution::{Ending, Execution};
use crate::violation::Promise;
use crate::world::World;

/// How long unwanted work may go on although its machine, its leader and the way between them are whole.
const UNWANTED_MS: u64 = 90_000;

pub(super) fn losses(case: &Case<'_>, event: &Event) -> Broken {
    let Event::AttemptLost { job_id, attempt } = event else { return Vec::new() };
    let worker = case.book.job(job_id).and_then(|(job, _)| job.numbered(*attempt)).map(|attempt| &attempt.worker);
    let removed =
        case.record.events.iter().filter_map(|event| if let Event::WorkerRemoved { worker, .. } = event { Some(worker) } else { None });
    if worker.is_some_and(|worker| case.book.lost_now.contains(worker) || removed.into_iter().any(|removed| removed == worker)) {
        return Vec::new();
    }
    vec![(Promise::NothingIsKilledWithoutCause, format!("{job_id} attempt {attempt} is lost, {worker:?} is not"))]
}

pub(super) fn interruptions(case: &Case<'_>, event: &Event) -> Broken {
    let Event::AttemptInterrupted { job_id, attempt, code, detail } = event else { return Vec::new() };
    let Some(job) = case.book.jobs.get(job_id) else { return Vec::new() };
    let Some(row) = job.numbered(*attempt) else { return Vec::new() };
    let ran = |execution: &&Execution| execution.attempt == (job_id.clone(), *attempt) && execution.session == row.session;
    let ran = case.world.executions.iter().find(ran);
    match without_cause(case, (job, row), ran, *code) {
        Some(why) => vec![(
            Promise::NothingIsKilledWithoutCause,
            format!("{job_id} attempt {attempt} on {} is interrupted ({code}, {detail}): {why}", row.worker),
        )],
        None => Vec::new(),
    }
}

/// Why nothing that happened explains the interruption.
fn without_cause(case: &Case<'_>, (job, row): (&JobRow, &AttemptRow), ran: Option<&Execution>, code: Reason) -> Option<&'static str> {
    let deadline_passed = matches!(row.place, Place::Running { deadline } if deadline <= case.record.stamp.tick);
    if job.cancelled || deadline_passed {
        return None;
    }
    let current = case.book.workers.get(&row.worker).and_then(|worker| worker.session.as_ref());
    let replaced = current != Some(&row.session) || replaced_by(case, row).is_some();
    let up = case.world.agents.iter().any(|agent| agent.memory.session.as_ref() == Some(&row.session));
    match ran {
        None if up && !replaced => Some("its agent was never told to go"),
        None => None,
        Some(execution) => match execution.ended {
            None => (!replaced).then_some("it runs, and its agent is the current one"),
            Some((_, Ending::Finished)) => lost_result(case, (row, execution), code),
            Some((_, Ending::Refused)) => (code == Reason::Interrupted && !replaced && !execution.report_lost).then_some("it was refused"),
            Some((_, Ending::Killed | Ending::Died)) => None,
        },
    }
}

/// A finished attempt is interrupted only by what it said itself, or when its report died with the disk.
fn lost_result(case: &Case<'_>, (row, execution): (&AttemptRow, &Execution), code: Reason) -> Option<&'static str> {
    let new = replaced_by(case, row).or_else(|| case.book.workers.get(&row.worker).and_then(|worker| worker.session.as_ref()));
    let elsewhere = new.is_some_and(|session| !session.as_str().starts_with(&format!("{}-{}-", execution.worker, execution.agent)));
    (execution.said != Some(code) && !execution.report_lost && !elsewhere).then_some("it finished, and its report is not lost")
}

/// The session that replaces an attempt's in the record at hand.
fn replaced_by<'a>(case: &Case<'a>, row: &AttemptRow) -> Option<&'a SessionId> {
    case.record.events.iter().find_map(|event| {
        let Event::SessionStarted { worker, session, .. } = event else { return None };
        (*worker == row.worker && *session != row.session).then_some(session)
    })
}

/// An agent kills what it runs: it must not be wanted, by the ledger.
pub(super) fn killed(book: &Book, execution: &Execution) -> Broken {
    if why_unwanted(book, execution).is_some() {
        return Vec::new();
    }
    let (job_id, attempt) = &execution.attempt;
    vec![(Promise::NothingIsKilledWithoutCause, format!("{job_id} attempt {attempt} is killed on {} and wanted", execution.worker))]
}

/// What an agent still runs although nobody wants it, and could know.
pub(super) fn unwanted(book: &Book, world: &World) -> Broken {
    let Some(led_since) = world.led_since() else { return Vec::new() };
    let runs = world.executions.iter().filter(|execution| execution.ended.is_none());
    let could_know = runs.filter(|execution| {
        let healthy = world.healthy_since(execution.agent);
        healthy.is_some_and(|since| since.max(led_since).max(execution.began_ms) + UNWANTED_MS < world.now)
    });
    let unwanted = could_know.filter_map(|execution| Some((execution, why_unwanted(book, execution)?)));
    unwanted
        .filter(|(execution, _)| book.unwanted_since.get(&execution.attempt).is_none_or(|since| since + UNWANTED_MS < world.now))
        .map(|(execution, why)| {
            let (job_id, attempt) = &execution.attempt;
            (Promise::UnwantedWorkStops, format!("{job_id} attempt {attempt} still runs on {}, and {why}", execution.worker))
        })
        .collect()
}

fn why_unwanted(book: &Book, execution: &Execution) -> Option<&'static str> {
    let (job_id, attempt) = &execution.attempt;
    let Some(job) = book.jobs.get(job_id) else { return Some("its job is forgotten") };
    if job.cancelled {
        return Some("its job is cancelled");
    }
    let live = job.live().is_some_and(|live| live.number == *attempt && live.session == execution.session);
    (!live).then_some("another attempt, or none, is the current one")
}
