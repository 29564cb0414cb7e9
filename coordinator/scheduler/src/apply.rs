//! Folding one event into the state. Recovery is this same function over the whole ledger.

mod attempts;
mod runs;

use std::collections::BTreeSet;

use rch_schemas::wire::http::Intake;
use rch_schemas::{JobId, RunId, Sha256, WorkerName};

use crate::attempt::{AttemptRecord, AttemptState};
use crate::command::Stamp;
use crate::event::Event;
use crate::job::{Job, JobPhase};
use crate::judgement::Judgement;
use crate::run::{EndedRun, Run};
use crate::state::State;
use crate::worker::{IntakeChange, REPLACED_SESSIONS_KEPT, Session, Worker};

pub(crate) use runs::accepted_row;

/// The rows that an event changed; what a projection must write.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touched {
    /// Changed runs; one that is no longer in the state was forgotten.
    pub runs: BTreeSet<RunId>,
    /// Changed jobs.
    pub jobs: BTreeSet<JobId>,
    /// Changed workers.
    pub workers: BTreeSet<WorkerName>,
    /// Judgements that were recorded; one that is no longer in the state has left it.
    pub judgements: BTreeSet<Sha256>,
    /// Whether ledger name, term, configuration or fleet version changed.
    pub meta: bool,
}

impl Touched {
    /// Adds the rows of `other`.
    pub fn merge(&mut self, other: Self) {
        self.runs.extend(other.runs);
        self.jobs.extend(other.jobs);
        self.workers.extend(other.workers);
        self.judgements.extend(other.judgements);
        self.meta |= other.meta;
    }

    fn run(run_id: &RunId) -> Self {
        Self { runs: BTreeSet::from([run_id.clone()]), ..Self::default() }
    }

    fn job(job: &Job) -> Self {
        Self { runs: BTreeSet::from([job.run_id.clone()]), jobs: BTreeSet::from([job.job_id.clone()]), ..Self::default() }
    }

    fn judgements(judgements: impl IntoIterator<Item = Sha256>) -> Self {
        Self { judgements: judgements.into_iter().collect(), ..Self::default() }
    }

    fn meta() -> Self {
        Self { meta: true, ..Self::default() }
    }
}

/// Folds `event`, the `index`-th of its record, into `state`.
///
/// # Panics
/// When the event cannot follow from the state: a job or attempt that is not there, or a transition the tables do not list. That is a
/// bug in `decide`, never an answer to bad input.
pub fn apply(state: &mut State, stamp: &Stamp, index: u32, event: &Event) -> Touched {
    match changes(state, event) {
        Changes::Run(run_id) => {
            state.leave_index(&run_id);
            let touched = fold(state, stamp, index, event);
            state.enter_index(&run_id);
            touched
        }
        Changes::Worker(worker) => {
            state.close_in_index(worker);
            let touched = fold(state, stamp, index, event);
            state.open_in_index(worker);
            touched
        }
        Changes::Config => {
            let touched = fold(state, stamp, index, event);
            state.rebuild_index();
            touched
        }
        Changes::Nothing => fold(state, stamp, index, event),
    }
}

/// What of the index's sources an event changes.
enum Changes<'a> {
    /// The rows of one run.
    Run(RunId),
    /// The row of one worker.
    Worker(&'a WorkerName),
    /// What deadlines are computed with.
    Config,
    Nothing,
}

