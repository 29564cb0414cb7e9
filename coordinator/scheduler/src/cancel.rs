//! Stopping what nobody wants any more. The order of a cancel and a `finished` is the ledger's: whichever is recorded first decides.

use rch_schemas::document::Outcome;
use rch_schemas::wire::http::JobState;
use rch_schemas::{JobId, Reason, RunId};

use crate::attempt::AttemptState;
use crate::command::{Decision, Reply};
use crate::decide::not_found;
use crate::event::Event;
use crate::job::Job;
use crate::run::Run;
use crate::state::State;

pub(crate) fn cancel_run(state: &State, run_id: &RunId) -> Decision {
    match state.runs.get(run_id) {
        Some(run) => Decision::events(cancel(run, state.jobs_of(run).collect(), None)),
        None => Decision::answer(Reply::Refused(Box::new(not_found("run", run_id.as_str())))),
    }
}

pub(crate) fn cancel_job(state: &State, job_id: &JobId) -> Decision {
    match state.job_and_run(job_id) {
        Some((job, run)) => Decision::events(cancel(run, vec![job], None)),
        None => Decision::answer(Reply::Refused(Box::new(not_found("job", job_id.as_str())))),
    }
}

/// Stops a run because `newer` takes its place.
pub(crate) fn supersede(state: &State, run: &Run, newer: &RunId) -> Vec<Event> {
    cancel(run, state.jobs_of(run).collect(), Some(newer))
}

/// Waiting jobs end at once; a running one ends when its agent, which no longer finds it wanted, says so. Asking twice changes nothing.
fn cancel(run: &Run, jobs: Vec<&Job>, newer: Option<&RunId>) -> Vec<Event> {
    let open: Vec<_> = jobs.into_iter().filter(|job| job.outcome().is_none() && !job.cancel_requested).collect();
    if open.is_empty() {
        return Vec::new();
    }
    let (run_id, jobs) = (run.run_id.clone(), open.iter().map(|job| job.job_id.clone()).collect());
    let mut events = vec![Event::CancelRequested { run_id, jobs, superseded_by: newer.cloned() }];
    for job in open.into_iter().filter(|job| job.state() == JobState::Queued) {
        events.extend(withdrawal(job, "the job was cancelled"));
        events.push(end(job, newer));
    }
    events
}

/// The outcome of a cancelled job.
pub(crate) fn ended(run: &Run, job: &Job) -> Event {
    end(job, run.superseded_by.as_ref())
}

fn end(job: &Job, newer: Option<&RunId>) -> Event {
    let (reason, human_summary) = match newer {
        Some(newer) => (Reason::Superseded, format!("{} was superseded by run {newer}", job.action)),
        None => (Reason::CancelledByUser, format!("{} was cancelled", job.action)),
    };
    Event::JobEnded { job_id: job.job_id.clone(), outcome: Outcome::because(reason), human_summary }
}

/// Takes back the offer of a job, if one is out.
pub(crate) fn withdrawal(job: &Job, detail: &str) -> Option<Event> {
    let attempt = job.current().filter(|attempt| attempt.state == AttemptState::Offered)?;
    Some(Event::AttemptWithdrawn { job_id: job.job_id.clone(), attempt: attempt.number, detail: detail.to_owned() })
}
