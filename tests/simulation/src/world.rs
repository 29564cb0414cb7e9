//! The world: time, randomness, the network, the ledger, and who is up.

use std::collections::BTreeMap;

use rch_scheduler::{Event, Stamp};
use rch_schemas::RunId;

use crate::agent::Agent;
use crate::checker::{self, Execution, Violation};
use crate::client;
use crate::leader::{self, Leader};
use crate::message::{AgentIndex, AgentTimer, Fault, Happening, ToAgent, ToLeader};

/// One record of the ledger.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) stamp: Stamp,
    pub(crate) events: Vec<Event>,
}

/// What is simulated.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Decides everything that is random.
    pub seed: u64,
    /// How many workers there are.
    pub agents: usize,
    /// How many runs are asked for.
    pub requests: usize,
    /// How long things go wrong, in milliseconds; 0 for a farm where nothing does.
    pub faults_ms: u64,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// Broken promises.
    pub violations: Vec<Violation>,
    /// Records in the ledger.
    pub records: usize,
    /// Attempts that ran.
    pub executions: usize,
    /// When the last run ended, in milliseconds.
    pub ended_ms: u64,
}

/// After the faults stop, everything must end within this time: six hours, far more than any job, timeout or backoff in the plan takes.
const HEAL_MS: u64 = 6 * 3_600_000;

/// Runs the plan to its end.
pub fn run(plan: &Plan) -> Outcome {
    let mut world = World::new(plan);
    world.begin();
    while world.step() {
        if world.now > plan.faults_ms && world.is_over() {
            break;
        }
    }
    let violations = checker::check(&world);
    Outcome { violations, records: world.ledger.len(), executions: world.executions.len(), ended_ms: world.now }
}

pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) now: u64,
    pub(crate) rng: fastrand::Rng,
    queue: BTreeMap<(u64, u64), Happening>,
    queued: u64,
    pub(crate) ledger: Vec<Record>,
    pub(crate) leader: Option<Leader>,
    /// A leader whose machine slept while another took over.
    pub(crate) sleeper: Option<Leader>,
    pub(crate) agents: Vec<Agent>,
    /// Until when nothing passes to or from an agent.
    partitioned_until: Vec<u64>,
    /// Runs that clients were told of, by request.
    pub(crate) accepted: BTreeMap<usize, RunId>,
    /// What agents ran, in order.
    pub(crate) executions: Vec<Execution>,
}

impl World {
    fn new(plan: &Plan) -> Self {
        let mut rng = fastrand::Rng::with_seed(plan.seed);
        let agents = (0..plan.agents).map(|index| Agent::new(index, rng.u32(1..3), rng.u8(0..3) == 0)).collect();
        Self {
            plan: *plan,
            now: 0,
            rng,
            queue: BTreeMap::new(),
            queued: 0,
            ledger: Vec::new(),
            leader: None,
            sleeper: None,
            agents,
            partitioned_until: vec![0; plan.agents],
            accepted: BTreeMap::new(),
            executions: Vec::new(),
        }
    }

    fn begin(&mut self) {
        self.after(0, Happening::Fault(Fault::LeaderStart));
        for agent in 0..self.plan.agents {
            let delay = self.rng.u64(0..5_000);
            self.after(delay, Happening::Fault(Fault::AgentStart { agent }));
        }
        for request in 0..self.plan.requests {
            let at = self.rng.u64(0..self.plan.faults_ms.max(60_000));
            self.after(at, client::submit(request));
        }
        self.plan_faults();
    }

    fn plan_faults(&mut self) {
        if self.plan.faults_ms == 0 {
            return;
        }
        for _ in 0..self.rng.u64(1..14) {
            let at = self.rng.u64(0..self.plan.faults_ms);
            let agent = self.rng.usize(0..self.plan.agents);
            // Short ones that nobody should notice, and ones beyond every timeout.
            let until =
                (at + if self.rng.bool() { self.rng.u64(100..20_000) } else { self.rng.u64(20_000..240_000) }).min(self.plan.faults_ms);
            let fault = match self.rng.u8(0..6) {
                0 => Fault::AgentCrash { agent },
                1 => Fault::AgentPause { agent, until },
                2 | 3 => Fault::Partition { agent, until },
                4 => Fault::LeaderCrash,
                _ => Fault::LeaderPause { until },
            };
            self.after(at, Happening::Fault(fault));
        }
    }

