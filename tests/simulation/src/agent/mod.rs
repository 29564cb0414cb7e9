//! Stand-in for an agent: claim before start, report until answered, kill what is not wanted.

mod attempt;
mod offers;
mod reports;
mod told;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rch_schemas::document::Job;
use rch_schemas::wire::agent::{Offer, ReportBody};
use rch_schemas::{LedgerSeq, Reason, SessionId, WorkerName};

use crate::fixture::worker_name;
use crate::happening::{AgentIndex, AgentWake, Arrival, AttemptId, Happening};
use crate::life::Life;
use crate::network;
use crate::plant::Plant;
use crate::world::World;

/// Between two heartbeats.
const HEARTBEAT_MS: u64 = 5_000;
/// Between two readings of the machine: half of the time after which capabilities count as stale.
const PROBE_MS: u64 = 150_000;

pub(crate) struct Agent {
    pub(crate) name: WorkerName,
    pub(crate) life: Life,
    pub(crate) slots: u32,
    pub(crate) machine: Machine,
    disk: Disk,
    pub(crate) memory: Memory,
}

/// The Mac.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    pub(crate) newer_xcode: bool,
    pub(crate) full_until: u64,
    /// Until when a clone of it runs, if it is one.
    pub(crate) exists_until: u64,
}

/// What survives a crash.
#[derive(Default)]
struct Disk {
    /// Last reports of attempts, until they are answered.
    outbox: BTreeMap<AttemptId, ReportBody>,
    /// Attempts whose go was written down and whose report is not in the outbox yet.
    granted: BTreeSet<AttemptId>,
}

/// What does not.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) session: Option<SessionId>,
    /// Since which record the farm knows this session.
    known: Option<LedgerSeq>,
    newest: LedgerSeq,
    /// What the last reading of the machine found.
    read_newer_xcode: bool,
    waiting: VecDeque<ReportBody>,
    on_its_way: Option<(u64, ReportBody)>,
    number: u64,
    held: BTreeMap<AttemptId, Holding>,
    doubted: BTreeSet<AttemptId>,
}

/// How far an attempt is.
enum Holding {
    Claiming(Box<Offer>),
    Refusing,
    Running { since: LedgerSeq, job: Box<Job>, execution: usize },
    Reporting,
}

impl Agent {
    pub(crate) fn new(index: usize, slots: u32, newer_xcode: bool) -> Self {
        Self {
            name: worker_name(index),
            life: Life::default(),
            slots,
            machine: Machine { newer_xcode, full_until: 0, exists_until: u64::MAX },
            disk: Disk::default(),
            memory: Memory::default(),
        }
    }

    /// Whether it would take an offer of the worker.
    pub(crate) fn pulls(&self, worker: &WorkerName) -> bool {
        self.life.up && self.name == *worker
    }

    /// What the farm is told that it holds. A claim counts: once it is recorded, an attempt missing from heartbeats would be ended.
    pub(crate) fn held(&self) -> Vec<AttemptId> {
        let told = |holding: &Holding| match holding {
            Holding::Claiming(_) | Holding::Running { .. } | Holding::Reporting => true,
            Holding::Refusing => false,
        };
        self.memory.held.iter().filter(|(_, holding)| told(holding)).map(|(id, _)| id.clone()).collect()
    }

    fn slots_taken(&self) -> usize {
        self.memory.held.values().filter(|holding| matches!(holding, Holding::Claiming(_) | Holding::Running { .. })).count()
    }

    pub(crate) fn wipe_disk(&mut self) {
        self.disk = Disk::default();
    }
}

/// An agent starts: a new session, and the reports that an earlier process owes.
pub(crate) fn begin(world: &mut World, index: AgentIndex) {
    let now = world.now;
    if world.agents[index].life.up || world.agents[index].machine.exists_until <= now {
        return;
    }
    let forgets = world.plant() == Some(Plant::OutboxNotOnDisk);
    let agent = &mut world.agents[index];
    agent.life.begin(now);
    let session = format!("{}-{index}-session-{:04}", agent.name, agent.life.start).parse().expect("an id");
    agent.memory = Memory { session: Some(session), read_newer_xcode: agent.machine.newer_xcode, ..Memory::default() };
    if forgets {
        agent.wipe_disk();
    }
    for id in std::mem::take(&mut agent.disk.granted) {
        let (code, detail) = (Reason::Interrupted, "the agent died".to_owned());
        let body = ReportBody::Interrupted { job_id: id.0.clone(), attempt: id.1, code, detail };
        agent.disk.outbox.insert(id, body);
    }
    let owed = agent.disk.outbox.clone();
    agent.memory.held = owed.keys().map(|id| (id.clone(), Holding::Reporting)).collect();
    agent.memory.waiting = owed.into_values().collect();
    wake_at(world, index, 1, AgentWake::Heartbeat);
    wake_at(world, index, PROBE_MS, AgentWake::ProbeDue);
    reports::announce(world, index);
}

/// Its process ends, and whatever it ran.
pub(crate) fn crash(world: &mut World, index: AgentIndex) {
    attempt::die(world, index);
    let agent = &mut world.agents[index];
    agent.life.end();
    agent.memory = Memory::default();
}

pub(crate) fn wake(world: &mut World, index: AgentIndex, wake: AgentWake) {
    match wake {
        AgentWake::Heartbeat => beat(world, index),
        AgentWake::ProbeDue => {
            wake_at(world, index, PROBE_MS, AgentWake::ProbeDue);
            reports::probe(world, index);
        }
        AgentWake::Probe => reports::probe(world, index),
        AgentWake::Resend { number, tries } => reports::resend(world, index, number, tries),
        AgentWake::AnnounceAgain => reports::announce(world, index),
        AgentWake::Offer(offer) => offers::offered(world, index, offer),
        AgentWake::Answer { number, seq, reply } => reports::answered(world, index, (number, seq), *reply),
        AgentWake::State(state) => told::state(world, index, &state),
        AgentWake::Cancel { attempt, seq } => told::cancel(world, index, &attempt, seq),
        AgentWake::Begins(id) => attempt::begins(world, index, &id),
        AgentWake::Ends(id) => attempt::ends(world, index, &id),
        AgentWake::Stored(id) => attempt::stored(world, index, &id),
        AgentWake::Gone => crash(world, index),
    }
}

fn beat(world: &mut World, index: AgentIndex) {
    wake_at(world, index, HEARTBEAT_MS, AgentWake::Heartbeat);
    let agent = &world.agents[index];
    let Some(session) = agent.memory.session.clone() else { return };
    let mut held = agent.held();
    if world.plant() == Some(Plant::ClaimsNotTold) {
        held.retain(|id| !matches!(agent.memory.held.get(id), Some(Holding::Claiming(_))));
    }
    let worker = agent.name.clone();
    if world.network.agent_reaches_server(index, world.now) {
        network::heartbeat(world, (&worker.clone(), None), Happening::Server(Arrival::Heartbeat { worker, session, held }));
    }
}

fn wake_at(world: &mut World, index: AgentIndex, delay: u64, wake: AgentWake) {
    let start = world.agents[index].life.start;
    world.after(delay, Happening::Agent { agent: index, start, wake });
}
