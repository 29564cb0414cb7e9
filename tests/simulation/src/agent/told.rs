//! What the farm wants of it: the whole truth, unless it is older than what it knows.

use std::collections::BTreeSet;

use rch_schemas::LedgerSeq;
use rch_schemas::wire::agent::WorkerState;

use super::{Holding, attempt, reports};
use crate::happening::{AgentIndex, AttemptId};
use crate::plant::Plant;
use crate::world::World;

pub(super) fn state(world: &mut World, index: AgentIndex, state: &WorkerState) {
    let plant = world.plant();
    let memory = &mut world.agents[index].memory;
    let Some(announced) = memory.known else { return };
    let older = state.ledger_seq < memory.newest.max(announced);
    if plant == Some(Plant::StatesIgnored) || (older && plant != Some(Plant::OlderStateBelieved)) {
        return;
    }
    memory.newest = state.ledger_seq.max(memory.newest);
    if memory.session.as_ref() != Some(&state.session) {
        memory.known = None;
        reports::announce(world, index);
        return;
    }
    let wanted: BTreeSet<_> = state.wanted.iter().map(|wanted| (wanted.job_id.clone(), wanted.attempt)).collect();
    let believes =
        |since: LedgerSeq| since <= state.ledger_seq || matches!(plant, Some(Plant::StateOlderThanGoBelieved | Plant::OlderStateBelieved));
    let unwanted = memory
        .held
        .iter()
        .filter(|(id, holding)| !wanted.contains(*id) && matches!(holding, Holding::Running { since, .. } if believes(*since)));
    for id in unwanted.map(|(id, _)| id.clone()).collect::<Vec<_>>() {
        attempt::kill(world, index, &id);
    }
}

pub(super) fn cancel(world: &mut World, index: AgentIndex, id: &AttemptId, seq: LedgerSeq) {
    if world.plant() == Some(Plant::StatesIgnored) {
        return;
    }
    if matches!(world.agents[index].memory.held.get(id), Some(Holding::Running { since, .. }) if *since <= seq) {
        attempt::kill(world, index, id);
    }
}
