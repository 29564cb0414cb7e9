//! The promises, held against what happened: the records of the ledger and what agents ran.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use rch_scheduler::Event;
use rch_schemas::{Attempt, JobId, RunId, WorkerName};

use crate::message::AttemptId;
use crate::world::World;

/// Something an agent ran.
#[derive(Debug, Clone)]
pub(crate) struct Execution {
    pub(crate) attempt: AttemptId,
    pub(crate) worker: WorkerName,
    pub(crate) started_ms: u64,
    /// How many its agent ran then, this one among them.
    pub(crate) running: usize,
    pub(crate) slots: u32,
}

/// A broken promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// A run that a client was told of is not in the ledger, or is there twice.
    RunLost(String),
    /// An attempt started more than once.
    StartedTwice(String),
    /// An attempt ran that the ledger did not start.
    RanUnasked(String),
    /// What a superseded attempt said was accepted.
    StaleAccepted(String),
    /// A terminal state changed.
    TerminalChanged(String),
    /// More ran on a worker than it has slots.
    Oversubscribed(String),
    /// A later step began before an earlier one was over.
    OutOfOrder(String),
    /// A job used more attempts than it may.
    TooManyAttempts(String),
    /// Long after everything healed something is not over.
    Stuck(String),
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// Every broken promise of a world that has come to its end.
pub(crate) fn check(world: &World) -> Vec<Violation> {
    let mut history = History::default();
    for event in world.ledger.iter().flat_map(|record| &record.events) {
        history.follow(event);
    }
    history.follow_executions(world);
    history.follow_clients(world);
    if !world.is_over() {
        let open: Vec<_> = history.open.iter().map(|run_id| describe(world, run_id)).collect();
        let answered = world.accepted.len();
        let detail = format!("{answered} of {} requests answered; open: {}", world.plan.requests, open.join(" "));
        history.violations.push(Violation::Stuck(detail));
    }
    history.violations
}

/// Where the jobs of a run stand: what whoever replays the seed wants to know first.
fn describe(world: &World, run_id: &RunId) -> String {
    let Some(state) = world.leader.as_ref().map(|leader| &leader.state) else { return format!("{run_id} (no leader)") };
    let Some(run) = state.runs.get(run_id) else { return format!("{run_id} (not in the state)") };
    let job = |job: &rch_scheduler::Job| {
        let attempts: Vec<_> = job.attempts.iter().map(|attempt| format!("{} {:?}", attempt.worker, attempt.state)).collect();
        format!("{} {:?} cancel={} attempts={attempts:?}", job.action, job.state(), job.cancel_requested)
    };
    let jobs: Vec<_> = state.jobs_of(run).map(job).collect();
    let worker = run.selection(0).map(|made| made.selection.worker().to_string());
    format!("{run_id} on {worker:?}: {}", jobs.join(" | "))
}

/// The history, folded by itself: the checker does not believe the scheduler's state.
#[derive(Default)]
struct History {
    /// Of each job its newest attempt.
    current: BTreeMap<JobId, Attempt>,
    started: BTreeSet<AttemptId>,
    starts: BTreeMap<JobId, u32>,
    ended: BTreeSet<JobId>,
    runs: BTreeMap<RunId, Vec<Vec<JobId>>>,
    requests: BTreeMap<String, RunId>,
    open: BTreeSet<RunId>,
    violations: Vec<Violation>,
}

impl History {
    fn follow(&mut self, event: &Event) {
        if let Event::RunAccepted { run } = event {
            let steps = run.steps.iter().map(|step| step.jobs.iter().map(|job| job.job_id.clone()).collect()).collect();
            self.runs.insert(run.run_id.clone(), steps);
            self.open.insert(run.run_id.clone());
            if let Some(first) = self.requests.insert(run.request_id.to_string(), run.run_id.clone()) {
                self.violations.push(Violation::RunLost(format!("request {} made {first} and {}", run.request_id, run.run_id)));
            }
        }
        if let Event::AttemptOffered { job_id, attempt, .. } = event {
            self.current.insert(job_id.clone(), *attempt);
            self.check_order(job_id);
        }
        if let Event::AttemptStarted { job_id, attempt, .. } = event {
            self.follow_start(job_id, *attempt);
        }
        if let Event::AttemptFinished { finished } = event
            && self.current.get(&finished.job_id) != Some(&finished.attempt)
        {
            self.violations.push(Violation::StaleAccepted(format!("{} attempt {}", finished.job_id, finished.attempt)));
        }
        if let Event::JobEnded { job_id, .. } = event
            && !self.ended.insert(job_id.clone())
        {
            self.violations.push(Violation::TerminalChanged(job_id.to_string()));
        }
        if let Event::RunEnded { run_id, .. } = event
            && !self.open.remove(run_id)
        {
            self.violations.push(Violation::TerminalChanged(run_id.to_string()));
        }
    }

    fn follow_start(&mut self, job_id: &JobId, attempt: Attempt) {
        if !self.started.insert((job_id.clone(), attempt)) {
            self.violations.push(Violation::StartedTwice(format!("{job_id} attempt {attempt} in the ledger")));
        }
        if self.ended.contains(job_id) {
            self.violations.push(Violation::TerminalChanged(format!("{job_id} started after its end")));
        }
        let starts = self.starts.entry(job_id.clone()).or_default();
        *starts += 1;
        if *starts > 2 {
            self.violations.push(Violation::TooManyAttempts(format!("{job_id} started {starts} times")));
        }
    }

    /// When a job is offered, every job of the steps before its own is over.
    fn check_order(&mut self, job_id: &JobId) {
        let steps = self.runs.values().find(|steps| steps.iter().flatten().any(|job| job == job_id));
        let earlier = steps.into_iter().flatten().take_while(|step| !step.contains(job_id)).flatten();
        if let Some(open) = earlier.into_iter().find(|job| !self.ended.contains(*job)) {
            self.violations.push(Violation::OutOfOrder(format!("{job_id} was offered while {open} was not over")));
        }
    }

    fn follow_executions(&mut self, world: &World) {
        let mut ran = BTreeSet::new();
        for execution in &world.executions {
            let what =
                format!("{} attempt {} on {} at {} ms", execution.attempt.0, execution.attempt.1, execution.worker, execution.started_ms);
            if !ran.insert(execution.attempt.clone()) {
                self.violations.push(Violation::StartedTwice(what.clone()));
            }
            if !self.started.contains(&execution.attempt) {
                self.violations.push(Violation::RanUnasked(what.clone()));
            }
            if execution.running > execution.slots as usize {
                self.violations.push(Violation::Oversubscribed(what));
            }
        }
    }

    fn follow_clients(&mut self, world: &World) {
        for (request, run_id) in &world.accepted {
            if !self.runs.contains_key(run_id) {
                self.violations.push(Violation::RunLost(format!("request {request} was answered with {run_id}")));
            }
        }
    }
}
