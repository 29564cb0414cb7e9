//! Of equal workers that have a slot, the one is chosen that the documented order names; what is recorded of them is what they have.

use std::cmp::Reverse;

use rch_scheduler::Event;
use rch_schemas::document::{CandidateMetrics, SelectionMode};

use super::{Broken, Case};
use crate::violation::Promise;

/// What is compared, the better one lower. Shares of slots in parts of 5040, which every number of slots that is simulated divides.
type Rank<'a> = (Reverse<bool>, Reverse<bool>, u32, Reverse<u64>, &'a str);

pub(super) fn chosen(case: &Case<'_>, event: &Event) -> Broken {
    let Event::WorkerSelected { selection } = event else { return Vec::new() };
    let run = case.book.runs.get(&selection.run_id);
    let waits = run.is_some_and(|run| run.adaptive && !run.keys.contains_key(&selection.destination));
    let broken = |detail: String| vec![(Promise::TheBestOfEqualsIsChosen, detail)];
    if (selection.mode == SelectionMode::Adaptive) != waits {
        return broken(format!("a worker was chosen for {} as {:?}", selection.run_id, selection.mode));
    }
    if !waits {
        return Vec::new();
    }
    let best = selection.metrics.iter().min_by_key(|metrics| rank(metrics)).map(|metrics| &metrics.worker);
    if best != Some(&selection.worker) {
        return broken(format!("{} was chosen for {}, and {best:?} was better", selection.worker, selection.run_id));
    }
    let untrue = selection.metrics.iter().find(|metrics| !is_true(case, metrics));
    untrue.map_or_else(Vec::new, |metrics| broken(format!("{metrics:?} was recorded, and that is not so")))
}

fn rank(metrics: &CandidateMetrics) -> Rank<'_> {
    let per_slot = metrics.running * 5_040 / metrics.slots.max(1);
    (Reverse(metrics.free_slots > 0), Reverse(metrics.warm_namespace), per_slot, Reverse(metrics.disk_free_bytes), metrics.worker.as_str())
}

fn is_true(case: &Case<'_>, metrics: &CandidateMetrics) -> bool {
    let Some(row) = case.book.workers.get(&metrics.worker) else { return false };
    let (slots, running) = (metrics.slots as usize, metrics.running as usize);
    slots == row.slots && running == row.held.len() && metrics.free_slots as usize == slots.saturating_sub(running) && running < slots
}
