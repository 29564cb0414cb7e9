//! Effects: derived from what is recorded, done again until they are so.

use rch_scheduler::{AttemptState, CommandBody, Job, State, job_document};
use rch_schemas::wire::agent::{Offer, WantedAttempt, WorkerState};
use rch_schemas::wire::http::Intake;
use rch_schemas::{LedgerSeq, WorkerName};

use super::wake::ask_itself;
use super::{Replica, commit};
use crate::happening::{AgentWake, Arrival, Happening, OfferId, ReplicaIndex};
use crate::network;
use crate::plant::Plant;
use crate::world::World;

/// Between two looks at everything.
const RECONCILE_MS: u64 = 30_000;

/// What the rows say that were changed by records since the last time.
pub(super) fn run(world: &mut World, replica: ReplicaIndex, reign: u64) {
    loop {
        let now = world.now;
        let row = &mut world.replicas[replica];
        let holds = row.keeper.holds(now);
        let Some(term) = row.term.as_mut().filter(|term| holds && term.reign == reign) else { return };
        let Some(touched) = term.effects.pop_front() else { return };
        let mut told = touched.workers;
        for job_id in &touched.jobs {
            if commit::may_crash(world, replica) {
                return;
            }
            let Some((state, _)) = visible(&world.replicas[replica], world.plant()) else { return };
            let Some(job) = state.jobs.get(job_id).cloned() else { continue };
            job_changed(world, replica, &job);
            told.extend(cancel(world, replica, &job));
        }
        for worker in told {
            tell(world, replica, &worker);
        }
    }
}

/// What effects see: what is recorded.
fn visible(row: &Replica, plant: Option<Plant>) -> Option<(&State, LedgerSeq)> {
    match (plant, &row.term) {
        (Some(Plant::EffectsBeforeTheRecord), Some(term)) => Some((&term.state, LedgerSeq(row.applied as u64 + 1))),
        (_, Some(_)) => Some((&row.projection, row.seq())),
        (_, None) => None,
    }
}

fn job_changed(world: &mut World, replica: ReplicaIndex, job: &Job) {
    let Some(record) = job.current() else { return };
    let id = (record.worker.clone(), job.job_id.clone(), record.number);
    match &record.state {
        AttemptState::Offered => publish_offer(world, replica, id),
        AttemptState::Running { .. } | AttemptState::Finished { .. } => {}
        AttemptState::Interrupted { .. } | AttemptState::Lost | AttemptState::Refused { .. } | AttemptState::Withdrawn { .. } => {
            network::of_replica(world, replica, &Happening::Server(Arrival::Purge(id)));
        }
    }
}

fn publish_offer(world: &mut World, replica: ReplicaIndex, id: OfferId) {
    let Some((state, ledger_seq)) = visible(&world.replicas[replica], world.plant()) else { return };
    let Some((job, run)) = state.job_and_run(&id.1) else { return };
    let Some(record) = job.current_numbered(id.2) else { return };
    let Some(document) = job_document(state, run, job, id.2) else { return };
    let offer = Box::new(Offer { worker: record.worker.clone(), session: record.session.clone(), ledger_seq, job: document });
    network::of_replica(world, replica, &Happening::Server(Arrival::Offer { id, offer }));
}

/// The agent of a running attempt that nobody wants is asked to kill it now.
fn cancel(world: &mut World, replica: ReplicaIndex, job: &Job) -> Option<WorkerName> {
    let running = |record: &&rch_scheduler::AttemptRecord| matches!(record.state, AttemptState::Running { .. });
    let record = job.live().filter(|_| job.cancel_requested).filter(running)?;
    if world.plant() != Some(Plant::CancelledStillWanted) {
        let seq = world.replicas[replica].seq();
        let wake = AgentWake::Cancel { attempt: (job.job_id.clone(), record.number), seq };
        tell_agents(world, replica, &record.worker, &wake);
    }
    Some(record.worker.clone())
}

/// Tells a worker what is wanted of it: on change, and after each of its heartbeats.
pub(crate) fn tell(world: &mut World, replica: ReplicaIndex, worker: &WorkerName) {
    let row = &world.replicas[replica];
    let Some((state, seq)) = visible(row, world.plant()).filter(|_| row.keeper.holds(world.now)) else { return };
    if let Some(state) = worker_state((state, seq), worker, world.plant()) {
        tell_agents(world, replica, worker, &AgentWake::State(Box::new(state)));
    }
}

/// To every machine that listens on the worker's subjects.
pub(super) fn tell_agents(world: &mut World, replica: ReplicaIndex, worker: &WorkerName, wake: &AgentWake) {
    for agent in 0..world.agents.len() {
        if world.agents[agent].name == *worker {
            let start = world.agents[agent].life.start;
            network::to_agent(world, Some(replica), agent, &Happening::Agent { agent, start, wake: wake.clone() });
        }
    }
}

pub(crate) fn worker_state((state, ledger_seq): (&State, LedgerSeq), name: &WorkerName, plant: Option<Plant>) -> Option<WorkerState> {
    let worker = state.workers.get(name)?;
    let session = worker.session.as_ref()?.id.clone();
    let all = plant == Some(Plant::CancelledStillWanted);
    let wanted = worker.held.iter().filter(|(job_id, _)| state.jobs.get(job_id).is_some_and(|job| all || !job.cancel_requested));
    let wanted = wanted.map(|(job_id, attempt)| WantedAttempt { job_id: job_id.clone(), attempt: *attempt }).collect();
    Some(WorkerState { session, ledger_seq, draining: worker.intake != Intake::Open, wanted, probe_ttl_ms: None })
}

/// Everything that should be so and is not is done again.
pub(super) fn reconcile(world: &mut World, replica: ReplicaIndex) {
    let now = world.now;
    if !world.network.reaches_server(replica, now) {
        return;
    }
    if let Some(term) = &mut world.replicas[replica].term {
        term.next_reconcile = now + RECONCILE_MS;
    }
    let state = &world.replicas[replica].projection;
    let offered = |job: &Job| {
        let record = job.live().filter(|record| record.state == AttemptState::Offered)?;
        Some((record.worker.clone(), job.job_id.clone(), record.number))
    };
    let wanted: Vec<OfferId> = state.jobs.values().filter_map(offered).collect();
    let workers: Vec<_> = state.workers.keys().cloned().collect();
    let there = world.work_queue.there();
    for id in there.iter().filter(|id| !wanted.contains(id)) {
        network::of_replica(world, replica, &Happening::Server(Arrival::Purge(id.clone())));
    }
    for id in wanted {
        if !there.contains(&id) {
            publish_offer(world, replica, id);
        }
    }
    for worker in workers {
        tell(world, replica, &worker);
    }
}

/// A new leader has no capabilities younger than itself: it asks for them.
pub(super) fn probe_all(world: &mut World, replica: ReplicaIndex) {
    let workers: Vec<_> = world.replicas[replica].projection.workers.keys().cloned().collect();
    for worker in workers {
        tell_agents(world, replica, &worker, &AgentWake::Probe);
    }
}

/// Runs whose chunks are all in the store again go on.
pub(super) fn restore_sources(world: &mut World, replica: ReplicaIndex) {
    let gaps = world.replicas[replica].projection.runs.values().filter_map(|run| Some((run, run.source_gap.as_ref()?)));
    let whole = gaps.filter(|(_, gap)| !gap.missing.iter().any(|chunk| world.store_lacks.contains(chunk)));
    for run_id in whole.map(|(run, _)| run.run_id.clone()).collect::<Vec<_>>() {
        ask_itself(world, replica, CommandBody::SourceRestored { run_id });
    }
}
