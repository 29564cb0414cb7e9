//! Attempts: started once, within their number, ended once, and only what the current one says counts.

use rch_scheduler::Event;
use rch_schemas::{Reason, RetryClass};

use super::book::{JobRow, Place};
use super::{Broken, Case};
use crate::execution::Ending;
use crate::fixture::manifest;
use crate::violation::Promise;

pub(super) fn offers(case: &Case<'_>, event: &Event) -> Broken {
    let Event::AttemptOffered { job_id, attempt, worker, .. } = event else { return Vec::new() };
    let Some((job, _)) = case.book.job(job_id) else {
        return vec![(Promise::NothingAcceptedIsLost, format!("{job_id} is offered and was never accepted"))];
    };
    let what = format!("{job_id} attempt {attempt} is offered to {worker}");
    let config = &case.book.config;
    let mut broken = Vec::new();
    if job.cancelled {
        broken.push((Promise::CancelsAreKept, format!("{what} after it was cancelled")));
    }
    if job.outcome.is_some() {
        broken.push((Promise::TheEndIsTheEnd, format!("{what} after its end")));
    }
    if job.live().is_some() || job.attempts.len() + 1 != attempt.0 as usize {
        broken.push((Promise::StartsOnce, format!("{what} after {} attempts", job.attempts.len())));
    }
    if job.started >= config.max_attempts {
        broken.push((Promise::AttemptsAreLimited, format!("{what} after {} that ran", job.started)));
    }
    if job.lost_workers.len() >= 2 {
        broken.push((Promise::AttemptsAreLimited, format!("{what} after it cost {:?}", job.lost_workers)));
    }
    if job.refusals >= config.max_refusals {
        broken.push((Promise::AttemptsAreLimited, format!("{what} after {} refusals", job.refusals)));
    }
    broken
}

pub(super) fn starts(case: &Case<'_>, event: &Event) -> Broken {
    let Event::AttemptStarted { job_id, attempt, .. } = event else { return Vec::new() };
    let offered =
        case.book.job(job_id).and_then(|(job, _)| job.live()).is_some_and(|live| live.number == *attempt && live.place == Place::Offered);
    if offered { Vec::new() } else { vec![(Promise::StartsOnce, format!("{job_id} attempt {attempt} starts without being offered"))] }
}

/// A job ends once, with nothing of it running, and not while attempts are left that its failure asks for.
pub(super) fn ends(case: &Case<'_>, event: &Event) -> Broken {
    let Event::JobEnded { job_id, outcome, .. } = event else { return Vec::new() };
    let Some((job, _)) = case.book.job(job_id) else { return Vec::new() };
    if let Some(known) = &job.outcome {
        return vec![(Promise::TheEndIsTheEnd, format!("{job_id} ended {known:?} and then {outcome:?}"))];
    }
    if job.live().is_some() {
        return vec![(Promise::TheEndIsTheEnd, format!("{job_id} ended while an attempt of it is live"))];
    }
    let gave_up = outcome.failure_subkind.and_then(|code| gave_up(case, job, code));
    gave_up.into_iter().map(|why| (Promise::EveryAttemptIsUsed, format!("{job_id} ended {outcome:?}: {why}"))).collect()
}

/// A run ends once, with its last job.
pub(super) fn runs(case: &Case<'_>, event: &Event) -> Broken {
    let Event::RunEnded { run_id, .. } = event else { return Vec::new() };
    let jobs = case.book.runs.get(run_id).map(|run| run.steps.concat()).unwrap_or_default();
    let open = jobs.iter().any(|job_id| case.book.jobs.get(job_id).is_some_and(|job| job.outcome.is_none()));
    let known = case.book.open.contains(run_id);
    if known && !open { Vec::new() } else { vec![(Promise::TheEndIsTheEnd, format!("{run_id} ended twice, or too early"))] }
}

/// The result must be of the process that the current attempt was granted to, and that process must have finished.
pub(super) fn results(case: &Case<'_>, event: &Event) -> Broken {
    let Event::AttemptFinished { finished } = event else { return Vec::new() };
    let id = (finished.job_id.clone(), finished.attempt);
    let current = case.book.job(&id.0).and_then(|(job, _)| job.live()).filter(|live| live.number == id.1);
    let theirs = current.is_some_and(|live| {
        let ran = |execution: &&crate::execution::Execution| execution.attempt == id && execution.session == live.session;
        let ended = case.world.executions.iter().find(ran).and_then(|execution| execution.ended);
        matches!(live.place, Place::Running { .. })
            && finished.manifest_sha256 == manifest(&live.session, &id)
            && ended.is_some_and(|(_, ending)| ending == Ending::Finished)
    });
    if theirs { Vec::new() } else { vec![(Promise::NothingStaleIsAccepted, format!("a result of {} attempt {}", id.0, id.1))] }
}

/// Why a job that ends with `code` should have been tried again.
fn gave_up(case: &Case<'_>, job: &JobRow, code: Reason) -> Option<String> {
    let ended_so = job.attempts.last().is_some_and(|last| last.place == Place::Over { code: Some(code) });
    let left = job.started < case.book.config.max_attempts && !job.cancelled;
    if !ended_so || !left || code.retry_class() != RetryClass::Again {
        return None;
    }
    let elsewhere = code != Reason::WorkerLost || (job.lost_workers.len() < 2 && has_another(case, job));
    elsewhere.then(|| format!("{} of {} attempts ran", job.started, case.book.config.max_attempts))
}

/// Whether a worker that the job did not cost has the Xcode of its key, and nothing lasting against it.
fn has_another(case: &Case<'_>, job: &JobRow) -> bool {
    let Some(run) = case.book.runs.get(&job.run_id) else { return false };
    let Some(selection) = run.selections.get(&job.destination) else { return false };
    // What was built for testing lies on one worker alone.
    if case.book.products(run, job.destination).is_some() {
        return false;
    }
    let judgement = &selection.judgement;
    let same_key = judgement.candidates().iter().filter(|candidate| judgement.resolution(candidate).has_key_of(&selection.resolution));
    let group = same_key.map(|candidate| &candidate.worker).filter(|worker| !job.lost_workers.contains(*worker));
    let same_build = |worker: &&rch_schemas::WorkerName| {
        let facts = case.book.workers.get(*worker).and_then(|worker| worker.facts.as_ref());
        facts.is_some_and(|(_, builds)| builds.contains(&selection.resolution.toolchain.xcode_build))
    };
    group.filter(same_build).any(|worker| case.book.config.inventory.contains_key(worker))
}
