//! Farm time never goes back, never runs ahead, and stands still while nobody leads.

use rch_scheduler::Event;

use super::{Broken, Case};
use crate::violation::Promise;

/// A new leader goes on where the last record was; deciding takes no longer than this, in milliseconds.
const BARRIER_MS: u64 = 1_000;
/// A record may reach the ledger this much later than it was decided, in milliseconds.
const UNDER_WAY_MS: u64 = 60_000;

pub(super) fn steady(case: &Case<'_>, event: &Event) -> Broken {
    let (last, now) = (case.book.tick, case.record.stamp.tick);
    let mut broken = Vec::new();
    if now < last {
        broken.push((Promise::FarmTimeIsSteady, format!("farm time goes back from {} to {}", last.0, now.0)));
    }
    let passed = now.0.saturating_sub(last.0);
    if matches!(event, Event::LeaderStarted { .. }) && passed > BARRIER_MS {
        broken.push((Promise::FarmTimeIsSteady, format!("{passed} ms passed while nobody led")));
    }
    if passed > case.world.now - case.book.landed_ms + UNDER_WAY_MS {
        broken.push((Promise::FarmTimeIsSteady, format!("{passed} ms passed in {} ms", case.world.now - case.book.landed_ms)));
    }
    broken
}
