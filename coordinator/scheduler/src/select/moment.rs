//! What is of the moment about a worker: never recorded by itself, and copied into a choice where it mattered.

use std::time::Duration;

use rch_schemas::document::{PassedOver, ProbeFailure};
use rch_schemas::id::CacheNamespace;
use rch_schemas::wire::http::Liveness;
use rch_schemas::{Reason, WorkerName};

use super::judge::verdict;
use crate::command::Stamp;
use crate::event::Selection;
use crate::observed::Observed;
use crate::state::State;
use crate::worker::liveness;

/// The fleet at the moment of a decision.
#[derive(Clone, Copy)]
pub(crate) struct Fleet<'a> {
    pub(crate) state: &'a State,
    pub(crate) sight: Sight<'a>,
    pub(crate) stamp: &'a Stamp,
}

/// Whence the facts of the moment are taken.
#[derive(Clone, Copy)]
pub(crate) enum Sight<'a> {
    /// From what the leader hears.
    Heard(&'a Observed),
    /// From a choice that was recorded: what it says of workers, and nothing against any other.
    Recorded(&'a Selection),
}

/// Facts of one worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment<'a> {
    pub(super) liveness: Liveness,
    /// Age of its capabilities in milliseconds.
    pub(super) capabilities_age_ms: Option<u64>,
    /// What came of asking for younger ones, if that failed.
    probe_failure: Option<&'a ProbeFailure>,
}

impl Moment<'_> {
    /// Nothing is known against the worker.
    const GOOD: Self = Self { liveness: Liveness::Online, capabilities_age_ms: None, probe_failure: None };
}

impl<'a> Fleet<'a> {
    /// How a worker is right now.
    pub(super) fn moment(&self, worker: &WorkerName) -> Moment<'a> {
        match self.sight {
            Sight::Heard(observed) => {
                let row = self.state.workers.get(worker);
                let liveness = row.map_or(Liveness::Unknown, |row| liveness(row, observed, &self.state.config, self.stamp.tick));
                let age = observed.capabilities_age(worker, self.stamp.tick);
                let milliseconds = |age: Duration| u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
                let probe_failure = observed.workers.get(worker).and_then(|row| row.probe_failure.as_ref());
                Moment { liveness, capabilities_age_ms: age.map(milliseconds), probe_failure }
            }
            Sight::Recorded(selection) if selection.worker == *worker => {
                Moment { capabilities_age_ms: selection.capabilities_age_ms, ..Moment::GOOD }
            }
            Sight::Recorded(selection) => {
                let passed = selection.passed_over.iter().find(|passed: &&PassedOver| passed.workers.contains(worker));
                passed.map_or(Moment::GOOD, |passed| Moment {
                    liveness: passed.liveness.unwrap_or(Liveness::Online),
                    capabilities_age_ms: passed.capabilities_age_ms,
                    probe_failure: passed.probe_failure.as_ref(),
                })
            }
        }
    }

    /// Whether a worker keeps something of a cache namespace, and how much free disk space it has, in bytes.
    pub(super) fn keeps(&self, worker: &WorkerName, namespace: &CacheNamespace) -> (bool, u64) {
        match self.sight {
            Sight::Heard(observed) => {
                let row = observed.workers.get(worker);
                row.map_or((false, 0), |row| (row.warm_namespaces.contains(namespace), row.disk_free_bytes))
            }
            Sight::Recorded(selection) => {
                let seen = selection.metrics.iter().find(|metrics| metrics.worker == *worker);
                seen.map_or((false, 0), |metrics| (metrics.warm_namespace, metrics.disk_free_bytes))
            }
        }
    }

    /// What speaks against a candidate at its moment, with what of it that rests on: silence, age of its capabilities, and why they are not
    /// younger. Names no worker.
    pub(super) fn of_the_moment(&self, moment: Moment<'_>) -> PassedOver {
        let liveness = (moment.liveness != Liveness::Online).then_some(moment.liveness);
        let ttl_ms = self.state.config.probe_ttl_ms;
        let capabilities_age_ms = moment.capabilities_age_ms.filter(|age| *age > ttl_ms);
        let probe_failure = moment.probe_failure.filter(|_| capabilities_age_ms.is_some());
        let offline = liveness.map(|liveness| verdict(Reason::Offline, "online", liveness_word(liveness)));
        let stale = capabilities_age_ms.map(|age| {
            let most = format!("capabilities at most {} s old", ttl_ms / 1_000);
            let failed = probe_failure.map_or_else(String::new, |failure| format!(", and reading them again failed: {failure}"));
            verdict(Reason::CapabilitiesStale, &most, &format!("{} s old{failed}", age / 1_000))
        });
        let verdicts = offline.into_iter().chain(stale).collect();
        PassedOver { workers: Vec::new(), verdicts, liveness, capabilities_age_ms, probe_failure: probe_failure.cloned() }
    }
}

pub(super) fn liveness_word(liveness: Liveness) -> &'static str {
    match liveness {
        Liveness::Unknown => "never heard",
        Liveness::Online => "online",
        Liveness::Suspect => "suspect: silent for a while",
        Liveness::Lost => "lost",
    }
}
