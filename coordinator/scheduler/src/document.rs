//! Documents as pure functions of the state: two replicas write the same bytes.

use rch_schemas::document::{
    ConsideredWorker, Job as JobDocument, JobDestination, JobStatus, JobTimeouts, PlannedDestination, PlannedJob, PlannedStep, RunPlan,
    RunState, RunSummary, SchemaId, SchemaVersion, SummarizedJob, Summary, WorkerSelection,
};
use rch_schemas::job_key::{JobKeyInputs, ResolvedDestination};
use rch_schemas::{Attempt, Sha256};

use crate::attempt::AttemptRecord;
use crate::event::Selection;
use crate::job::{Job, JobPhase};
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

/// Everything that is hashed into the key of a step's job where `selection` puts it.
pub(crate) fn key_inputs(run: &Run, step: &Step, selection: &Selection) -> JobKeyInputs {
    JobKeyInputs {
        source_sha256: run.recipe.sha256,
        sanitized_argv: job_argv(step, &selection.resolved),
        toolchain: selection.toolchain.clone(),
        destination: selection.resolved.clone(),
        env: run.options.env.clone(),
        directory: step.directory.clone(),
        allow_empty: step.allow_empty,
    }
}

/// `worker_selection.json`, unsigned.
pub fn worker_selection(made: &MadeSelection) -> WorkerSelection {
    let (selection, judgement) = (&made.selection, &made.judgement);
    let rank_of = |worker: &ConsideredWorker| selection.ranked.iter().position(|name| *name == worker.worker);
    WorkerSelection {
        schema_version: SchemaVersion::default(),
        schema_id: SchemaId::default(),
        created_at: made.at,
        run_id: selection.run_id.clone(),
        destination: selection.destination,
        revision: selection.revision,
        mode: selection.mode,
        requirement: judgement.requirement.clone(),
        workers: judgement.workers.clone(),
        candidate_count: u32::try_from(judgement.workers.iter().filter(|worker| rank_of(worker).is_some()).count()).unwrap_or(u32::MAX),
        selected_worker: selection.worker().clone(),
        xcode_version: selection.xcode_version.clone(),
        toolchain: selection.toolchain.clone(),
        resolved: selection.resolved.clone(),
        notices: selection.notices.clone(),
        group: selection.group.clone(),
        protocol_version: judgement.protocol_version,
        decision_version: selection.decision_version,
        ledger_seq: made.seq,
        signature: None,
    }
}

/// The digest of the evidence: of the document without signature.
pub(crate) fn evidence_sha256(made: &MadeSelection) -> Sha256 {
    Sha256::of_canonical(&worker_selection(made)).expect("evidence holds strings and integers below 2^53")
}

/// `job.json` for an attempt: what its offer carries. `None` before a worker is chosen.
pub fn job_document(run: &Run, job: &Job, attempt: Attempt) -> Option<JobDocument> {
    let made = run.selection(job.destination)?;
    let step = run.steps.get(job.step as usize)?;
    let selection = &made.selection;
    let job_key_inputs = key_inputs(run, step, selection);
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
            resolved: selection.resolved.clone(),
        },
        xcode_version: selection.xcode_version.clone(),
        toolchain: selection.toolchain.clone(),
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
        let selection = row.selection.as_ref().map(|made| &made.selection);
        PlannedDestination {
            index,
            asked: row.asked.clone(),
            resolved: selection.map(|selection| selection.resolved.clone()),
            mode: run.options.selection,
            worker: selection.map(|selection| selection.worker().clone()),
            group: selection.map_or_else(Vec::new, |selection| selection.group.clone()),
            evidence_sha256: selection.map(|selection| selection.evidence_sha256),
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
