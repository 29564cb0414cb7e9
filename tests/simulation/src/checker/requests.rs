//! What clients are told, and what becomes of what they asked.

use rch_scheduler::Event;
use rch_schemas::RunId;
use rch_schemas::document::JobStatus;
use rch_schemas::wire::agent::ReportBody;

use super::book::{Book, RunRow};
use super::{Broken, Case};
use crate::agent::Agent;
use crate::happening::ClientCall;
use crate::violation::Promise;

pub(super) fn accepted(case: &Case<'_>, event: &Event) -> Broken {
    let Event::RunAccepted { run } = event else { return Vec::new() };
    let known = case.book.requests.get(&(run.requester.clone(), run.request_id.clone()));
    let told = known.map(|known| (Promise::OneRunForARequest, format!("{} made {known} and {}", run.request_id, run.run_id)));
    told.into_iter().collect()
}

/// What was to be cancelled ends as cancelled.
pub(super) fn cancelled(case: &Case<'_>, event: &Event) -> Broken {
    let Event::JobEnded { job_id, outcome, .. } = event else { return Vec::new() };
    let cancelled = case.book.jobs.get(job_id).is_some_and(|job| job.cancelled);
    let otherwise = !matches!(outcome.status, JobStatus::Cancelled | JobStatus::Skipped);
    if cancelled && otherwise {
        vec![(Promise::CancelsAreKept, format!("{job_id} was cancelled and ended {outcome:?}"))]
    } else {
        Vec::new()
    }
}

/// After any record, of a requester's runs of one label only the newest goes on.
pub(super) fn superseded(case: &Case<'_>) -> Broken {
    let accepted = case.record.events.iter().filter_map(|event| match_accepted(case, event));
    let still = |newer: &RunRow| {
        let of_label = case.book.open.iter().filter_map(|run_id| Some((run_id, case.book.runs.get(run_id)?)));
        let older = of_label.filter(|(_, run)| run.label == newer.label && run.request.0 == newer.request.0 && run.order < newer.order);
        let jobs = |run: &RunRow| run.steps.concat().into_iter().filter_map(|job_id| case.book.jobs.get(&job_id)).collect::<Vec<_>>();
        older
            .filter(|(_, run)| jobs(run).iter().any(|job| job.outcome.is_none() && !job.cancelled))
            .map(|(run_id, _)| run_id.clone())
            .collect::<Vec<_>>()
    };
    let broken = accepted.flat_map(still);
    broken.map(|run_id| (Promise::OneRunALabel, format!("{run_id} goes on though a newer run of its label was accepted"))).collect()
}

fn match_accepted<'a>(case: &Case<'a>, event: &Event) -> Option<&'a RunRow> {
    let Event::RunAccepted { run } = event else { return None };
    case.book.runs.get(&run.run_id).filter(|row| row.label.is_some())
}

pub(super) fn told(book: &mut Book, call: &ClientCall, run_id: &RunId) -> Broken {
    let (ClientCall::Submit { request } | ClientCall::Repeat { request } | ClientCall::Conflict { request }) = call else {
        return Vec::new();
    };
    let mut broken = Vec::new();
    if matches!(call, ClientCall::Conflict { .. }) {
        broken.push((Promise::OneRunForARequest, format!("the id of request {request} was taken again for another body, as {run_id}")));
    }
    if !book.runs.contains_key(run_id) {
        broken.push((Promise::NothingAcceptedIsLost, format!("request {request} was answered with {run_id}, which is not in the ledger")));
    }
    let first = book.told.entry(*request).or_insert_with(|| run_id.clone());
    if first != run_id {
        broken.push((Promise::OneRunForARequest, format!("request {request} was answered with {first}, then with {run_id}")));
    }
    broken
}

/// A receipt says that a report is in the ledger.
pub(super) fn received(book: &Book, agent: &Agent, body: &ReportBody) -> Broken {
    let over = |job_id, attempt| book.jobs.get(job_id).and_then(|job| job.live()).is_none_or(|live| live.number != attempt);
    let recorded = match body {
        ReportBody::Announce(_) => book.workers.get(&agent.name).is_some_and(|row| {
            let session = agent.memory.session.as_ref();
            session == row.session.as_ref() || session.is_some_and(|session| row.replaced.contains(session))
        }),
        ReportBody::Finished(finished) => over(&finished.job_id, finished.attempt),
        ReportBody::Interrupted { job_id, attempt, .. } | ReportBody::Refused { job_id, attempt, .. } => over(job_id, *attempt),
        ReportBody::Capabilities { .. } | ReportBody::Claim { .. } => true,
    };
    if recorded {
        return Vec::new();
    }
    vec![(Promise::NothingAcceptedIsLost, format!("{} has a receipt for {} that is not recorded", agent.name, body.kind()))]
}

/// A confirmed cancel is in the ledger: every job it meant is over, or will be stopped.
pub(super) fn cancel_confirmed(book: &Book, call: &ClientCall) -> Broken {
    let jobs = match call {
        ClientCall::CancelRun { run_id } => book.runs.get(run_id).map(|run| run.steps.concat()).unwrap_or_default(),
        ClientCall::CancelJob { job_id, .. } => vec![job_id.clone()],
        ClientCall::Submit { .. }
        | ClientCall::Repeat { .. }
        | ClientCall::Conflict { .. }
        | ClientCall::Intake { .. }
        | ClientCall::Remove { .. } => Vec::new(),
    };
    let goes_on = |job_id: &&rch_schemas::JobId| book.jobs.get(*job_id).is_some_and(|job| job.outcome.is_none() && !job.cancelled);
    let forgotten = jobs.iter().find(goes_on);
    forgotten
        .into_iter()
        .map(|job_id| (Promise::CancelsAreKept, format!("the cancel of {job_id} was confirmed and is not recorded")))
        .collect()
}
