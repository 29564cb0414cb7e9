//! The state is the fold of the ledger, and a recorded decision is made again, byte for byte.

use rch_scheduler::{Decided, Event, Replayed, Stamp, State};

use super::{Broken, Case, Checker};
use crate::brain::from_rows;
use crate::ledger::Record;
use crate::violation::Promise;
use crate::world::World;

/// A record lands where its writer thought.
pub(super) fn in_place(case: &Case<'_>) -> Broken {
    let (place, thought) = (case.world.ledger.len() as u64, case.record.stamp.seq.0);
    if place == thought { Vec::new() } else { vec![(Promise::StateIsTheLedger, format!("record {thought} lands as record {place}"))] }
}

/// Decides a sampled record again, from the state as the ledger gives it.
pub(super) fn replay(checker: &mut Checker, world: &World, record: &Record) {
    if record.sample.is_empty() {
        return;
    }
    let mut state = from_rows(&checker.state);
    let mut broken = Vec::new();
    if state != checker.state {
        broken.push((Promise::StateIsTheLedger, format!("before record {} the state differs from its own rows", record.stamp.seq.0)));
    }
    let mut events: Vec<Event> = Vec::new();
    for sample in &record.sample {
        let until = events.len() + sample.events;
        let mut agenda = sample.agenda.clone();
        let mut following = world.brain.decide(&state, &sample.before, &sample.command).events;
        loop {
            for event in following {
                let index = u32::try_from(events.len()).expect("records are small");
                let touched = world.brain.apply(&mut state, &record.stamp, index, &event);
                world.brain.note(&mut agenda, &state, (&event, &touched));
                events.push(event);
            }
            following = world.brain.settle(&state, &sample.after, &record.stamp, &mut agenda);
            if following.is_empty() || events.len() > until {
                break;
            }
        }
    }
    let bytes = |events: &[Event]| serde_json::to_vec(events).expect("events serialize");
    // All commands of a record are in its sample or none: what they do not account for is a difference, too.
    if bytes(&events) != bytes(&record.events) {
        let detail = format!("record {} is decided otherwise: {:?}, recorded {:?}", record.stamp.seq.0, events, record.events);
        broken.push((Promise::DecisionsReplay, detail));
    }
    checker.note(world, broken);
}

/// What was chosen is chosen again by the scheduler's own replay, and so is what it rests on. A planted bug that has the scheduler believe
/// something else makes other choices by that alone, and must be found by what comes of them.
pub(super) fn choices(state: &State, world: &World, (stamp, index, event): (&Stamp, u32, &Event)) -> Broken {
    if world.brain.plant.is_some_and(|plant| !plant.promises().contains(&Promise::ChoicesReplay)) {
        return Vec::new();
    }
    let decided = Decided { state, stamp, index, event };
    let judgement = decided.judgement();
    let again = [judgement.as_ref().unwrap_or(event), event].map(|event| Decided { event, ..decided }.again());
    let is_same = |again: &Option<Replayed>| matches!(again, None | Some(Replayed::Same));
    let broken = again.into_iter().filter(|again| !is_same(again));
    broken.map(|again| (Promise::ChoicesReplay, format!("{event:?} of record {} replays as {again:?}", stamp.seq.0))).collect()
}

/// Every coordinator that has read the whole ledger shows its fold, and a leader decides from nothing else.
pub(super) fn compare(state: &State, world: &World) -> Broken {
    let read = world.replicas.iter().enumerate().filter(|(_, replica)| replica.applied == world.ledger.len());
    let mut broken = Vec::new();
    for (index, replica) in read {
        if replica.projection != *state {
            broken.push((Promise::StateIsTheLedger, format!("coordinator {index} shows something else than the ledger holds")));
        }
        if replica.decides_from().is_some_and(|decides_from| *decides_from != *state) {
            broken.push((Promise::StateIsTheLedger, format!("coordinator {index} decides from something else than the ledger holds")));
        }
    }
    broken
}

/// The ledger, folded from its first record.
pub(super) fn rebuild(state: &State, world: &World) -> Broken {
    let mut rebuilt = State::default();
    for record in &world.ledger {
        for (index, event) in (0..).zip(&record.events) {
            world.brain.apply(&mut rebuilt, &record.stamp, index, event);
        }
    }
    if rebuilt == *state {
        Vec::new()
    } else {
        vec![(Promise::StateIsTheLedger, "a fold from the first record gives another state".to_owned())]
    }
}
