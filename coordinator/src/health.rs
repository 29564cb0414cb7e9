//! What is wrong with this coordinator, in words an operator can act on, and what was last observed of the workers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use rch_scheduler::Observed;
use rch_schemas::Tick;

use crate::nats::Durability;

/// Who found a problem; each has at most one at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    /// The NATS server, its version and its streams.
    Nats,
    /// Following the ledger, or leading.
    Ledger,
    /// The inventory file.
    Inventory,
    /// What the store cannot do.
    Store,
    /// Effects that failed and will be tried again.
    Effects,
    /// Too many workers that are silent at once.
    Workers,
}

/// What the leader knew of its workers at a moment.
#[derive(Debug, Clone)]
pub(crate) struct Vitals {
    /// The soft facts.
    pub(crate) observed: Observed,
    /// When.
    pub(crate) now: Tick,
}

/// Problems as they are now. Cloning gives another handle to the same.
#[derive(Debug, Clone)]
pub(crate) struct Board(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    durability: Durability,
    problems: BTreeMap<Source, String>,
    vitals: Option<Arc<Vitals>>,
}

impl Board {
    /// A board on which nothing is known yet.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(State { durability: Durability::Unknown, problems: BTreeMap::new(), vitals: None })))
    }

    /// Notes what is wrong, in place of what this source said before; `None` when nothing is.
    pub(crate) fn set(&self, source: Source, problem: Option<String>) {
        self.with(|state| match problem {
            Some(problem) => {
                state.problems.insert(source, problem);
            }
            None => {
                state.problems.remove(&source);
            }
        });
    }

    /// Notes what is known about durability.
    pub(crate) fn set_durability(&self, durability: Durability) {
        self.with(|state| state.durability = durability);
    }

    /// What is known about durability.
    pub(crate) fn durability(&self) -> Durability {
        self.with(|state| state.durability)
    }

    /// Everything that is wrong but durability.
    pub(crate) fn problems(&self) -> Vec<String> {
        self.with(|state| state.problems.values().cloned().collect())
    }

    /// Notes what the leader knows of its workers; `None` when this is not the leader.
    pub(crate) fn set_vitals(&self, vitals: Option<Vitals>) {
        self.with(|state| state.vitals = vitals.map(Arc::new));
    }

    /// What the leader knew last.
    pub(crate) fn vitals(&self) -> Option<Arc<Vitals>> {
        self.with(|state| state.vitals.clone())
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
