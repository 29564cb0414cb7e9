//! What a leader hears: as the coordinator's own ears.

use std::collections::BTreeMap;

use rch_scheduler::{AttemptState, Observed, ObservedWorker, ReplacedTalk, State, Worker};
use rch_schemas::{SessionId, Tick, WorkerName};

use crate::happening::{AttemptId, Heard};
use crate::plant::Plant;

/// A leader that has not heard its own heartbeat for this long hears nobody.
const DEAF_AFTER_MS: u64 = 12_000;
/// A gap between two looks, which come each second, after which the process may have been asleep.
const GAP_MS: u64 = 3_000;

pub(super) struct Hearing {
    pub(super) observed: Observed,
    own_heard: Option<Tick>,
    last_look: Tick,
    plant: Option<Plant>,
}

impl Hearing {
    pub(super) fn new(now: Tick, plant: Option<Plant>) -> Self {
        let mut observed = Observed::default();
        if plant == Some(Plant::NoGraceAfterElection) {
            observed.hearing_since = Some(Tick(0));
        }
        Self { observed, own_heard: None, last_look: now, plant }
    }

    pub(super) fn hear(&mut self, state: &State, heard: &Heard, now: Tick) {
        match heard {
            Heard::Own => {
                self.own_heard = Some(now);
                self.observed.hearing_since.get_or_insert(now);
            }
            Heard::Worker { worker, session, held } => self.hear_worker(state, (worker, session), held, now),
        }
    }

    /// Something may have been missed: everybody gets a full period again.
    pub(super) fn deafen(&mut self) {
        if self.plant == Some(Plant::DeafnessUnnoticed) {
            return;
        }
        self.own_heard = None;
        self.observed.hearing_since = None;
    }

    pub(super) fn look(&mut self, now: Tick) {
        let slept = now.0.saturating_sub(self.last_look.0) > GAP_MS;
        let deaf = self.own_heard.is_some_and(|heard| now.0.saturating_sub(heard.0) > DEAF_AFTER_MS);
        if slept || deaf {
            self.deafen();
        }
        self.last_look = now;
    }

    /// An accepted report is proof of life, and with facts proof that they are as known.
    pub(super) fn reported(&mut self, worker: &WorkerName, session: &SessionId, now: Tick) -> &mut ObservedWorker {
        let row = self.row(worker, session);
        row.heard_at = Some(now);
        row
    }

    /// A session that was replaced still talks.
    pub(super) fn hear_replaced(&mut self, worker: &Worker, session: &SessionId, now: Tick) {
        if worker.replaced.contains(session) {
            let row = self.observed.workers.entry(worker.name.clone()).or_default();
            row.replaced_talk = Some(ReplacedTalk::heard(row.replaced_talk, now));
        }
    }

    fn hear_worker(&mut self, state: &State, (name, session): (&WorkerName, &SessionId), held: &[AttemptId], now: Tick) {
        let Some(worker) = state.workers.get(name) else { return };
        self.hear_replaced(worker, session, now);
        if worker.session.as_ref().is_none_or(|current| current.id != *session) {
            return;
        }
        let runs = |id: &AttemptId| {
            let record = state.jobs.get(&id.0).and_then(|job| job.current_numbered(id.1));
            record.is_some_and(|record| matches!(record.state, AttemptState::Running { .. }))
        };
        let row = self.row(name, session);
        row.heard_at = Some(now);
        let before = std::mem::take(&mut row.missing);
        let missing = worker.held.iter().filter(|id| runs(id) && !held.contains(id));
        row.missing = missing.map(|id| (id.clone(), before.get(id).copied().unwrap_or_default() + 1)).collect::<BTreeMap<AttemptId, u32>>();
    }

    fn row(&mut self, name: &WorkerName, session: &SessionId) -> &mut ObservedWorker {
        let row = self.observed.workers.entry(name.clone()).or_default();
        if row.session.as_ref() != Some(session) {
            let replaced_talk = row.replaced_talk;
            *row = ObservedWorker { session: Some(session.clone()), replaced_talk, ..ObservedWorker::default() };
        }
        row
    }
}
