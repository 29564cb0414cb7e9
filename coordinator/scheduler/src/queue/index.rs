//! Where every run stands: in the lanes of workers and of classes, and under the tick that makes it due.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rch_schemas::wire::http::{Intake, JobState};
use rch_schemas::{JobId, RunId, Sha256, Tick, WorkerName};

use super::Arrival;
use super::lane::{Lane, Standing, Taking, Turn};
use super::share::{Share, Shares};
use crate::attempt::AttemptState;
use crate::config::FarmConfig;
use crate::job::Job;
use crate::judgement::{Candidate, Judgement};
use crate::run::Run;
use crate::state::State;
use crate::worker::Worker;

/// What the rows say, in the order in which it is needed.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Index {
    /// Jobs that may start, by the worker that was chosen for them and the capabilities it was chosen for: a worker that has changed finds
    /// an empty lane, until its runs are selected anew.
    lanes: BTreeMap<WorkerName, BTreeMap<Sha256, Lane>>,
    /// Jobs that any worker of a class may take, by class.
    classes: BTreeMap<Sha256, Lane>,
    /// Runs that have not ended, by the first tick at which time alone may end something of them.
    due: BTreeSet<(Tick, Arrival)>,
    /// Ended runs, by when they ended.
    ended: BTreeSet<(Tick, RunId)>,
    shares: Shares,
}

/// The rows beside a run's own that decide where it stands.
struct Rows<'a> {
    jobs: &'a BTreeMap<JobId, Job>,
    workers: &'a BTreeMap<WorkerName, Worker>,
    config: &'a FarmConfig,
}

impl Index {
    /// Puts in what stands for a run.
    fn enter(&mut self, run: &Run, rows: &Rows<'_>) {
        self.shares.enter(run);
        if let Some(ended) = &run.ended {
            self.ended.insert((ended.tick, run.run_id.clone()));
            return;
        }
        self.due.extend(due(run, rows).map(|tick| (tick, run.accepted)));
        for (place, standing) in standings(run, rows.jobs) {
            if counts(&place, &standing.turn, rows.workers) {
                self.shares.wait(standing.turn.tag);
            }
            self.lane_at(&place).insert(standing);
        }
    }

    /// Takes out what stands for a run; the rows must be as they were when it was put in.
    fn leave(&mut self, run: &Run, rows: &Rows<'_>) {
        self.shares.leave(run);
        if let Some(ended) = &run.ended {
            self.ended.remove(&(ended.tick, run.run_id.clone()));
            return;
        }
        if let Some(tick) = due(run, rows) {
            self.due.remove(&(tick, run.accepted));
        }
        for (place, standing) in standings(run, rows.jobs) {
            if counts(&place, &standing.turn, rows.workers) {
                self.shares.wait_no_longer(standing.turn.tag);
            }
            let lane = self.lane_at(&place);
            lane.remove(standing);
            if lane.is_empty() {
                self.close_lane(&place);
            }
        }
    }

    fn lane_at(&mut self, place: &Place<'_>) -> &mut Lane {
        match place {
            Place::Worker { name, capabilities_sha256 } => {
                // A lookup before the entry: names are not copied for the many who stand where others do.
                if !self.lanes.contains_key(*name) {
                    self.lanes.insert((*name).clone(), BTreeMap::new());
                }
                self.lanes.get_mut(*name).expect("there is one now").entry(*capabilities_sha256).or_default()
            }
            Place::Class(class) => self.classes.entry(*class).or_default(),
        }
    }

    /// Takes away a lane in which nobody stands.
    fn close_lane(&mut self, place: &Place<'_>) {
        match place {
            Place::Worker { name, capabilities_sha256 } => {
                let Some(lanes) = self.lanes.get_mut(*name) else { return };
                lanes.remove(capabilities_sha256);
                if lanes.is_empty() {
                    self.lanes.remove(*name);
                }
            }
            Place::Class(class) => drop(self.classes.remove(class)),
        }
    }

    /// Whether the tags of those who wait for a worker count as virtual time, as it now is.
    fn open(&mut self, worker: &Worker) {
        let Self { lanes, shares, .. } = self;
        counted(lanes, worker).for_each(|tag| shares.wait(tag));
    }

    fn close(&mut self, worker: &Worker) {
        let Self { lanes, shares, .. } = self;
        counted(lanes, worker).for_each(|tag| shares.wait_no_longer(tag));
    }

    /// Workers that were chosen for jobs that wait.
    pub(super) fn workers(&self) -> impl Iterator<Item = &WorkerName> {
        self.lanes.keys()
    }

