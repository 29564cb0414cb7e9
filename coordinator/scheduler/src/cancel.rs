//! Stopping what nobody wants any more. The order of a cancel and a `finished` is the ledger's: whichever is recorded first decides.

use rch_schemas::document::Outcome;
use rch_schemas::wire::http::JobState;
use rch_schemas::{JobId, Reason, RunId};

use crate::attempt::AttemptState;
use crate::command::{Decision, Reply};
use crate::decide::not_found;
use crate::event::Event;
use crate::job::Job;
use crate::state::State;

pub(crate) fn cancel_run(state: &State, run_id: &RunId) -> Decision {
    match state.runs.get(run_id) {
        Some(run) => cancel(run_id, state.jobs_of(run).collect()),
        None => Decision::answer(Reply::Refused(Box::new(not_found("run", run_id.as_str())))),
    }
}

pub(crate) fn cancel_job(state: &State, job_id: &JobId) -> Decision {
    match state.jobs.get(job_id) {
        Some(job) => cancel(&job.run_id, vec![job]),
        None => Decision::answer(Reply::Refused(Box::new(not_found("job", job_id.as_str())))),
    }
}

/// Waiting jobs end at once; a running one ends when its agent, which no longer finds it wanted, says so. Asking twice changes nothing.
fn cancel(run_id: &RunId, jobs: Vec<&Job>) -> Decision {
    let open: Vec<_> = jobs.into_iter().filter(|job| job.outcome().is_none() && !job.cancel_requested).collect();
    if open.is_empty() {
        return Decision::events(Vec::new());
    }
    let mut events = vec![Event::CancelRequested { run_id: run_id.clone(), jobs: open.iter().map(|job| job.job_id.clone()).collect() }];
    for job in open.into_iter().filter(|job| job.state() == JobState::Queued) {
        events.extend(withdrawal(job, "the job was cancelled"));
        events.push(ended(job));
    }
    Decision::events(events)
}

/// The outcome of a cancelled job.
pub(crate) fn ended(job: &Job) -> Event {
    Event::JobEnded {
        job_id: job.job_id.clone(),
        outcome: Outcome::because(Reason::CancelledByUser),
        human_summary: format!("{} was cancelled", job.action),
    }
}

/// Takes back the offer of a job, if one is out.
pub(crate) fn withdrawal(job: &Job, detail: &str) -> Option<Event> {
    let attempt = job.current().filter(|attempt| attempt.state == AttemptState::Offered)?;
    Some(Event::AttemptWithdrawn { job_id: job.job_id.clone(), attempt: attempt.number, detail: detail.to_owned() })
}
