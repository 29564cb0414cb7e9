//! Reports in order, one on its way at a time, numbered within the session, each sent until it is answered.

use rch_scheduler::Reply;
use rch_schemas::capabilities::Observed;
use rch_schemas::protocol::{Feature, ProtocolRange};
use rch_schemas::wire::WireError;
use rch_schemas::wire::agent::{Announce, HeldAttempt, Phase, Report, ReportBody};
use rch_schemas::{LedgerSeq, Reason};

use super::{Agent, Holding, attempt, crash, offers, wake_at};
use crate::checker;
use crate::fixture::{facts, signing_key};
use crate::happening::{AgentIndex, AgentWake, Arrival, AttemptId, Fault, Happening};
use crate::network;
use crate::plant::Plant;
use crate::world::World;

/// Before the first repeat of a report that was not answered; doubled up to the most.
const RESEND_MS: u64 = 2_000;
const RESEND_MAX_MS: u64 = 10_000;
/// Before a refused announcement is made again.
const ANNOUNCE_AGAIN_MS: u64 = 5_000;

/// Says who it is, before anything else, unless it is already saying so.
pub(super) fn announce(world: &mut World, index: AgentIndex) {
    let agent = &mut world.agents[index];
    let announces = |body: &ReportBody| matches!(body, ReportBody::Announce(_));
    if !agent.memory.waiting.iter().chain(agent.memory.on_its_way.iter().map(|(_, body)| body)).any(announces) {
        agent.memory.known = None;
        let announcement = announcement(agent);
        agent.memory.waiting.push_front(announcement);
    }
    send_next(world, index);
}

fn announcement(agent: &Agent) -> ReportBody {
    let held = agent.held().into_iter().map(|(job_id, attempt)| HeldAttempt { job_id, attempt, phase: Phase::Upload, log_offset: 0 });
    ReportBody::Announce(Box::new(Announce {
        rch_xcode_lane_version: "simulated".to_owned(),
        protocol: ProtocolRange::OURS,
        features: [Feature::named(Feature::ATTESTATION_SIGNING)].into(),
        public_key: signing_key(&agent.name).public_key(),
        slots: agent.slots,
        held: held.collect(),
        facts: facts(&agent.name, agent.memory.read_newer_xcode, agent.slots),
        observed: Observed::default(),
    }))
}

/// Reads the machine and says what it found.
pub(super) fn probe(world: &mut World, index: AgentIndex) {
    let agent = &mut world.agents[index];
    agent.memory.read_newer_xcode = agent.machine.newer_xcode;
    let says = agent.memory.waiting.iter().any(|body| matches!(body, ReportBody::Capabilities { .. }));
    if agent.memory.known.is_some() && !says {
        let facts = Box::new(facts(&agent.name, agent.memory.read_newer_xcode, agent.slots));
        agent.memory.waiting.push_back(ReportBody::Capabilities { facts, observed: Box::default() });
        send_next(world, index);
    }
}

pub(super) fn push(world: &mut World, index: AgentIndex, body: ReportBody) {
    world.agents[index].memory.waiting.push_back(body);
    send_next(world, index);
}

fn send_next(world: &mut World, index: AgentIndex) {
    let memory = &mut world.agents[index].memory;
    if memory.on_its_way.is_some() {
        return;
    }
    let Some(body) = memory.waiting.pop_front() else { return };
    memory.number += 1;
    let number = memory.number;
    memory.on_its_way = Some((number, body));
    send(world, index, 0);
}

fn send(world: &mut World, index: AgentIndex, tries: u32) {
    let agent = &world.agents[index];
    let (Some(session), Some((number, body))) = (agent.memory.session.clone(), agent.memory.on_its_way.clone()) else { return };
    let start = agent.life.start;
    let once = world.plant() == Some(Plant::ReportsSentOnce) && matches!(body, ReportBody::Finished(_) | ReportBody::Interrupted { .. });
    let report = Box::new(Report { session, number, body });
    network::from_agent(world, index, &Happening::Server(Arrival::Report { agent: index, start, report }));
    if once {
        answered(world, index, (number, LedgerSeq(0)), Reply::Receipt(None));
        return;
    }
    let delay = (RESEND_MS << tries.min(4)).min(RESEND_MAX_MS);
    wake_at(world, index, delay, AgentWake::Resend { number, tries: tries + 1 });
}