fn changes<'a>(state: &State, event: &'a Event) -> Changes<'a> {
    let of_job = |job_id: &JobId| Changes::Run(state.jobs.get(job_id).expect("events name jobs of the state").run_id.clone());
    match event {
        Event::RunAccepted { run } => Changes::Run(run.run_id.clone()),
        Event::WorkerSelected { selection } => Changes::Run(selection.run_id.clone()),
        Event::SourceRestored { run_id }
        | Event::CancelRequested { run_id, .. }
        | Event::RunEnded { run_id, .. }
        | Event::RunForgotten { run_id } => Changes::Run(run_id.clone()),
        Event::JobEnded { job_id, .. }
        | Event::AttemptOffered { job_id, .. }
        | Event::AttemptStarted { job_id, .. }
        | Event::AttemptRefused { job_id, .. }
        | Event::AttemptWithdrawn { job_id, .. }
        | Event::AttemptInterrupted { job_id, .. }
        | Event::AttemptLost { job_id, .. } => of_job(job_id),
        Event::AttemptFinished { finished } => of_job(&finished.job_id),
        Event::FarmConfigured { .. } => Changes::Config,
        Event::SessionStarted { worker, .. }
        | Event::CapabilitiesChanged { worker, .. }
        | Event::WorkerLost { worker }
        | Event::WorkerReturned { worker }
        | Event::IntakeChanged { worker, .. }
        | Event::WorkerRemoved { worker, .. } => Changes::Worker(worker),
        Event::LedgerCreated { .. } | Event::LeaderStarted { .. } | Event::FleetJudged { .. } => Changes::Nothing,
    }
}

#[expect(clippy::too_many_lines, reason = "one arm for each event, and nothing else")]
fn fold(state: &mut State, stamp: &Stamp, index: u32, event: &Event) -> Touched {
    match event {
        Event::LedgerCreated { ledger_id } => {
            state.ledger_id = Some(ledger_id.clone());
            Touched::meta()
        }
        Event::LeaderStarted { term, .. } => {
            state.term = *term;
            Touched::meta()
        }
        Event::FarmConfigured { config } => farm_configured(state, config),
        Event::SessionStarted { worker, session, agent_version, protocol, features, slots } => {
            let session = Session {
                id: session.clone(),
                agent_version: agent_version.clone(),
                protocol: *protocol,
                features: features.clone(),
                slots: *slots,
            };
            change_worker(state, worker, |row| start_session(row, session))
        }
        Event::CapabilitiesChanged { worker, facts } => {
            change_worker(state, worker, |row| row.facts = Some((facts.digest(), (**facts).clone())))
        }
        Event::WorkerLost { worker } => change_worker(state, worker, |row| row.lost = true),
        Event::WorkerReturned { worker } => change_worker(state, worker, |row| row.lost = false),
        Event::IntakeChanged { worker, intake, reason, by } => change_worker(state, worker, |row| {
            row.intake = *intake;
            row.intake_reason.clone_from(reason);
            row.intake_changed = Some(IntakeChange { by: by.clone(), at: stamp.wall, tick: stamp.tick });
            if *intake == Intake::Open {
                row.failures.iter_mut().for_each(|failure| failure.in_row = false);
            }
        }),
        Event::WorkerRemoved { worker, .. } => worker_removed(state, worker),
        Event::RunAccepted { run } => runs::accepted(state, stamp, index, run),
        Event::FleetJudged { judgement } => fleet_judged(state, judgement),
        Event::WorkerSelected { selection } => runs::selected(state, stamp, selection),
        Event::SourceRestored { run_id } => runs::source_restored(state, run_id),
        Event::CancelRequested { run_id, jobs, superseded_by } => runs::cancel_requested(state, run_id, jobs, superseded_by.as_ref()),
        Event::JobEnded { job_id, outcome, human_summary } => runs::end_job(state, stamp, job_id, |duration_ms, set| JobPhase::Ended {
            outcome: *outcome,
            human_summary: human_summary.clone(),
            ended_at: stamp.wall,
            duration_ms,
            set,
        }),
        Event::RunEnded { run_id, state: ended, exit_code, human_summary } => {
            let end = EndedRun { at: stamp.wall, tick: stamp.tick, exit_code: *exit_code, human_summary: human_summary.clone() };
            runs::ended(state, run_id, *ended, end)
        }
        Event::RunForgotten { run_id } => {
            state.forget_run(run_id);
            Touched::run(run_id)
        }
        Event::AttemptOffered { job_id, attempt, worker, session } => {
            let (number, worker, session) = (*attempt, worker.clone(), session.clone());
            let (offered, state_of_offer) = (stamp.tick, AttemptState::Offered);
            let record = AttemptRecord { number, worker, session, offered, started: None, ended: None, state: state_of_offer };
            attempts::offered(state, job_id, record)
        }
        Event::AttemptStarted { job_id, attempt, claim_id, deadline } => {
            let (claim_id, deadline) = (claim_id.clone(), *deadline);
            let running = AttemptState::Running { claim_id, started_at: stamp.wall, deadline };
            attempts::started(state, stamp, job_id, *attempt, running)
        }
        Event::AttemptRefused { job_id, attempt, code, detail, not_before, missing } => {
            let touched = attempts::move_to(state, stamp, job_id, *attempt, AttemptState::Refused { code: *code, detail: detail.clone() });
            attempts::back_off(state, stamp, job_id, *not_before, missing);
            touched
        }
        Event::AttemptWithdrawn { job_id, attempt, detail } => {
            attempts::move_to(state, stamp, job_id, *attempt, AttemptState::Withdrawn { detail: detail.clone() })
        }
        Event::AttemptInterrupted { job_id, attempt, code, detail } => {
            attempts::move_to(state, stamp, job_id, *attempt, AttemptState::Interrupted { code: *code, detail: detail.clone() })
        }
        Event::AttemptLost { job_id, attempt } => attempts::move_to(state, stamp, job_id, *attempt, AttemptState::Lost),
        Event::AttemptFinished { finished } => {
            attempts::move_to(state, stamp, &finished.job_id, finished.attempt, AttemptState::Finished { finished: finished.clone() })
        }
    }
}

