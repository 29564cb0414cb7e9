//! Accepting a run.

mod step;

use std::time::Duration;

use rch_schemas::environment;
use rch_schemas::invocation::{StepOrder, StepPlace, check_allowances, check_order, classify};
use rch_schemas::wire::http::{Problem, SubmitRun, SubmitStep};
use rch_schemas::{Reason, RunId};

use crate::apply::accepted_row;
use crate::cancel;
use crate::command::{Command, Decision, Reply, SubmitRequest};
use crate::event::{AcceptedRun, Event};
use crate::negotiate::protocol_problem;
use crate::observed::Observed;
use crate::select::{Fleet, Sight, version_of_run};
use crate::state::State;
use step::{NewJobs, accepted_step, check_steps, count_of, destinations_of};

/// Jobs in one run. The largest matrix anybody is known to use has a tenth of it.
const JOBS_MAX: usize = 256;
/// Runs that have not ended; a farm that is this far behind says so instead of taking more.
const ACTIVE_RUNS_MAX: usize = 100_000;

/// Records the run, or says why not. The same request again is answered with the run it made.
pub(crate) fn submit(state: &State, observed: &Observed, command: &Command, submitted: &SubmitRequest) -> Decision {
    let request = &submitted.request;
    if let Some((run_id, body)) = state.request(&command.actor, &request.request_id) {
        return Decision::answer(if *body == submitted.body_sha256 {
            Reply::Run(run_id.clone())
        } else {
            let detail = format!("request id {} was used for another request, which made run {run_id}", request.request_id);
            refused(409, Reason::Conflict, detail, |problem| {
                problem.fix = Some("give this request an id of its own".to_owned());
            })
        });
    }
    if let Some(reply) = invalid(state, &submitted.request).or_else(|| untimely(state, submitted)) {
        return Decision::answer(reply);
    }
    let run = accept(state, observed, command, submitted);
    let run_id = run.run_id.clone();
    // In one record, so that nobody ever sees neither of them, or both.
    let older = run.supersedes.iter().filter_map(|older| state.runs.get(older));
    let superseded: Vec<_> = older.flat_map(|older| cancel::supersede(state, older, &run_id)).collect();
    let events = [Event::RunAccepted { run: Box::new(run) }].into_iter().chain(superseded).collect();
    Decision { events, reply: Reply::Run(run_id) }
}

fn refused(status: u16, code: Reason, detail: String, more: impl FnOnce(&mut Problem)) -> Reply {
    let mut problem = Problem::new(status, code, detail);
    more(&mut problem);
    Reply::Refused(Box::new(problem))
}

/// What is wrong with the request itself, whenever it is made; nothing is recorded then.
pub(crate) fn invalid(state: &State, request: &SubmitRun) -> Option<Reply> {
    let in_steps = |detail: String| Some(refused(422, Reason::InvalidRequest, detail, |problem| problem.field = Some("steps".to_owned())));
    // Counted before anything is made of them: a body of the allowed size has room for billions of pairs.
    let (steps, destinations) = (request.steps.len(), request.destinations.len());
    if steps > JOBS_MAX || destinations > JOBS_MAX {
        return in_steps(format!(
            "a run has at most {JOBS_MAX} steps and {JOBS_MAX} destinations, this one {steps} and {destinations}: make several runs of it"
        ));
    }
    let jobs = request.steps.iter().map(|step| count_of(request, step)).fold(0, usize::saturating_add);
    if jobs == 0 || jobs > JOBS_MAX {
        return in_steps(format!("a run has 1 to {JOBS_MAX} jobs (one for each destination of each step), this one {jobs}"));
    }
    if let Some(problem) = protocol_problem(&request.rch_version, request.protocol, state.config.protocol) {
        return Some(Reply::Refused(Box::new(problem)));
    }
    if let Err(error) = check_steps(request, &state.config.policy) {
        return in_steps(error.to_string());
    }
    if let Err(error) = request.options.timeouts.check() {
        return Some(refused(422, Reason::InvalidRequest, error.to_string(), |problem| {
            problem.field = Some("options.timeouts".to_owned());
        }));
    }
    let sanitized = |step: &SubmitStep| classify(&step.argv, &state.config.policy).sanitized_argv;
    let overall_seconds = request.options.timeouts.overall_seconds;
    if let Some(error) = request.steps.iter().find_map(|step| check_allowances(&sanitized(step), overall_seconds).err()) {
        return in_steps(error.to_string());
    }
    if let Err(error) = environment::check(&request.options.env) {
        return Some(refused(422, Reason::InvalidRequest, error.to_string(), |problem| problem.field = Some("options.env".to_owned())));
    }
    order(state, request).err().and_then(|error| in_steps(error.to_string()))
}

