//! Attempts: offered, started, over.

use std::collections::BTreeSet;
use std::time::Duration;

use rch_schemas::document::RunState;
use rch_schemas::wire::http::JobState;
use rch_schemas::{Attempt, JobId, Sha256, Tick, WorkerName};

use super::Touched;
use crate::attempt::{AttemptRecord, AttemptState};
use crate::command::Stamp;
use crate::job::{JobPhase, SourceGap, may_become};
use crate::quarantine;
use crate::state::State;

/// The worker that refused is left alone with this job for a while; missing chunks keep the whole run waiting.
pub(super) fn back_off(state: &mut State, stamp: &Stamp, job_id: &JobId, not_before: Tick, missing: &[Sha256]) {
    let source_within = Duration::from_millis(state.config.source_within_ms);
    let job = super::job_mut(state, job_id);
    job.refusals += 1;
    let refused = job.current().expect("the attempt was just moved");
    let (worker, had_started) = (refused.worker.clone(), refused.started.is_some());
    // A refusal does not use up an attempt, not even after go.
    job.started -= u32::from(had_started);
    job.not_before.insert(worker, not_before);
    let run_id = job.run_id.clone();
    if !missing.is_empty() {
        let run = super::run_mut(state, &run_id);
        run.source_gap = Some(SourceGap { missing: missing.to_vec(), deadline: stamp.tick.after(source_within) });
        run.source_gaps += 1;
    }
}

pub(super) fn offered(state: &mut State, job_id: &JobId, record: AttemptRecord) -> Touched {
    let job = super::job_mut(state, job_id);
    assert!(job.live().is_none(), "{job_id} has a live attempt already");
    assert_eq!(job.state(), JobState::Queued, "{job_id} is offered only from the queue");
    let (worker, number) = (record.worker.clone(), record.number);
    job.attempts.push(record);
    let mut touched = Touched::job(job);
    touched.merge(hold(state, &worker, |held| {
        held.insert((job_id.clone(), number));
    }));
    touched
}

pub(super) fn started(state: &mut State, stamp: &Stamp, job_id: &JobId, attempt: Attempt, running: AttemptState) -> Touched {
    let mut touched = move_to(state, stamp, job_id, attempt, running);
    let job = super::job_mut(state, job_id);
    assert!(may_become(Some(job.state()), JobState::Running), "{job_id} cannot start from {:?}", job.state());
    job.phase = JobPhase::Running;
    job.started += 1;
    job.seq += 1;
    let (run_id, destination) = (job.run_id.clone(), job.destination);
    let run = super::run_mut(state, &run_id);
    run.destinations[destination as usize].started = true;
    if run.state == RunState::Queued {
        run.state = RunState::Running;
        run.seq += 1;
    }
    touched.merge(Touched::run(&run_id));
    touched
}

/// Moves the current attempt of a job; one that ends frees its slot, and its job, if it ran, waits again.
pub(super) fn move_to(state: &mut State, stamp: &Stamp, job_id: &JobId, attempt: Attempt, next: AttemptState) -> Touched {
    let requeued_until = state.job_and_run(job_id).map(|(_, run)| super::runs::queue_deadline(run, stamp));
    let job = super::job_mut(state, job_id);
    let record = job.attempts.last_mut().filter(|record| record.number == attempt).expect("events of an attempt are of the current one");
    assert!(record.state.may_become(&next), "attempt {attempt} of {job_id} cannot go from {:?} to {next:?}", record.state);
    let ends = !next.is_live();
    let worker = record.worker.clone();
    if ends {
        record.ended = Some(stamp.tick);
    } else {
        record.started = Some(stamp.tick);
    }
    record.state = next;
    let finished = matches!(record.state, AttemptState::Finished { .. });
    if ends && !finished && job.state() == JobState::Running {
        job.phase = JobPhase::Queued;
        job.queue_deadline = requeued_until.unwrap_or(job.queue_deadline);
        job.seq += 1;
    }
    let mut touched = Touched::job(job);
    let (job_key, record) = (job.job_key, job.attempts.last().cloned());
    if let Some(record) = record.filter(|_| ends) {
        touched.workers.extend(quarantine::note(state, job_key, &record));
        touched.merge(hold(state, &worker, |held| {
            held.remove(&(job_id.clone(), attempt));
        }));
    }
    touched
}

fn hold(state: &mut State, worker: &WorkerName, change: impl FnOnce(&mut BTreeSet<(JobId, Attempt)>)) -> Touched {
    let row = state.workers.get_mut(worker).expect("attempts are offered to known workers only");
    change(&mut row.held);
    Touched { workers: BTreeSet::from([worker.clone()]), ..Touched::default() }
}
