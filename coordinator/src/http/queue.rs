//! The queue: who waits, and why a job is where it is.

use axum::Json;
use axum::extract::{Path, Query, State};
use rch_scheduler::{Job, MadeSelection, Run};
use rch_schemas::document::{Choice, ConsideredWorkers, OtherWorkers, Queue, SchemaId, SchemaVersion, Why};
use rch_schemas::{Attempt, Reason, Tick};
use serde::Deserialize;

use super::error::{ApiError, ApiResult};
use super::server::Api;
use super::{names, view};
use crate::clock;

/// Jobs in one answer, unless another number is asked for.
const LIMIT_DEFAULT: usize = 100;
/// Jobs in one answer at most.
const LIMIT_MAX: usize = 1_000;

/// What of the queue is asked for; text, so that what is wrong is refused in our words.
#[derive(Debug, Deserialize)]
pub(super) struct QueueQuery {
    /// How many jobs.
    limit: Option<String>,
    /// Those of one worker, in the order of its line.
    worker: Option<String>,
}

/// `GET /v1/queue`: what waits, in order of arrival or of one worker's line. Only the leader knows.
pub(super) async fn get(State(api): State<Api>, Query(query): Query<QueueQuery>) -> ApiResult<Json<Queue>> {
    let limit = match query.limit.as_deref() {
        Some(text) => text.parse().map_err(|_| ApiError::invalid("limit", "a number", text))?,
        None => LIMIT_DEFAULT,
    };
    let worker = match query.worker.as_deref() {
        Some(name) => Some(names::worker(&api.shared.projection.snapshot()?, name)?.name),
        None => None,
    };
    let board = api.shared.queue_board.fresh().await.ok_or_else(|| {
        ApiError::new(Reason::Overloaded, "this coordinator does not lead now, and only the leader knows who waits")
            .fix("ask the coordinator that leads, or again in a few seconds")
    })?;
    Ok(Json(Queue {
        schema_version: SchemaVersion::default(),
        schema_id: SchemaId::default(),
        created_at: clock::wall(),
        waiting: board.waiting_count(),
        running: board.running_count(),
        oldest_ms: board.oldest().map(milliseconds),
        waits: board.waits(),
        jobs: board.jobs(worker.as_ref(), limit.min(LIMIT_MAX)),
    }))
}

/// `GET /v1/jobs/{job}/why`: the choice of its worker, and its waiting.
pub(super) async fn why(State(api): State<Api>, Path(name): Path<String>) -> ApiResult<Json<Why>> {
    let (job, run) = names::job(&api.shared.projection.snapshot()?, &name)?;
    let waits_now = job.outcome().is_none();
    if waits_now {
        // So that the view below says where it stands; a standby says what the rows do.
        api.shared.queue_board.fresh().await;
    }
    let state = api.shared.projection.snapshot()?.state_of(&run)?;
    let choice = run.selection(job.destination).and_then(|made| choice(&state, &run, made));
    let view = view::job(&api.shared, &run, &job).await?;
    let step = run.steps.get(job.step as usize);
    let destination = run.destinations.get(job.destination as usize);
    Ok(Json(Why {
        schema_version: SchemaVersion::default(),
        schema_id: SchemaId::default(),
        created_at: clock::wall(),
        run_id: run.run_id.clone(),
        job_id: job.job_id.clone(),
        job_key: job.job_key,
        attempt: job.current().map_or(Attempt::NONE, |attempt| attempt.number),
        requester: run.requester.clone(),
        project: run.project.clone(),
        priority: run.options.priority,
        step: step.map_or_else(String::new, |step| step.name.clone()),
        action: job.action,
        state: job.state(),
        destination: destination.map_or_else(String::new, |row| row.asked.asked.clone()),
        choice,
        waits: rch_scheduler::waits(&run, &job),
        waited_ms: milliseconds(rch_scheduler::waited(&job, now(&api, &job))),
        waiting: view.waiting,
    }))
}

/// Farm time; a standby knows only what was recorded last about the job.
fn now(api: &Api, job: &Job) -> Tick {
    let recorded = || job.current().map_or(job.waits_since, |attempt| attempt.ended.or(attempt.started).unwrap_or(attempt.offered));
    api.shared.board.vitals().map_or_else(recorded, |vitals| vitals.now)
}

/// The choice as its judgement tells it; `None` when that is not here.
fn choice(state: &rch_scheduler::State, run: &Run, made: &MadeSelection) -> Option<Choice> {
    let selection = &made.selection;
    let judgement = state.judgement(&selection.judgement_sha256)?.fleet();
    let ranked: Vec<_> = (1..).zip(judgement.ranked()).collect();
    let (rank, (_, row)) = ranked.iter().find(|(_, (name, _))| **name == selection.worker)?;
    let passed_over: usize = selection.passed_over.iter().map(|passed| passed.workers.len()).sum();
    let candidates = ranked.iter().filter(|(_, (name, _))| **name != selection.worker).map(|(rank, (name, row))| {
        let passed = selection.passed_over.iter().find(|passed| passed.workers.contains(name));
        OtherWorkers {
            workers: vec![(*name).clone()],
            priority: row.priority,
            rank: passed.is_none().then_some(*rank),
            verdicts: passed.map_or_else(Vec::new, |passed| passed.verdicts.clone()),
            counterfactual: passed.map(|_| format!("would rank {rank}")),
        }
    });
    Some(Choice {
        worker: selection.worker.clone(),
        mode: selection.mode,
        named: run.options.worker.is_some(),
        rank: *rank,
        priority: row.priority,
        candidates: u32::try_from(ranked.len() - passed_over).unwrap_or(u32::MAX),
        at: made.at,
        decision_version: Some(selection.decision_version),
        others: candidates.chain(judgement.workers.iter().filter(|row| !row.is_candidate()).map(excluded)).collect(),
    })
}

fn excluded(row: &ConsideredWorkers) -> OtherWorkers {
    OtherWorkers {
        workers: row.names().cloned().collect(),
        priority: row.priority,
        rank: None,
        verdicts: row.verdicts.clone(),
        counterfactual: row.counterfactual.clone(),
    }
}

fn milliseconds(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
