//! When everything is whole again, everything comes to its end.

use super::Broken;
use super::book::{Book, Place};
use crate::violation::Promise;
use crate::world::World;

pub(super) fn stuck(book: &Book, world: &World) -> Broken {
    if book.open.is_empty() && world.everybody_rests() {
        return Vec::new();
    }
    let open: Vec<_> = book.open.iter().flat_map(|run_id| describe(book, run_id)).collect();
    let held: Vec<_> = world.agents.iter().filter(|agent| !agent.held().is_empty()).map(|agent| agent.name.to_string()).collect();
    let detail = format!(
        "{} of {} requests answered, {:?} calls open; open: {}; held on {held:?}",
        world.clients.runs.len(),
        world.wishes.len(),
        world.clients.open(),
        open.join(" | ")
    );
    vec![(Promise::EverythingEnds, detail)]
}

/// Where the open jobs of a run stand: what whoever replays the seed wants to know first.
fn describe(book: &Book, run_id: &rch_schemas::RunId) -> Vec<String> {
    let Some(run) = book.runs.get(run_id) else { return Vec::new() };
    let jobs = run.steps.iter().flatten().filter_map(|job_id| Some((job_id, book.jobs.get(job_id)?)));
    let open = jobs.filter(|(_, job)| job.outcome.is_none());
    open.map(|(job_id, job)| {
        let worker = run.selections.get(&job.destination).map(|selection| selection.selection.worker.to_string());
        let last = job.attempts.last().map(|attempt| match attempt.place {
            Place::Offered => format!("offered to {}", attempt.worker),
            Place::Running { .. } => format!("running on {}", attempt.worker),
            Place::Over { code } => format!("over on {} ({code:?})", attempt.worker),
        });
        format!("{job_id} step {} for {worker:?}, last attempt {last:?}", job.step)
    })
    .collect()
}
