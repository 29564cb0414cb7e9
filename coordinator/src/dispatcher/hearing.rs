//! What the leader hears: the soft facts that decisions may use.

use std::collections::BTreeMap;
use std::time::Duration;

use rch_scheduler::{AttemptState, Observed, ObservedWorker, ReplacedTalk, State, Worker};
use rch_schemas::document::ProbeFailure;
use rch_schemas::wire::agent::Heartbeat;
use rch_schemas::{Attempt, JobId, SessionId, Tick, WorkerName};

/// A leader that has not heard its own heartbeat, sent each five seconds, for this long hears nobody.
const DEAF_AFTER: Duration = Duration::from_secs(12);
/// A gap between two ticks, which come each half second, after which this process may have been asleep.
const GAP: Duration = Duration::from_secs(2);

/// Something that was heard.
#[derive(Debug)]
pub(crate) enum Heard {
    /// This leader's own heartbeat came back.
    Own,
    /// A worker's heartbeat.
    Worker(WorkerName, Box<Heartbeat>),
    /// A worker's report has come, from this session, and waits: nobody is lost whose word was not heard.
    Report(WorkerName, SessionId),
    /// A worker was asked for its capabilities, and they did not come.
    ProbeFailed(WorkerName, ProbeFailure),
}

/// The leader's ears.
pub(super) struct Hearing {
    /// What they know.
    pub(super) observed: Observed,
    own_heard: Option<Tick>,
    last_look: Tick,
}

impl Hearing {
    /// Ears that have heard nothing.
    pub(super) fn new(now: Tick) -> Self {
        Self { observed: Observed::default(), own_heard: None, last_look: now }
    }

    /// Takes in what was heard.
    pub(super) fn hear(&mut self, state: &State, heard: &Heard, now: Tick) {
        match heard {
            Heard::Own => {
                self.own_heard = Some(now);
                self.observed.hearing_since.get_or_insert(now);
            }
            Heard::Worker(name, heartbeat) => self.hear_worker(state, name, heartbeat, now),
            Heard::Report(name, session) => {
                let current = state.workers.get(name).and_then(|worker| worker.session.as_ref());
                if current.is_some_and(|current| current.id == *session) {
                    self.row(name, session).heard_at = Some(now);
                }
            }
            Heard::ProbeFailed(name, failure) => {
                if state.workers.contains_key(name) {
                    self.observed.workers.entry(name.clone()).or_default().probe_failure = Some(failure.clone());
                }
            }
        }
    }

    /// Something may have been missed: everybody gets a full period again.
    pub(super) fn deafen(&mut self) {
        self.own_heard = None;
        self.observed.hearing_since = None;
    }

    /// Looks at the clock: silence counts only while this leader hears itself, and was not asleep.
    pub(super) fn look(&mut self, now: Tick) {
        let slept = now.since(self.last_look) > GAP;
        let deaf = self.own_heard.is_some_and(|heard| now.since(heard) > DEAF_AFTER);
        if slept || deaf {
            tracing::warn!(slept, deaf, "may have missed heartbeats, nobody is lost for a while");
            self.deafen();
        }
        self.last_look = now;
    }

    /// A report was accepted: proof of life, and with facts proof that they are as known.
    pub(super) fn reported(&mut self, name: &WorkerName, session: &SessionId, with_facts: bool, now: Tick) {
        let row = self.row(name, session);
        row.heard_at = Some(now);
        if with_facts {
            row.capabilities_at = Some(now);
            row.probe_failure = None;
        }
    }

    /// A session that was replaced still talks: there may be two machines of one name.
    pub(super) fn hear_replaced(&mut self, worker: &Worker, session: &SessionId, now: Tick) {
        if worker.replaced.contains(session) {
            let row = self.observed.workers.entry(worker.name.clone()).or_default();
            row.replaced_talk = Some(ReplacedTalk::heard(row.replaced_talk, now));
        }
    }

    fn hear_worker(&mut self, state: &State, name: &WorkerName, heartbeat: &Heartbeat, now: Tick) {
        let Some(worker) = state.workers.get(name) else { return };
        self.hear_replaced(worker, &heartbeat.session, now);
        if worker.session.as_ref().is_none_or(|session| session.id != heartbeat.session) {
            tracing::debug!(worker = %name, session = %heartbeat.session, "heartbeat of a session that is not the current one");
            return;
        }
        let row = self.row(name, &heartbeat.session);
        row.heard_at = Some(now);
        row.slots_free = heartbeat.slots_free;
        row.load_hundredths = heartbeat.load_hundredths;
        row.disk_free_bytes = heartbeat.disk_free_bytes;
        row.warm_namespaces.clone_from(&heartbeat.warm_namespaces);
        row.missing = missing(state, worker, heartbeat, &row.missing);
    }

