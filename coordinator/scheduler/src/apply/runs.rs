//! Runs and their jobs: accepted, given a worker, cancelled, over.

use std::collections::BTreeMap;
use std::time::Duration;

use rch_schemas::document::{RunState, SelectionMode};
use rch_schemas::requirement::DestinationRequest;
use rch_schemas::wire::http::JobState;
use rch_schemas::{JobId, RunId, Tick};

use super::{Touched, job_mut, run_mut};
use crate::attempt::AttemptState;
use crate::command::Stamp;
use crate::document::key_inputs;
use crate::event::{AcceptedRun, AcceptedStep, Selection};
use crate::job::{Job, JobPhase, SetRef, may_become};
use crate::judgement::class;
use crate::run::{EndedRun, MadeSelection, Run, RunDestination, Step};
use crate::state::State;

pub(super) fn accepted(state: &mut State, stamp: &Stamp, index: u32, accepted: &AcceptedRun) -> Touched {
    let mut touched = Touched::run(&accepted.run_id);
    for (step_index, step) in (0..).zip(&accepted.steps) {
        for job in &step.jobs {
            touched.jobs.insert(job.job_id.clone());
            let row = Job {
                job_id: job.job_id.clone(),
                run_id: accepted.run_id.clone(),
                step: step_index,
                action: step.action,
                destination: job.destination,
                seq: 1,
                job_key: None,
                phase: JobPhase::Queued,
                cancel_requested: false,
                waits_since: stamp.tick,
                queue_deadline: job.queue_deadline,
                attempts: Vec::new(),
                started: 0,
                refusals: 0,
                not_before: BTreeMap::new(),
                rejected: job.rejected.clone(),
            };
            state.jobs.insert(job.job_id.clone(), row);
        }
    }
    state.insert_run(accepted_row(stamp, index, accepted));
    touched
}

/// The row of a run that was just accepted.
pub(crate) fn accepted_row(stamp: &Stamp, index: u32, accepted: &AcceptedRun) -> Run {
    let destination = |asked: &DestinationRequest| RunDestination { asked: asked.clone(), selection: None, started: false, class: None };
    let mut run = Run {
        run_id: accepted.run_id.clone(),
        request_id: accepted.request_id.clone(),
        body_sha256: accepted.body_sha256,
        requester: accepted.requester.clone(),
        project: accepted.project.clone(),
        accepted: (stamp.seq, index),
        accepted_at: stamp.wall,
        accepted_tick: stamp.tick,
        share: accepted.share,
        seq: 1,
        state: RunState::Queued,
        ended: None,
        cancel_requested: false,
        protocol_version: accepted.protocol_version,
        policy: accepted.policy.clone(),
        recipe: accepted.recipe,
        source_gap: None,
        source_gaps: 0,
        destinations: accepted.destinations.iter().map(destination).collect(),
        steps: accepted.steps.iter().map(step_of).collect(),
        options: accepted.options.clone(),
        effective_config: accepted.effective_config.clone(),
        supersedes: accepted.supersedes.clone(),
        superseded_by: None,
        revision: 0,
    };
    if run.options.selection == SelectionMode::Adaptive {
        for index in 0..run.destinations.len() {
            let requirement = u32::try_from(index).ok().and_then(|index| run.requirement(index));
            run.destinations[index].class = requirement.map(|requirement| class(&requirement, run.protocol_version));
        }
    }
    run
}

fn step_of(step: &AcceptedStep) -> Step {
    Step {
        name: step.name.clone(),
        action: step.action,
        original_argv: step.original_argv.clone(),
        argv: step.argv.clone(),
        clean: step.clean,
        dropped: step.dropped.clone(),
        rejected: step.rejected.clone(),
        directory: step.directory.clone(),
        allow_empty: step.allow_empty,
        jobs: step.jobs.iter().map(|job| job.job_id.clone()).collect(),
    }
}

pub(super) fn selected(state: &mut State, stamp: &Stamp, selection: &Selection) -> Touched {
    let judgement = state.judgements.get(&selection.judgement_sha256).expect("a selection follows its judgement in the ledger").clone();
    let resolution = judgement.resolution_of(&selection.worker).expect("the chosen worker is a candidate");
    state.judgements.rest_on(judgement.sha256());
    let now = state.waiting_at();
    let run = run_mut(state, &selection.run_id);
    run.revision = selection.revision;
    // It joins where the others are. Who stood in the line of a class was in nobody's way there, and keeps its place; and while nobody waits, as
    // when no worker is open, there is nobody whom it could pass.
    let joins = run.line_class(selection.destination).is_none() && run.destinations.iter().all(|destination| !destination.started);
    if let Some(now) = now.filter(|_| joins) {
        run.share = run.share.not_before(now);
    }
    run.seq += 1;
    let made = MadeSelection { selection: selection.clone(), seq: stamp.seq, at: stamp.wall };
    let before = run.destinations[selection.destination as usize].selection.replace(made);
    let keys: Vec<_> = run.steps.iter().map(|step| (step.jobs.clone(), key_inputs(run, step, resolution).key())).collect();
    let left = before.and_then(|before| state.judgements.release(before.selection.judgement_sha256));
    let mut touched = Touched::run(&selection.run_id);
    touched.merge(Touched::judgements(left));
    for (jobs, key) in keys {
        for job_id in jobs {
            let job = job_mut(state, &job_id);
            if job.destination == selection.destination && job.outcome().is_none() {
                job.job_key = Some(key);
                touched.merge(Touched::job(job));
            }
        }
    }
    touched
}

