//! Stand-in for the inventory file: whom it names, and how often it changed.

use std::collections::BTreeSet;

use rch_scheduler::FarmConfig;

use crate::fixture::{self, worker_name};
use crate::happening::AgentIndex;
use crate::plan::Plan;

#[derive(Debug, Default)]
pub(crate) struct Inventory {
    unlisted: BTreeSet<AgentIndex>,
    /// Workers whose removal was asked for: to come back, their entries must go first.
    removed: BTreeSet<AgentIndex>,
    /// Counts changes: a leader that knows an earlier one reads the file.
    pub(crate) version: u64,
}

impl Inventory {
    pub(crate) fn list(&mut self, worker: AgentIndex, listed: bool) {
        let changed = if listed { self.unlisted.remove(&worker) } else { self.unlisted.insert(worker) };
        self.version += u64::from(changed);
    }

    pub(crate) fn note_removal(&mut self, worker: AgentIndex) {
        self.removed.insert(worker);
    }

    pub(crate) fn was_removed(&self, worker: AgentIndex) -> bool {
        self.removed.contains(&worker)
    }

    /// The farm's configuration as the files say it now.
    pub(crate) fn config(&self, plan: &Plan) -> FarmConfig {
        let mut config = fixture::config(plan.workers, plan.seed);
        for worker in &self.unlisted {
            config.inventory.remove(&worker_name(*worker));
        }
        config
    }
}
