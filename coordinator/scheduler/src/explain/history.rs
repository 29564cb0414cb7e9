//! What a job waited for so far, by what is recorded of it.

use std::time::Duration;

use rch_schemas::document::{SelectionMode, WaitSpan};
use rch_schemas::wire::http::WaitingReason;
use rch_schemas::{Tick, WorkerName};

use crate::attempt::{AttemptRecord, AttemptState};
use crate::job::Job;
use crate::run::{MadeSelection, Run};

/// A slot that was had within this time was free; the rest is the time that a record takes.
const AT_ONCE: Duration = Duration::from_secs(1);

/// How long a job waited until it first ran; until its end when it never did, else until `now`.
pub fn waited(job: &Job, now: Tick) -> Duration {
    let started = job.attempts.iter().find_map(|attempt| attempt.started);
    let ended = || job.outcome().map(|_| job.current().and_then(|attempt| attempt.ended).unwrap_or(job.waits_since));
    started.or_else(ended).unwrap_or(now).since(job.waits_since)
}

/// What it waited for, in order. What it waits for now is not among it.
pub fn waits(run: &Run, job: &Job) -> Vec<WaitSpan> {
    let (mut spans, mut since) = (Vec::new(), job.waits_since);
    for attempt in &job.attempts {
        spans.extend(before_offer(run, job, attempt, since));
        spans.extend(after_offer(attempt));
        since = attempt.ended.unwrap_or(attempt.offered);
    }
    spans
}

/// Until an attempt was offered: first for a worker that takes jobs at all, then for a slot of it.
fn before_offer(run: &Run, job: &Job, attempt: &AttemptRecord, since: Tick) -> Vec<WaitSpan> {
    let waited = attempt.offered.since(since);
    let name = &attempt.worker;
    let unchosen = if attempt.number.0 == 1 { unchosen(run, job, name).min(waited) } else { Duration::ZERO };
    let (unchosen, for_slot) = if unchosen < AT_ONCE { (Duration::ZERO, waited) } else { (unchosen, waited.saturating_sub(unchosen)) };
    let mut spans = Vec::new();
    if unchosen > Duration::ZERO {
        spans.push(span(WaitingReason::Worker, unchosen, format!("until {name} was chosen: no worker that matches took jobs")));
    }
    let text = if for_slot < AT_ONCE { format!("a slot of {name} was free") } else { format!("until {name} had a slot for it") };
    spans.push(span(WaitingReason::Slot, for_slot, text));
    spans
}

/// How long after its acceptance the run got its first worker for this destination. Later steps find it chosen.
fn unchosen(run: &Run, job: &Job, worker: &WorkerName) -> Duration {
    let made = run.selection(job.destination);
    // Its first choice: those come before any destination is chosen for again.
    let is_first = |made: &&MadeSelection| made.selection.revision as usize <= run.destinations.len();
    // One that was made for a free slot was waited for as for a slot.
    let made = made.filter(|made| made.selection.mode == SelectionMode::Deterministic);
    let made = made.filter(is_first).filter(|made| job.step == 0 && made.selection.worker == *worker);
    let since_accepted = made.map_or(0, |made| made.at.unix_ms() - run.accepted_at.unix_ms());
    Duration::from_millis(u64::try_from(since_accepted).unwrap_or(0))
}

/// What came of an offer; nothing while it stands.
fn after_offer(attempt: &AttemptRecord) -> Vec<WaitSpan> {
    let name = &attempt.worker;
    let claimed =
        attempt.started.map(|started| span(WaitingReason::Claim, started.since(attempt.offered), format!("until {name} claimed it")));
    let unclaimed = attempt.ended.filter(|_| attempt.started.is_none()).map_or(Duration::ZERO, |ended| ended.since(attempt.offered));
    let after = |reason, text: String| Some(span(reason, unclaimed, text));
    let came = match &attempt.state {
        AttemptState::Offered | AttemptState::Running { .. } | AttemptState::Finished { .. } => None,
        AttemptState::Interrupted { code, detail } => {
            after(WaitingReason::Worker, format!("it ran on {name} and was interrupted: {code}, {detail}"))
        }
        AttemptState::Lost => after(WaitingReason::Worker, format!("it ran on {name}, which was lost")),
        AttemptState::Refused { code, detail } => after(WaitingReason::Backoff, format!("{name} refused it: {code}, {detail}")),
        AttemptState::Withdrawn { detail } => after(WaitingReason::Claim, format!("the offer to {name} was taken back: {detail}")),
    };
    claimed.into_iter().chain(came).collect()
}

fn span(reason: WaitingReason, waited: Duration, detail: String) -> WaitSpan {
    WaitSpan { reason, waited_ms: u64::try_from(waited.as_millis()).unwrap_or(u64::MAX), detail }
}
