//! From a command to what happens.

use rch_schemas::Reason;
use rch_schemas::wire::http::Problem;

use crate::command::{Command, CommandBody, Decision, Reply};
use crate::event::Event;
use crate::fleet::Removal;
use crate::observed::Observed;
use crate::state::State;
use crate::worker::IntakeBy;
use crate::{cancel, expire, fleet, intake, report, select, submit};

/// Decides one command. What follows from its events by itself is found by [`crate::settle`].
pub fn decide(state: &State, observed: &Observed, command: &Command) -> Decision {
    let stamp = &command.stamp;
    match &command.body {
        CommandBody::Lead { ledger_id, build } => {
            let created = state.ledger_id.is_none().then(|| Event::LedgerCreated { ledger_id: ledger_id.clone() });
            let started = Event::LeaderStarted { term: state.term + 1, build: build.clone() };
            Decision::events(created.into_iter().chain([started]).collect())
        }
        CommandBody::Configure(config) => fleet::configure(state, config),
        CommandBody::Submit(request) => submit::submit(state, observed, command, request),
        CommandBody::Preview(request) => Decision::answer(
            submit::invalid(state, &request.request)
                .unwrap_or_else(|| Reply::Preview(Box::new(select::preview(state, observed, command, request)))),
        ),
        CommandBody::Report { worker, report } => report::report(state, stamp, worker, report),
        CommandBody::CancelRun { run_id } => cancel::cancel_run(state, run_id),
        CommandBody::CancelJob { job_id } => cancel::cancel_job(state, job_id),
        CommandBody::SetIntake { worker, intake, reason } => {
            let by = IntakeBy::Actor { name: command.actor.clone() };
            intake::set_intake(state, worker, *intake, (by, reason))
        }
        CommandBody::RemoveWorker { worker, reason, force } => {
            let by = IntakeBy::Actor { name: command.actor.clone() };
            fleet::remove(state, worker, (by, reason), if *force { Removal::Forced } else { Removal::Gentle })
        }
        CommandBody::SourceRestored { run_id } => {
            let waits = state.runs.get(run_id).is_some_and(|run| run.source_gap.is_some());
            Decision::events(waits.then(|| Event::SourceRestored { run_id: run_id.clone() }).into_iter().collect())
        }
        CommandBody::Tick => Decision::events(expire::expire(state, observed, stamp)),
    }
}

/// The problem of naming something that is not there.
pub(crate) fn not_found(kind: &str, name: &str) -> Problem {
    let mut problem = Problem::new(404, Reason::NotFound, format!("there is no {kind} {name}"));
    problem.found = Some(name.to_owned());
    problem
}
