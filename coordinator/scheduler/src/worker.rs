//! A worker: who it is, what it can do, whether it is heard, whether it takes jobs.

use std::collections::BTreeSet;
use std::time::Duration;

use rch_schemas::capabilities::Facts;
use rch_schemas::protocol::{Feature, ProtocolRange};
use rch_schemas::wire::http::{Intake, Liveness};
use rch_schemas::{Attempt, JobId, SessionId, Sha256, Tick, Timestamp, WorkerName};
use serde::{Deserialize, Serialize};

use crate::config::FarmConfig;
use crate::observed::Observed;
use crate::quarantine::WorkerFailure;

/// A worker of the inventory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Worker {
    /// Its name.
    pub name: WorkerName,
    /// The current start of its agent; absent until the first announcement.
    pub session: Option<Session>,
    /// Sessions that were replaced, newest last: what they still say is stale.
    pub replaced: Vec<SessionId>,
    /// What it can do, and the digest of that.
    pub facts: Option<(Sha256, Facts)>,
    /// Whether it was silent too long.
    pub lost: bool,
    /// Whether it takes jobs.
    pub intake: Intake,
    /// Why intake is not open.
    pub intake_reason: String,
    /// The last change of intake; absent when there was none.
    pub intake_changed: Option<IntakeChange>,
    /// Attempts offered to it or running on it.
    pub held: BTreeSet<(JobId, Attempt)>,
    /// Infrastructure failures on it, oldest first; bounded.
    pub failures: Vec<WorkerFailure>,
}

/// When a worker was opened or closed, and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntakeChange {
    /// Who did it.
    pub by: IntakeBy,
    /// When, for people.
    pub at: Timestamp,
    /// When, for deadlines.
    pub tick: Tick,
}

/// Who opens, closes or removes a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "who", rename_all = "snake_case")]
pub enum IntakeBy {
    /// A person or a program.
    Actor {
        /// The name of its token.
        name: String,
    },
    /// The farm: jobs kept failing there for no fault of their own.
    Failures,
    /// The farm: two machines use the worker's name.
    Duplicate,
    /// The farm: the inventory no longer names the worker.
    Inventory,
}

impl Default for IntakeBy {
    /// Before actors were recorded nobody else could.
    fn default() -> Self {
        Self::Actor { name: "local".to_owned() }
    }
}

impl IntakeBy {
    /// The actor, or `coordinator`.
    pub fn name(&self) -> &str {
        match self {
            Self::Actor { name } => name,
            Self::Failures | Self::Duplicate | Self::Inventory => "coordinator",
        }
    }
}

/// One start of an agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Version of the agent.
    pub agent_version: String,
    /// The protocol versions it speaks.
    pub protocol: ProtocolRange,
    /// What it can do.
    pub features: BTreeSet<Feature>,
    /// Jobs at once.
    pub slots: u32,
}

/// Replaced sessions that are remembered: as many as can plausibly still have messages under way.
pub(crate) const REPLACED_SESSIONS_KEPT: usize = 8;

impl Worker {
    /// A worker that was never heard.
    pub fn new(name: WorkerName) -> Self {
        Self {
            name,
            session: None,
            replaced: Vec::new(),
            facts: None,
            lost: false,
            intake: Intake::Open,
            intake_reason: String::new(),
            intake_changed: None,
            held: BTreeSet::new(),
            failures: Vec::new(),
        }
    }

    /// Whether its agent has an optional ability.
    pub fn has(&self, feature: &str) -> bool {
        self.session.as_ref().is_some_and(|session| session.features.contains(&Feature::named(feature)))
    }

    /// Slots that nothing is offered to or runs in.
    pub fn free_slots(&self) -> usize {
        let slots = self.session.as_ref().map_or(0, |session| session.slots as usize);
        slots.saturating_sub(self.held.len())
    }
}

/// Whether a worker is heard. Silence counts only since the leader itself hears; `Suspect` is derived here and never recorded.
pub fn liveness(worker: &Worker, observed: &Observed, config: &FarmConfig, now: Tick) -> Liveness {
    if worker.session.is_none() {
        return Liveness::Unknown;
    }
    if worker.lost {
        return Liveness::Lost;
    }
    match silence(worker, observed, now) {
        Some(silence) if silence >= Duration::from_millis(config.suspect_after_ms) => Liveness::Suspect,
        Some(_) | None => Liveness::Online,
    }
}

/// How long a worker has been silent while the leader could hear; `None` while the leader is deaf.
pub(crate) fn silence(worker: &Worker, observed: &Observed, now: Tick) -> Option<Duration> {
    let since = observed.hearing_since?;
    let heard = observed.workers.get(&worker.name).and_then(|row| row.heard_at).unwrap_or_default();
    Some(now.since(heard.max(since)))
}
