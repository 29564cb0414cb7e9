//! What a coordinator does when it is woken.

use rch_scheduler::{Agenda, CommandBody};

use super::hearing::Hearing;
use super::{Inbox, LOOK_MS, Term, catch_up, commit, decide, effects, wake_at};
use crate::happening::{AgentWake, Ask, Caller, Happening, Heard, ReplicaIndex, ReplicaWake};
use crate::network;
use crate::world::World;

/// As often as the workers' heartbeats.
const OWN_HEARTBEAT_MS: u64 = 5_000;

pub(crate) fn wake(world: &mut World, replica: ReplicaIndex, wake: ReplicaWake) {
    match wake {
        ReplicaWake::Look => look(world, replica),
        ReplicaWake::Ask(ask) => asked(world, replica, ask),
        ReplicaWake::Heard(heard) => {
            if world.replicas[replica].deaf_until <= world.now {
                if let Heard::Worker { worker, .. } = &heard {
                    effects::tell(world, replica, worker);
                }
                take_in(world, replica, Inbox::Heard(heard));
            }
        }
        ReplicaWake::Published { reign, publish, outcome } => commit::published(world, replica, (reign, publish), outcome),
        ReplicaWake::Effects { reign } => effects::run(world, replica, reign),
        ReplicaWake::StaleStates(states) => {
            for (worker, state) in states {
                effects::tell_agents(world, replica, &worker, &AgentWake::State(state));
            }
        }
    }
}

/// A client that asks whoever does not lead is told so; the subjects of reports have no other listener than the leader.
fn asked(world: &mut World, replica: ReplicaIndex, ask: Box<Ask>) {
    if world.replicas[replica].serves() {
        take_in(world, replica, Inbox::Ask(ask));
    } else if let Caller::Client(call) = ask.caller {
        crate::client::answer(world, call, None);
    }
}

/// What is heard goes before what is asked, as in the coordinator's queues.
fn take_in(world: &mut World, replica: ReplicaIndex, what: Inbox) {
    if let Some(term) = &mut world.replicas[replica].term {
        let place = match what {
            Inbox::Ask(_) => term.inbox.len(),
            Inbox::Heard(_) => term.inbox.iter().take_while(|other| matches!(other, Inbox::Heard(_))).count(),
        };
        term.inbox.insert(place, what);
        decide::drive(world, replica);
    }
}

fn look(world: &mut World, replica: ReplicaIndex) {
    wake_at(world, replica, LOOK_MS, ReplicaWake::Look);
    let (now, answers) = (world.now, !world.are_faults_on() || world.rng.u8(0..30) != 0);
    world.replicas[replica].keep_lease((replica, now), &mut world.lease, &world.network, answers);
    let row = &mut world.replicas[replica];
    match (&row.term, row.keeper.holds(now)) {
        (Some(_), true) => look_around(world, replica),
        (Some(_), false) => {
            row.step_down();
            world.trace.event(now, || format!("coordinator {replica} leads no more: its lease is over"));
        }
        (None, held) => {
            catch_up(world, replica);
            if held && world.network.reaches_server(replica, now) {
                lead(world, replica);
            }
        }
    }
}

/// The first act of a term is the barrier: a record at the end that was applied.
fn lead(world: &mut World, replica: ReplicaIndex) {
    let (now, plant) = (world.now, world.plant());
    let base = world.replicas[replica].applied.checked_sub(1).map_or(rch_schemas::Tick(0), |last| world.ledger[last].stamp.tick);
    let row = &mut world.replicas[replica];
    row.reigns += 1;
    row.term = Some(Box::new(Term {
        reign: row.reigns,
        state: row.projection.clone(),
        agenda: Agenda::everything(),
        hearing: Hearing::new(base, plant),
        base,
        began: now,
        serves_since: None,
        inbox: std::collections::VecDeque::new(),
        under_way: None,
        publishes: 0,
        effects: std::collections::VecDeque::new(),
        next_reconcile: now,
        next_beat: now,
        configured: 0,
        numbers: std::collections::BTreeMap::new(),
    }));
    world.trace.event(now, || format!("coordinator {replica} takes the lead"));
    let ledger_id = "ledger-00001".parse().expect("an id");
    ask_itself(world, replica, CommandBody::Lead { ledger_id, build: "simulated".to_owned() });
}

pub(super) fn ask_itself(world: &mut World, replica: ReplicaIndex, body: CommandBody) {
    let ask = Ask { actor: "coordinator".to_owned(), body, caller: Caller::Own };
    take_in(world, replica, Inbox::Ask(Box::new(ask)));
}

/// The configuration as the files say it now.
pub(super) fn configure(world: &mut World, replica: ReplicaIndex) {
    let (config, version) = (world.inventory.config(&world.plan), world.inventory.version);
    if let Some(term) = &mut world.replicas[replica].term {
        term.configured = version;
    }
    ask_itself(world, replica, CommandBody::Configure(Box::new(config)));
}

/// Deadlines, its own heartbeat, everything that should be so.
fn look_around(world: &mut World, replica: ReplicaIndex) {
    let (now, plant) = (world.now, world.plant());
    let tick = world.replicas[replica].tick(now, plant);
    let row = &mut world.replicas[replica];
    let (Some(term), Some(tick)) = (&mut row.term, tick) else { return };
    if term.under_way.is_some() || term.serves_since.is_none() {
        return;
    }
    term.hearing.look(tick);
    let beats = term.next_beat <= now;
    if beats {
        term.next_beat = now + OWN_HEARTBEAT_MS;
    }
    let reconciles = term.next_reconcile <= now;
    if beats {
        let start = world.replicas[replica].life.start;
        let own = Happening::Replica { replica, start, wake: ReplicaWake::Heard(Heard::Own) };
        network::of_replica(world, replica, &own);
    }
    if reconciles {
        effects::reconcile(world, replica);
    }
    effects::restore_sources(world, replica);
    if world.replicas[replica].term.as_ref().is_some_and(|term| term.configured != world.inventory.version) {
        configure(world, replica);
    }
    ask_itself(world, replica, CommandBody::Tick);
}

/// The client library says that messages were dropped.
pub(crate) fn deafen(world: &mut World, replica: ReplicaIndex) {
    if let Some(term) = &mut world.replicas[replica].term {
        term.hearing.deafen();
    }
}