pub(super) fn resend(world: &mut World, index: AgentIndex, number: u64, tries: u32) {
    if world.agents[index].memory.on_its_way.as_ref().is_some_and(|(on_its_way, _)| *on_its_way == number) {
        send(world, index, tries);
    }
}

pub(super) fn answered(world: &mut World, index: AgentIndex, (number, seq): (u64, LedgerSeq), reply: Reply) {
    let memory = &mut world.agents[index].memory;
    let Some((_, body)) = memory.on_its_way.take_if(|(on_its_way, _)| *on_its_way == number) else { return };
    match reply {
        Reply::Receipt(go) => {
            if seq > LedgerSeq(0) {
                checker::received(world, index, &body);
            }
            received(world, index, body, (seq, go));
        }
        Reply::NotAccepted(error) if error.code == Reason::DuplicateWorker => {
            world.trace.event(world.now, || format!("agent {index} leaves: another has its name"));
            crash(world, index);
            let delay = world.rng.u64(30_000..120_000);
            world.after(delay, Happening::Fault(Fault::AgentStart { agent: index }));
            return;
        }
        Reply::NotAccepted(error) => not_received(world, index, body, &error),
        Reply::Done | Reply::Run(_) | Reply::Preview(_) | Reply::Refused(_) => {}
    }
    send_next(world, index);
}

fn received(world: &mut World, index: AgentIndex, body: ReportBody, (seq, go): (LedgerSeq, Option<rch_schemas::wire::agent::Go>)) {
    match body {
        ReportBody::Announce(_) => world.agents[index].memory.known = Some(seq),
        ReportBody::Capabilities { .. } => {}
        ReportBody::Claim { job_id, attempt, .. } => {
            let granted = go.is_some_and(|go| go.job_id == job_id && go.attempt == attempt);
            let id = (job_id, attempt);
            if granted { attempt::go(world, index, id, seq) } else { offers::forget(world, index, &id) }
        }
        ReportBody::Finished(finished) => settled(world, index, &(finished.job_id, finished.attempt)),
        ReportBody::Interrupted { job_id, attempt, .. } | ReportBody::Refused { job_id, attempt, .. } => {
            settled(world, index, &(job_id, attempt));
        }
    }
}

fn settled(world: &mut World, index: AgentIndex, id: &AttemptId) {
    let agent = &mut world.agents[index];
    agent.memory.doubted.remove(id);
    match agent.memory.held.get(id) {
        Some(Holding::Refusing) => {
            agent.memory.held.remove(id);
            offers::acknowledge(world, index, id);
        }
        Some(Holding::Reporting) => {
            agent.memory.held.remove(id);
            agent.disk.outbox.remove(id);
        }
        Some(Holding::Claiming(_) | Holding::Running { .. }) | None => {}
    }
}

fn not_received(world: &mut World, index: AgentIndex, body: ReportBody, error: &WireError) {
    match &body {
        ReportBody::Announce(_) => wake_at(world, index, ANNOUNCE_AGAIN_MS, AgentWake::AnnounceAgain),
        ReportBody::Capabilities { .. } => announce(world, index),
        ReportBody::Claim { job_id, attempt, .. } => offers::forget(world, index, &(job_id.clone(), *attempt)),
        ReportBody::Finished(finished) => {
            let id = (finished.job_id.clone(), finished.attempt);
            not_settled(world, index, (&id, body), error);
        }
        ReportBody::Interrupted { job_id, attempt, .. } | ReportBody::Refused { job_id, attempt, .. } => {
            let id = (job_id.clone(), *attempt);
            not_settled(world, index, (&id, body), error);
        }
    }
}

/// `STALE` may mean the attempt or the session. So the session is announced again and the report sent once more; then it is final.
fn not_settled(world: &mut World, index: AgentIndex, (id, body): (&AttemptId, ReportBody), error: &WireError) {
    if error.code == Reason::Stale && world.agents[index].memory.doubted.insert(id.clone()) {
        world.agents[index].memory.waiting.push_back(body);
        announce(world, index);
    } else {
        settled(world, index, id);
    }
}
