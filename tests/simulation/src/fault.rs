//! What goes wrong, when, and how it ends.

use rch_schemas::wire::http::Intake;

use crate::agent::{self, Machine};
use crate::client;
use crate::happening::{AgentIndex, AgentWake, ClientWake, Fault, Happening, ReplicaIndex, ReplicaWake};
use crate::replica::{self, worker_state};
use crate::work_queue;
use crate::world::World;

/// After this long every operator's word has come through, in milliseconds.
const REOPENED_AGAIN_MS: u64 = 60_000;

/// Between two looks of an operator, in milliseconds.
const LOOKS_AFTER_MS: u64 = 5 * 60_000;

/// Draws the faults of a plan.
pub(crate) fn plan(world: &mut World) {
    let end = world.plan.faults_ms;
    if end == 0 {
        return;
    }
    for _ in 0..world.rng.u64(1..24) {
        let at = world.rng.u64(0..end);
        let happening = draw(world, at);
        world.after(at, happening);
    }
    if world.plan.replicas > 1 && world.rng.u8(0..4) == 0 {
        let (at, replica) = (world.rng.u64(0..end), world.rng.usize(0..world.plan.replicas));
        world.after(at, Happening::Fault(Fault::ReplicaGone { replica }));
    }
    world.after(end, Happening::Fault(Fault::Heal));
}

fn draw(world: &mut World, at: u64) -> Happening {
    let end = world.plan.faults_ms;
    let agent = world.rng.usize(0..world.plan.workers);
    let replica = world.rng.usize(0..world.plan.replicas);
    // Short ones that nobody should notice, and ones beyond every timeout.
    let lasts = if world.rng.bool() { world.rng.u64(100..20_000) } else { world.rng.u64(20_000..240_000) };
    let until = (at + lasts).min(end);
    let intake = [Intake::Draining, Intake::Draining, Intake::Quarantined, Intake::Open][world.rng.usize(0..4)];
    Happening::Fault(match world.rng.u8(0..37) {
        0..4 => Fault::AgentCrash { agent, loses_disk: world.rng.u8(0..4) == 0 },
        4..7 => Fault::AgentPause { agent, until },
        7..10 => Fault::AgentCut { agent, until },
        10 | 11 => Fault::Clone { worker: agent, until },
        12 => Fault::DiskFull { agent, until },
        13..16 => Fault::XcodeSwapped { agent },
        16..18 => Fault::ReplicaCrash { replica },
        18..21 => Fault::ReplicaPause { replica, until },
        21 => Fault::ReplicaCut { replica, until },
        22 | 23 => Fault::ReplicaDeaf { replica, until },
        24 => Fault::WallJump { replica, by_ms: world.rng.i64(-3_600_000..3_600_000) },
        25 => Fault::FleetCut { until: (at + world.rng.u64(60_000..240_000)).min(end) },
        26 => Fault::ServerDown { until },
        27 => Fault::OffersGone,
        28 => Fault::OffersGhosts,
        29 => Fault::OffersBack,
        30 | 31 => Fault::ChunkGone { request: world.rng.usize(0..world.plan.requests) },
        32 | 33 => return client::remove(world, agent),
        34 => unlisted(world, (at, until), agent),
        _ => return client::intake(world, agent, intake),
    })
}

/// An entry is taken out of the inventory for a while.
fn unlisted(world: &mut World, (at, until): (u64, u64), worker: AgentIndex) -> Fault {
    world.after(until.max(at), Happening::Fault(Fault::Listed { worker, listed: true }));
    Fault::Listed { worker, listed: false }
}

pub(crate) fn happen(world: &mut World, fault: &Fault) {
    world.trace.event(world.now, || format!("{fault:?}"));
    match *fault {
        Fault::AgentCrash { agent, loses_disk } => crash_agent(world, agent, loses_disk),
        Fault::AgentStart { agent } => agent::begin(world, agent),
        Fault::AgentPause { agent, until } => world.agents[agent].life.pause(until),
        Fault::AgentCut { agent, until } => cut(&mut world.network.agents_cut[agent], until),
        Fault::Clone { worker, until } => begin_clone(world, worker, until),
        Fault::DiskFull { agent, until } => world.agents[agent].machine.full_until = until,
        Fault::Listed { worker, listed } => {
            world.inventory.list(worker, listed);
        }
        Fault::XcodeSwapped { agent } => world.agents[agent].machine.newer_xcode ^= true,
        Fault::ReplicaCrash { replica } => crash_replica(world, replica),
        Fault::ReplicaGone { replica } => {
            world.replicas[replica].life.gone = true;
            crash_replica(world, replica);
        }
        Fault::ReplicaStart { replica } => replica::begin(world, replica),
        Fault::ReplicaPause { replica, until } => pause_replica(world, replica, until),
        Fault::ReplicaCut { replica, until } => cut(&mut world.network.replicas_cut[replica], until),
        Fault::ReplicaDeaf { replica, until } => deaf(world, replica, until),
        Fault::WallJump { replica, by_ms } => world.replicas[replica].wall_error_ms += by_ms,
        Fault::FleetCut { until } => {
            for agent in 0..world.agents.len() {
                if world.rng.u8(0..5) != 0 {
                    cut(&mut world.network.agents_cut[agent], until);
                }
            }
        }
        Fault::ServerDown { until } => {
            cut(&mut world.network.server_down, until);
            world.work_queue.forget_all();
        }
        Fault::OffersGone => world.work_queue.forget_all(),
        Fault::OffersGhosts => world.work_queue.make_ghosts(),
        Fault::OffersBack => work_queue::bring_back(world),
        Fault::ChunkGone { request } => chunk_gone(world, request),
        Fault::Heal => heal(world),
        Fault::OperatorLooks => look_after(world),
    }
}