    /// Runs that wait for a worker, whatever it was when it was chosen.
    pub(super) fn runs_at(&self, worker: &WorkerName) -> impl Iterator<Item = Arrival> {
        let lanes = self.lanes.get(worker).into_iter().flat_map(BTreeMap::values);
        lanes.flat_map(Lane::turns).map(|turn| turn.arrival)
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

/// Whose lane it is.
enum Place<'a> {
    /// A worker's, as it was when it was chosen.
    Worker { name: &'a WorkerName, capabilities_sha256: Sha256 },
    /// A class's: all its workers'.
    Class(Sha256),
}

/// Whether a tag is a part of virtual time: its run has not started, and nothing but others keep it waiting. A run that waits for a
/// quarantined Mac would hold the time of all others. Those of classes are looked up when they are asked for.
fn counts(place: &Place<'_>, turn: &Turn, workers: &BTreeMap<WorkerName, Worker>) -> bool {
    match place {
        Place::Worker { name, capabilities_sha256 } => turn.is_fresh && workers.get(*name).and_then(open_for) == Some(capabilities_sha256),
        Place::Class(_) => false,
    }
}

/// The capabilities for which a worker is open.
fn open_for(worker: &Worker) -> Option<&Sha256> {
    let facts = worker.facts.as_ref().filter(|_| !worker.lost && worker.intake == Intake::Open);
    facts.map(|(digest, _)| digest)
}

/// The tags in the lane of an open worker that are a part of virtual time.
fn counted<'a>(lanes: &'a BTreeMap<WorkerName, BTreeMap<Sha256, Lane>>, worker: &Worker) -> impl Iterator<Item = u64> + use<'a> {
    let lane = open_for(worker).and_then(|digest| lanes.get(&worker.name)?.get(digest));
    lane.into_iter().flat_map(Lane::turns).filter(|turn| turn.is_fresh).map(|turn| turn.tag)
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
fn standings<'a>(run: &'a Run, jobs: &'a BTreeMap<JobId, Job>) -> impl Iterator<Item = (Place<'a>, Standing)> {
    let whole = run.source_gap.is_none();
    let waiting = in_turn(run, jobs).filter(move |(_, job)| whole && job.state() == JobState::Queued);
    let waiting = waiting.filter(|(_, job)| job.live().is_none() && !job.cancel_requested);
    waiting.filter_map(move |(number, job)| {
        let turn = Turn { is_fresh: true, tag: run.share.start, arrival: run.accepted, job: number, since: run.accepted_tick };
        let priority = run.options.priority;
        if let Some(class) = run.line_class(job.destination) {
            return Some((Place::Class(class), Standing { priority, turn, not_before: None }));
        }
        let selection = &run.selection(job.destination)?.selection;
        let worker = &selection.worker;
        let mut beside = run.jobs().filter_map(|other| jobs.get(other)).filter(|other| other.destination == job.destination);
        let has_started = run.destinations[job.destination as usize].started && beside.any(|other| other.has_run_on(worker));
        let not_before = job.not_before.get(worker).copied();
        let standing = Standing { priority, turn: Turn { is_fresh: !has_started, ..turn }, not_before };
        Some((Place::Worker { name: worker, capabilities_sha256: selection.capabilities_sha256 }, standing))
    })
}

/// When time may first end something of a run.
fn due(run: &Run, rows: &Rows<'_>) -> Option<Tick> {
    let of_job = |job: &Job| match job.live().map(|live| (live.offered, &live.state)) {
        Some((_, AttemptState::Running { deadline, .. })) => *deadline,
        Some((offered, _)) => offered.after(Duration::from_millis(rows.config.claim_within_ms)),
        None => job.queue_deadline,
    };
    let of_jobs = in_turn(run, rows.jobs).map(|(_, job)| of_job(job)).min();
    of_jobs.into_iter().chain(run.source_gap.as_ref().map(|gap| gap.deadline)).min()
}

impl State {
    /// Takes a run out of the index, before an event changes it.
    pub(crate) fn leave_index(&mut self, run_id: &RunId) {
        let Self { index, runs, jobs, workers, config, .. } = self;
        if let Some(run) = runs.get(run_id) {
            index.leave(run, &Rows { jobs, workers, config });
        }
    }

    /// Puts a run into the index, after an event changed it.
    pub(crate) fn enter_index(&mut self, run_id: &RunId) {
        let Self { index, runs, jobs, workers, config, .. } = self;
        if let Some(run) = runs.get(run_id) {
            index.enter(run, &Rows { jobs, workers, config });
        }
    }

    /// Before an event changes a worker.
    pub(crate) fn close_in_index(&mut self, worker: &WorkerName) {
        if let Some(row) = self.workers.get(worker) {
            self.index.close(row);
        }
    }

