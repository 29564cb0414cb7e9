//! `rch queue`: who waits, and for what.

use std::time::Duration;

use rch_schemas::WorkerName;
use rch_schemas::document::{Queue, WaitingJob};
use serde_json::json;

use super::Context;
use crate::cli::QueueFlags;
use crate::error::CommandError;
use crate::output::wait::{because, elapsed, short, word};
use crate::output::{Ending, count, duration, table};

/// Lists the jobs that wait.
pub(crate) async fn run(context: &mut Context<'_>, flags: QueueFlags) -> Result<Ending, CommandError> {
    let layers = context.layers(Vec::new())?;
    let connected = context.connect(&layers).await?;
    let worker = match &flags.worker {
        Some(name) => Some(name.parse::<WorkerName>().map_err(|_| CommandError::NotFound {
            what: format!("{name:?} is no name of a worker"),
            fix: "`rch workers list` shows them",
        })?),
        None => None,
    };
    let queue = connected.client.queue(worker.as_ref(), flags.limit).await?;
    context.reporter.data_lines(&lines(&queue, worker.is_some()));
    Ok(Ending::success(format!("{} waiting", queue.waiting)).with_document(json!(queue)))
}

fn lines(queue: &Queue, of_worker: bool) -> Vec<String> {
    let mut lines = if queue.jobs.is_empty() { Vec::new() } else { rows("JOB", &queue.jobs) };
    let hidden = u64::from(queue.waiting).saturating_sub(queue.jobs.len() as u64);
    if hidden > 0 && !of_worker {
        lines.push(format!("{} (--limit)", count(hidden, "more job")));
    }
    if !lines.is_empty() {
        lines.push(String::new());
    }
    lines.push(summary(queue));
    lines
}

/// A table of waiting jobs, under `head` for their ids.
pub(super) fn rows(head: &str, jobs: &[WaitingJob]) -> Vec<String> {
    let row = |job: &WaitingJob| {
        [
            short(job.job_id.as_str()),
            job.requester.clone(),
            format!("{} {}", job.action, job.project),
            word(job.priority).to_owned(),
            elapsed(job.waited_ms),
            because(&job.waiting),
        ]
    };
    table([head, "WHO", "WHAT", "BAND", "FOR", "BECAUSE"], &[4], &jobs.iter().map(row).collect::<Vec<_>>())
}

/// `4 waiting, oldest 4m 10s; 2 running; wait in 24 h p50 2.0 s, p95 3m 05s (412 jobs)`.
pub(super) fn summary(queue: &Queue) -> String {
    let oldest = queue.oldest_ms.map_or_else(String::new, |oldest| format!(", oldest {}", elapsed(oldest)));
    let waits = queue.waits.map_or_else(String::new, |waits| {
        let time = |milliseconds| duration(Duration::from_millis(milliseconds));
        format!("; wait in 24 h p50 {}, p95 {} ({})", time(waits.p50_ms), time(waits.p95_ms), count(waits.jobs.into(), "job"))
    });
    format!("{} waiting{oldest}; {} running{waits}", queue.waiting, queue.running)
}
