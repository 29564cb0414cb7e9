//! Everybody who waits, in one look: reasons, lines, estimates.
//!
//! One pass over what waits serves all who ask, however many follow their runs. What few of them want is made when it is asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rch_schemas::document::{Priority, SelectionMode, WaitingJob, Waits};
use rch_schemas::wire::http::{Because, Intake, JobAhead, Liveness, RunningJob, WaitEstimate, Waiting};
use rch_schemas::wire::waiting::NAMED_MAX;
use rch_schemas::{Action, JobId, LedgerSeq, RunId, Sha256, Tick, Timestamp, WorkerName};

use super::history::waited;
use super::line::{Kinds, Play};
use super::reason::{Around, reason};
use crate::attempt::AttemptState;
use crate::command::Stamp;
use crate::estimate::Kind;
use crate::job::Job;
use crate::judgement::class;
use crate::observed::Observed;
use crate::run::{MadeSelection, Run};
use crate::select::{Fleet, Sight, Want, waits_for};
use crate::state::State;
use crate::worker::{Worker, liveness};

/// How far back the waits of ended jobs are told.
const WAITS_OF: Duration = Duration::from_hours(24);
/// Of how many of them at most.
const WAITS_MAX: usize = 1_000;

/// Who waits for what at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Board {
    now: Tick,
    running: u32,
    waits: Option<Waits>,
    /// In order of arrival.
    rows: Vec<Row>,
    /// Of each worker that is taking jobs: the rows that stand in its line, in order.
    lines: BTreeMap<WorkerName, Vec<u32>>,
    /// What those workers do.
    slots: BTreeMap<WorkerName, Vec<RunningJob>>,
    /// Of each class whose jobs wait for any of its workers: the rows that stand in its line, in order.
    class_lines: BTreeMap<Sha256, Vec<u32>>,
    /// By class of judgement and chosen worker: those that would do as well and are idle.
    idle: BTreeMap<(Sha256, WorkerName), Vec<WorkerName>>,
}

#[derive(Debug, Clone, PartialEq)]
struct Row {
    arrival: (LedgerSeq, u32),
    job_id: JobId,
    run_id: RunId,
    requester: String,
    priority: Priority,
    project: String,
    action: Action,
    since: Tick,
    /// Reason and sentence, and the worker; not the line.
    waiting: Waiting,
    ahead: Option<u32>,
    estimate: Option<WaitEstimate>,
    class: Option<Sha256>,
    /// The class in whose line it stands, when any of its workers may take it.
    line_class: Option<Sha256>,
}

impl Board {
    /// The board of this moment.
    pub fn of(state: &State, observed: &Observed, now: Tick) -> Self {
        let mut board = Self {
            now,
            running: 0,
            waits: waits_of_ended(state, now),
            rows: Vec::new(),
            lines: BTreeMap::new(),
            class_lines: BTreeMap::new(),
            slots: BTreeMap::new(),
            idle: BTreeMap::new(),
        };
        let mut maker = Maker {
            state,
            observed,
            now,
            kinds: Kinds::new(&state.durations),
            idle: idle_workers(state, observed, now),
            missed: BTreeMap::new(),
        };
        board.running = u32::try_from(state.workers.values().map(|worker| worker.held.len()).sum::<usize>()).unwrap_or(u32::MAX);
        for (run, job) in state.waiting_jobs() {
            board.rows.extend(maker.row(run, job));
        }
        maker.lines(&mut board);
        maker.class_lines(&mut board);
        maker.idle_equals(&mut board);
        board
    }

    /// When it was made.
    pub fn now(&self) -> Tick {
        self.now
    }

    /// Jobs that wait for something other than the step before them.
    pub fn waiting_count(&self) -> u32 {
        u32::try_from(self.rows.len()).unwrap_or(u32::MAX)
    }

    /// Jobs that are offered or run.
    pub fn running_count(&self) -> u32 {
        self.running
    }

    /// How long the oldest has waited.
    pub fn oldest(&self) -> Option<Duration> {
        self.rows.iter().map(|row| self.now.since(row.since)).max()
    }

    /// How long jobs waited that ended lately.
    pub fn waits(&self) -> Option<Waits> {
        self.waits
    }

