//! Documents as pure functions of the state: two replicas write the same bytes.

use std::collections::BTreeSet;

use rch_schemas::document::{
    Job as JobDocument, JobDestination, JobStatus, JobTimeouts, PlannedDestination, PlannedJob, PlannedStep, Resolution, RunPlan, RunState,
    RunSummary, SchemaId, SchemaVersion, SummarizedJob, Summary, WorkerSelection,
};
use rch_schemas::job_key::{JobKeyInputs, ResolvedDestination};
use rch_schemas::{Attempt, Sha256, WorkerName};

use crate::attempt::AttemptRecord;
use crate::job::{Job, JobPhase};
use crate::judgement::Judgement;
use crate::run::{MadeSelection, Run, Step};
use crate::state::State;

/// The arguments of a step's job on a destination: the step's own, and for a generic device platform no signing unless the repo said
/// something about it, since the farm holds no identities.
fn job_argv(step: &Step, resolved: &ResolvedDestination) -> Vec<String> {
    const SETTING: &str = "CODE_SIGNING_ALLOWED";
    let unsigned = match resolved {
        ResolvedDestination::Generic { platform, .. } => platform != "macOS" && !platform.ends_with(" Simulator"),
        ResolvedDestination::Simulator { .. } | ResolvedDestination::Mac { .. } => false,
    };
    let mut argv = step.argv.clone();
    if unsigned && !argv.iter().any(|argument| argument.starts_with(&format!("{SETTING}="))) {
        // Settings stand last, sorted by key.
        let is_setting = |argument: &String| argument.split_once('=').is_some_and(|(key, _)| !key.starts_with('-'));
        let settings = argv.iter().rposition(|argument| !is_setting(argument)).map_or(0, |last| last + 1);
        let place = settings + argv[settings..].iter().take_while(|argument| argument.as_str() < SETTING).count();
        argv.insert(place, format!("{SETTING}=NO"));
    }
    argv
}

/// Everything that is hashed into the key of a step's job on a worker that makes this of it.
pub(crate) fn key_inputs(run: &Run, step: &Step, resolution: &Resolution) -> JobKeyInputs {
    JobKeyInputs {
        source_sha256: run.recipe.sha256,
        sanitized_argv: job_argv(step, &resolution.resolved),
        toolchain: resolution.toolchain.clone(),
        destination: resolution.resolved.clone(),
        env: run.options.env.clone(),
        directory: step.directory.clone(),
        allow_empty: step.allow_empty,
    }
}

/// `worker_selection.json`, unsigned; `None` when the state does not hold what the choice rests on.
pub fn worker_selection(state: &State, made: &MadeSelection) -> Option<WorkerSelection> {
    let judgement = state.judgement(&made.selection.judgement_sha256)?;
    evidence(made, judgement)
}

/// The evidence of a choice that rests on this judgement; `None` when it rests on another.
pub(crate) fn evidence(made: &MadeSelection, judgement: &Judgement) -> Option<WorkerSelection> {
    let resolution = judgement.resolution_of(&made.selection.worker).filter(|_| judgement.sha256() == made.selection.judgement_sha256)?;
    Some(WorkerSelection { judgement: Some(judgement.fleet().clone()), ..evidence_body(made, judgement, resolution) })
}

/// The evidence as it is hashed: the judgement, which many runs share, stands in it by its digest.
fn evidence_body(made: &MadeSelection, judgement: &Judgement, resolution: &Resolution) -> WorkerSelection {
    let selection = &made.selection;
    let passed_over: usize = selection.passed_over.iter().map(|passed| passed.workers.len()).sum();
    WorkerSelection {
        schema_version: SchemaVersion::default(),
        schema_id: SchemaId::default(),
        created_at: made.at,
        run_id: selection.run_id.clone(),
        destination: selection.destination,
        revision: selection.revision,
        mode: selection.mode,
        judgement: None,
        judgement_sha256: judgement.sha256(),
        passed_over: selection.passed_over.clone(),
        metrics: selection.metrics.clone(),
        candidate_count: u32::try_from(judgement.candidates().len() - passed_over).unwrap_or(u32::MAX),
        selected_worker: selection.worker.clone(),
        capabilities_sha256: selection.capabilities_sha256,
        capabilities_age_ms: selection.capabilities_age_ms,
        capabilities_source: selection.capabilities_source,
        xcode_version: resolution.xcode_version.clone(),
        toolchain: resolution.toolchain.clone(),
        resolved: resolution.resolved.clone(),
        notices: resolution.notices.clone(),
        protocol_version: judgement.fleet().protocol_version,
        decision_version: selection.decision_version,
        ledger_seq: made.seq,
        signature: None,
    }
}