    /// The next thing happens; false when nothing more can, or time is up.
    fn step(&mut self) -> bool {
        let Some(((at, _), happening)) = self.queue.pop_first() else { return false };
        if at > self.plan.faults_ms + HEAL_MS {
            return false;
        }
        self.now = at;
        self.happen(happening);
        true
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::ToLeader(message) => leader::receive(self, message),
            Happening::LeaderTimer { term, timer } => leader::timer(self, term, timer),
            Happening::ToAgent(agent, message) => {
                if let Some(message) = self.awake(agent, message, Happening::ToAgent) {
                    Agent::receive(self, agent, message);
                }
            }
            Happening::AgentTimer { agent, start, timer } => {
                let rebuild = |agent, timer| Happening::AgentTimer { agent, start, timer };
                if let Some(timer) = self.awake::<AgentTimer>(agent, timer, rebuild)
                    && self.agents[agent].start == start
                {
                    Agent::timer(self, agent, timer);
                }
            }
            Happening::Client(act) => client::act(self, act),
            Happening::Fault(fault) => self.fault(fault),
        }
    }

    /// What happens to a sleeping machine happens when it wakes; what happens to a dead process does not happen.
    fn awake<T>(&mut self, agent: AgentIndex, what: T, rebuild: impl FnOnce(AgentIndex, T) -> Happening) -> Option<T> {
        let until = self.agents[agent].paused_until;
        if !self.agents[agent].up {
            return None;
        }
        if until > self.now {
            self.after(until - self.now, rebuild(agent, what));
            return None;
        }
        Some(what)
    }

    fn fault(&mut self, fault: Fault) {
        match fault {
            Fault::AgentCrash { agent } => {
                self.agents[agent].crash();
                let down = self.rng.u64(500..180_000);
                self.after(down, Happening::Fault(Fault::AgentStart { agent }));
            }
            Fault::AgentStart { agent } => Agent::begin(self, agent),
            Fault::AgentPause { agent, until } => self.agents[agent].paused_until = until,
            Fault::Partition { agent, until } => self.partitioned_until[agent] = until,
            Fault::LeaderCrash => leader::crash(self),
            Fault::LeaderStart => leader::begin(self),
            Fault::LeaderPause { until } => leader::pause(self, until),
        }
    }

    /// Whether every run has ended and every request was answered.
    pub(crate) fn is_over(&self) -> bool {
        let settled = |leader: &Leader| leader.state.active_runs().next().is_none();
        self.accepted.len() == self.plan.requests && self.leader.as_ref().is_some_and(settled)
    }

    pub(crate) fn are_faults_on(&self) -> bool {
        self.now < self.plan.faults_ms
    }

    /// Lets something happen later; of two things at one moment the first one let happens first.
    pub(crate) fn after(&mut self, delay: u64, happening: Happening) {
        self.queued += 1;
        self.queue.insert((self.now + delay, self.queued), happening);
    }

    pub(crate) fn send_to_leader(&mut self, agent: AgentIndex, message: ToLeader) {
        self.transmit(agent, Happening::ToLeader(message));
    }

    pub(crate) fn send_to_agent(&mut self, agent: AgentIndex, message: ToAgent) {
        self.transmit(agent, Happening::ToAgent(agent, message));
    }

    /// Every message may be lost, doubled, delayed and so overtaken, while faults are on.
    fn transmit(&mut self, agent: AgentIndex, happening: Happening) {
        if self.partitioned_until[agent] > self.now {
            return;
        }
        if !self.are_faults_on() {
            let delay = self.rng.u64(1..10);
            self.after(delay, happening);
            return;
        }
        let copies = match self.rng.u8(0..20) {
            0 => 0,
            1 => 2,
            _ => 1,
        };
        for _ in 0..copies {
            let delay = if self.rng.u8(0..10) == 0 { self.rng.u64(0..20_000) } else { self.rng.u64(1..100) };
            self.after(delay, happening.clone());
        }
    }
}
