//! Where every run stands: in the lanes of workers, and under the tick that makes it due.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rch_schemas::wire::http::{Intake, JobState};
use rch_schemas::{JobId, RunId, Sha256, Tick, WorkerName};

use super::Arrival;
use super::lane::{Lane, Place, Taking, Waiting};
use crate::attempt::AttemptState;
use crate::config::FarmConfig;
use crate::job::Job;
use crate::run::Run;
use crate::state::State;
use crate::worker::Worker;

/// What the rows say, in the order in which it is needed.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Index {
    /// Jobs that may start, by the worker that was chosen for them and the capabilities it was chosen for: a worker that has changed finds
    /// an empty lane, until its runs are selected anew.
    lanes: BTreeMap<WorkerName, BTreeMap<Sha256, Lane>>,
    /// Runs that have not ended, by the first tick at which time alone may end something of them.
    due: BTreeSet<(Tick, Arrival)>,
    /// Ended runs, by when they ended.
    ended: BTreeSet<(Tick, RunId)>,
}

impl Index {
    /// Puts in what stands for a run.
    fn enter(&mut self, run: &Run, jobs: &BTreeMap<JobId, Job>, config: &FarmConfig) {
        if let Some(ended) = &run.ended {
            self.ended.insert((ended.tick, run.run_id.clone()));
            return;
        }
        self.due.extend(due(run, jobs, config).map(|tick| (tick, run.accepted)));
        for standing in standings(run, jobs) {
            let lanes = match self.lanes.get_mut(standing.worker) {
                Some(lanes) => lanes,
                None => self.lanes.entry(standing.worker.clone()).or_default(),
            };
            lanes.entry(standing.capabilities_sha256).or_default().insert(standing.place, standing.waiting);
        }
    }

    /// Takes out what stands for a run; its rows must be as they were when it was put in.
    fn leave(&mut self, run: &Run, jobs: &BTreeMap<JobId, Job>, config: &FarmConfig) {
        if let Some(ended) = &run.ended {
            self.ended.remove(&(ended.tick, run.run_id.clone()));
            return;
        }
        if let Some(tick) = due(run, jobs, config) {
            self.due.remove(&(tick, run.accepted));
        }
        for standing in standings(run, jobs) {
            let Some(lanes) = self.lanes.get_mut(standing.worker) else { continue };
            let Some(lane) = lanes.get_mut(&standing.capabilities_sha256) else { continue };
            lane.remove(&standing.place);
            if lane.is_empty() {
                lanes.remove(&standing.capabilities_sha256);
            }
            if lanes.is_empty() {
                self.lanes.remove(standing.worker);
            }
        }
    }

    /// Workers for which jobs wait.
    pub(super) fn workers(&self) -> impl Iterator<Item = &WorkerName> {
        self.lanes.keys()
    }

    /// Runs that wait for a worker, whatever it was when it was chosen.
    pub(super) fn runs_at(&self, worker: &WorkerName) -> impl Iterator<Item = Arrival> {
        let lanes = self.lanes.get(worker).into_iter().flat_map(BTreeMap::values);
        lanes.flat_map(Lane::places).map(|place| place.arrival)
    }

    /// Runs of which time may have ended something.
    pub(crate) fn due(&self, now: Tick) -> impl Iterator<Item = Arrival> {
        self.due.iter().take_while(move |(tick, _)| *tick <= now).map(|(_, arrival)| *arrival)
    }

    /// Runs that ended at least so long ago.
    pub(crate) fn ended_before(&self, now: Tick, keep: Duration) -> impl Iterator<Item = &RunId> {
        self.ended.iter().take_while(move |(tick, _)| now.since(*tick) >= keep).map(|(_, run_id)| run_id)
    }
}

/// A job in a lane.
struct Standing<'a> {
    worker: &'a WorkerName,
    capabilities_sha256: Sha256,
    place: Place,
    waiting: Waiting,
}

