//! The coordinator, as far as decisions depend on it: one record a command, effects after it, and what it hears.

use rch_scheduler::{
    AttemptState, Command, CommandBody, Event, FarmConfig, Ids, InventoryEntry, Observed, Reply, Stamp, State, apply, decide, job_document,
    settle,
};
use rch_schemas::wire::agent::{Offer, ReportBody, WantedAttempt, WorkerState};
use rch_schemas::{LedgerSeq, Tick, Timestamp, WorkerName};

use crate::fixture::{signing_key, worker_name};
use crate::message::{AgentIndex, AttemptId, Fault, Happening, LeaderTimer, ToAgent, ToLeader};
use crate::world::{Record, World};

/// Between two looks at the deadlines, in milliseconds.
const TICK_MS: u64 = 1_000;
/// Between two reconciliations, in milliseconds.
const RECONCILE_MS: u64 = 30_000;
/// After this long without its leader the farm has another: the length of the lease.
const LEASE_MS: u64 = 15_000;
/// A gap in the leader's own ticks beyond which it must have been asleep, and deaf.
const SLEPT_MS: u64 = 2_000;

pub(crate) struct Leader {
    pub(crate) state: State,
    observed: Observed,
    term: u64,
    /// Records it has applied: what its next append expects the ledger to hold.
    applied: usize,
    /// Farm time is this plus the time since `started`.
    base: Tick,
    started: u64,
    last_tick: u64,
    paused_until: u64,
}

impl Leader {
    fn tick(&self, now: u64) -> Tick {
        Tick(self.base.0 + (now - self.started))
    }
}

/// A leader takes over: the ledger is read from its beginning, then the barrier.
pub(crate) fn begin(world: &mut World) {
    if world.leader.is_some() {
        return;
    }
    let mut state = State::default();
    for record in &world.ledger {
        for (index, event) in (0..).zip(&record.events) {
            apply(&mut state, &record.stamp, index, event);
        }
    }
    let base = world.ledger.last().map_or(Tick(0), |record| record.stamp.tick);
    let term = state.term + 1;
    let (applied, now) = (world.ledger.len(), world.now);
    let observed = Observed { hearing_since: Some(base), ..Observed::default() };
    world.leader = Some(Leader { state, observed, term, applied, base, started: now, last_tick: now, paused_until: 0 });
    ask(world, "coordinator", CommandBody::Lead { ledger_id: "ledger-00001".parse().expect("an id"), build: "simulated".to_owned() });
    ask(world, "coordinator", CommandBody::Configure(Box::new(config(world.plan.agents))));
    world.after(TICK_MS, Happening::LeaderTimer { term, timer: LeaderTimer::Tick });
    world.after(10, Happening::LeaderTimer { term, timer: LeaderTimer::Reconcile });
}

fn config(agents: usize) -> FarmConfig {
    let entry = |index: usize| {
        let name = worker_name(index);
        let public_key = signing_key(&name).public_key();
        (name, InventoryEntry { priority: 1, tags: ["macos".to_owned(), "xcode".to_owned()].into(), public_key })
    };
    FarmConfig { inventory: (0..agents).map(entry).collect(), ..FarmConfig::default() }
}

pub(crate) fn crash(world: &mut World) {
    if world.leader.take().is_some() {
        let down = world.rng.u64(100..LEASE_MS * 2);
        world.after(down, Happening::Fault(Fault::LeaderStart));
    }
}

/// The leader's machine sleeps: a short nap goes unnoticed, after a long one another leads when it wakes.
pub(crate) fn pause(world: &mut World, until: u64) {
    let Some(leader) = &mut world.leader else { return };
    leader.paused_until = until;
    if until > world.now + LEASE_MS {
        world.sleeper = world.leader.take();
        world.after(LEASE_MS, Happening::Fault(Fault::LeaderStart));
        let term = world.sleeper.as_ref().map_or(0, |sleeper| sleeper.term);
        world.after(until - world.now, Happening::LeaderTimer { term, timer: LeaderTimer::Reconcile });
    }
}

