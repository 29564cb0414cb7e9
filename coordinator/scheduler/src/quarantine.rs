//! Workers that the farm itself closes: where jobs keep failing for no fault of their own, and where two machines use one name.
//!
//! An infrastructure failure (one that asks for another try) counts against the worker it happened on. Three in a row, of three different job
//! keys, quarantine it; an attempt that comes to a verdict of its own, be it a compiler's error, breaks the row. What ends with its session
//! (the agent died, the worker was lost) is one incident however many jobs it took. A key that fails so on two workers is the job's fault: it
//! counts on neither, also when the second failure comes later. A quarantine that rests on such failures and keeps fewer than three is lifted
//! by the farm, as it would not be made now; every other one is lifted by a person alone.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rch_schemas::wire::http::Intake;
use rch_schemas::{JobKey, Reason, RetryClass, SessionId, WorkerName};
use serde::{Deserialize, Serialize};

use crate::attempt::{AttemptRecord, AttemptState};
use crate::command::Stamp;
use crate::event::Event;
use crate::intake;
use crate::observed::{Observed, ReplacedTalk};
use crate::state::State;
use crate::worker::{IntakeBy, Worker};

/// Failures in a row, of different keys, that close a worker.
const FAILURES_MAX: usize = 3;
/// Failures that are remembered of a worker, those that no longer count among them: what a key did elsewhere must be known for a while.
const FAILURES_KEPT: usize = 16;
/// How long a replaced session may go on talking before its name is closed; an agent that is told so leaves at once.
const DUPLICATE_AFTER: Duration = Duration::from_secs(15);

/// What a failure is called in the plural, after `3 different jobs`.
const WORDS: [(Reason, &str); 8] = [
    (Reason::SimulatorBoot, "failed to boot a simulator"),
    (Reason::CoresimulatorDown, "found CoreSimulator not working"),
    (Reason::RunnerLaunch, "failed to launch the test runner"),
    (Reason::PackageResolution, "failed to resolve packages"),
    (Reason::Transfer, "failed to move bytes"),
    (Reason::Interrupted, "were interrupted"),
    (Reason::WorkerLost, "lost the worker"),
    (Reason::Internal, "met an internal error"),
];

/// An infrastructure failure on a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerFailure {
    /// What failed.
    pub job_key: JobKey,
    /// How.
    pub code: Reason,
    /// The session it was offered to.
    pub session: SessionId,
    /// Whether nothing has come to a verdict there since.
    pub in_row: bool,
}

impl WorkerFailure {
    /// Whether it ended with its session, and so is one incident with whatever else did.
    fn ended_with_session(&self) -> bool {
        matches!(self.code, Reason::Interrupted | Reason::WorkerLost)
    }
}

/// What the end of an attempt says about its worker.
enum Sign {
    Failure(Reason),
    /// It does its work.
    Works,
    Nothing,
}

fn sign_of(state: &AttemptState) -> Sign {
    let again = |code: Reason| if code.retry_class() == RetryClass::Again { Sign::Failure(code) } else { Sign::Nothing };
    match state {
        AttemptState::Finished { finished } => match finished.outcome.failure_subkind.map(again) {
            Some(Sign::Failure(code)) => Sign::Failure(code),
            Some(Sign::Works | Sign::Nothing) | None => Sign::Works,
        },
        AttemptState::Interrupted { code, .. } => again(*code),
        AttemptState::Lost => Sign::Failure(Reason::WorkerLost),
        AttemptState::Offered | AttemptState::Running { .. } | AttemptState::Refused { .. } | AttemptState::Withdrawn { .. } => {
            Sign::Nothing
        }
    }
}

/// Takes down what the end of an attempt says about its worker; gives every worker that it concerns.
pub(crate) fn note(state: &mut State, job_key: Option<JobKey>, attempt: &AttemptRecord) -> BTreeSet<WorkerName> {
    let Some(row) = state.workers.get_mut(&attempt.worker) else { return BTreeSet::new() };
    match (sign_of(&attempt.state), job_key) {
        (Sign::Works, _) => {
            row.failures.iter_mut().for_each(|failure| failure.in_row = false);
            BTreeSet::new()
        }
        (Sign::Failure(code), Some(job_key)) => {
            row.failures.push(WorkerFailure { job_key, code, session: attempt.session.clone(), in_row: true });
            let surplus = row.failures.len().saturating_sub(FAILURES_KEPT);
            row.failures.drain(..surplus);
            let same = |worker: &&Worker| worker.failures.iter().any(|failure| failure.job_key == job_key);
            state.workers.values().filter(same).map(|worker| worker.name.clone()).collect()
        }
        (Sign::Failure(_), None) | (Sign::Nothing, _) => BTreeSet::new(),
    }
}

