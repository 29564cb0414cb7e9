//! Stand-in for the stream of offers: in memory, one message a subject, handed out until acknowledged.

use std::collections::BTreeMap;

use rch_schemas::wire::agent::Offer;

use crate::happening::{AgentWake, Arrival, Happening, OfferId};
use crate::network;
use crate::world::World;

/// How long the server waits for an acknowledgement before it hands out again.
const ACK_WAIT_MS: u64 = 30_000;

struct Queued {
    offer: Box<Offer>,
    /// It looks like any other and is never handed out: stream and consumer disagree after a power cut.
    ghost: bool,
}

#[derive(Default)]
pub(crate) struct WorkQueue {
    offers: BTreeMap<OfferId, Queued>,
    /// What was acknowledged or purged: an asynchronous stream may bring it back.
    gone: Vec<(OfferId, Box<Offer>)>,
}

impl WorkQueue {
    /// Subjects with a message.
    pub(crate) fn there(&self) -> Vec<OfferId> {
        self.offers.keys().cloned().collect()
    }

    pub(crate) fn forget_all(&mut self) {
        self.offers.clear();
    }

    pub(crate) fn make_ghosts(&mut self) {
        for queued in self.offers.values_mut() {
            queued.ghost = true;
        }
    }

    fn remove(&mut self, id: &OfferId) {
        if let Some(queued) = self.offers.remove(id) {
            self.gone.push((id.clone(), queued.offer));
        }
    }
}

pub(crate) fn offered(world: &mut World, id: OfferId, offer: Box<Offer>) {
    if world.work_queue.offers.contains_key(&id) {
        return;
    }
    world.work_queue.offers.insert(id.clone(), Queued { offer, ghost: false });
    world.after(1, Happening::Server(Arrival::Deliver(id)));
}

pub(crate) fn removed(world: &mut World, id: &OfferId) {
    world.work_queue.remove(id);
}

/// What was acknowledged long ago is handed out again.
pub(crate) fn bring_back(world: &mut World) {
    for (id, offer) in std::mem::take(&mut world.work_queue.gone) {
        offered(world, id, offer);
    }
}

/// Hands an offer to an agent of the worker, of which there may be two; again after a while, as long as it is in the queue.
pub(crate) fn deliver(world: &mut World, id: &OfferId) {
    let Some(queued) = world.work_queue.offers.get(id).filter(|queued| !queued.ghost) else { return };
    let offer = queued.offer.clone();
    let pulling: Vec<_> = (0..world.agents.len()).filter(|index| world.agents[*index].pulls(&id.0)).collect();
    if !pulling.is_empty() {
        let agent = pulling[world.rng.usize(0..pulling.len())];
        let start = world.agents[agent].life.start;
        network::to_agent(world, None, agent, &Happening::Agent { agent, start, wake: AgentWake::Offer(offer) });
    }
    let again = if pulling.is_empty() { ACK_WAIT_MS / 10 } else { ACK_WAIT_MS };
    world.after(again, Happening::Server(Arrival::Deliver(id.clone())));
}
