//! The history as events tell it, folded without the scheduler.

use std::collections::{BTreeMap, BTreeSet};

use rch_scheduler::{Event, FarmConfig, Judgement, Selection, Share, Stamp};
use rch_schemas::document::{JobStatus, Outcome, Priority, Resolution};
use rch_schemas::job_key::{ResolvedDestination, Toolchain};
use rch_schemas::wire::http::Intake;
use rch_schemas::{Action, Attempt, JobId, Reason, RequestId, RunId, RunLabel, SessionId, Sha256, Tick, WorkerName};

use crate::happening::AttemptId;

#[derive(Default)]
pub(super) struct Book {
    pub(super) config: FarmConfig,
    pub(super) runs: BTreeMap<RunId, RunRow>,
    pub(super) jobs: BTreeMap<JobId, JobRow>,
    pub(super) workers: BTreeMap<WorkerName, WorkerRow>,
    /// Runs that are recorded and have not ended.
    pub(super) open: BTreeSet<RunId>,
    /// Runs of requests that are not forgotten.
    pub(super) requests: BTreeMap<(String, RequestId), RunId>,
    /// Every judgement that was recorded.
    pub(super) judgements: BTreeMap<Sha256, Judgement>,
    /// What clients were told, by request.
    pub(super) told: BTreeMap<usize, RunId>,
    pub(super) tick: Tick,
    /// When the record before the one at hand landed.
    pub(super) landed_ms: u64,
    pub(super) now_ms: u64,
    /// Workers that the record at hand gives up.
    pub(super) lost_now: Vec<WorkerName>,
    /// Since when attempts are over or their jobs cancelled, in milliseconds.
    pub(super) unwanted_since: BTreeMap<AttemptId, u64>,
    /// Workers that were heard before it.
    pub(super) heard_before: usize,
}

pub(super) struct RunRow {
    pub(super) request: (String, RequestId),
    pub(super) order: (u64, u32),
    pub(super) priority: Priority,
    pub(super) share: Share,
    pub(super) accepted: Tick,
    /// What it takes the place of older ones under.
    pub(super) label: Option<RunLabel>,
    pub(super) steps: Vec<Vec<JobId>>,
    pub(super) queue_ms: u64,
    pub(super) continue_on_failure: bool,
    /// Until when it waits for its source.
    pub(super) gap: Option<Tick>,
    /// Whether its workers are chosen when they have a slot.
    pub(super) adaptive: bool,
    pub(super) selections: BTreeMap<u32, Selected>,
    /// What each destination was first run with.
    pub(super) keys: BTreeMap<u32, (Toolchain, ResolvedDestination)>,
}

/// A choice with what it rests on.
pub(super) struct Selected {
    pub(super) selection: Selection,
    pub(super) judgement: Judgement,
    /// What the chosen worker makes of the requirement.
    pub(super) resolution: Resolution,
}

pub(super) struct JobRow {
    pub(super) run_id: RunId,
    pub(super) step: usize,
    pub(super) action: Action,
    pub(super) destination: u32,
    pub(super) attempts: Vec<AttemptRow>,
    /// Attempts that count.
    pub(super) started: u32,
    pub(super) refusals: u32,
    pub(super) lost_workers: BTreeSet<WorkerName>,
    pub(super) cancelled: bool,
    pub(super) outcome: Option<Outcome>,
    pub(super) waiting_since: Tick,
    pub(super) not_before: BTreeMap<WorkerName, Tick>,
    /// Younger jobs that went first since it was offered last.
    pub(super) overtaken: u32,
}

pub(super) struct AttemptRow {
    pub(super) number: Attempt,
    pub(super) worker: WorkerName,
    pub(super) session: SessionId,
    pub(super) offered: Tick,
    /// Whether it ever ran.
    pub(super) started: bool,
    pub(super) place: Place,
}

/// Where an attempt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Offered,
    Running { deadline: Tick },
    Over { code: Option<Reason> },
}