pub(crate) fn timer(world: &mut World, term: u64, timer: LeaderTimer) {
    if world.sleeper.as_ref().is_some_and(|sleeper| sleeper.term == term) {
        wake_sleeper(world);
        return;
    }
    let Some(leader) = world.leader.as_mut().filter(|leader| leader.term == term) else { return };
    if leader.paused_until > world.now {
        let wait = leader.paused_until - world.now;
        world.after(wait, Happening::LeaderTimer { term, timer });
        return;
    }
    match timer {
        LeaderTimer::Tick => {
            if world.now - leader.last_tick > TICK_MS + SLEPT_MS {
                leader.observed.hearing_since = Some(leader.tick(world.now));
            }
            leader.last_tick = world.now;
            ask(world, "coordinator", CommandBody::Tick);
            world.after(TICK_MS, Happening::LeaderTimer { term, timer });
        }
        LeaderTimer::Reconcile => {
            reconcile(world);
            world.after(RECONCILE_MS, Happening::LeaderTimer { term, timer });
        }
    }
}

/// A deposed leader wakes: before it looks at the ledger it says what it still believes, as a process cannot know that it slept.
fn wake_sleeper(world: &mut World) {
    let Some(sleeper) = world.sleeper.take() else { return };
    let believed: Vec<_> = (0..world.plan.agents).filter_map(|index| Some((index, worker_state(&sleeper, &worker_name(index))?))).collect();
    for (agent, state) in believed {
        world.send_to_agent(agent, ToAgent::State(Box::new(state)));
    }
    // Its lease is over, and its first append would be refused by the expected sequence: it leads no more.
}

pub(crate) fn receive(world: &mut World, message: ToLeader) {
    let Some(leader) = &mut world.leader else { return };
    if leader.paused_until > world.now {
        let wait = leader.paused_until - world.now;
        world.after(wait, Happening::ToLeader(message));
        return;
    }
    let now = leader.tick(world.now);
    match message {
        ToLeader::Heartbeat { agent, session, held } => {
            let name = worker_name(agent);
            let running = running_on(&leader.state, &name);
            let row = leader.observed.workers.entry(name.clone()).or_default();
            row.heard_at = Some(now);
            let current = leader.state.workers.get(&name).and_then(|worker| worker.session.as_ref());
            if current.is_some_and(|current| current.id == session) {
                let missing: Vec<_> = running.into_iter().filter(|attempt| !held.contains(attempt)).collect();
                row.missing.retain(|attempt, _| missing.contains(attempt));
                for attempt in missing {
                    *row.missing.entry(attempt).or_default() += 1;
                }
                send_state(world, agent);
            }
        }
        ToLeader::Report { agent, start, report } => {
            let name = worker_name(agent);
            let row = leader.observed.workers.entry(name.clone()).or_default();
            row.heard_at = Some(now);
            if matches!(report.body, ReportBody::Announce(_) | ReportBody::Capabilities { .. }) {
                row.capabilities_at = Some(now);
            }
            let number = report.number;
            if let Some((reply, ledger_seq)) = ask(world, &format!("worker:{name}"), CommandBody::Report { worker: name, report }) {
                world.send_to_agent(agent, ToAgent::Answer { start, number, ledger_seq, reply: Box::new(reply) });
            }
        }
    }
}

fn running_on(state: &State, worker: &WorkerName) -> Vec<AttemptId> {
    let runs = |(job_id, _): &&AttemptId| {
        state.jobs.get(job_id).and_then(|job| job.live()).is_some_and(|attempt| attempt.state != AttemptState::Offered)
    };
    state.workers.get(worker).map_or_else(Vec::new, |worker| worker.held.iter().filter(runs).cloned().collect())
}

