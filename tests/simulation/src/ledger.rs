//! Stand-in for the stream of records, and what can become of an append.

use std::rc::Rc;

use rch_scheduler::{Agenda, Command, Event, Observed, Stamp};

use crate::checker;
use crate::happening::{Arrival, Happening, Published, ReplicaIndex, ReplicaWake};
use crate::plant::Plant;
use crate::world::World;

/// How long a coordinator waits for the server's word.
const ANSWER_MS: u64 = 1_500;

/// One record.
#[derive(Debug)]
pub(crate) struct Record {
    /// Tells its writer whether the record in a place is its own.
    pub(crate) id: u128,
    pub(crate) stamp: Stamp,
    pub(crate) events: Vec<Event>,
    /// Of some records what they were decided from, to be decided again.
    pub(crate) sample: Vec<Sample>,
}

/// One decision, with everything it was made of but the state.
#[derive(Debug)]
pub(crate) struct Sample {
    /// What was heard when it was decided.
    pub(crate) before: Observed,
    /// And with the command itself, when what follows from it was found.
    pub(crate) after: Observed,
    /// What there was to look at.
    pub(crate) agenda: Agenda,
    pub(crate) command: Command,
    /// How many of the record's events are its.
    pub(crate) events: usize,
}

/// An append that is under way.
pub(crate) struct Append {
    pub(crate) replica: ReplicaIndex,
    pub(crate) start: u64,
    pub(crate) reign: u64,
    pub(crate) publish: u64,
    pub(crate) expected: usize,
    pub(crate) record: Rc<Record>,
}

/// What becomes of a message to the ledger.
enum Fate {
    Plain,
    Vanishes,
    Late(u64),
}

/// Sends a record to the server.
pub(crate) fn publish(world: &mut World, append: Append) {
    let Append { replica, start, reign, publish, expected, record } = append;
    let silence = ReplicaWake::Published { reign, publish, outcome: Published::NoAnswer };
    world.after(ANSWER_MS, Happening::Replica { replica, start, wake: silence });
    if !world.network.reaches_server(replica, world.now) {
        return;
    }
    let fate = match if world.are_faults_on() { world.rng.u16(0..300) } else { 299 } {
        0..2 => Fate::Vanishes,
        2..4 => Fate::Late(world.rng.u64(500..20_000)),
        _ => Fate::Plain,
    };
    let delay = match fate {
        Fate::Vanishes => return,
        Fate::Late(delay) => delay,
        Fate::Plain => world.rng.u64(1..6),
    };
    world.after(delay, Happening::Server(Arrival::Append { replica, start, reign, publish, expected, record }));
}

/// A record has reached the server: it lands if the ledger ends where its writer thought, which is the one fence.
pub(crate) fn arrive(world: &mut World, append: Append) {
    let Append { replica, start, reign, publish, expected, record } = append;
    let fits = world.ledger.len() == expected || world.plant() == Some(Plant::ExpectedSequenceUnchecked);
    if fits {
        world.ledger.push(Rc::clone(&record));
        checker::landed(world, &record);
    }
    let lost = world.are_faults_on() && world.rng.u16(0..200) == 0;
    if lost || !world.network.reaches_server(replica, world.now) {
        return;
    }
    let outcome = if fits { Published::Landed } else { Published::Refused };
    let delay = world.rng.u64(1..6);
    world.after(delay, Happening::Replica { replica, start, wake: ReplicaWake::Published { reign, publish, outcome } });
}