/// What stands in the way of a valid request now; nothing is recorded either.
fn untimely(state: &State, submitted: &SubmitRequest) -> Option<Reply> {
    if state.active.len() >= ACTIVE_RUNS_MAX {
        return Some(refused(503, Reason::Overloaded, format!("{ACTIVE_RUNS_MAX} runs have not ended"), |_| {}));
    }
    if !submitted.missing.is_empty() {
        let detail = format!("{} of {} chunks are not in the store", submitted.missing.len(), submitted.request.recipe.chunks.len());
        return Some(refused(424, Reason::SourceMissing, detail, |problem| {
            problem.missing.clone_from(&submitted.missing);
            problem.fix = Some("upload them and send the request again with the same request_id".to_owned());
        }));
    }
    None
}

/// Whether each step that only runs tests comes after one that built them for the same destination in the same directory.
fn order(state: &State, request: &SubmitRun) -> Result<(), StepOrder> {
    let action = |step: &SubmitStep| classify(&step.argv, &state.config.policy).action;
    let asked = |step: &SubmitStep| -> Vec<String> {
        let named = destinations_of(request, step).into_iter();
        named.filter_map(|index| request.destinations.get(index as usize)).map(|destination| destination.asked.clone()).collect()
    };
    let own: Vec<_> = request.steps.iter().map(asked).collect();
    let places = request.steps.iter().zip(&own).map(|(step, destinations)| StepPlace {
        action: action(step),
        directory: step.directory.as_ref(),
        destinations,
    });
    check_order(&places.collect::<Vec<_>>())
}

/// The runs whose place a request takes: those of its requester, project and label that nobody has cancelled yet.
fn superseded(state: &State, requester: &str, request: &SubmitRun) -> Vec<RunId> {
    let Some(label) = request.options.supersede.clone() else { return Vec::new() };
    let of_label = state.labelled.get(&(requester.to_owned(), request.project.clone(), label)).into_iter().flatten();
    of_label.filter(|run_id| state.runs.get(*run_id).is_some_and(|run| !run.cancel_requested)).cloned().collect()
}

/// The run as it is recorded. The request must be a valid one.
pub(crate) fn accept(state: &State, observed: &Observed, command: &Command, submitted: &SubmitRequest) -> AcceptedRun {
    let request = &submitted.request;
    let queue = Duration::from_secs(request.options.timeouts.queue_seconds.into());
    // Id 0 is the run's.
    let mut jobs = NewJobs { ids: command.ids, next: 1, queue_deadline: command.stamp.tick.after(queue) };
    let spoken = state.config.protocol.intersect(request.protocol).expect("a valid request shares a version with the farm");
    let mut accepted = AcceptedRun {
        run_id: command.ids.run(0),
        request_id: request.request_id.clone(),
        body_sha256: submitted.body_sha256,
        requester: command.actor.clone(),
        share: state.next_share(&command.actor, request.steps.iter().map(|step| count_of(request, step)).sum()),
        project: request.project.clone(),
        protocol_version: spoken.max,
        policy: state.config.policy.clone(),
        recipe: submitted.recipe,
        destinations: request.destinations.clone(),
        steps: request.steps.iter().map(|step| accepted_step(request, step, &state.config.policy, &mut jobs)).collect(),
        options: request.options.clone(),
        effective_config: request.effective_config.clone(),
        supersedes: superseded(state, &command.actor, request),
    };
    if spoken.min < spoken.max {
        let fleet = Fleet { state, sight: Sight::Heard(observed), stamp: &command.stamp };
        accepted.protocol_version = version_of_run(&fleet, &accepted_row(&command.stamp, 0, &accepted), spoken);
    }
    accepted
}