fn farm_configured(state: &mut State, config: &crate::config::FarmConfig) -> Touched {
    state.config = config.clone();
    let mut touched = fleet_changed(state);
    for name in config.inventory.keys() {
        state.workers.entry(name.clone()).or_insert_with(|| Worker::new(name.clone()));
    }
    // Those who left the inventory, too: their runs must go elsewhere.
    touched.workers.extend(state.workers.keys().cloned());
    touched
}

fn change_worker(state: &mut State, name: &WorkerName, change: impl FnOnce(&mut Worker)) -> Touched {
    change(state.workers.entry(name.clone()).or_insert_with(|| Worker::new(name.clone())));
    let mut touched = fleet_changed(state);
    touched.workers.insert(name.clone());
    touched
}

/// The row stays, so that an agent that does not know yet is told that nothing of it is wanted.
fn worker_removed(state: &mut State, name: &WorkerName) -> Touched {
    if let Some(entry) = state.config.inventory.remove(name) {
        state.config.removed.insert(name.clone(), entry.public_key);
    }
    change_worker(state, name, |row| {
        assert!(row.held.is_empty(), "{name} leaves and holds {:?}", row.held);
        (row.intake, row.intake_changed) = (Intake::Open, None);
        row.intake_reason.clear();
        row.failures.clear();
    })
}

fn start_session(worker: &mut Worker, session: Session) {
    if let Some(old) = worker.session.replace(session) {
        worker.replaced.push(old.id);
        let surplus = worker.replaced.len().saturating_sub(REPLACED_SESSIONS_KEPT);
        worker.replaced.drain(..surplus);
    }
    worker.lost = false;
}

fn fleet_judged(state: &mut State, judgement: &Judgement) -> Touched {
    state.judgements.insert(judgement.clone());
    Touched::judgements([judgement.sha256()])
}

/// The fleet is another: judgements of the one before leave, unless a run rests on them.
fn fleet_changed(state: &mut State) -> Touched {
    state.fleet_version += 1;
    Touched { meta: true, ..Touched::judgements(state.judgements.fleet_changed(state.fleet_version)) }
}

fn job_mut<'a>(state: &'a mut State, job_id: &JobId) -> &'a mut Job {
    state.jobs.get_mut(job_id).expect("events name jobs of the state")
}

fn run_mut<'a>(state: &'a mut State, run_id: &RunId) -> &'a mut Run {
    state.runs.get_mut(run_id).expect("events name runs of the state")
}
