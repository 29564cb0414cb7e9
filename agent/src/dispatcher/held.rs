//! The attempts that this agent holds, and how far each is.

use std::collections::BTreeMap;
use std::sync::Arc;

use rch_schemas::wire::agent::{HeldAttempt, Offer, Phase};
use rch_schemas::{LedgerSeq, RunId};

use crate::attempt::{AttemptKey, Progress};

/// How far an attempt is.
#[derive(Debug)]
pub(super) enum Holding {
    /// Asked for; not ours before go.
    Claiming(Box<Offer>),
    /// Being refused; it was never claimed.
    Refusing,
    /// Under way since this record.
    Running { run: HeldRun, since: LedgerSeq, progress: Arc<Progress> },
    /// Over; its report is in the outbox.
    Reporting { run: Option<HeldRun>, log_offset: u64 },
}

/// What is remembered of a run whose attempt is held.
#[derive(Debug, Clone)]
pub(super) struct HeldRun {
    pub(super) run_id: RunId,
    /// The protocol version of its messages.
    pub(super) version: u32,
}

impl HeldRun {
    pub(super) fn of(offer: &Offer) -> Self {
        Self { run_id: offer.job.run_id.clone(), version: offer.job.protocol_version }
    }
}

/// Attempts by name.
#[derive(Debug, Default)]
pub(super) struct Held(BTreeMap<AttemptKey, Holding>);

impl Held {
    pub(super) fn get(&self, key: &AttemptKey) -> Option<&Holding> {
        self.0.get(key)
    }

    pub(super) fn insert(&mut self, key: AttemptKey, holding: Holding) {
        self.0.insert(key, holding);
    }

    pub(super) fn remove(&mut self, key: &AttemptKey) -> Option<Holding> {
        self.0.remove(key)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&AttemptKey, &Holding)> {
        self.0.iter()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Attempts that take or will take a slot.
    pub(super) fn slots_taken(&self) -> u32 {
        let taken = self.0.values().filter(|holding| matches!(holding, Holding::Claiming(_) | Holding::Running { .. })).count();
        u32::try_from(taken).unwrap_or(u32::MAX)
    }

    /// The runs whose source is in use or may be soon.
    pub(super) fn runs(&self) -> impl Iterator<Item = &RunId> {
        self.0.values().filter_map(|holding| match holding {
            Holding::Claiming(offer) => Some(&offer.job.run_id),
            Holding::Running { run, .. } => Some(&run.run_id),
            Holding::Reporting { run, .. } => run.as_ref().map(|run| &run.run_id),
            Holding::Refusing => None,
        })
    }

    /// The version of the messages about an attempt; `None` when nothing is known of its run.
    pub(super) fn version_of(&self, key: &AttemptKey) -> Option<u32> {
        match self.0.get(key)? {
            Holding::Claiming(offer) => Some(offer.job.protocol_version),
            Holding::Running { run, .. } => Some(run.version),
            Holding::Reporting { run, .. } => run.as_ref().map(|run| run.version),
            Holding::Refusing => None,
        }
    }

    /// What the farm is told. A claim counts: once it is recorded, an attempt missing from heartbeats would be ended.
    pub(super) fn told(&self) -> Vec<HeldAttempt> {
        let told =
            |key: &AttemptKey, phase, log_offset| HeldAttempt { job_id: key.job_id.clone(), attempt: key.attempt, phase, log_offset };
        self.0
            .iter()
            .filter_map(|(key, holding)| match holding {
                Holding::Claiming(_) => Some(told(key, Phase::Fetch, 0)),
                Holding::Running { progress, .. } => Some(told(key, progress.phase(), progress.log_bytes())),
                Holding::Reporting { log_offset, .. } => Some(told(key, Phase::Upload, *log_offset)),
                Holding::Refusing => None,
            })
            .collect()
    }
}
