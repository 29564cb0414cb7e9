//! Who belongs to the fleet: what the inventory names, less the workers that were removed by hand.
//!
//! The inventory file is the operators' list, and the coordinator never writes it. A worker that is removed with `rch workers remove` leaves at
//! once although the file still names it, and stays away over restarts. It is enrolled again when the file has ceased to name it and then
//! names it anew, or names it with another key. Taking an entry out of the file alone removes its worker just as well.

use rch_schemas::seal::PublicKey;
use rch_schemas::wire::http::{Intake, Problem};
use rch_schemas::{Reason, WorkerName};

use crate::attempt::AttemptState;
use crate::cancel::withdrawal;
use crate::command::{Decision, Reply};
use crate::config::FarmConfig;
use crate::decide::not_found;
use crate::event::Event;
use crate::state::State;
use crate::worker::{IntakeBy, Worker};

/// What may be given up for a worker to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Removal {
    /// Nothing: it must be drained, or lost.
    Gentle,
    /// Whatever it runs.
    Forced,
}

/// Takes the configuration as the files now say it. Whoever is no longer in the inventory leaves the fleet.
pub(crate) fn configure(state: &State, file: &FarmConfig) -> Decision {
    let mut config = file.clone();
    let still_named = |name: &WorkerName, key: &PublicKey| file.inventory.get(name).is_some_and(|entry| entry.public_key == *key);
    config.removed = state.config.removed.clone();
    config.removed.retain(|name, key| still_named(name, key));
    config.inventory.retain(|name, _| !config.removed.contains_key(name));
    if state.config == config {
        return Decision::events(Vec::new());
    }
    let before = state.config.inventory.keys().filter_map(|name| state.workers.get(name));
    let gone = before.filter(|worker| !config.inventory.contains_key(&worker.name));
    let left = gone.flat_map(|worker| leave(state, worker, (IntakeBy::Inventory, "the inventory no longer names it")));
    let left: Vec<_> = left.collect();
    Decision::events([Event::FarmConfigured { config: Box::new(config) }].into_iter().chain(left).collect())
}

/// Removes a worker that is drained or gone; any other only when what it runs may be given up.
pub(crate) fn remove(state: &State, name: &WorkerName, (by, reason): (IntakeBy, &str), removal: Removal) -> Decision {
    let Some(worker) = state.workers.get(name).filter(|_| state.config.inventory.contains_key(name)) else {
        return Decision::answer(Reply::Refused(Box::new(not_found("worker", name.as_str()))));
    };
    if let Some(found) = still_works(state, worker).filter(|_| removal == Removal::Gentle) {
        let mut problem = Problem::new(409, Reason::Conflict, format!("{name} is neither drained nor lost: {found}"));
        (problem.expected, problem.found) = (Some("a worker that is drained or lost".to_owned()), Some(found));
        problem.fix = Some(format!("drain it first: rch workers drain {name} --wait; or give up what it runs: --force"));
        return Decision::answer(Reply::Refused(Box::new(problem)));
    }
    Decision::events(leave(state, worker, (by, reason)))
}

/// What speaks against removing a worker, in words; `None` when nothing does.
fn still_works(state: &State, worker: &Worker) -> Option<String> {
    if worker.lost || worker.session.is_none() {
        return None;
    }
    if worker.intake == Intake::Open {
        return Some("it takes jobs".to_owned());
    }
    let begun = |run: &&crate::run::Run| {
        let jobs = || state.jobs_of(run).filter(|job| job.has_run_on(&worker.name));
        let open = |destination| state.jobs_of(run).any(|job| job.destination == destination && job.outcome().is_none());
        jobs().any(|job| open(job.destination))
    };
    match (worker.held.len(), state.active_runs().filter(begun).count()) {
        (0, 0) => None,
        (0, runs) => Some(format!("runs that began there are not over: {runs}")),
        (held, _) => Some(format!("it holds jobs: {held}")),
    }
}

/// Everything of a worker is taken back before it goes.
fn leave(state: &State, worker: &Worker, (by, reason): (IntakeBy, &str)) -> Vec<Event> {
    let removed = Event::WorkerRemoved { worker: worker.name.clone(), reason: reason.to_owned(), by };
    fence(state, worker, "the worker was removed").into_iter().chain([removed]).collect()
}

/// A worker's running attempts are fenced, its offers taken back.
pub(crate) fn fence(state: &State, worker: &Worker, detail: &str) -> Vec<Event> {
    let mut events = Vec::new();
    for (job_id, attempt) in &worker.held {
        let Some(job) = state.jobs.get(job_id) else { continue };
        match job.current_numbered(*attempt).map(|attempt| &attempt.state) {
            Some(AttemptState::Running { .. }) => events.push(Event::AttemptLost { job_id: job_id.clone(), attempt: *attempt }),
            Some(AttemptState::Offered) => events.extend(withdrawal(job, detail)),
            Some(
                AttemptState::Finished { .. }
                | AttemptState::Interrupted { .. }
                | AttemptState::Lost
                | AttemptState::Refused { .. }
                | AttemptState::Withdrawn { .. },
            )
            | None => {}
        }
    }
    events
}
