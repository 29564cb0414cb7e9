//! An attempt from go to its report.

use rch_schemas::document::Outcome;
use rch_schemas::wire::agent::ReportBody;
use rch_schemas::{LedgerSeq, Reason};

use super::{Holding, offers, reports, wake_at};
use crate::checker;
use crate::execution::{Ending, Execution};
use crate::fixture::{finished, xcode_build};
use crate::happening::{AgentIndex, AgentWake, AttemptId};
use crate::plant::Plant;
use crate::world::World;

/// It may start.
pub(super) fn go(world: &mut World, index: AgentIndex, id: AttemptId, since: LedgerSeq) {
    let now = world.now;
    let agent = &mut world.agents[index];
    let Some(Holding::Claiming(offer)) = agent.memory.held.remove(&id) else { return };
    let job = Box::new(offer.job);
    let execution = world.executions.len();
    let key_build = job.toolchain.xcode_build.clone();
    agent.disk.granted.insert(id.clone());
    agent.memory.held.insert(id.clone(), Holding::Running { since, job, execution });
    let running = agent.memory.held.values().filter(|holding| matches!(holding, Holding::Running { .. })).count();
    world.executions.push(Execution {
        attempt: id.clone(),
        worker: agent.name.clone(),
        agent: index,
        session: offer.session,
        key_build,
        began_with: None,
        began_ms: now,
        ended: None,
        said: None,
        report_lost: false,
        running,
        slots: agent.slots,
    });
    world.trace.event(now, || format!("agent {index} runs {} attempt {}", id.0, id.1));
    checker::began(world, execution);
    offers::acknowledge(world, index, &id);
    let fetch = world.rng.u64(50..5_000);
    wake_at(world, index, fetch, AgentWake::Begins(id));
}

/// The source is there, the machine is looked at once more, the backend begins.
pub(super) fn begins(world: &mut World, index: AgentIndex, id: &AttemptId) {
    let Some((job, execution)) = running(world, index, id) else { return };
    let missing: Vec<_> = world.store_lacks.iter().filter(|chunk| **chunk == job.recipe.sha256).copied().collect();
    if !missing.is_empty() {
        return refuse(world, index, id, Reason::SourceMissing, missing);
    }
    let agent = &world.agents[index];
    let trusts = world.plant() == Some(Plant::ToolchainNotReadAgain);
    let build = xcode_build(agent.machine.newer_xcode);
    if build != job.toolchain.xcode_build && !trusts {
        return refuse(world, index, id, Reason::ToolchainChanged, Vec::new());
    }
    world.executions[execution].began_with = Some(build);
    let takes = match world.rng.u8(0..48) {
        0 if world.are_faults_on() => return, // It hangs; nothing but a kill or a deadline ends it.
        0..6 => world.rng.u64(60_000..600_000),
        _ => world.rng.u64(1_000..60_000),
    };
    wake_at(world, index, takes, AgentWake::Ends(id.clone()));
}

/// The backend ends; the machine is looked at a last time, and the set is stored.
pub(super) fn ends(world: &mut World, index: AgentIndex, id: &AttemptId) {
    let Some((job, _)) = running(world, index, id) else { return };
    let changed = xcode_build(world.agents[index].machine.newer_xcode) != job.toolchain.xcode_build;
    if changed && world.plant() != Some(Plant::ToolchainNotReadAgain) {
        return refuse(world, index, id, Reason::ToolchainChanged, Vec::new());
    }
    let stores = world.rng.u64(50..5_000);
    wake_at(world, index, stores, AgentWake::Stored(id.clone()));
}

pub(super) fn stored(world: &mut World, index: AgentIndex, id: &AttemptId) {
    let Some((job, _)) = running(world, index, id) else { return };
    let outcome = match world.rng.u8(0..12) {
        0 => Outcome::because(Reason::Compile),
        1 => Outcome::because(Reason::SimulatorBoot),
        _ => Outcome::SUCCESS,
    };
    let session = world.agents[index].memory.session.clone().expect("it runs");
    let body = ReportBody::Finished(Box::new(finished(&world.agents[index].name, &session, &job, outcome)));
    end(world, index, (id, Ending::Finished), body);
}

pub(super) fn kill(world: &mut World, index: AgentIndex, id: &AttemptId) {
    let Some((_, execution)) = running(world, index, id) else { return };
    let (code, detail) = (Reason::CancelledByUser, "not wanted any more".to_owned());
    let body = ReportBody::Interrupted { job_id: id.0.clone(), attempt: id.1, code, detail };
    checker::killed(world, execution);
    end(world, index, (id, Ending::Killed), body);
}

fn refuse(world: &mut World, index: AgentIndex, id: &AttemptId, code: Reason, missing: Vec<rch_schemas::Sha256>) {
    let (job_id, attempt) = id.clone();
    let (detail, retry_after_seconds) = ("cannot go on".to_owned(), Some(5));
    end(world, index, (id, Ending::Refused), ReportBody::Refused { job_id, attempt, code, detail, retry_after_seconds, missing });
    if code == Reason::ToolchainChanged {
        reports::probe(world, index);
    }
}

/// The report is on the disk before it is sent.
fn end(world: &mut World, index: AgentIndex, (id, ending): (&AttemptId, Ending), body: ReportBody) {
    let now = world.now;
    let agent = &mut world.agents[index];
    if let Some(Holding::Running { execution, .. }) = agent.memory.held.insert(id.clone(), Holding::Reporting) {
        world.executions[execution].ended = Some((now, ending));
        world.executions[execution].said = match &body {
            ReportBody::Finished(finished) => finished.outcome.failure_subkind,
            ReportBody::Interrupted { code, .. } | ReportBody::Refused { code, .. } => Some(*code),
            ReportBody::Announce(_) | ReportBody::Capabilities { .. } | ReportBody::Claim { .. } => None,
        };
    }
    agent.disk.outbox.insert(id.clone(), body.clone());
    agent.disk.granted.remove(id);
    world.trace.event(now, || format!("agent {index} ended {} attempt {}: {ending:?}", id.0, id.1));
    reports::push(world, index, body);
}

/// The process ends, and with it what it ran.
pub(super) fn die(world: &mut World, index: AgentIndex) {
    let now = world.now;
    for holding in world.agents[index].memory.held.values() {
        if let Holding::Running { execution, .. } = holding {
            world.executions[*execution].ended = Some((now, Ending::Died));
        }
    }
}

fn running(world: &World, index: AgentIndex, id: &AttemptId) -> Option<(Box<rch_schemas::document::Job>, usize)> {
    match world.agents[index].memory.held.get(id) {
        Some(Holding::Running { job, execution, .. }) => Some((job.clone(), *execution)),
        Some(Holding::Claiming(_) | Holding::Refusing | Holding::Reporting) | None => None,
    }
}