/// The digest that stands for the evidence everywhere.
pub(crate) fn evidence_sha256(made: &MadeSelection, judgement: &Judgement, resolution: &Resolution) -> Sha256 {
    Sha256::of_canonical(&evidence_body(made, judgement, resolution)).expect("evidence holds strings and integers below 2^53")
}

/// `job.json` for an attempt: what its offer carries. `None` before a worker is chosen, and when the state does not hold what the
/// choice rests on.
pub fn job_document(state: &State, run: &Run, job: &Job, attempt: Attempt) -> Option<JobDocument> {
    let made = run.selection(job.destination)?;
    let resolution = state.resolution(made)?;
    let step = run.steps.get(job.step as usize)?;
    let selection = &made.selection;
    let job_key_inputs = key_inputs(run, step, resolution);
    let options = &run.options;
    let mut cache = options.cache.clone();
    cache.clean |= step.clean;
    Some(JobDocument {
        schema_version: SchemaVersion::default(),
        schema_id: SchemaId::default(),
        created_at: made.at,
        run_id: run.run_id.clone(),
        job_id: job.job_id.clone(),
        job_key: job.job_key,
        attempt,
        step: job.step,
        action: job.action,
        argv: job_key_inputs.sanitized_argv.clone(),
        original_argv: step.original_argv.clone(),
        dropped: step.dropped.clone(),
        policy: run.policy.clone(),
        destination: JobDestination {
            index: job.destination,
            asked: run.destinations[job.destination as usize].asked.clone(),
            resolved: resolution.resolved.clone(),
        },
        xcode_version: resolution.xcode_version.clone(),
        toolchain: resolution.toolchain.clone(),
        job_key_inputs,
        artifact_profile: options.artifact_profile,
        timeouts: JobTimeouts { overall_seconds: options.timeouts.overall_seconds, idle_log_seconds: options.timeouts.idle_log_seconds },
        cache,
        artifacts: options.artifacts.clone(),
        backend: options.backend,
        protocol_version: run.protocol_version,
        effective_config: run.effective_config.clone(),
        evidence_sha256: selection.evidence_sha256,
        capabilities_sha256: selection.capabilities_sha256,
        recipe: run.recipe,
    })
}

/// `run_plan.json`.
pub fn run_plan(state: &State, run: &Run) -> RunPlan {
    let destination = |(index, row): (u32, &crate::run::RunDestination)| {
        let made = row.selection.as_ref();
        PlannedDestination {
            index,
            asked: row.asked.clone(),
            resolved: made.and_then(|made| state.resolution(made)).map(|resolution| resolution.resolved.clone()),
            mode: run.options.selection,
            worker: made.map(|made| made.selection.worker.clone()),
            group: made.map_or_else(Vec::new, |made| group(state, made)),
            evidence_sha256: made.map(|made| made.selection.evidence_sha256),
        }
    };
    let step = |(index, step): (u32, &Step)| PlannedStep {
        index,
        name: step.name.clone(),
        action: step.action,
        jobs: step
            .jobs
            .iter()
            .filter_map(|job_id| state.jobs.get(job_id))
            .map(|job| PlannedJob {
                job_id: job.job_id.clone(),
                destination: job.destination,
                job_key: job.job_key,
                rejected: run.rejection(job).map(|rejected| format!("{}: {}", rejected.argument, rejected.reason)),
            })
            .collect(),
    };
    RunPlan {
        schema_version: SchemaVersion::default(),
        schema_id: SchemaId::default(),
        created_at: run.accepted_at,
        run_id: run.run_id.clone(),
        request_id: run.request_id.clone(),
        requester: run.requester.clone(),
        priority: run.options.priority,
        project: run.project.clone(),
        protocol_version: run.protocol_version,
        continue_on_failure: run.options.continue_on_failure,
        revision: run.revision,
        destinations: (0..).zip(&run.destinations).map(destination).collect(),
        steps: (0..).zip(&run.steps).map(step).collect(),
    }
}

