//! Workers: who is there and connected is not given up, who is given up holds nothing, who was replaced does not come back.

use rch_scheduler::Event;

use super::{Broken, Case};
use crate::violation::Promise;

/// How long a worker must have been whole before its loss is a broken promise: a little less than the silence that costs it.
const WHOLE_MS: u64 = 55_000;

pub(super) fn losses(case: &Case<'_>, event: &Event) -> Broken {
    let Event::WorkerLost { worker } = event else { return Vec::new() };
    let mut broken = Vec::new();
    let now = case.world.now;
    if let Some(row) = case.book.workers.get(worker) {
        let agents = (0..case.world.agents.len()).filter(|agent| {
            let session = case.world.agents[*agent].memory.session.as_ref();
            session.is_some() && session == row.session.as_ref()
        });
        let whole =
            agents.filter_map(|agent| case.world.healthy_since(agent)).any(|since| since.max(row.session_since_ms) + WHOLE_MS < now);
        if whole {
            broken.push((Promise::TheHeardAreNotLost, format!("{worker} is lost, and nothing was wrong with it for {WHOLE_MS} ms")));
        }
    }
    let lost = case.book.lost_now.len() + 1;
    if lost >= 3 && lost * 3 > case.book.heard_before {
        broken.push((Promise::TheHeardAreNotLost, format!("{lost} of {} workers are lost at once", case.book.heard_before)));
    }
    broken
}

/// At the end of a record a worker that is lost holds nothing.
pub(super) fn fenced(case: &Case<'_>) -> Broken {
    let held = case.book.workers.iter().filter(|(_, row)| row.lost && !row.held.is_empty());
    held.map(|(name, row)| (Promise::TheLostAreFenced, format!("{name} is lost and holds {:?}", row.held))).collect()
}

pub(super) fn sessions(case: &Case<'_>, event: &Event) -> Broken {
    let Event::SessionStarted { worker, session, .. } = event else { return Vec::new() };
    let Some(row) = case.book.workers.get(worker) else { return Vec::new() };
    if row.replaced.contains(session) || row.session.as_ref() == Some(session) {
        return vec![(Promise::SessionsAreReplacedOnce, format!("session {session} of {worker} starts again"))];
    }
    Vec::new()
}
