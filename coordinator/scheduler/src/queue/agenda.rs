//! What has changed since it was looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rch_schemas::wire::http::Liveness;
use rch_schemas::{Tick, WorkerName};

use super::Arrival;
use crate::apply::Touched;
use crate::command::Stamp;
use crate::judgement::{Candidate, Judgement};
use crate::observed::Observed;
use crate::state::State;
use crate::worker::liveness;

/// The runs and workers that [`crate::settle`] has still to look at. Kept by whoever decides, beside the state: told of every event by
/// [`Agenda::note`] and of every tick by [`Agenda::tick`], and begun anew whenever the state is.
#[derive(Debug, Clone, PartialEq)]
pub struct Agenda {
    /// Nothing has been looked at yet.
    everything: bool,
    /// A tick has passed: soft facts change without an event.
    ticked: bool,
    runs: BTreeSet<Arrival>,
    workers: BTreeSet<WorkerName>,
    /// Runs that found no worker: looked at again when the fleet changes.
    stuck: BTreeSet<Arrival>,
    /// When a worker that turned a stuck run away may be asked again.
    again: BTreeSet<(Tick, Arrival)>,
    fleet_version: u64,
    seen: BTreeMap<WorkerName, Seen>,
}

/// What a selection looks at of a worker and no event tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    liveness: Liveness,
    is_stale: bool,
}

impl Default for Agenda {
    fn default() -> Self {
        Self::everything()
    }
}

impl Agenda {
    /// For a state that was not looked at before.
    pub fn everything() -> Self {
        Self {
            everything: true,
            ticked: true,
            runs: BTreeSet::new(),
            workers: BTreeSet::new(),
            stuck: BTreeSet::new(),
            again: BTreeSet::new(),
            fleet_version: 0,
            seen: BTreeMap::new(),
        }
    }

    /// Takes down what an event changed in `state`.
    pub fn note(&mut self, state: &State, touched: &Touched) {
        self.runs.extend(touched.runs.iter().filter_map(|run_id| state.runs.get(run_id)).map(|run| run.accepted));
        self.workers.extend(touched.workers.iter().cloned());
        touched.judgements.iter().filter_map(|sha256| state.judgement(sha256)).for_each(|judgement| self.judged(state, judgement));
        if self.fleet_version != state.fleet_version {
            self.fleet_version = state.fleet_version;
            self.runs.extend(touched.workers.iter().flat_map(|worker| state.index.runs_at(worker)));
            self.runs.append(&mut self.stuck);
        }
    }

    /// A class has been judged: its workers may have slots for those in its line. Where it has none, or one that does not take every source,
    /// each run in the line is looked at for whether anybody could ever do it.
    fn judged(&mut self, state: &State, judgement: &Judgement) {
        let class = judgement.class();
        let limited = |candidate: &Candidate| {
            let facts = state.workers.get(&candidate.worker).and_then(|worker| worker.facts.as_ref());
            facts.is_some_and(|(_, facts)| facts.limits.max_upload_bytes != 0)
        };
        if judgement.candidates().is_empty() || judgement.candidates().iter().any(limited) {
            self.runs.extend(state.runs_of_class(&class));
        }
        if state.runs_of_class(&class).next().is_some() {
            self.workers.extend(state.free_of_class(&class).cloned());
        }
    }

    /// Takes down that time has passed: workers fall silent, are heard again, and may be asked again, all without an event.
    pub fn tick(&mut self) {
        self.ticked = true;
    }

    /// Puts on the agenda what follows from the words on it, and gives the runs to look at, in order of arrival.
    pub(crate) fn runs(&mut self, state: &State, observed: &Observed, stamp: &Stamp) -> Vec<Arrival> {
        if std::mem::take(&mut self.everything) {
            self.runs.extend(state.active.keys());
        }
        if std::mem::take(&mut self.ticked) {
            self.workers.extend(state.index.workers().cloned());
            self.workers.extend(state.classes().flat_map(|class| state.free_of_class(class)).cloned());
            self.look_around(state, observed, stamp.tick);
        }
        self.runs.iter().copied().collect()
    }

    fn look_around(&mut self, state: &State, observed: &Observed, now: Tick) {
        let ttl = Duration::from_millis(state.config.probe_ttl_ms);
        let seen: BTreeMap<_, _> = state
            .workers
            .values()
            .map(|worker| {
                let liveness = liveness(worker, observed, &state.config, now);
                let is_stale = observed.capabilities_age(&worker.name, now).is_some_and(|age| age > ttl);
                (worker.name.clone(), Seen { liveness, is_stale })
            })
            .collect();
        if seen != self.seen {
            self.seen = seen;
            self.runs.append(&mut self.stuck);
        }
        while let Some((_, arrival)) = self.again.first().copied().filter(|(tick, _)| *tick <= now) {
            self.again.pop_first();
            self.runs.insert(arrival);
        }
    }

    /// A run was looked at, and nothing follows from it but that its jobs stand where they stand.
    pub(crate) fn looked_at(&mut self, arrival: Arrival, workers: impl Iterator<Item = WorkerName>) {
        self.runs.remove(&arrival);
        self.stuck.remove(&arrival);
        self.workers.extend(workers);
    }

    /// A run found no worker; the workers that turned it away may be asked again at `again`.
    pub(crate) fn got_stuck(&mut self, arrival: Arrival, again: impl Iterator<Item = Tick>) {
        self.stuck.insert(arrival);
        self.again.extend(again.map(|tick| (tick, arrival)));
    }

    /// The workers that may have a slot for somebody.
    pub(crate) fn workers(&self) -> impl Iterator<Item = &WorkerName> {
        self.workers.iter()
    }

    /// A worker was looked at, and nothing can be offered to it.
    pub(crate) fn worker_looked_at(&mut self, worker: &WorkerName) {
        self.workers.remove(worker);
    }

    /// The workers were looked at, and nothing can be offered to any of them.
    pub(crate) fn workers_looked_at(&mut self) {
        self.workers.clear();
    }
}
