//! Names in paths: runs by id, unique prefix or `last`; jobs and workers by their names.

use rch_scheduler::{Job, Run, Worker};
use rch_schemas::{JobId, RunId, Sha256, WorkerName};

use super::error::{ApiError, ApiResult};
use crate::projection::Snapshot;

/// The word for the newest run.
const LAST: &str = "last";
/// Ids named when a prefix is not unique.
const NAMED_MAX: usize = 5;

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
    let mut starting = if name.is_empty() { Vec::new() } else { snapshot.runs_starting_with(name, NAMED_MAX)? };
    match starting.len() {
        0 => Err(ApiError::not_found("run", name).fix("list the runs with GET /v1/runs")),
        1 => Ok(starting.remove(0)),
        _ => {
            let ids: Vec<_> = starting.iter().map(RunId::as_str).collect();
            Err(ApiError::invalid("run", "an id, or the beginning of only one", name).fix(&format!("one of {}", ids.join(", "))))
        }
    }
}

/// The job of this id, with its run.
pub(super) fn job(snapshot: &Snapshot, name: &str) -> ApiResult<(Job, Run)> {
    let job_id: JobId = name.parse().map_err(|_| ApiError::not_found("job", name))?;
    snapshot.job_and_run(&job_id)?.ok_or_else(|| ApiError::not_found("job", name))
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