/// Failures that count against a worker, one for each key.
pub(crate) fn counted<'a>(state: &'a State, worker: &'a Worker) -> Vec<&'a WorkerFailure> {
    let elsewhere = |key: &JobKey| {
        let others = state.workers.values().filter(|other| other.name != worker.name);
        others.flat_map(|other| &other.failures).any(|failure| failure.job_key == *key)
    };
    let (mut keys, mut sessions) = (BTreeSet::new(), BTreeSet::new());
    let in_row = worker.failures.iter().filter(|failure| failure.in_row);
    in_row
        .filter(|failure| !elsewhere(&failure.job_key))
        .filter(|failure| !failure.ended_with_session() || sessions.insert(&failure.session))
        .filter(|failure| keys.insert(failure.job_key))
        .collect()
}

/// What follows for a worker from the failures that count against it now.
pub(crate) fn follow(state: &State, worker: &Worker) -> Vec<Event> {
    match worker.intake {
        Intake::Open if worker.failures.iter().filter(|failure| failure.in_row).count() >= FAILURES_MAX => {
            let failures = counted(state, worker);
            let reason = (failures.len() >= FAILURES_MAX).then(|| sentence(&failures));
            reason.map_or_else(Vec::new, |reason| intake::change(state, worker, Intake::Quarantined, (IntakeBy::Failures, &reason)))
        }
        Intake::Quarantined if worker.intake_changed.as_ref().is_some_and(|change| change.by == IntakeBy::Failures) => {
            let left = counted(state, worker).len();
            let reason = format!("{left} of its failures are its own, the other jobs failed elsewhere, too");
            if left < FAILURES_MAX { intake::change(state, worker, Intake::Open, (IntakeBy::Failures, &reason)) } else { Vec::new() }
        }
        Intake::Open | Intake::Draining | Intake::Quarantined => Vec::new(),
    }
}

/// `3 different jobs failed to boot a simulator`.
fn sentence(failures: &[&WorkerFailure]) -> String {
    let mut counts: BTreeMap<Reason, usize> = BTreeMap::new();
    for failure in failures {
        *counts.entry(failure.code).or_default() += 1;
    }
    let words = |code: Reason| WORDS.iter().find(|(known, _)| *known == code).map_or(code.sentence(), |(_, words)| words);
    let total = failures.len();
    if let [(code, _)] = counts.iter().collect::<Vec<_>>().as_slice() {
        return format!("{total} different jobs {}", words(**code));
    }
    let parts: Vec<_> = counts.iter().map(|(code, count)| format!("{count} {}", words(*code))).collect();
    format!("{total} different jobs failed: {}", parts.join(", "))
}

/// Names that two machines use: a replaced session goes on talking.
pub(crate) fn duplicates(state: &State, observed: &Observed, stamp: &Stamp) -> Vec<Event> {
    let enrolled = state.workers.values().filter(|worker| state.config.inventory.contains_key(&worker.name));
    let open = enrolled.filter(|worker| worker.intake != Intake::Quarantined);
    let double = open.filter(|worker| {
        let talk = observed.workers.get(&worker.name).and_then(|row| row.replaced_talk);
        // What was said before a person decided is not held against the name again.
        let since = talk.map(|talk| talk.since.max(worker.intake_changed.as_ref().map_or(talk.since, |change| change.tick)));
        talk.zip(since)
            .is_some_and(|(talk, since)| talk.last.since(since) >= DUPLICATE_AFTER && stamp.tick.since(talk.last) < ReplacedTalk::PAUSE)
    });
    let reason = |worker: &Worker| {
        format!("two machines use the name {}: an agent that was replaced still talked after {} s", worker.name, DUPLICATE_AFTER.as_secs())
    };
    double.flat_map(|worker| intake::change(state, worker, Intake::Quarantined, (IntakeBy::Duplicate, &reason(worker)))).collect()
}
