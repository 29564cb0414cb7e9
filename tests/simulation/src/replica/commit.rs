//! What becomes of a record: acknowledged, overtaken, or asked for until it is known.

use std::rc::Rc;

use rch_scheduler::Reply;

use super::{UnderWay, decide, effects, wake, wake_at};
use crate::happening::{AgentWake, Ask, Caller, Happening, Published, ReplicaIndex, ReplicaWake};
use crate::ledger::{Append, publish};
use crate::network;
use crate::plant::Plant;
use crate::world::World;

/// What is in the place of a record.
enum Found {
    Ours,
    Another,
    Nothing,
}

/// The server's word on an append, or none in time. One that is not acknowledged is neither done nor undone: the ledger is read.
pub(super) fn published(world: &mut World, replica: ReplicaIndex, (reign, number): (u64, u64), outcome: Published) {
    let row = &world.replicas[replica];
    let Some(term) = row.term.as_ref().filter(|term| term.reign == reign) else { return };
    let Some(under_way) = term.under_way.as_ref().filter(|under_way| under_way.publish == number) else { return };
    if outcome == Published::Landed {
        commit(world, replica);
        return;
    }
    if world.plant() == Some(Plant::UnknownAppendForgotten) {
        if let Some(term) = &mut world.replicas[replica].term {
            term.under_way = None;
        }
        decide::drive(world, replica);
        return;
    }
    let readable = world.network.reaches_server(replica, world.now);
    let found = match world.ledger.get(row.applied) {
        _ if !readable => Found::Nothing,
        Some(record) if record.id == under_way.record.id => Found::Ours,
        Some(_) => Found::Another,
        None => Found::Nothing,
    };
    let held = row.keeper.holds(world.now);
    match found {
        Found::Ours => commit(world, replica),
        Found::Nothing if held => again(world, replica),
        Found::Another | Found::Nothing => {
            world.replicas[replica].step_down();
            world.trace.event(world.now, || format!("coordinator {replica} leads no more: its record is not in the ledger"));
        }
    }
}

/// The same bytes under the same expected sequence: at most one copy can take that place.
fn again(world: &mut World, replica: ReplicaIndex) {
    let row = &mut world.replicas[replica];
    let (start, expected) = (row.life.start, row.applied);
    let Some(term) = &mut row.term else { return };
    let Some(under_way) = &mut term.under_way else { return };
    term.publishes += 1;
    under_way.publish = term.publishes;
    let (reign, number, record) = (term.reign, under_way.publish, Rc::clone(&under_way.record));
    publish(world, Append { replica, start, reign, publish: number, expected, record });
}

/// The record is in the ledger: it becomes visible, the callers are answered, effects happen.
fn commit(world: &mut World, replica: ReplicaIndex) {
    let (brain, now) = (world.brain, world.now);
    let row = &mut world.replicas[replica];
    let Some(term) = &mut row.term else { return };
    let Some(UnderWay { record, touched, answers, .. }) = term.under_way.take() else { return };
    let (reign, first) = (term.reign, term.serves_since.is_none());
    term.serves_since.get_or_insert(now);
    if brain.plant != Some(Plant::EffectsBeforeTheRecord) {
        term.effects.push_back(touched);
    }
    row.fold(brain, &record);
    if may_crash(world, replica) {
        return;
    }
    answer(world, replica, answers);
    act(world, replica, reign);
    if first {
        wake::configure(world, replica);
        effects::probe_all(world, replica);
    }
    decide::drive(world, replica);
}

/// Lets the effects of what was recorded happen soon.
pub(super) fn act(world: &mut World, replica: ReplicaIndex, reign: u64) {
    let delay = world.rng.u64(0..20);
    wake_at(world, replica, delay, ReplicaWake::Effects { reign });
}

pub(super) fn answer(world: &mut World, replica: ReplicaIndex, answers: Vec<(Ask, Reply)>) {
    let seq = world.replicas[replica].seq();
    for (ask, reply) in answers {
        match ask.caller {
            Caller::Own => {}
            Caller::Client(call) => crate::client::answer(world, call, Some(reply)),
            Caller::Agent { agent, start, number } => {
                let wake = AgentWake::Answer { number, seq, reply: Box::new(reply) };
                network::to_agent(world, Some(replica), agent, &Happening::Agent { agent, start, wake });
            }
        }
    }
}

/// A process may die at any point of its work.
pub(super) fn may_crash(world: &mut World, replica: ReplicaIndex) -> bool {
    let dies = world.are_faults_on() && world.rng.u16(0..700) == 0;
    if dies {
        crate::fault::crash_replica(world, replica);
    }
    dies
}