    /// The first jobs that wait, at most `limit`, in order of arrival; of one worker, when it is given, in the order of its line, with those
    /// that it does not take now behind.
    pub fn jobs(&self, worker: Option<&WorkerName>, limit: usize) -> Vec<WaitingJob> {
        let Some(worker) = worker else { return self.rows.iter().take(limit).map(|row| self.told(row)).collect() };
        let line = self.lines.get(worker).into_iter().flatten().filter_map(|index| self.rows.get(*index as usize));
        let others = self.rows.iter().filter(|row| row.ahead.is_none() && row.waiting.worker.as_ref() == Some(worker));
        line.chain(others).take(limit).map(|row| self.told(row)).collect()
    }

    /// What a job of a run waits for, with its line; `None` when it is not known to wait.
    pub fn waiting(&self, run: &Run, job_id: &JobId) -> Option<Waiting> {
        self.row(run.accepted, job_id).map(|row| self.waiting_of(row))
    }

    /// Jobs for which an estimate can be told, with it.
    pub fn estimates(&self) -> impl Iterator<Item = (&JobId, &WaitEstimate)> {
        self.rows.iter().filter_map(|row| Some((&row.job_id, row.estimate.as_ref()?)))
    }

    fn row(&self, arrival: (LedgerSeq, u32), job_id: &JobId) -> Option<&Row> {
        self.rows.get(self.index(arrival, job_id)? as usize)
    }

    fn index(&self, arrival: (LedgerSeq, u32), job_id: &JobId) -> Option<u32> {
        let first = self.rows.partition_point(|row| row.arrival < arrival);
        let of_run = self.rows.get(first..)?.iter().take_while(|row| row.arrival == arrival);
        let place = of_run.map(|row| &row.job_id).position(|id| id == job_id)?;
        u32::try_from(first + place).ok()
    }

    fn told(&self, row: &Row) -> WaitingJob {
        WaitingJob {
            job_id: row.job_id.clone(),
            run_id: row.run_id.clone(),
            requester: row.requester.clone(),
            priority: row.priority,
            project: row.project.clone(),
            action: row.action,
            waited_ms: milliseconds(self.now.since(row.since)),
            waiting: self.waiting_of(row),
        }
    }

    fn waiting_of(&self, row: &Row) -> Waiting {
        let mut waiting = row.waiting.clone();
        let Some(ahead) = row.ahead else { return waiting };
        waiting.ahead = Some(ahead);
        if let Some(line) = row.line_class.and_then(|class| self.class_lines.get(&class)) {
            waiting.jobs_ahead = self.jobs_ahead(line, ahead);
        }
        let Some(worker) = waiting.worker.clone() else { return waiting };
        waiting.estimate.clone_from(&row.estimate);
        waiting.slots = self.slots.get(&worker).cloned().unwrap_or_default();
        let line = self.lines.get(&worker).map_or(&[][..], Vec::as_slice);
        waiting.jobs_ahead = self.jobs_ahead(line, ahead);
        waiting.idle = row.class.and_then(|class| self.idle.get(&(class, worker))).cloned().unwrap_or_default();
        waiting
    }

    /// The first of those that stand before a place in a line.
    fn jobs_ahead(&self, line: &[u32], place: u32) -> Vec<JobAhead> {
        let before = line.get(..place as usize).unwrap_or_default().iter().take(NAMED_MAX);
        before.filter_map(|index| self.rows.get(*index as usize)).map(|row| self.ahead(row)).collect()
    }

    fn ahead(&self, row: &Row) -> JobAhead {
        JobAhead {
            job_id: row.job_id.clone(),
            run_id: row.run_id.clone(),
            requester: row.requester.clone(),
            priority: row.priority,
            waited_ms: milliseconds(self.now.since(row.since)),
        }
    }
}

/// What a board is made with.
struct Maker<'a> {
    state: &'a State,
    observed: &'a Observed,
    now: Tick,
    kinds: Kinds<'a>,
    /// Workers with a free slot.
    idle: BTreeSet<&'a WorkerName>,
    /// By class of judgement: what every worker lacks now; looked up once for all that ask the same.
    missed: BTreeMap<Sha256, Option<String>>,
}

