//! Who can reach whom, and what becomes of messages on the way.

use std::collections::BTreeMap;

use rch_schemas::WorkerName;

use crate::happening::{AgentIndex, Happening, ReplicaIndex};
use crate::world::World;

/// Until when somebody is out of reach, by index.
pub(crate) struct Network {
    pub(crate) agents_cut: Vec<u64>,
    pub(crate) replicas_cut: Vec<u64>,
    pub(crate) server_down: u64,
    /// When the newest heartbeat on each way arrives: one publisher's messages on one subject keep their order.
    heartbeats: BTreeMap<(WorkerName, Option<ReplicaIndex>), u64>,
}

impl Network {
    pub(crate) fn new(agents: usize, replicas: usize) -> Self {
        Self { agents_cut: vec![0; agents], replicas_cut: vec![0; replicas], server_down: 0, heartbeats: BTreeMap::new() }
    }

    /// Whether a coordinator reaches the server.
    pub(crate) fn reaches_server(&self, replica: ReplicaIndex, now: u64) -> bool {
        self.replicas_cut[replica].max(self.server_down) <= now
    }

    /// Whether an agent reaches the server.
    pub(crate) fn agent_reaches_server(&self, agent: AgentIndex, now: u64) -> bool {
        self.agents_cut[agent].max(self.server_down) <= now
    }
}

/// From a coordinator to an agent, over the server.
pub(crate) fn to_agent(world: &mut World, from: Option<ReplicaIndex>, agent: AgentIndex, happening: &Happening) {
    let now = world.now;
    if world.network.agent_reaches_server(agent, now) && from.is_none_or(|replica| world.network.reaches_server(replica, now)) {
        transmit(world, happening);
    }
}

/// From an agent to the server.
pub(crate) fn from_agent(world: &mut World, agent: AgentIndex, happening: &Happening) {
    if world.network.agent_reaches_server(agent, world.now) {
        transmit(world, happening);
    }
}

/// Between a coordinator and the server, either way.
pub(crate) fn of_replica(world: &mut World, replica: ReplicaIndex, happening: &Happening) {
    if world.network.reaches_server(replica, world.now) {
        transmit(world, happening);
    }
}

/// A heartbeat, on its way to the server or from there to a coordinator: it may be lost or late, but never overtakes an earlier one.
pub(crate) fn heartbeat(world: &mut World, (worker, replica): (&WorkerName, Option<ReplicaIndex>), happening: Happening) {
    let faults = world.are_faults_on();
    if faults && world.rng.u8(0..30) == 0 {
        return;
    }
    let delay = if faults && world.rng.u8(0..30) == 0 { world.rng.u64(0..12_000) } else { world.rng.u64(1..50) };
    let before = world.network.heartbeats.entry((worker.clone(), replica)).or_default();
    let at = (world.now + delay).max(*before);
    *before = at;
    world.after(at - world.now, happening);
}

/// Every message may be lost, doubled, delayed and so overtaken, while faults are on.
fn transmit(world: &mut World, happening: &Happening) {
    if !world.are_faults_on() {
        let delay = world.rng.u64(1..10);
        world.after(delay, happening.clone());
        return;
    }
    let copies = match world.rng.u8(0..30) {
        0 => 0,
        1 => 2,
        _ => 1,
    };
    for _ in 0..copies {
        let delay = if world.rng.u8(0..15) == 0 { world.rng.u64(0..20_000) } else { world.rng.u64(1..100) };
        world.after(delay, happening.clone());
    }
}
