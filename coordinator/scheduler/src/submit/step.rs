//! One step of a request: what it may ask for, and how it is recorded.

use std::collections::BTreeSet;

use rch_schemas::document::JudgedArgument;
use rch_schemas::invocation::{Policy, Rejected, classify, refused_for};
use rch_schemas::wire::http::{SubmitRun, SubmitStep};
use rch_schemas::{Tick, TreeDirectory};

use crate::command::Ids;
use crate::event::{AcceptedJob, AcceptedStep};

/// A step that contradicts itself or its run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidStep {
    /// Its list of destinations is empty.
    #[error("step {step} names no destination: leave destinations out for all of the run's, or name at least one")]
    NoDestination { step: usize },
    /// An index leads nowhere.
    #[error("step {step} names destination {index}, and the run has {count}, counted from 0")]
    NoSuchDestination { step: usize, index: u32, count: usize },
    /// An index stands there twice.
    #[error("step {step} names destination {index} twice: name it once")]
    DestinationTwice { step: usize, index: u32 },
    /// A destination that nothing would run on.
    #[error("no step has a job for destination {index} ({asked}): leave it out, or name it in a step")]
    DestinationUnused { index: usize, asked: String },
    /// A package's directory beside a container.
    #[error("step {step} runs in {directory}, as Swift packages do, and opens a workspace or project: leave one of the two out")]
    DirectoryAndContainer { step: usize, directory: TreeDirectory },
}

/// The destinations of the run that a step has a job for: all of them unless it names some.
pub(super) fn destinations_of(request: &SubmitRun, step: &SubmitStep) -> Vec<u32> {
    step.destinations.clone().unwrap_or_else(|| (0..).take(request.destinations.len()).collect())
}

/// How many destinations a step has a job for.
pub(super) fn count_of(request: &SubmitRun, step: &SubmitStep) -> usize {
    step.destinations.as_ref().map_or(request.destinations.len(), Vec::len)
}

/// Checks what the steps say beside their arguments.
pub(super) fn check_steps(request: &SubmitRun, policy: &Policy) -> Result<(), InvalidStep> {
    let count = request.destinations.len();
    let mut used = BTreeSet::new();
    for (step, asked) in request.steps.iter().enumerate() {
        let mut own = BTreeSet::new();
        for index in destinations_of(request, asked) {
            if index as usize >= count {
                return Err(InvalidStep::NoSuchDestination { step, index, count });
            }
            if !own.insert(index) {
                return Err(InvalidStep::DestinationTwice { step, index });
            }
        }
        if own.is_empty() {
            return Err(InvalidStep::NoDestination { step });
        }
        if let Some(directory) = asked.directory.clone().filter(|_| classify(&asked.argv, policy).container.is_some()) {
            return Err(InvalidStep::DirectoryAndContainer { step, directory });
        }
        used.append(&mut own);
    }
    let unused = (0..).zip(&request.destinations).find(|(index, _)| !used.contains(index));
    match unused {
        Some((index, destination)) => Err(InvalidStep::DestinationUnused { index: index as usize, asked: destination.asked.clone() }),
        None => Ok(()),
    }
}

/// Jobs that are being made: each with the next id.
pub(super) struct NewJobs {
    pub(super) ids: Ids,
    pub(super) next: u32,
    pub(super) queue_deadline: Tick,
}

impl NewJobs {
    fn make(&mut self, destination: u32, rejected: Option<JudgedArgument>) -> AcceptedJob {
        let job_id = self.ids.job(self.next);
        self.next += 1;
        AcceptedJob { job_id, destination, queue_deadline: self.queue_deadline, rejected }
    }
}

/// A valid step as it is recorded. What does not go with one destination rejects that destination's job alone.
pub(super) fn accepted_step(request: &SubmitRun, step: &SubmitStep, policy: &Policy, jobs: &mut NewJobs) -> AcceptedStep {
    let classified = classify(&step.argv, policy);
    let job = |index: u32| {
        let asked = request.destinations.get(index as usize).map(|destination| destination.asked.as_str());
        let refused = asked.and_then(|asked| refused_for(&step.argv, asked, policy).into_iter().next());
        jobs.make(index, refused.as_ref().map(judged))
    };
    let dropped =
        classified.dropped.iter().map(|dropped| JudgedArgument { argument: dropped.argument.clone(), reason: dropped.reason.clone() });
    AcceptedStep {
        name: step.name.clone(),
        action: classified.action,
        original_argv: step.argv.clone(),
        clean: classified.clean,
        dropped: dropped.collect(),
        rejected: classified.rejected.iter().map(judged).collect(),
        argv: classified.sanitized_argv,
        directory: step.directory.clone(),
        // An action without tests is the same job with and without it, and must have the same key.
        allow_empty: step.allow_empty && classified.action.runs_tests(),
        jobs: destinations_of(request, step).into_iter().map(job).collect(),
    }
}

fn judged(rejected: &Rejected) -> JudgedArgument {
    JudgedArgument { argument: rejected.argument.clone(), reason: format!("{}; {}", rejected.reason, rejected.fix) }
}
