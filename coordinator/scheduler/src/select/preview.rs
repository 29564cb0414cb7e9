//! What would happen to a run, decided by the same rules and recorded nowhere.

use rch_schemas::Reason;
use rch_schemas::environment;
use rch_schemas::job_key::JobKeyInputs;
use rch_schemas::wire::http::SelectionPreview;

use super::choose::{NoChoice, choose};
use super::judge::Fleet;
use crate::apply::accepted_row;
use crate::command::{Command, SubmitRequest};
use crate::document::{job_argv, worker_selection};
use crate::observed::Observed;
use crate::run::{MadeSelection, Run};
use crate::state::State;
use crate::submit;

/// The selections, job keys and obstacles of a request as they would be now.
pub fn preview(state: &State, observed: &Observed, command: &Command, submitted: &SubmitRequest) -> SelectionPreview {
    let run = accepted_row(&command.stamp, 0, &submit::accept(state, command, submitted));
    let fleet = Fleet { state, observed, stamp: &command.stamp };
    let mut problems: Vec<String> =
        run.steps.iter().flat_map(|step| &step.rejected).map(|rejected| format!("{}: {}", rejected.argument, rejected.reason)).collect();
    if let Err(error) = environment::check(&run.options.env) {
        problems.push(format!("{}: {error}", Reason::InvalidRequest));
    }
    let mut choices = Vec::new();
    for index in (0..).take(run.destinations.len()) {
        choices.push(match choose(&fleet, &run, index) {
            Ok(choice) => Some(choice.made),
            Err(NoChoice::Wait { detail, .. }) => {
                problems.push(format!("would wait: {detail}"));
                None
            }
            Err(NoChoice::Never(code, detail)) => {
                problems.push(format!("{code}: {detail}"));
                None
            }
        });
    }
    let job_keys = run
        .steps
        .iter()
        .map(|step| {
            choices.iter().map(|made| made.as_ref().filter(|_| step.rejected.is_empty()).map(|made| key(&run, step, made))).collect()
        })
        .collect();
    SelectionPreview {
        selections: choices.iter().flatten().map(worker_selection).collect(),
        job_keys,
        problems,
        missing: submitted.missing.clone(),
    }
}

fn key(run: &Run, step: &crate::run::Step, made: &MadeSelection) -> rch_schemas::JobKey {
    let inputs = JobKeyInputs {
        source_sha256: run.recipe.sha256,
        sanitized_argv: job_argv(step, &made.selection.resolved),
        toolchain: made.selection.toolchain.clone(),
        destination: made.selection.resolved.clone(),
        env: run.options.env.clone(),
    };
    inputs.key()
}
