//! Names in paths: runs and jobs by id or unique prefix, the newest run as `last`; workers by their names.
//!
//! Ids are made in order, so a run and its jobs begin alike. A prefix that begins a run and otherwise only jobs of that run means the run;
//! one that begins a single job and no run means the job; every other is refused with the ids it could mean.

use rch_scheduler::{Job, Run, Worker};
use rch_schemas::{JobId, RunId, Sha256, WorkerName};

use super::error::{ApiError, ApiResult};
use crate::projection::{ProjectionError, Snapshot};

/// The word for the newest run.
const LAST: &str = "last";
/// Ids named when a prefix is not unique.
const NAMED_MAX: usize = 5;
/// Jobs looked at for a prefix: a run has at most 256, one more belongs to another.
const JOBS_MAX: usize = 257;

/// What a prefix means.
#[derive(Debug, PartialEq, Eq)]
enum Meaning {
    Run(RunId),
    Job(JobId),
    Nothing,
    /// Any of these, and maybe more.
    Several(Vec<String>),
}

/// The run that `name` means.
pub(super) fn run(snapshot: &Snapshot, name: &str) -> ApiResult<Run> {
    let run_id = run_id(snapshot, name)?;
    snapshot.run(&run_id)?.ok_or_else(|| ApiError::not_found("run", name))
}

fn run_id(snapshot: &Snapshot, name: &str) -> ApiResult<RunId> {
    if name == LAST {
        return snapshot.newest_runs(1)?.pop().ok_or_else(|| ApiError::not_found("run", name).fix("this farm has had no run yet"));
    }
    if let Ok(run_id) = name.parse::<RunId>()
        && snapshot.run(&run_id)?.is_some()
    {
        return Ok(run_id);
    }
    match meaning_of(snapshot, name)? {
        Meaning::Run(run_id) => Ok(run_id),
        Meaning::Job(_) | Meaning::Nothing => Err(ApiError::not_found("run", name).fix("list the runs with GET /v1/runs")),
        Meaning::Several(ids) => Err(not_unique("run", name, &ids)),
    }
}

/// The job that `name` means, with its run.
pub(super) fn job(snapshot: &Snapshot, name: &str) -> ApiResult<(Job, Run)> {
    if let Ok(job_id) = name.parse::<JobId>()
        && let Some(found) = snapshot.job_and_run(&job_id)?
    {
        return Ok(found);
    }
    match meaning_of(snapshot, name)? {
        Meaning::Job(job_id) => snapshot.job_and_run(&job_id)?.ok_or_else(|| ApiError::not_found("job", name)),
        Meaning::Run(_) | Meaning::Nothing => Err(ApiError::not_found("job", name)),
        Meaning::Several(ids) => Err(not_unique("job", name, &ids)),
    }
}

fn not_unique(kind: &str, name: &str, ids: &[String]) -> ApiError {
    ApiError::invalid(kind, "an id, or the beginning of only one", name).fix(&format!("write more of one of {}", ids.join(", ")))
}

fn meaning_of(snapshot: &Snapshot, prefix: &str) -> Result<Meaning, ProjectionError> {
    if prefix.is_empty() {
        return Ok(Meaning::Nothing);
    }
    let runs = snapshot.runs_starting_with(prefix, NAMED_MAX)?;
    let jobs = snapshot.jobs_starting_with(prefix, JOBS_MAX)?;
    let own = match runs.as_slice() {
        [only] => snapshot.run(only)?.map(|run| run.jobs().cloned().collect::<Vec<_>>()).unwrap_or_default(),
        _ => Vec::new(),
    };
    Ok(meaning(&runs, &jobs, &own))
}

/// `own` are the jobs of the run, when there is only one run.
fn meaning(runs: &[RunId], jobs: &[JobId], own: &[JobId]) -> Meaning {
    match (runs, jobs) {
        ([], []) => Meaning::Nothing,
        ([], [job]) => Meaning::Job(job.clone()),
        ([run], jobs) if jobs.iter().all(|job| own.contains(job)) => Meaning::Run(run.clone()),
        (runs, jobs) => {
            let ids = runs.iter().map(RunId::to_string).chain(jobs.iter().map(JobId::to_string));
            Meaning::Several(ids.take(NAMED_MAX).collect())
        }
    }
}

/// The worker of this name.
pub(super) fn worker(snapshot: &Snapshot, name: &str) -> ApiResult<Worker> {
    let worker: WorkerName = name.parse().map_err(|_| ApiError::not_found("worker", name))?;
    snapshot.worker(&worker)?.ok_or_else(|| ApiError::not_found("worker", name))
}

/// A digest in a path.
pub(super) fn digest(text: &str) -> ApiResult<Sha256> {
    text.parse().map_err(|_| ApiError::invalid("sha256", "64 lower-case hexadecimal digits", text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(ids: &[&str]) -> Vec<RunId> {
        ids.iter().map(|id| id.parse().expect("an id")).collect()
    }

    fn jobs(ids: &[&str]) -> Vec<JobId> {
        ids.iter().map(|id| id.parse().expect("an id")).collect()
    }

    #[test]
    fn a_prefix_of_a_run_and_its_own_jobs_means_the_run_and_one_of_others_is_refused() {
        let (one, two) = ("01KBQ3M5T2Y8ZC4W6N0R7HXA1D", "01KBQ3M5T2Y8ZC4W6N0R7HXA1E");
        let several = |ids: &[&str]| Meaning::Several(ids.iter().map(|id| (*id).to_owned()).collect());
        assert_eq!(meaning(&[], &[], &[]), Meaning::Nothing);
        assert_eq!(meaning(&runs(&[one]), &jobs(&[two]), &jobs(&[two])), Meaning::Run(runs(&[one]).remove(0)));
        assert_eq!(meaning(&runs(&[one]), &jobs(&[two]), &[]), several(&[one, two]));
        assert_eq!(meaning(&[], &jobs(&[two]), &[]), Meaning::Job(jobs(&[two]).remove(0)));
        assert_eq!(meaning(&[], &jobs(&[one, two]), &[]), several(&[one, two]));
        assert_eq!(meaning(&runs(&[one, two]), &[], &[]), several(&[one, two]));
    }
}