#[derive(Default)]
pub(super) struct WorkerRow {
    pub(super) session: Option<SessionId>,
    pub(super) session_since_ms: u64,
    pub(super) replaced: BTreeSet<SessionId>,
    pub(super) slots: usize,
    pub(super) facts: Option<(Sha256, Vec<String>)>,
    pub(super) lost: bool,
    pub(super) intake: Intake,
    pub(super) held: BTreeSet<AttemptId>,
}

impl JobRow {
    pub(super) fn live(&self) -> Option<&AttemptRow> {
        self.attempts.last().filter(|attempt| !matches!(attempt.place, Place::Over { .. }))
    }

    pub(super) fn numbered(&self, number: Attempt) -> Option<&AttemptRow> {
        self.attempts.iter().find(|attempt| attempt.number == number)
    }
}

impl Book {
    /// The job of an event, and its run.
    pub(super) fn job(&self, job_id: &JobId) -> Option<(&JobRow, &RunRow)> {
        let job = self.jobs.get(job_id)?;
        Some((job, self.runs.get(&job.run_id)?))
    }

    /// Jobs of the steps before a job's own.
    pub(super) fn before<'a>(&'a self, job: &JobRow, run: &'a RunRow) -> impl Iterator<Item = (&'a JobId, &'a JobRow)> {
        run.steps[..job.step].iter().flatten().filter_map(|job_id| Some((job_id, self.jobs.get(job_id)?)))
    }

    /// The worker that built what a run is still to test on a destination, once it has.
    pub(super) fn products(&self, run: &RunRow, destination: u32) -> Option<&WorkerName> {
        let jobs: Vec<_> =
            run.steps.iter().flatten().filter_map(|job_id| self.jobs.get(job_id)).filter(|job| job.destination == destination).collect();
        let tests = jobs.iter().find(|job| job.action == Action::TestWithoutBuilding && job.outcome.is_none())?;
        let builds = jobs.iter().filter(|job| job.action == Action::BuildForTesting && job.step < tests.step);
        let built = builds.rev().find(|job| job.outcome.is_some_and(|outcome| outcome.status == JobStatus::Success))?;
        built.attempts.last().map(|attempt| &attempt.worker)
    }

    pub(super) fn turn_page(&mut self, (now, stamp): (u64, &Stamp)) {
        (self.tick, self.landed_ms) = (stamp.tick, now);
        self.lost_now.clear();
        let heard = |(name, worker): &(&WorkerName, &WorkerRow)| {
            worker.session.is_some() && !worker.lost && self.config.inventory.contains_key(*name)
        };
        self.heard_before = self.workers.iter().filter(heard).count();
    }
}

/// Whether a job's end keeps the next step from starting.
pub(super) fn is_failure(outcome: Outcome) -> bool {
    outcome.status != JobStatus::Success
}

/// An event on one line.
#[expect(clippy::wildcard_enum_match_arm, reason = "the others are short as they are")]
pub(super) fn line(event: &Event) -> String {
    match event {
        Event::RunAccepted { run } => {
            let jobs: Vec<_> = run.steps.iter().flat_map(|step| &step.jobs).map(|job| job.job_id.to_string()).collect();
            format!("RunAccepted {} of {} by {}: {}", run.run_id, run.request_id, run.requester, jobs.join(" "))
        }
        Event::FarmConfigured { .. } => "FarmConfigured".to_owned(),
        Event::CapabilitiesChanged { worker, facts } => format!("CapabilitiesChanged {worker} Xcode {}", facts.xcodes[0].build),
        Event::FleetJudged { judgement } => format!("FleetJudged for {}", judgement.fleet().requirement.destination.asked),
        Event::WorkerSelected { selection } => {
            format!("WorkerSelected {} destination {}: {}", selection.run_id, selection.destination, selection.worker)
        }
        Event::AttemptFinished { finished } => {
            format!("AttemptFinished {} attempt {}: {:?}", finished.job_id, finished.attempt, finished.outcome)
        }
        _ => format!("{event:?}"),
    }
}