/// Decides, applies, settles, appends, and lets the effects happen. `None` when there is no leader to answer, before or after the append.
pub(crate) fn ask(world: &mut World, actor: &str, body: CommandBody) -> Option<(Reply, LedgerSeq)> {
    let base = world.rng.u128(..) >> 8;
    let leader = world.leader.as_mut()?;
    let tick = leader.tick(world.now);
    let wall = Timestamp::from_unix_ms(1_772_443_800_000 + i64::try_from(tick.0).expect("a simulation ends"));
    let stamp = Stamp { seq: LedgerSeq(leader.applied as u64 + 1), tick, wall };
    let command = Command { stamp, ids: Ids::from_ulid(base), actor: actor.to_owned(), body };
    let decision = decide(&leader.state, &leader.observed, &command);
    let mut events = Vec::new();
    apply_all(leader, &stamp, &mut events, decision.events);
    loop {
        let following = settle(&leader.state, &leader.observed, &stamp);
        if following.is_empty() {
            break;
        }
        apply_all(leader, &stamp, &mut events, following);
    }
    assert_eq!(leader.applied, world.ledger.len(), "only one leader appends");
    if !events.is_empty() {
        leader.applied += 1;
        world.ledger.push(Record { stamp, events: events.clone() });
        // The record is there, and nobody hears of it: neither the caller nor any agent.
        if world.are_faults_on() && world.rng.u16(0..400) == 0 {
            crash(world);
            return None;
        }
        effects(world, &events);
    }
    Some((decision.reply, LedgerSeq(world.ledger.len() as u64)))
}

fn apply_all(leader: &mut Leader, stamp: &Stamp, recorded: &mut Vec<Event>, events: Vec<Event>) {
    for event in events {
        let index = u32::try_from(recorded.len()).expect("records are small");
        apply(&mut leader.state, stamp, index, &event);
        recorded.push(event);
    }
}

/// Offers and states for the workers that events concern.
fn effects(world: &mut World, events: &[Event]) {
    for event in events {
        if let Event::AttemptOffered { job_id, attempt, .. } = event {
            send_offer(world, &(job_id.clone(), *attempt));
        }
    }
    for agent in 0..world.plan.agents {
        send_state(world, agent);
    }
}

/// Everything that should be so is said again.
fn reconcile(world: &mut World) {
    let Some(leader) = &world.leader else { return };
    let offered: Vec<_> = leader
        .state
        .jobs
        .values()
        .filter_map(|job| Some((job.job_id.clone(), job.live().filter(|attempt| attempt.state == AttemptState::Offered)?.number)))
        .collect();
    for attempt in offered {
        send_offer(world, &attempt);
    }
    for agent in 0..world.plan.agents {
        send_state(world, agent);
    }
}

fn send_offer(world: &mut World, (job_id, attempt): &AttemptId) {
    let Some(leader) = &world.leader else { return };
    let Some((job, run)) = leader.state.job_and_run(job_id) else { return };
    let Some(live) = job.live().filter(|live| live.number == *attempt) else { return };
    let Some(document) = job_document(run, job, *attempt) else { return };
    let offer =
        Offer { worker: live.worker.clone(), session: live.session.clone(), ledger_seq: LedgerSeq(leader.applied as u64), job: document };
    if let Some(agent) = world.agents.iter().position(|agent| agent.name == offer.worker) {
        world.send_to_agent(agent, ToAgent::Offer(Box::new(offer)));
    }
}

fn send_state(world: &mut World, agent: AgentIndex) {
    let Some(leader) = &world.leader else { return };
    if let Some(state) = worker_state(leader, &worker_name(agent)) {
        world.send_to_agent(agent, ToAgent::State(Box::new(state)));
    }
}

fn worker_state(leader: &Leader, name: &WorkerName) -> Option<WorkerState> {
    let worker = leader.state.workers.get(name)?;
    let session = worker.session.as_ref()?.id.clone();
    let wanted = worker.held.iter().filter(|(job_id, _)| leader.state.jobs.get(job_id).is_some_and(|job| !job.cancel_requested));
    let wanted = wanted.map(|(job_id, attempt)| WantedAttempt { job_id: job_id.clone(), attempt: *attempt }).collect();
    Some(WorkerState { session, ledger_seq: LedgerSeq(leader.applied as u64), draining: false, wanted })
}
