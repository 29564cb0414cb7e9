//! Runs, jobs and workers as clients see them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rch_scheduler::{Board, FarmConfig, Job, JobPhase, Run, State, Worker, liveness, run_plan};
use rch_schemas::wire::http::{Intake, JobView, Liveness, RunView, RunningJob, WorkerView};
use rch_schemas::{Attempt, RunId, Sha256, WorkerName};

use super::error::ApiResult;
use super::waiting::{Around, waiting};
use crate::effects::set_pointer;
use crate::health::Vitals;
use crate::projection::{ProjectionError, Snapshot};
use crate::shared::Shared;

/// A run as it is now; `None` when there is none of this id.
pub(super) async fn run(shared: &Shared, run_id: &RunId) -> ApiResult<Option<RunView>> {
    let Some((run, jobs, mut view)) = read_run(shared, run_id)? else { return Ok(None) };
    for (job, view) in jobs.iter().zip(&mut view.jobs) {
        view.manifest_sha256 = manifest(shared, &run, job).await?;
    }
    Ok(Some(view))
}

/// A job as it is now.
pub(super) async fn job(shared: &Shared, run: &Run, job: &Job) -> ApiResult<JobView> {
    let mut view = {
        let snapshot = shared.projection.snapshot()?;
        let jobs = snapshot.jobs_of(run)?;
        let surroundings = Surroundings::read(shared, &snapshot, run)?;
        job_view(&snapshot.state_of(run)?, (run, job), &surroundings.around(run, &jobs))
    };
    view.manifest_sha256 = manifest(shared, run, job).await?;
    Ok(view)
}

/// The committed set's manifest: by the ledger, or for the coordinator's own set by its pointer, once it is written.
async fn manifest(shared: &Shared, run: &Run, job: &Job) -> ApiResult<Option<Sha256>> {
    match &job.phase {
        JobPhase::Queued | JobPhase::Running => Ok(None),
        JobPhase::Ended { set: Some(set), .. } => Ok(Some(set.manifest_sha256)),
        JobPhase::Ended { set: None, .. } => {
            let pointer = set_pointer(&shared.store, &run.run_id, &job.job_id).await?;
            Ok(pointer.map(|pointer| pointer.manifest_sha256))
        }
    }
}

type ReadRun = (Run, Vec<Job>, RunView);

fn read_run(shared: &Shared, run_id: &RunId) -> Result<Option<ReadRun>, ProjectionError> {
    let snapshot = shared.projection.snapshot()?;
    let Some(run) = snapshot.run(run_id)? else { return Ok(None) };
    let jobs = snapshot.jobs_of(&run)?;
    let surroundings = Surroundings::read(shared, &snapshot, &run)?;
    let around = surroundings.around(&run, &jobs);
    let state = snapshot.state_of(&run)?;
    let views = jobs.iter().map(|job| job_view(&state, (&run, job), &around)).collect();
    let view = RunView {
        state: run.state,
        seq: run.seq,
        plan: run_plan(&state, &run),
        accepted_at: run.accepted_at,
        ended_at: run.ended.as_ref().map(|ended| ended.at),
        exit_code: run.ended.as_ref().map(|ended| ended.exit_code),
        cancel_requested: run.cancel_requested,
        superseded_by: run.superseded_by.clone(),
        supersedes: run.supersedes.clone(),
        jobs: views,
    };
    Ok(Some((run, jobs, view)))
}

/// What a run's waiting depends on beside itself.
struct Surroundings {
    workers: BTreeMap<WorkerName, Worker>,
    config: FarmConfig,
    vitals: Option<Arc<Vitals>>,
    board: Option<Arc<Board>>,
}

impl Surroundings {
    fn read(shared: &Shared, snapshot: &Snapshot, run: &Run) -> Result<Self, ProjectionError> {
        let waits = run.ended.is_none();
        let mut workers = BTreeMap::new();
        for made in run.destinations.iter().filter_map(|destination| destination.selection.as_ref()) {
            let name = &made.selection.worker;
            workers.extend(snapshot.worker(name)?.map(|worker| (name.clone(), worker)));
        }
        Ok(Self {
            workers,
            config: snapshot.farm()?.config,
            vitals: shared.board.vitals(),
            board: waits.then(|| shared.queue_board.newest()).flatten(),
        })
    }

    fn around<'a>(&'a self, run: &'a Run, jobs: &'a [Job]) -> Around<'a> {
        Around { run, jobs, workers: &self.workers, config: &self.config, vitals: self.vitals.as_deref(), board: self.board.as_deref() }
    }
}

