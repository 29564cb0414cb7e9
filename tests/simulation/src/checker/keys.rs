//! A job that ran once runs again only under the same key, and a result belongs to the key it was made under.

use rch_scheduler::Event;
use rch_schemas::Action;

use super::{Broken, Case};
use crate::violation::Promise;

pub(super) fn starts(case: &Case<'_>, event: &Event) -> Broken {
    let Event::AttemptStarted { job_id, attempt, .. } = event else { return Vec::new() };
    let Some((job, run)) = case.book.job(job_id) else { return Vec::new() };
    let Some(selection) = run.selections.get(&job.destination) else { return Vec::new() };
    let mut broken = Vec::new();
    if let Some((toolchain, resolved)) = run.keys.get(&job.destination)
        && (*toolchain != selection.resolution.toolchain || *resolved != selection.resolution.resolved)
    {
        let (first, now) = (&toolchain.xcode_build, &selection.resolution.toolchain.xcode_build);
        broken.push((Promise::OneKeyForAJob, format!("{job_id} attempt {attempt} starts with Xcode {now}, its run began with {first}")));
    }
    if job.live().is_some_and(|live| live.worker != selection.selection.worker) {
        broken.push((Promise::OneKeyForAJob, format!("{job_id} attempt {attempt} starts on a worker that is not the selected one")));
    }
    let products = case.book.products(run, job.destination).filter(|_| job.action == Action::TestWithoutBuilding);
    if let Some((builder, live)) = products.zip(job.live()).filter(|(builder, live)| **builder != live.worker) {
        broken.push((Promise::OneKeyForAJob, format!("{job_id} attempt {attempt} tests on {} what {builder} built", live.worker)));
    }
    broken
}

pub(super) fn results(case: &Case<'_>, event: &Event) -> Broken {
    let Event::AttemptFinished { finished } = event else { return Vec::new() };
    let id = (finished.job_id.clone(), finished.attempt);
    let wrong = case
        .world
        .executions
        .iter()
        .find(|execution| execution.attempt == id && execution.began_with.as_ref().is_some_and(|build| *build != execution.key_build));
    let told = wrong.map(|execution| {
        let found = execution.began_with.as_deref().unwrap_or_default();
        (Promise::OneKeyForAJob, format!("{} attempt {} of key {} was made with Xcode {found}", id.0, id.1, execution.key_build))
    });
    told.into_iter().collect()
}
