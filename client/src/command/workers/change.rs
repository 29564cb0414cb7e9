//! `rch workers drain`, `resume`, `remove`: opening and closing a worker, and sending it away.

use std::time::Duration;

use rch_schemas::WorkerName;
use rch_schemas::wire::http::{ChangeIntake, Intake, RemoveWorker, WorkerView};
use serde_json::json;

use super::{find, running};
use crate::clock;
use crate::command::Context;
use crate::error::CommandError;
use crate::farm::FarmClient;
use crate::output::{Ending, Label, count, duration};

/// Between two looks at a worker that drains: a person waits, and jobs take minutes.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Whether a drain is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// The farm knows of it.
    Recorded,
    /// The worker holds nothing any more.
    Idle,
}

/// Lets a worker finish what began there, and begin nothing else.
pub(super) async fn drain(context: &mut Context<'_>, name: &str, reason: String, until: Until) -> Result<Ending, CommandError> {
    let layers = context.layers(Vec::new())?;
    let client = context.connect(&layers).await?.client;
    let name = find(&client, name).await?.worker;
    let started = clock::now();
    let mut worker = client.drain(&name, &ChangeIntake { reason }).await?;
    if until == Until::Idle {
        worker = wait_until_idle(context, &client, worker).await?;
    }
    let (label, text) = match (left(&worker), until) {
        (Some(left), _) => (Label::Draining, format!("{name}: {left}")),
        (None, Until::Recorded) => (Label::Drained, format!("{name} holds no job")),
        (None, Until::Idle) => {
            let took = u64::try_from(clock::now().unix_ms() - started.unix_ms()).unwrap_or(0);
            (Label::Drained, format!("{name} in {}: it holds no job", duration(Duration::from_millis(took))))
        }
    };
    context.reporter.fact(&label, &text);
    context.reporter.detail(&format!("open it again: rch workers resume {name}"));
    Ok(Ending::success(text).with_document(json!({ "worker": worker })))
}

/// Looks on until the worker holds nothing. Whoever leaves with Ctrl-C leaves it draining.
async fn wait_until_idle(context: &mut Context<'_>, client: &FarmClient, mut worker: WorkerView) -> Result<WorkerView, CommandError> {
    let name = worker.worker.clone();
    let mut told = None;
    while let Some(left) = left(&worker) {
        let text = format!("{name}: {left} (Ctrl-C leaves it draining)");
        let jobs = worker.running.len() + worker.offered as usize;
        if context.reporter.is_live() {
            context.reporter.live(Some((&Label::Draining, &text)));
        } else if told.replace(jobs) != Some(jobs) {
            context.reporter.fact(&Label::Draining, &text);
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = context.interrupts.asked(1) => return Err(CommandError::DrainLeft { worker: name }),
        }
        worker = client.worker(&name).await?;
        if worker.intake == Intake::Open {
            return Err(CommandError::Reopened { worker: name });
        }
    }
    context.reporter.live(None);
    Ok(worker)
}

/// What a worker still holds, in words; `None` when that is nothing.
fn left(worker: &WorkerView) -> Option<String> {
    match (worker.running.len() as u64, u64::from(worker.offered)) {
        (0, 0) => None,
        (0, offered) => Some(format!("{} about to start", count(offered, "job"))),
        (1, _) => Some(format!("1 job left: {}", running(&worker.running))),
        (jobs, _) => Some(format!("{jobs} jobs left: {}", running(&worker.running).split_once(": ").map_or("", |(_, projects)| projects))),
    }
}

/// Opens a worker, whatever closed it.
pub(super) async fn resume(context: &mut Context<'_>, name: &str, reason: String) -> Result<Ending, CommandError> {
    let layers = context.layers(Vec::new())?;
    let client = context.connect(&layers).await?.client;
    let before = find(&client, name).await?;
    let worker = client.resume(&before.worker, &ChangeIntake { reason }).await?;
    let text = match before.intake {
        Intake::Open => format!("{}: it was open already", worker.worker),
        Intake::Draining => format!("{}: it takes jobs again", worker.worker),
        Intake::Quarantined => format!("{}: it takes jobs again, and its failures are forgotten", worker.worker),
    };
    context.reporter.fact(&Label::Resumed, &text);
    Ok(Ending::success(text).with_document(json!({ "worker": worker })))
}

/// Sends a worker out of the fleet.
pub(super) async fn remove(context: &mut Context<'_>, name: &str, request: &RemoveWorker) -> Result<Ending, CommandError> {
    let layers = context.layers(Vec::new())?;
    let client = context.connect(&layers).await?.client;
    let name: WorkerName = find(&client, name).await?.worker;
    let removed = client.remove(&name, request).await?;
    let text = match removed.given_up.len() as u64 {
        0 => format!("{name}"),
        jobs => format!("{name}; {} that it ran will run elsewhere", count(jobs, "job")),
    };
    context.reporter.fact(&Label::Removed, &text);
    context.reporter.detail("take it out of the coordinator's inventory, too; put there anew, it is enrolled again");
    Ok(Ending::success(format!("{name} left the fleet")).with_document(json!({ "removed": removed })))
}