    /// After an event changed a worker.
    pub(crate) fn open_in_index(&mut self, worker: &WorkerName) {
        if let Some(row) = self.workers.get(worker) {
            self.index.open(row);
        }
    }

    /// Makes the index anew, when what every entry depends on has changed.
    pub(crate) fn rebuild_index(&mut self) {
        let Self { index, runs, jobs, workers, config, .. } = self;
        *index = Index::default();
        for run in runs.values() {
            index.enter(run, &Rows { jobs, workers, config });
        }
    }

    /// The share of a run that is accepted now.
    pub(crate) fn next_share(&self, requester: &str, jobs: usize) -> Share {
        self.index.shares.next(self.waiting_at(), (requester, jobs), &self.config)
    }

    /// Where those who wait are, in virtual time; `None` while nobody waits for a worker that is chosen, or in the line of a class that has one.
    pub(crate) fn waiting_at(&self) -> Option<u64> {
        let open = self.index.classes.iter().filter(|(class, _)| !self.candidates(class).is_empty());
        let of_classes = open.filter_map(|(_, lane)| lane.least_tag()).min();
        self.index.shares.least_waiting().into_iter().chain(of_classes).min()
    }

    /// The workers of a class, in order of rank; none while it was not judged for the present fleet.
    pub(crate) fn candidates(&self, class: &Sha256) -> &[Candidate] {
        self.judgement_of_class(class).map_or(&[], Judgement::candidates)
    }

    /// Classes in whose lines jobs stand.
    pub(crate) fn classes(&self) -> impl Iterator<Item = &Sha256> {
        self.index.classes.keys()
    }

    /// The jobs in the line of a class, each with its turn and the band it counts as of; the next to be offered first.
    pub(crate) fn class_line(&self, class: &Sha256, now: Tick) -> impl Iterator<Item = (usize, Turn)> + use<'_> {
        let age_ms = self.config.queue.age_ms;
        self.index.classes.get(class).into_iter().flat_map(move |lane| lane.line(Taking::All, now, age_ms))
    }

    /// Runs of which a job stands in the line of a class.
    pub(super) fn runs_of_class(&self, class: &Sha256) -> impl Iterator<Item = Arrival> {
        self.index.classes.get(class).into_iter().flat_map(Lane::turns).map(|turn| turn.arrival)
    }

    /// The workers of a class that have a slot.
    pub(super) fn free_of_class(&self, class: &Sha256) -> impl Iterator<Item = &WorkerName> + use<'_> {
        let names = self.candidates(class).iter().map(|candidate| &candidate.worker);
        names.filter(|name| self.workers.get(*name).is_some_and(|worker| worker.free_slots() > 0))
    }

    /// The jobs of which a worker was chosen, as they would be offered to it now, one after the other, were it heard and had it slots for all.
    pub fn line<'a>(&'a self, worker: &Worker, now: Tick) -> impl Iterator<Item = (&'a Run, &'a Job)> + use<'a> {
        self.own_line(worker, now).filter_map(|(_, turn)| self.at(turn))
    }

    /// The same, each with its turn and the band it counts as of.
    pub(crate) fn own_line<'a>(&'a self, worker: &Worker, now: Tick) -> impl Iterator<Item = (usize, Turn)> + use<'a> {
        let taking = match worker.intake {
            Intake::Open => Some(Taking::All),
            Intake::Draining => Some(Taking::Continuations),
            Intake::Quarantined => None,
        };
        let taking = taking.filter(|_| self.config.inventory.contains_key(&worker.name));
        let digest = worker.facts.as_ref().map(|(digest, _)| digest);
        let lane = digest.and_then(|digest| self.index.lanes.get(&worker.name)?.get(digest));
        let age_ms = self.config.queue.age_ms;
        lane.zip(taking).into_iter().flat_map(move |(lane, taking)| lane.line(taking, now, age_ms))
    }

    /// The workers that may have a slot for jobs of a run.
    pub(crate) fn stands_at<'a>(&'a self, run: &'a Run) -> impl Iterator<Item = &'a WorkerName> {
        standings(run, &self.jobs).flat_map(|(place, _)| {
            let (worker, class) = match place {
                Place::Worker { name, .. } => (Some(name), None),
                Place::Class(class) => (None, Some(class)),
            };
            worker.into_iter().chain(class.into_iter().flat_map(|class| self.free_of_class(&class)))
        })
    }

    /// The job whose turn it is.
    pub(crate) fn at(&self, turn: Turn) -> Option<(&Run, &Job)> {
        let run = self.arrived(turn.arrival)?;
        let job = self.jobs.get(run.jobs().nth(turn.job as usize)?)?;
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
