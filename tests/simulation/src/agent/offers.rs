//! Offers: refused, or asked for.

use rch_schemas::Reason;
use rch_schemas::wire::agent::{Offer, ReportBody};

use super::{Holding, attempt, reports};
use crate::happening::{AgentIndex, Arrival, AttemptId, Happening};
use crate::network;
use crate::plant::Plant;
use crate::world::World;

pub(super) fn offered(world: &mut World, index: AgentIndex, offer: Box<Offer>) {
    let id = (offer.job.job_id.clone(), offer.job.attempt);
    let agent = &world.agents[index];
    match agent.memory.held.get(&id) {
        Some(Holding::Running { .. } | Holding::Reporting) => return acknowledge(world, index, &id),
        Some(Holding::Claiming(_) | Holding::Refusing) => return,
        None => {}
    }
    if agent.memory.session.as_ref() != Some(&offer.session) || agent.memory.known.is_none() {
        return;
    }
    let (job_id, attempt) = id.clone();
    let full = agent.slots_taken() >= agent.slots as usize;
    let no_room = agent.machine.full_until > world.now;
    if full || no_room {
        let (code, seconds) = if full { (Reason::Busy, 5) } else { (Reason::DiskFull, 60) };
        let (detail, retry_after_seconds) = ("no room".to_owned(), Some(seconds));
        world.agents[index].memory.held.insert(id, Holding::Refusing);
        reports::push(world, index, ReportBody::Refused { job_id, attempt, code, detail, retry_after_seconds, missing: Vec::new() });
        return;
    }
    let number = agent.memory.number;
    let session = offer.session.clone();
    world.agents[index].memory.held.insert(id.clone(), Holding::Claiming(offer));
    if world.plant() == Some(Plant::StartsWithoutGo) {
        attempt::go(world, index, id, rch_schemas::LedgerSeq(0));
        return;
    }
    let claim_id = format!("claim-{session}-{number:04}-{job_id}").parse().expect("an id");
    reports::push(world, index, ReportBody::Claim { job_id, attempt, claim_id });
}

/// An offer that no longer counts is left in the queue: the leader takes it out.
pub(super) fn forget(world: &mut World, index: AgentIndex, id: &AttemptId) {
    world.agents[index].memory.held.remove(id);
}

pub(super) fn acknowledge(world: &mut World, index: AgentIndex, id: &AttemptId) {
    let offer = (world.agents[index].name.clone(), id.0.clone(), id.1);
    network::from_agent(world, index, &Happening::Server(Arrival::Acknowledge(offer)));
}