fn job_view(state: &State, (run, job): (&Run, &Job), around: &Around<'_>) -> JobView {
    let (human_summary, ended_ms) = match &job.phase {
        JobPhase::Ended { human_summary, duration_ms, .. } => (Some(human_summary.clone()), *duration_ms),
        JobPhase::Queued | JobPhase::Running => (None, 0),
    };
    let current = job.current();
    let made = run.selection(job.destination);
    JobView {
        job_id: job.job_id.clone(),
        run_id: job.run_id.clone(),
        step: job.step,
        action: job.action,
        destination: job.destination,
        state: job.state(),
        seq: job.seq,
        job_key: job.job_key,
        resolved: made.and_then(|made| state.resolution(made)).map(|resolution| resolution.resolved.clone()),
        attempt: current.map_or(Attempt::NONE, |record| record.number),
        worker: current.map(|record| record.worker.clone()).or_else(|| made.map(|made| made.selection.worker.clone())),
        waiting: waiting(job, around),
        outcome: job.outcome(),
        human_summary,
        duration_ms: ended_ms,
        manifest_sha256: None,
    }
}

/// A worker as it is now.
pub(super) fn worker(snapshot: &Snapshot, config: &FarmConfig, vitals: Option<&Vitals>, worker: &Worker) -> ApiResult<WorkerView> {
    let entry = config.inventory.get(&worker.name);
    let row = vitals.and_then(|vitals| vitals.observed.workers.get(&worker.name));
    let facts = worker.facts.as_ref();
    let heard = vitals.zip(row.and_then(|row| row.heard_at));
    let closed = worker.intake_changed.as_ref().filter(|_| worker.intake != Intake::Open);
    let running = running(snapshot, worker, vitals)?;
    Ok(WorkerView {
        worker: worker.name.clone(),
        priority: entry.map_or(u32::MAX, |entry| entry.priority),
        tags: entry.map_or_else(Vec::new, |entry| entry.tags.iter().cloned().collect()),
        liveness: worker_liveness(worker, config, vitals),
        intake: worker.intake,
        intake_reason: closed.map(|_| worker.intake_reason.clone()).filter(|reason| !reason.is_empty()),
        intake_actor: closed.map(|change| change.by.name().to_owned()),
        intake_since: closed.map(|change| change.at),
        offered: u32::try_from(worker.held.len() - running.len()).unwrap_or(u32::MAX),
        slots: worker.session.as_ref().map_or(0, |session| session.slots),
        running,
        xcodes: facts
            .map_or_else(Vec::new, |(_, facts)| facts.xcodes.iter().map(|xcode| format!("{} ({})", xcode.version, xcode.build)).collect()),
        macos: facts.map(|(_, facts)| facts.macos.version.clone()),
        disk_free_bytes: row.filter(|row| row.disk_free_bytes > 0).map(|row| row.disk_free_bytes),
        seen_ms: heard.map(|(vitals, heard)| millis(vitals.now.since(heard))),
        agent_version: worker.session.as_ref().map(|session| session.agent_version.clone()),
        protocol: worker.session.as_ref().map(|session| session.protocol),
        capabilities_sha256: facts.map(|(digest, _)| *digest),
        capabilities_age_ms: vitals.zip(row.and_then(|row| row.capabilities_at)).map(|(vitals, at)| millis(vitals.now.since(at))),
        probe_failure: row.and_then(|row| row.probe_failure.as_ref()).map(ToString::to_string),
    })
}

/// Whoever does not lead hears nobody, and knows only what was recorded.
pub(super) fn worker_liveness(worker: &Worker, config: &FarmConfig, vitals: Option<&Vitals>) -> Liveness {
    match vitals {
        Some(vitals) => liveness(worker, &vitals.observed, config, vitals.now),
        None if worker.session.is_none() => Liveness::Unknown,
        None if worker.lost => Liveness::Lost,
        None => Liveness::Online,
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn running(snapshot: &Snapshot, worker: &Worker, vitals: Option<&Vitals>) -> ApiResult<Vec<RunningJob>> {
    let mut running = Vec::new();
    for (job_id, attempt) in &worker.held {
        let Some((job, run)) = snapshot.job_and_run(job_id)? else { continue };
        let Some(record) = job.current_numbered(*attempt).filter(|record| record.started.is_some()) else { continue };
        let running_ms = vitals.map_or(0, |vitals| millis(record.ran(vitals.now)));
        running.push(RunningJob {
            job_id: job_id.clone(),
            action: job.action,
            project: run.project.clone(),
            running_ms,
            run_id: Some(run.run_id),
            requester: Some(run.requester),
            left_ms: None,
        });
    }
    Ok(running)
}