fn cut(until: &mut u64, end: u64) {
    *until = (*until).max(end);
}

fn crash_agent(world: &mut World, agent: AgentIndex, loses_disk: bool) {
    agent::crash(world, agent);
    if loses_disk {
        world.agents[agent].wipe_disk();
        world.executions.iter_mut().filter(|execution| execution.agent == agent).for_each(|execution| execution.report_lost = true);
    }
    let down = world.rng.u64(500..180_000);
    world.after(down, Happening::Fault(Fault::AgentStart { agent }));
}

/// A machine restored from another's backup, key and all.
fn begin_clone(world: &mut World, worker: AgentIndex, until: u64) {
    let clone = worker + world.plan.workers;
    let newer_xcode = world.agents[worker].machine.newer_xcode;
    world.agents[clone].machine = Machine { newer_xcode, full_until: 0, exists_until: until };
    agent::begin(world, clone);
    let left = until.saturating_sub(world.now);
    let start = world.agents[clone].life.start;
    world.after(left, Happening::Agent { agent: clone, start, wake: AgentWake::Gone });
}

pub(crate) fn crash_replica(world: &mut World, replica: ReplicaIndex) {
    let keeps_disk = world.rng.bool();
    world.replicas[replica].crash(keeps_disk);
    let down = world.rng.u64(100..40_000);
    world.trace.event(world.now, || format!("coordinator {replica} dies"));
    world.after(down, Happening::Fault(Fault::ReplicaStart { replica }));
}

/// A process cannot know that its machine slept: what it was about to send when it fell asleep leaves when it wakes.
fn pause_replica(world: &mut World, replica: ReplicaIndex, until: u64) {
    let row = &mut world.replicas[replica];
    row.life.pause(until);
    if row.serves() {
        let position = (&row.projection, rch_schemas::LedgerSeq(row.applied as u64));
        let plant = world.brain.plant;
        let names = row.projection.workers.keys();
        let states = names.filter_map(|name| Some((name.clone(), Box::new(worker_state(position, name, plant)?)))).collect();
        let start = row.life.start;
        world.after(0, Happening::Replica { replica, start, wake: ReplicaWake::StaleStates(states) });
    }
}

/// The subscription is too slow; mostly the client library says so.
fn deaf(world: &mut World, replica: ReplicaIndex, until: u64) {
    world.replicas[replica].deaf_until = until;
    if world.rng.bool() {
        replica::deafen(world, replica);
    }
}

/// The store has lost a chunk; mostly somebody uploads it again when asked.
fn chunk_gone(world: &mut World, request: usize) {
    world.store_lacks.insert(client::recipe(request));
    if world.rng.u8(0..5) != 0 {
        let delay = world.rng.u64(1_000..100_000);
        world.after(delay, Happening::Client(ClientWake::Upload { request }));
    }
}

/// Once nothing goes wrong any more, an operator now and then opens what the farm has closed.
fn look_after(world: &mut World) {
    for worker in 0..world.plan.workers {
        let name = world.agents[worker].name.clone();
        let closed =
            |row: &crate::replica::Replica| row.projection.workers.get(&name).is_some_and(|worker| worker.intake == Intake::Quarantined);
        if world.replicas.iter().any(closed) {
            let opened = client::intake(world, worker, Intake::Open);
            world.after(1, opened);
        }
    }
    world.after(LOOKS_AFTER_MS, Happening::Fault(Fault::OperatorLooks));
}

/// Everything is whole again: whoever is down comes up, whoever sleeps wakes, whoever is closed opens, whoever was removed is enrolled anew.
fn heal(world: &mut World) {
    world.clients.forget_intake();
    for worker in 0..world.plan.workers {
        world.after(1, Happening::Fault(Fault::Listed { worker, listed: !world.inventory.was_removed(worker) }));
        world.after(REOPENED_AGAIN_MS, Happening::Fault(Fault::Listed { worker, listed: true }));
    }
    world.after(REOPENED_AGAIN_MS, Happening::Fault(Fault::OperatorLooks));
    for agent in 0..world.plan.workers {
        world.after(1, Happening::Fault(Fault::AgentStart { agent }));
        // Twice, as an earlier word may still be on its way.
        for delay in [1, REOPENED_AGAIN_MS] {
            let opened = client::intake(world, agent, Intake::Open);
            world.after(delay, opened);
        }
    }
    for replica in 0..world.replicas.len() {
        world.after(1, Happening::Fault(Fault::ReplicaStart { replica }));
    }
}