    /// The row of a worker; another session begins it anew.
    fn row(&mut self, name: &WorkerName, session: &SessionId) -> &mut ObservedWorker {
        let row = self.observed.workers.entry(name.clone()).or_default();
        if row.session.as_ref() != Some(session) {
            let replaced_talk = row.replaced_talk;
            *row = ObservedWorker { session: Some(session.clone()), replaced_talk, ..ObservedWorker::default() };
        }
        row
    }
}

/// Attempts that run on the worker by the ledger and are not in its heartbeat, with how often in a row.
fn missing(
    state: &State,
    worker: &Worker,
    heartbeat: &Heartbeat,
    before: &BTreeMap<(JobId, Attempt), u32>,
) -> BTreeMap<(JobId, Attempt), u32> {
    let runs = |job_id: &JobId, attempt: Attempt| {
        let record = state.jobs.get(job_id).and_then(|job| job.current_numbered(attempt));
        record.is_some_and(|record| matches!(record.state, AttemptState::Running { .. }))
    };
    let named = |job_id: &JobId, attempt: Attempt| heartbeat.held.iter().any(|held| held.job_id == *job_id && held.attempt == attempt);
    worker
        .held
        .iter()
        .filter(|(job_id, attempt)| runs(job_id, *attempt) && !named(job_id, *attempt))
        .map(|held| (held.clone(), before.get(held).copied().unwrap_or_default() + 1))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_counts_from_when_the_leader_hears_itself() {
        let (state, mut hearing) = (State::default(), Hearing::new(Tick(0)));
        assert_eq!(hearing.observed.hearing_since, None);
        hearing.hear(&state, &Heard::Own, Tick(100));
        hearing.hear(&state, &Heard::Own, Tick(5_100));
        assert_eq!(hearing.observed.hearing_since, Some(Tick(100)));
    }

    #[test]
    fn a_report_that_waits_is_a_sign_of_life_of_its_session_and_capabilities_make_a_failed_question_forgotten() {
        let (mut state, mut hearing) = (State::default(), Hearing::new(Tick(0)));
        let name: WorkerName = "mac-1".parse().expect("a name");
        let session = |id: &str| id.parse::<SessionId>().expect("an id");
        let (protocol, features) = (rch_schemas::protocol::ProtocolRange::OURS, std::collections::BTreeSet::new());
        let current = rch_scheduler::Session { id: session("session-01"), agent_version: String::new(), protocol, features, slots: 1 };
        state.workers.insert(name.clone(), Worker { session: Some(current), ..Worker::new(name.clone()) });
        let heard_at = |hearing: &Hearing| hearing.observed.workers.get(&name).and_then(|row| row.heard_at);
        hearing.hear(&state, &Heard::Report(name.clone(), session("session-00")), Tick(1));
        assert_eq!(heard_at(&hearing), None);
        hearing.hear(&state, &Heard::Report(name.clone(), session("session-01")), Tick(2));
        assert_eq!(heard_at(&hearing), Some(Tick(2)));
        let failure = ProbeFailure { error: "no agent listens".to_owned(), after_ms: 1 };
        hearing.hear(&state, &Heard::ProbeFailed(name.clone(), failure.clone()), Tick(3));
        hearing.reported(&name, &session("session-01"), false, Tick(4));
        assert_eq!(hearing.observed.workers[&name].probe_failure, Some(failure));
        hearing.reported(&name, &session("session-01"), true, Tick(5));
        assert_eq!(hearing.observed.workers[&name].probe_failure, None);
    }

    #[test]
    fn a_leader_that_slept_or_no_longer_hears_itself_loses_nobody() {
        let (state, mut hearing) = (State::default(), Hearing::new(Tick(0)));
        hearing.hear(&state, &Heard::Own, Tick(0));
        for now in (0..=12_000).step_by(500) {
            hearing.look(Tick(now));
        }
        assert_eq!(hearing.observed.hearing_since, Some(Tick(0)));
        hearing.look(Tick(12_500));
        assert_eq!(hearing.observed.hearing_since, None);
        hearing.hear(&state, &Heard::Own, Tick(13_000));
        hearing.look(Tick(90_000));
        assert_eq!(hearing.observed.hearing_since, None);
    }
}