/// The jobs of a run whose turn it is: not over, with everything before them over. Each with its number in plan order.
fn in_turn<'a>(run: &'a Run, jobs: &'a BTreeMap<JobId, Job>) -> impl Iterator<Item = (u32, &'a Job)> {
    let mut first = 0;
    let mut turn: Option<(u32, &'a [JobId])> = None;
    for step in &run.steps {
        if step.jobs.iter().any(|job_id| jobs.get(job_id).is_some_and(|job| job.outcome().is_none())) {
            turn = Some((first, &step.jobs));
            break;
        }
        first += u32::try_from(step.jobs.len()).expect("a run has few jobs");
    }
    let (first, step) = turn.unwrap_or((0, &[]));
    (first..).zip(step).filter_map(|(number, job_id)| Some((number, jobs.get(job_id)?))).filter(|(_, job)| job.outcome().is_none())
}

/// The jobs of a run that wait for nothing but their worker.
fn standings<'a>(run: &'a Run, jobs: &'a BTreeMap<JobId, Job>) -> impl Iterator<Item = Standing<'a>> {
    let whole = run.source_gap.is_none();
    let waiting = in_turn(run, jobs).filter(move |(_, job)| whole && job.state() == JobState::Queued);
    let waiting = waiting.filter(|(_, job)| job.live().is_none() && !job.cancel_requested);
    waiting.filter_map(move |(number, job)| {
        let selection = &run.selection(job.destination)?.selection;
        let worker = selection.worker();
        let beside = run.jobs().filter_map(|other| jobs.get(other)).filter(|other| other.destination == job.destination);
        let continues = run.destinations[job.destination as usize].started && beside.into_iter().any(|other| other.has_run_on(worker));
        Some(Standing {
            worker,
            capabilities_sha256: selection.capabilities_sha256,
            place: Place { arrival: run.accepted, job: number },
            waiting: Waiting { continues, not_before: job.not_before.get(worker).copied() },
        })
    })
}

/// When time may first end something of a run.
fn due(run: &Run, jobs: &BTreeMap<JobId, Job>, config: &FarmConfig) -> Option<Tick> {
    let of_job = |job: &Job| match job.live().map(|live| (live.offered, &live.state)) {
        Some((_, AttemptState::Running { deadline, .. })) => *deadline,
        Some((offered, _)) => offered.after(Duration::from_millis(config.claim_within_ms)),
        None => job.queue_deadline,
    };
    let of_jobs = in_turn(run, jobs).map(|(_, job)| of_job(job)).min();
    of_jobs.into_iter().chain(run.source_gap.as_ref().map(|gap| gap.deadline)).min()
}

impl State {
    /// Takes a run out of the index, before an event changes it.
    pub(crate) fn leave_index(&mut self, run_id: &RunId) {
        let Self { index, runs, jobs, config, .. } = self;
        if let Some(run) = runs.get(run_id) {
            index.leave(run, jobs, config);
        }
    }

    /// Puts a run into the index, after an event changed it.
    pub(crate) fn enter_index(&mut self, run_id: &RunId) {
        let Self { index, runs, jobs, config, .. } = self;
        if let Some(run) = runs.get(run_id) {
            index.enter(run, jobs, config);
        }
    }

    /// Makes the index anew, when what every entry depends on has changed.
    pub(crate) fn rebuild_index(&mut self) {
        let Self { index, runs, jobs, config, .. } = self;
        *index = Index::default();
        for run in runs.values() {
            index.enter(run, jobs, config);
        }
    }

    /// The jobs that would be offered to a worker now, one after the other, were it heard and had it slots for all of them.
    pub fn line<'a>(&'a self, worker: &Worker, now: Tick) -> impl Iterator<Item = (&'a Run, &'a Job)> + use<'a> {
        let taking = match worker.intake {
            Intake::Open => Some(Taking::All),
            Intake::Draining => Some(Taking::Continuations),
            Intake::Quarantined => None,
        };
        let digest = worker.facts.as_ref().map(|(digest, _)| digest);
        let lane = digest.and_then(|digest| self.index.lanes.get(&worker.name)?.get(digest));
        let places = lane.zip(taking).into_iter().flat_map(move |(lane, taking)| lane.line(taking, now));
        places.filter_map(|place| self.at(place))
    }

    /// The workers for which jobs of a run wait.
    pub(crate) fn stands_at<'a>(&'a self, run: &'a Run) -> impl Iterator<Item = &'a WorkerName> {
        standings(run, &self.jobs).map(|standing| standing.worker)
    }

    /// The job at a place.
    fn at(&self, place: Place) -> Option<(&Run, &Job)> {
        let run = self.arrived(place.arrival)?;
        let job = self.jobs.get(run.jobs().nth(place.job as usize)?)?;
        Some((run, job))
    }

    /// The run, not yet ended, of a place in the ledger.
    pub(crate) fn arrived(&self, arrival: Arrival) -> Option<&Run> {
        self.runs.get(self.active.get(&arrival)?)
    }

    /// Jobs that wait, whatever for: for a worker, for the step before, for chunks. In order of arrival.
    pub fn waiting_jobs(&self) -> impl Iterator<Item = (&Run, &Job)> {
        let waits = |job: &&Job| job.state() == JobState::Queued && job.live().is_none();
        self.active_runs().flat_map(move |run| self.jobs_of(run).filter(waits).map(move |job| (run, job)))
    }
}