impl Maker<'_> {
    /// The row of a job that waits; its place in a line is not known yet.
    fn row(&mut self, run: &Run, job: &Job) -> Option<Row> {
        let made = run.bound_to(job.destination);
        let worker = made.and_then(|made| self.state.workers.get(&made.selection.worker));
        let worker = worker.map(|worker| (worker, liveness(worker, self.observed, &self.state.config, self.now)));
        let mut waiting = reason(job, self.state.jobs_of(run), &Around { run, worker, now: Some(self.now) })?;
        if matches!(waiting.because, Some(Because::StepBefore | Because::Offered)) {
            return None;
        }
        if waiting.because == Some(Because::NoWorker)
            && let Some(missed) = self.missed(run, job.destination)
        {
            waiting.detail = format!("no worker that matches takes jobs now: {missed}");
        }
        let changed = made.zip(worker).is_some_and(|(made, (worker, _))| !is_as_chosen(worker, made));
        if changed && waiting.because == Some(Because::Busy) {
            let text = format!("{} has changed since it was chosen; a worker is being chosen anew", made?.selection.worker);
            waiting = Waiting { worker: waiting.worker, ..Waiting::new(Because::Changed, text) };
        }
        let line_class = run.line_class(job.destination).filter(|_| waiting.because == Some(Because::Busy));
        if let Some(class) = &line_class {
            waiting = self.for_any_of(class);
        }
        Some(Row {
            arrival: run.accepted,
            job_id: job.job_id.clone(),
            run_id: run.run_id.clone(),
            requester: run.requester.clone(),
            priority: run.options.priority,
            project: run.project.clone(),
            action: job.action,
            since: job.waiting_since(),
            waiting,
            ahead: None,
            estimate: None,
            line_class,
            class: made.filter(|made| made.selection.mode == SelectionMode::Deterministic).map(|made| made.selection.judgement_sha256),
        })
    }

    /// What a job waits for that any worker of a class may take.
    fn for_any_of(&self, class: &Sha256) -> Waiting {
        let candidates = self.state.candidates(class);
        let names: Vec<_> = candidates.iter().take(NAMED_MAX).map(|candidate| candidate.worker.as_str()).collect();
        let more = match candidates.len().saturating_sub(names.len()) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        match names.as_slice() {
            [] => Waiting::new(Because::NoWorker, "no worker that matches takes jobs now"),
            [only] => Waiting::new(Because::Busy, format!("waits for a free slot of {only}, the only one that can")),
            several => Waiting::new(Because::Busy, format!("waits for a free slot of any of {}{more}", several.join(", "))),
        }
    }

    /// Gives those that any worker of a class may take their place in its line.
    fn class_lines(&self, board: &mut Board) {
        for class in self.state.classes() {
            let turns = self.state.class_line(class, self.now).filter_map(|(_, turn)| self.state.at(turn));
            let line: Vec<_> = turns.filter_map(|(run, job)| board.index(run.accepted, &job.job_id)).collect();
            for (ahead, index) in (0..).zip(&line) {
                let row = board.rows.get_mut(*index as usize).filter(|row| row.line_class.is_some());
                row.into_iter().filter(|row| row.waiting.because == Some(Because::Busy)).for_each(|row| row.ahead = Some(ahead));
            }
            board.class_lines.insert(*class, line);
        }
    }

    /// What keeps every worker from a destination of a run now.
    fn missed(&mut self, run: &Run, destination: u32) -> Option<String> {
        let class = class(&run.requirement(destination)?, run.protocol_version);
        if let Some(missed) = self.missed.get(&class) {
            return missed.clone();
        }
        // Nothing of this is recorded, so it needs no place in the ledger and no time of day.
        let stamp = Stamp { seq: LedgerSeq(0), tick: self.now, wall: Timestamp::from_unix_ms(0) };
        let fleet = Fleet { state: self.state, sight: Sight::Heard(self.observed), stamp: &stamp };
        let missed = waits_for(&fleet, Want { run, destination, revision: run.revision + 1 });
        self.missed.insert(class, missed.clone());
        missed
    }

    /// Puts the rows into lines, tells what their workers do, and when each will start.
    fn lines(&mut self, board: &mut Board) {
        let busy = board.rows.iter().filter(|row| row.waiting.because == Some(Because::Busy));
        let workers: BTreeSet<_> = busy.filter_map(|row| row.waiting.worker.clone()).collect();
        for worker in workers.iter().filter_map(|name| self.state.workers.get(name)) {
            let places = self.state.line(worker, self.now).filter_map(|(run, job)| board.index(run.accepted, &job.job_id));
            board.lines.insert(worker.name.clone(), places.collect());
        }
        for (name, line) in &board.lines {
            let Some(worker) = self.state.workers.get(name) else { continue };
            let (slots, mut play) = self.slots(worker);
            board.slots.insert(name.clone(), slots);
            for (ahead, index) in (0..).zip(line) {
                let Some(row) = board.rows.get_mut(*index as usize) else { continue };
                row.ahead = Some(ahead);
                let Some(kind) = self.kind(&row.run_id, &row.job_id) else { continue };
                row.estimate = play.next(&kind);
                play.take(&kind, self.kinds.known(&kind), crate::estimate::Measured::median);
            }
        }
    }

    fn kind(&self, run_id: &RunId, job_id: &JobId) -> Option<Kind> {
        let (run, job) = (self.state.runs.get(run_id)?, self.state.jobs.get(job_id)?);
        Some(Kind::of(run, run.steps.get(job.step as usize)?))
    }

    /// What a worker does, and its slots with that in them.
    fn slots(&mut self, worker: &Worker) -> (Vec<RunningJob>, Play) {
        let mut play = Play::new(worker.session.as_ref().map_or(0, |session| session.slots));
        let mut slots = Vec::new();
        for (job_id, attempt) in &worker.held {
            let Some((job, run)) = self.state.job_and_run(job_id) else { continue };
            let Some(record) = job.current_numbered(*attempt) else { continue };
            let Some(kind) = self.kind(&run.run_id, job_id) else { continue };
            let (elapsed, known) = (record.ran(self.now), self.kinds.known(&kind));
            let left_ms = known.and_then(|known| known.measured.left(elapsed));
            play.take(&kind, known, |_| left_ms.unwrap_or(0));
            slots.push(RunningJob {
                job_id: job_id.clone(),
                action: job.action,
                project: run.project.clone(),
                running_ms: milliseconds(elapsed),
                run_id: Some(run.run_id.clone()),
                requester: Some(run.requester.clone()),
                left_ms: left_ms.filter(|_| record.state != AttemptState::Offered),
            });
        }
        (slots, play)
    }

    /// For each class and worker with a line: who else would do, with the same priority, and is idle.
    fn idle_equals(&self, board: &mut Board) {
        if self.idle.is_empty() {
            return;
        }
        for index in board.lines.values().flatten() {
            let Some(row) = board.rows.get(*index as usize) else { continue };
            let Some((class, worker)) = row.class.zip(row.waiting.worker.clone()) else { continue };
            if board.idle.contains_key(&(class, worker.clone())) {
                continue;
            }
            let made = self.state.job_and_run(&row.job_id).and_then(|(job, run)| run.selection(job.destination));
            let equals = made.map(|made| self.equals(made)).unwrap_or_default();
            board.idle.insert((class, worker), equals);
        }
    }

    fn equals(&self, made: &MadeSelection) -> Vec<WorkerName> {
        let priority = |name: &WorkerName| self.state.config.inventory.get(name).map(|entry| entry.priority);
        let chosen = priority(&made.selection.worker);
        let Some(judgement) = self.state.judgement(&made.selection.judgement_sha256) else { return Vec::new() };
        let candidates = judgement.candidates().iter().map(|candidate| &candidate.worker);
        candidates
            .filter(|name| **name != made.selection.worker)
            .filter(|name| self.idle.contains(name) && priority(name) == chosen)
            .take(NAMED_MAX)
            .cloned()
            .collect()
    }
}

