//! Deadlines: kept, and never early.

use rch_scheduler::Event;
use rch_schemas::{Reason, Tick};

use super::book::{Book, JobRow, Place, RunRow};
use super::{Broken, Case};
use crate::violation::Promise;
use crate::world::World;

/// A deadline is looked at each second; this much later it was missed, in milliseconds.
const LATE_MS: u64 = 30_000;

pub(super) fn early(case: &Case<'_>, event: &Event) -> Broken {
    let now = case.record.stamp.tick;
    let (job_id, due) = if let Event::JobEnded { job_id, outcome, .. } = event
        && outcome.failure_subkind == Some(Reason::TimeoutQueue)
    {
        (job_id, case.book.job(job_id).map(|(job, run)| Tick(job.waiting_since.0 + run.queue_ms)))
    } else if let Event::AttemptInterrupted { job_id, code: Reason::TimeoutDeadline, .. } = event {
        let place = case.book.job(job_id).and_then(|(job, _)| job.live()).map(|live| live.place);
        (job_id, if let Some(Place::Running { deadline }) = place { Some(deadline) } else { None })
    } else {
        return Vec::new();
    };
    let early = due.filter(|due| *due > now);
    early.into_iter().map(|due| (Promise::DeadlinesAreKept, format!("{job_id} ended {} ms early", due.0 - now.0))).collect()
}

/// What a leader to whom nothing happens should have ended long ago.
pub(super) fn late(book: &Book, world: &World) -> Broken {
    let (Some(led_since), Some(now)) = (world.led_since(), world.farm_time()) else { return Vec::new() };
    if led_since + LATE_MS > world.now {
        return Vec::new();
    }
    let open = book.jobs.iter().filter(|(_, job)| job.outcome.is_none());
    open.filter_map(|(job_id, job)| {
        let run = book.runs.get(&job.run_id)?;
        let (what, due) = due(book, job, run)?;
        (due.0 + LATE_MS < now.0).then(|| (Promise::DeadlinesAreKept, format!("{job_id} {what}, {} ms too long", now.0 - due.0)))
    })
    .collect()
}

/// What a job waits for, and until when it may.
fn due(book: &Book, job: &JobRow, run: &RunRow) -> Option<(&'static str, Tick)> {
    if let Some(live) = job.live() {
        return Some(match live.place {
            Place::Running { deadline } => ("runs", deadline),
            Place::Offered | Place::Over { .. } => ("is offered", Tick(live.offered.0 + book.config.claim_within_ms)),
        });
    }
    if let Some(gap) = run.gap {
        return Some(("waits for its source", gap));
    }
    let waits_for_a_step = book.before(job, run).any(|(_, other)| other.outcome.is_none());
    (!waits_for_a_step).then(|| ("waits for a worker", Tick(job.waiting_since.0 + run.queue_ms)))
}