/// Workers that give the same job key as the chosen one, itself first.
fn group(state: &State, made: &MadeSelection) -> Vec<WorkerName> {
    let selection = &made.selection;
    let Some(judgement) = state.judgement(&selection.judgement_sha256) else { return vec![selection.worker.clone()] };
    let Some(chosen) = judgement.resolution_of(&selection.worker) else { return vec![selection.worker.clone()] };
    let passed_over: BTreeSet<_> = selection.passed_over.iter().flat_map(|passed| &passed.workers).collect();
    let same_key = judgement.candidates().iter().filter(|candidate| judgement.resolution(candidate).has_key_of(chosen));
    same_key.map(|candidate| &candidate.worker).filter(|worker| !passed_over.contains(worker)).cloned().collect()
}

/// `run_summary.json`; `None` while the run has not ended.
pub fn run_summary(state: &State, run: &Run) -> Option<RunSummary> {
    let ended = run.ended.as_ref()?;
    let jobs: Vec<_> = state.jobs_of(run).filter_map(summarized).collect();
    let count = |status| u32::try_from(jobs.iter().filter(|job| job.outcome.status == status).count()).unwrap_or(u32::MAX);
    Some(RunSummary {
        schema_version: SchemaVersion::default(),
        schema_id: SchemaId::default(),
        created_at: ended.at,
        run_id: run.run_id.clone(),
        status: run.state,
        exit_code: ended.exit_code,
        human_summary: ended.human_summary.clone(),
        accepted_at: run.accepted_at,
        ended_at: ended.at,
        succeeded: count(JobStatus::Success),
        failed: count(JobStatus::Failed),
        rejected: count(JobStatus::Rejected),
        cancelled: count(JobStatus::Cancelled),
        skipped: count(JobStatus::Skipped),
        jobs,
    })
}

fn summarized(job: &Job) -> Option<SummarizedJob> {
    let JobPhase::Ended { outcome, duration_ms, set, .. } = &job.phase else { return None };
    Some(SummarizedJob {
        job_id: job.job_id.clone(),
        step: job.step,
        action: job.action,
        destination: job.destination,
        job_key: job.job_key,
        outcome: *outcome,
        worker: job.current().map(|attempt| attempt.worker.clone()),
        attempt: set.map_or(Attempt::NONE, |set| set.attempt),
        duration_ms: *duration_ms,
        manifest_sha256: set.map(|set| set.manifest_sha256),
    })
}

/// `summary.json` of a job that ended without an agent's set; `None` when it has not ended, or has one.
pub fn coordinator_summary(run: &Run, job: &Job) -> Option<Summary> {
    let JobPhase::Ended { outcome, human_summary, ended_at, duration_ms, set: None } = &job.phase else { return None };
    let ran = job.current().filter(|attempt: &&AttemptRecord| job.started > 0 && !attempt.state.is_live());
    let rejected = run.rejection(job).filter(|_| outcome.status == JobStatus::Rejected);
    Some(Summary {
        schema_version: SchemaVersion::default(),
        schema_id: SchemaId::default(),
        created_at: *ended_at,
        run_id: run.run_id.clone(),
        job_id: job.job_id.clone(),
        job_key: job.job_key,
        attempt: Attempt::NONE,
        status: outcome.status,
        failure_kind: outcome.failure_kind,
        failure_subkind: outcome.failure_subkind,
        exit_code: outcome.exit_code,
        backend: ran.map(|_| run.options.backend.as_str().to_owned()),
        backend_exit_code: None,
        backend_term_signal: None,
        human_summary: human_summary.clone(),
        duration_ms: *duration_ms,
        artifact_profile: None,
        worker: ran.map(|attempt| attempt.worker.clone()),
        first_errors: Vec::new(),
        failing_tests: Vec::new(),
        tests: None,
        cached_from_job_id: None,
        log_complete: ran.is_none(),
        ephemeral_cleanup_failed: false,
        rejection_reason: rejected.map(|rejected| format!("{}: {}", rejected.argument, rejected.reason)),
    })
}

/// The state and exit code of a run whose jobs have all ended, in plan order: any rejected, else any cancelled, else the first failed, else success.
pub(crate) fn run_outcome<'a>(jobs: impl Iterator<Item = &'a Job> + Clone) -> (RunState, u8) {
    let outcomes = jobs.filter_map(Job::outcome);
    let find = |status| outcomes.clone().find(|outcome| outcome.status == status);
    if let Some(rejected) = find(JobStatus::Rejected) {
        (RunState::Rejected, rejected.exit_code)
    } else if let Some(cancelled) = find(JobStatus::Cancelled) {
        (RunState::Cancelled, cancelled.exit_code)
    } else if let Some(failed) = find(JobStatus::Failed) {
        (RunState::Failed, failed.exit_code)
    } else {
        (RunState::Succeeded, 0)
    }
}
