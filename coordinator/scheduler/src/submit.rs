//! Accepting a run.

use std::time::Duration;

use rch_schemas::document::JudgedArgument;
use rch_schemas::environment;
use rch_schemas::invocation::{Classified, StepOrder, check_order, classify};
use rch_schemas::protocol::ProtocolRange;
use rch_schemas::wire::http::{Problem, SubmitRun, SubmitStep};
use rch_schemas::{Reason, Tick};

use crate::command::{Command, Decision, Ids, Reply, SubmitRequest};
use crate::event::{AcceptedJob, AcceptedRun, AcceptedStep, Event};
use crate::state::State;

/// Jobs in one run: steps times destinations. The largest matrix anybody is known to use has a tenth of it.
const JOBS_MAX: usize = 256;
/// Runs that have not ended; a farm that is this far behind says so instead of taking more.
const ACTIVE_RUNS_MAX: usize = 100_000;

/// Records the run, or says why not. The same request again is answered with the run it made.
pub(crate) fn submit(state: &State, command: &Command, submitted: &SubmitRequest) -> Decision {
    let request = &submitted.request;
    if let Some((run_id, body)) = state.request(&command.actor, &request.request_id) {
        return Decision::answer(if *body == submitted.body_sha256 {
            Reply::Run(run_id.clone())
        } else {
            let (found, expected) = (submitted.body_sha256.to_string(), body.to_string());
            let detail = format!("request id {} was used for another request, which made run {run_id}", request.request_id);
            refused(409, Reason::Conflict, detail, |problem| (problem.found, problem.expected) = (Some(found), Some(expected)))
        });
    }
    if let Some(reply) = invalid(state, submitted) {
        return Decision::answer(reply);
    }
    let run = accept(state, command, submitted);
    let run_id = run.run_id.clone();
    Decision { events: vec![Event::RunAccepted { run: Box::new(run) }], reply: Reply::Run(run_id) }
}

fn refused(status: u16, code: Reason, detail: String, more: impl FnOnce(&mut Problem)) -> Reply {
    let mut problem = Problem::new(status, code, detail);
    more(&mut problem);
    Reply::Refused(Box::new(problem))
}

/// What is wrong with the request itself; nothing is recorded then.
fn invalid(state: &State, submitted: &SubmitRequest) -> Option<Reply> {
    let request = &submitted.request;
    let jobs = request.steps.len() * request.destinations.len();
    if jobs == 0 || jobs > JOBS_MAX {
        let detail = format!("a run has 1 to {JOBS_MAX} jobs (steps times destinations), this one {jobs}");
        return Some(refused(422, Reason::InvalidRequest, detail, |problem| problem.field = Some("steps".to_owned())));
    }
    if protocol_version(request).is_none() {
        let detail = format!("the client speaks protocol {}, the farm {}", request.protocol, ProtocolRange::OURS);
        return Some(refused(422, Reason::UnsupportedProtocol, detail, |problem| {
            problem.fix = Some("install the version of rch that the farm's operator names".to_owned());
        }));
    }
    if let Err(error) = order(state, request) {
        return Some(refused(422, Reason::InvalidRequest, error.to_string(), |problem| problem.field = Some("steps".to_owned())));
    }
    if let Err(error) = environment::check(&request.options.env) {
        return Some(refused(422, Reason::InvalidRequest, error.to_string(), |problem| problem.field = Some("options.env".to_owned())));
    }
    if state.active.len() >= ACTIVE_RUNS_MAX {
        return Some(refused(503, Reason::Overloaded, format!("{ACTIVE_RUNS_MAX} runs have not ended"), |_| {}));
    }
    if !submitted.missing.is_empty() {
        let detail = format!("{} of {} chunks are not in the store", submitted.missing.len(), request.recipe.chunks.len());
        return Some(refused(424, Reason::SourceMissing, detail, |problem| {
            problem.missing.clone_from(&submitted.missing);
            problem.fix = Some("upload them and send the request again with the same request_id".to_owned());
        }));
    }
    None
}

/// Every step of a run has the run's destinations, so only the order of the actions can be wrong.
fn order(state: &State, request: &SubmitRun) -> Result<(), StepOrder> {
    let destinations: Vec<_> = request.destinations.iter().map(|destination| destination.asked.clone()).collect();
    let action = |step: &SubmitStep| classify(&step.argv, &state.config.policy).action;
    let steps: Vec<_> = request.steps.iter().map(|step| (action(step), destinations.as_slice())).collect();
    check_order(&steps)
}

/// The protocol version of the run: the highest that both speak.
pub(crate) fn protocol_version(request: &SubmitRun) -> Option<u32> {
    ProtocolRange::OURS.intersect(request.protocol).map(|common| common.max)
}

/// The run as it is recorded.
pub(crate) fn accept(state: &State, command: &Command, submitted: &SubmitRequest) -> AcceptedRun {
    let request = &submitted.request;
    let queue = Duration::from_secs(request.options.timeouts.queue_seconds.into());
    let queue_deadline = command.stamp.tick.after(queue);
    let width = u32::try_from(request.destinations.len()).unwrap_or(u32::MAX);
    let step = |(index, step): (u32, &SubmitStep)| {
        let classified = classify(&step.argv, &state.config.policy);
        // Id 0 is the run's.
        let jobs = jobs(command.ids, 1 + index * width, width, queue_deadline);
        accepted_step(step, classified, jobs)
    };
    AcceptedRun {
        run_id: command.ids.run(0),
        request_id: request.request_id.clone(),
        body_sha256: submitted.body_sha256,
        requester: command.actor.clone(),
        project: request.project.clone(),
        protocol_version: protocol_version(request).unwrap_or(ProtocolRange::OURS.max),
        policy: state.config.policy.clone(),
        recipe: submitted.recipe,
        destinations: request.destinations.clone(),
        steps: (0..).zip(&request.steps).map(step).collect(),
        options: request.options.clone(),
        effective_config: request.effective_config.clone(),
    }
}

fn jobs(ids: Ids, first: u32, count: u32, queue_deadline: Tick) -> Vec<AcceptedJob> {
    (0..count).map(|destination| AcceptedJob { job_id: ids.job(first + destination), destination, queue_deadline }).collect()
}

fn accepted_step(step: &SubmitStep, classified: Classified, jobs: Vec<AcceptedJob>) -> AcceptedStep {
    let rejected = classified
        .rejected
        .iter()
        .map(|rejected| JudgedArgument { argument: rejected.argument.clone(), reason: format!("{}; {}", rejected.reason, rejected.fix) });
    let dropped =
        classified.dropped.iter().map(|dropped| JudgedArgument { argument: dropped.argument.clone(), reason: dropped.reason.clone() });
    AcceptedStep {
        name: step.name.clone(),
        action: classified.action,
        original_argv: step.argv.clone(),
        clean: classified.clean,
        dropped: dropped.collect(),
        rejected: rejected.collect(),
        argv: classified.sanitized_argv,
        jobs,
    }
}