/// Whether a worker is still what it was when it was chosen.
fn is_as_chosen(worker: &Worker, made: &MadeSelection) -> bool {
    worker.facts.as_ref().is_some_and(|(digest, _)| *digest == made.selection.capabilities_sha256)
}

fn idle_workers<'a>(state: &'a State, observed: &Observed, now: Tick) -> BTreeSet<&'a WorkerName> {
    let online = |worker: &Worker| liveness(worker, observed, &state.config, now) == Liveness::Online;
    let idle = state.workers.values().filter(|worker| worker.intake == Intake::Open && worker.free_slots() > 0 && online(worker));
    idle.map(|worker| &worker.name).collect()
}

fn waits_of_ended(state: &State, now: Tick) -> Option<Waits> {
    let since = Tick(now.0.saturating_sub(milliseconds(WAITS_OF)));
    let ended = state.durations.ended(since, WAITS_MAX);
    let mut waits: Vec<u64> = ended.into_iter().filter_map(|job_id| Some(milliseconds(waited(state.jobs.get(job_id)?, now)))).collect();
    waits.sort_unstable();
    let at = |percent: usize| waits.get((waits.len() * percent).div_ceil(100).saturating_sub(1)).copied();
    Some(Waits { jobs: u32::try_from(waits.len()).ok()?, p50_ms: at(50)?, p95_ms: at(95)? })
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
