//! Fair shares among requesters: start-time fair queueing.
//!
//! A run gets a tag when it is accepted: where in virtual time it starts. A requester's runs follow one another, each as long as its jobs
//! divided by the requester's weight, so that the more somebody asks for, the later its last run stands. Virtual time is the least tag that
//! waits for an open worker; a newcomer joins there, so that idling saves nothing up, and a flood delays nobody but who made it. Tags
//! are in the rows of runs, and everything here is made of those.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Arrival;
use crate::config::FarmConfig;
use crate::run::Run;

/// The virtual time of one job of a requester of weight 1. Leaves room for 2^37 jobs below 2^53, which every JSON reader can count to.
const JOB: u64 = 1 << 16;

/// What a run takes of virtual time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// Its tag: the lower goes first.
    pub start: u64,
    /// Where its requester's next run starts at the earliest.
    pub finish: u64,
}

impl Share {
    /// The share of `jobs` jobs that begin at `start`.
    fn at(start: u64, jobs: usize, weight: u32) -> Self {
        let jobs = u64::try_from(jobs).unwrap_or(u64::MAX);
        let cost = (jobs.saturating_mul(JOB) / u64::from(weight.max(1))).max(1);
        Self { start, finish: start.saturating_add(cost) }
    }

    /// The same share, but not before `now`: whoever was kept from waiting for a worker joins where the others are.
    pub(crate) fn not_before(self, now: u64) -> Self {
        let late = now.saturating_sub(self.start);
        Self { start: self.start + late, finish: self.finish.saturating_add(late) }
    }
}

/// Tags that count.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Shares {
    /// Tags of jobs that wait for an open worker and whose run has not started there, each with how many they are.
    waiting: BTreeMap<u64, u32>,
    /// Where each requester's runs finish, of those that have not ended without having started.
    finishes: BTreeMap<String, BTreeSet<(u64, Arrival)>>,
    /// The same, of all.
    latest: BTreeMap<u64, u32>,
}

impl Shares {
    pub(super) fn enter(&mut self, run: &Run) {
        if counts(run) {
            add(&mut self.latest, run.share.finish);
            match self.finishes.get_mut(&run.requester) {
                Some(finishes) => {
                    finishes.insert((run.share.finish, run.accepted));
                }
                None => {
                    self.finishes.insert(run.requester.clone(), BTreeSet::from([(run.share.finish, run.accepted)]));
                }
            }
        }
    }

    pub(super) fn leave(&mut self, run: &Run) {
        if counts(run) {
            remove(&mut self.latest, run.share.finish);
            if let Some(finishes) = self.finishes.get_mut(&run.requester) {
                finishes.remove(&(run.share.finish, run.accepted));
                if finishes.is_empty() {
                    self.finishes.remove(&run.requester);
                }
            }
        }
    }

    pub(super) fn wait(&mut self, tag: u64) {
        add(&mut self.waiting, tag);
    }

    pub(super) fn wait_no_longer(&mut self, tag: u64) {
        remove(&mut self.waiting, tag);
    }

    /// The least tag that waits for a worker that is chosen; `None` while nobody does.
    pub(super) fn least_waiting(&self) -> Option<u64> {
        self.waiting.first_key_value().map(|(tag, _)| *tag)
    }

    /// Virtual time: the least tag that waits, as given, else the last finish known.
    fn now(&self, waiting: Option<u64>) -> u64 {
        waiting.or(self.latest.last_key_value().map(|(finish, _)| *finish)).unwrap_or_default()
    }

    /// The share of a run that is accepted while the least tag that waits is the given one.
    pub(super) fn next(&self, waiting: Option<u64>, (requester, jobs): (&str, usize), config: &FarmConfig) -> Share {
        let last = self.finishes.get(requester).and_then(BTreeSet::last).map_or(0, |(finish, _)| *finish);
        let weight = config.queue.weights.get(requester).copied().unwrap_or(1);
        Share::at(self.now(waiting).max(last), jobs, weight)
    }
}

/// Nobody pays for what never ran.
fn counts(run: &Run) -> bool {
    run.ended.is_none() || run.destinations.iter().any(|destination| destination.started)
}

fn add(counts: &mut BTreeMap<u64, u32>, key: u64) {
    *counts.entry(key).or_default() += 1;
}

fn remove(counts: &mut BTreeMap<u64, u32>, key: u64) {
    if let Some(count) = counts.get_mut(&key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&key);
        }
    }
}