/// The source is whole again, so nobody needs to be left alone any longer.
pub(super) fn source_restored(state: &mut State, run_id: &RunId) -> Touched {
    let run = run_mut(state, run_id);
    run.source_gap = None;
    let jobs: Vec<_> = run.jobs().cloned().collect();
    let mut touched = Touched::run(run_id);
    for job_id in jobs {
        let job = job_mut(state, &job_id);
        job.not_before.clear();
        touched.merge(Touched::job(job));
    }
    touched
}

/// The run is being cancelled when nothing of it that has not ended is left alone: one cancelled job is not yet the run.
pub(super) fn cancel_requested(state: &mut State, run_id: &RunId, jobs: &[JobId], newer: Option<&RunId>) -> Touched {
    let mut touched = Touched::run(run_id);
    for job_id in jobs {
        let job = job_mut(state, job_id);
        job.cancel_requested = true;
        job.seq += 1;
        touched.merge(Touched::job(job));
    }
    let is_whole = state.jobs_of(&state.runs[run_id]).all(|job| job.cancel_requested || job.outcome().is_some());
    let run = run_mut(state, run_id);
    run.cancel_requested |= is_whole;
    run.superseded_by = run.superseded_by.take().or_else(|| newer.cloned());
    run.seq += 1;
    touched
}

pub(super) fn end_job(state: &mut State, stamp: &Stamp, job_id: &JobId, phase: impl FnOnce(u64, Option<SetRef>) -> JobPhase) -> Touched {
    let job = job_mut(state, job_id);
    assert!(job.live().is_none_or(|attempt| !matches!(attempt.state, AttemptState::Offered)), "{job_id} ends with an offer out");
    let (from, is_new) = (job.state(), job.seq == 1);
    let duration_ms = job.attempts.last().map_or(0, |attempt| match &attempt.state {
        AttemptState::Finished { finished } => finished.duration_ms,
        AttemptState::Offered
        | AttemptState::Running { .. }
        | AttemptState::Interrupted { .. }
        | AttemptState::Lost
        | AttemptState::Refused { .. }
        | AttemptState::Withdrawn { .. } => u64::try_from(attempt.ran(stamp.tick).as_millis()).unwrap_or(u64::MAX),
    });
    let set = job.attempts.last().and_then(|attempt| match &attempt.state {
        AttemptState::Finished { finished } => Some(SetRef { attempt: attempt.number, manifest_sha256: finished.manifest_sha256 }),
        AttemptState::Offered
        | AttemptState::Running { .. }
        | AttemptState::Interrupted { .. }
        | AttemptState::Lost
        | AttemptState::Refused { .. }
        | AttemptState::Withdrawn { .. } => None,
    });
    job.phase = phase(duration_ms, set);
    let allowed = may_become(Some(from), job.state()) || (is_new && may_become(None, job.state()));
    assert!(allowed, "{job_id} cannot go from {from:?} to {:?}", job.state());
    job.seq += 1;
    let (run_id, step) = (job.run_id.clone(), job.step);
    let mut touched = Touched::job(job);
    state.measure(job_id);
    run_mut(state, &run_id).seq += 1;
    touched.merge(start_waiting(state, stamp, &run_id, step + 1));
    touched
}

/// The jobs of a step wait from the end of the step before it, not from when the run was accepted.
fn start_waiting(state: &mut State, stamp: &Stamp, run_id: &RunId, step: u32) -> Touched {
    let run = &state.runs[run_id];
    let deadline = queue_deadline(run, stamp);
    let waiting: Vec<_> = run.steps.get(step as usize).map_or_else(Vec::new, |step| step.jobs.clone());
    let mut touched = Touched::default();
    for job_id in waiting {
        let job = job_mut(state, &job_id);
        if job.state() == JobState::Queued {
            job.queue_deadline = deadline;
            job.waits_since = stamp.tick;
            touched.merge(Touched::job(job));
        }
    }
    touched
}

pub(super) fn queue_deadline(run: &Run, stamp: &Stamp) -> Tick {
    stamp.tick.after(Duration::from_secs(run.options.timeouts.queue_seconds.into()))
}

pub(super) fn ended(state: &mut State, run_id: &RunId, ended: RunState, end: EndedRun) -> Touched {
    let run = run_mut(state, run_id);
    assert!(run.ended.is_none() && ended.is_terminal(), "{run_id} ends once");
    run.state = ended;
    run.ended = Some(end);
    run.source_gap = None;
    run.seq += 1;
    let (accepted, label) = (run.accepted, run.label());
    let judgements: Vec<_> = run.judgements().collect();
    state.active.remove(&accepted);
    state.unlabel(label, run_id);
    let left: Vec<_> = judgements.into_iter().filter_map(|sha256| state.judgements.release(sha256)).collect();
    let mut touched = Touched::run(run_id);
    touched.merge(Touched::judgements(left));
    touched
}
