//! What would happen to a run, decided by the same rules and recorded nowhere.

use rch_schemas::document::JudgedArgument;
use rch_schemas::wire::http::SelectionPreview;
use rch_schemas::{JobKey, Reason};

use super::choose::{Choice, Want, choose};
use super::moment::{Fleet, Sight};
use super::nobody::NoChoice;
use crate::apply::accepted_row;
use crate::command::{Command, SubmitRequest};
use crate::document::{evidence, key_inputs};
use crate::event::{AcceptedRun, AcceptedStep};
use crate::observed::Observed;
use crate::run::Run;
use crate::state::State;
use crate::submit;

/// The selections, job keys and obstacles of a request as they would be now. The request must be a valid one.
pub fn preview(state: &State, observed: &Observed, command: &Command, submitted: &SubmitRequest) -> SelectionPreview {
    let accepted = submit::accept(state, observed, command, submitted);
    let run = accepted_row(&command.stamp, 0, &accepted);
    let fleet = Fleet { state, sight: Sight::Heard(observed), stamp: &command.stamp };
    let of_step =
        |step: &AcceptedStep| step.rejected.iter().chain(step.jobs.iter().filter_map(|job| job.rejected.as_ref())).cloned().collect();
    let rejected: Vec<Vec<JudgedArgument>> = accepted.steps.iter().map(of_step).collect();
    let told = |rejected: &JudgedArgument| format!("{}: {}: {}", Reason::ArgumentDenied, rejected.argument, rejected.reason);
    let mut problems: Vec<String> = rejected.iter().flatten().map(told).collect();
    let mut choices = Vec::new();
    for index in (0..).take(run.destinations.len()) {
        choices.push(match choose(&fleet, Want { run: &run, destination: index, revision: index + 1 }) {
            Ok(choice) => Some(choice),
            Err(NoChoice::Wait(misses)) => {
                problems.push(format!("would wait: {}", misses.join("; ")));
                None
            }
            Err(NoChoice::Never(code, detail)) => {
                problems.push(format!("{code}: {detail}"));
                None
            }
        });
    }
    SelectionPreview {
        selections: choices.iter().flatten().filter_map(|choice| evidence(&choice.made, &choice.judgement)).collect(),
        job_keys: job_keys(&run, &accepted, &choices),
        problems,
        missing: submitted.missing.clone(),
    }
}

fn job_keys(run: &Run, accepted: &AcceptedRun, choices: &[Option<Choice>]) -> Vec<Vec<Option<JobKey>>> {
    let runs_on =
        |step: &AcceptedStep, destination: u32| step.jobs.iter().any(|job| job.destination == destination && job.rejected.is_none());
    let of_step = |(step, row): (&AcceptedStep, &crate::run::Step)| {
        let key = |(index, choice): (u32, &Option<Choice>)| {
            let choice = choice.as_ref().filter(|_| step.rejected.is_empty() && runs_on(step, index))?;
            let resolution = choice.judgement.resolution_of(&choice.made.selection.worker)?;
            Some(key_inputs(run, row, resolution).key())
        };
        (0..).zip(choices).map(key).collect()
    };
    accepted.steps.iter().zip(&run.steps).map(of_step).collect()
}
