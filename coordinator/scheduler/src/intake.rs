//! Opening and closing a worker: what it still takes, and what is taken back from it.

use rch_schemas::WorkerName;
use rch_schemas::wire::http::Intake;

use crate::cancel::withdrawal;
use crate::command::{Decision, Reply};
use crate::decide::not_found;
use crate::event::Event;
use crate::job::Job;
use crate::run::Run;
use crate::state::State;
use crate::worker::{IntakeBy, Worker};

/// Changes a worker's intake. Offers that it would not get any more are taken back in the same record, so that nothing new starts there
/// after it.
pub(crate) fn set_intake(state: &State, name: &WorkerName, intake: Intake, (by, reason): (IntakeBy, &str)) -> Decision {
    let Some(row) = state.workers.get(name).filter(|_| state.config.inventory.contains_key(name)) else {
        return Decision::answer(Reply::Refused(Box::new(not_found("worker", name.as_str()))));
    };
    if row.intake == intake && (row.intake_reason == reason || intake == Intake::Open) {
        return Decision::events(Vec::new());
    }
    Decision::events(change(state, row, intake, (by, reason)))
}

/// The change with what it takes back.
pub(crate) fn change(state: &State, row: &Worker, intake: Intake, (by, reason): (IntakeBy, &str)) -> Vec<Event> {
    let name = &row.name;
    let changed = Event::IntakeChanged { worker: name.clone(), intake, reason: reason.to_owned(), by };
    let held = row.held.iter().filter_map(|(job_id, _)| state.job_and_run(job_id));
    let unwanted = held.filter(|(job, run)| !takes(state, (name, intake), run, job));
    let withdrawn = unwanted.filter_map(|(job, _)| withdrawal(job, "the worker takes no new jobs"));
    [changed].into_iter().chain(withdrawn).collect()
}

impl Worker {
    /// Whether the worker, if it is of the fleet, as open as it is and with the agent it has now, takes a job.
    pub(crate) fn takes(&self, state: &State, run: &Run, job: &Job) -> bool {
        state.config.inventory.contains_key(&self.name)
            && self.session.as_ref().is_some_and(|session| run.is_spoken(&state.config, session))
            && takes(state, (&self.name, self.intake), run, job)
    }
}

/// A worker that drains finishes the runs that have started there, and begins no other.
fn takes(state: &State, (worker, intake): (&WorkerName, Intake), run: &Run, job: &Job) -> bool {
    match intake {
        Intake::Open => true,
        Intake::Draining => state.jobs_of(run).any(|other| other.destination == job.destination && other.has_run_on(worker)),
        Intake::Quarantined => false,
    }
}
