//! Soft facts: what the leader heard, never recorded by itself. What a decision used of them is copied into its event.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rch_schemas::document::ProbeFailure;
use rch_schemas::id::CacheNamespace;
use rch_schemas::{Attempt, JobId, SessionId, Tick, WorkerName};

/// What the leader knows beside the ledger.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observed {
    /// Since when the leader hears: connected, and its own heartbeat came back. Silence before it proves nothing. `None` while it is deaf.
    pub hearing_since: Option<Tick>,
    /// A row a worker.
    pub workers: BTreeMap<WorkerName, ObservedWorker>,
}

impl Observed {
    /// How old a worker's capabilities are; counted from when the leader began to hear, since it cannot know of earlier confirmations.
    pub(crate) fn capabilities_age(&self, worker: &WorkerName, now: Tick) -> Option<Duration> {
        let since = self.hearing_since?;
        let confirmed = self.workers.get(worker).and_then(|row| row.capabilities_at).unwrap_or_default();
        Some(now.since(confirmed.max(since)))
    }
}

/// What was heard of one worker.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ObservedWorker {
    /// The session that was heard last.
    pub session: Option<SessionId>,
    /// When anything was heard last.
    pub heard_at: Option<Tick>,
    /// When its capabilities were confirmed last.
    pub capabilities_at: Option<Tick>,
    /// What came of asking for them last; absent when they came, or nobody asked.
    pub probe_failure: Option<ProbeFailure>,
    /// What sessions that were replaced still say; absent when none does.
    pub replaced_talk: Option<ReplacedTalk>,
    /// Heartbeats in a row that did not name an attempt the worker should hold.
    pub missing: BTreeMap<(JobId, Attempt), u32>,
    /// Free slots, by its last heartbeat.
    pub slots_free: u32,
    /// One-minute load, in hundredths.
    pub load_hundredths: u32,
    /// Free disk space in bytes.
    pub disk_free_bytes: u64,
    /// Cache namespaces of which it keeps something.
    pub warm_namespaces: BTreeSet<CacheNamespace>,
}

/// Heartbeats in a row without an attempt after which it counts as interrupted.
pub(crate) const HEARTBEATS_WITHOUT_ATTEMPT: u32 = 3;

/// Replaced sessions of a worker that still talk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplacedTalk {
    /// Since when, without a pause of [`ReplacedTalk::PAUSE`].
    pub since: Tick,
    /// When last.
    pub last: Tick,
}

impl ReplacedTalk {
    /// Silence after which talk is new talk: two heartbeats may be lost.
    pub const PAUSE: Duration = Duration::from_secs(15);

    /// The talk so far, with a word at `now`.
    #[must_use]
    pub fn heard(before: Option<Self>, now: Tick) -> Self {
        let goes_on = before.filter(|talk| now.since(talk.last) < Self::PAUSE);
        Self { since: goes_on.map_or(now, |talk| talk.since), last: now }
    }
}
