//! The world: time, randomness, and everybody in it.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use rch_scheduler::{CheckedReport, CommandBody};
use rch_schemas::{Sha256, Tick};

use crate::agent::{self, Agent};
use crate::brain::Brain;
use crate::checker::{self, Checker};
use crate::client::{self, Clients};
use crate::execution::Execution;
use crate::fault;
use crate::happening::{AgentIndex, Arrival, Ask, Caller, ClientCall, Fault, Happening, Heard, ReplicaIndex, ReplicaWake};
use crate::inventory::Inventory;
use crate::lease::Lease;
use crate::ledger::{self, Append, Record};
use crate::life::Life;
use crate::network::{self, Network};
use crate::plan::{Plan, Wish, wishes};
use crate::plant::Plant;
use crate::replica::{self, Replica};
use crate::trace::Trace;
use crate::violation::{Promise, Violation};
use crate::work_queue::{self, WorkQueue};

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// Broken promises; the simulation ends with the first.
    pub violations: Vec<Violation>,
    /// Records in the ledger.
    pub records: usize,
    /// Attempts that ran.
    pub executions: usize,
    /// When the last run ended, in milliseconds.
    pub ended_ms: u64,
    /// SHA-256 of the events of every record and of everything that ran: the same for the same plan, everywhere.
    pub history: Sha256,
    /// The story, as far as the plan asks for it.
    pub trace: Vec<String>,
}

/// After the faults stop, everything must end within this time: far more than any job, timeout or backoff of a plan takes.
const HEAL_MS: u64 = 3 * 3_600_000;

/// Runs the plan to its end, or to the first broken promise.
pub fn run(plan: &Plan) -> Outcome {
    let mut world = World::new(plan);
    let ran = catch_unwind(AssertUnwindSafe(|| world.run()));
    if let Err(panic) = ran {
        let said = panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(|said| (*said).to_owned()));
        let detail = said.unwrap_or_else(|| "without words".to_owned());
        world.checker.violations.push(Violation { promise: Promise::NothingPanics, detail, at_ms: world.now });
    }
    let history: Vec<_> = world.ledger.iter().map(|record| &record.events).collect();
    let ran: Vec<_> = world.executions.iter().map(|execution| format!("{execution:?}")).collect();
    Outcome {
        records: world.ledger.len(),
        executions: world.executions.len(),
        ended_ms: world.now,
        history: Sha256::of(serde_json::to_vec(&(history, ran)).expect("events serialize")),
        violations: world.checker.violations,
        trace: world.trace.lines,
    }
}

pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) brain: Brain,
    pub(crate) now: u64,
    pub(crate) rng: fastrand::Rng,
    queue: BTreeMap<(u64, u64), Happening>,
    queued: u64,
    pub(crate) network: Network,
    pub(crate) ledger: Vec<Rc<Record>>,
    pub(crate) lease: Lease,
    pub(crate) inventory: Inventory,
    pub(crate) work_queue: WorkQueue,
    pub(crate) replicas: Vec<Replica>,
    /// The workers' agents, then a clone of each that may come to life.
    pub(crate) agents: Vec<Agent>,
    pub(crate) wishes: Vec<Wish>,
    pub(crate) clients: Clients,
    /// Chunks that are not in the store.
    pub(crate) store_lacks: BTreeSet<Sha256>,
    /// What agents ran, in order.
    pub(crate) executions: Vec<Execution>,
    pub(crate) checker: Checker,
    pub(crate) trace: Trace,
}

impl World {
    fn new(plan: &Plan) -> Self {
        let mut rng = fastrand::Rng::with_seed(plan.seed);
        let mut agents: Vec<_> = (0..plan.workers).map(|index| Agent::new(index, rng.u32(1..4), rng.u8(0..3) == 0)).collect();
        let clones: Vec<_> = agents.iter().enumerate().map(|(index, agent)| Agent::new(index, agent.slots, false)).collect();
        agents.extend(clones);
        for clone in &mut agents[plan.workers..] {
            clone.machine.exists_until = 0;
        }
        Self {
            plan: *plan,
            brain: Brain { plant: plan.plant },
            now: 0,
            queue: BTreeMap::new(),
            queued: 0,
            network: Network::new(agents.len(), plan.replicas),
            ledger: Vec::new(),
            lease: Lease::new(plan.plant == Some(Plant::LeaseNeverEnds)),
            inventory: Inventory::default(),
            work_queue: WorkQueue::default(),
            replicas: (0..plan.replicas).map(|_| Replica::new()).collect(),
            agents,
            wishes: wishes(plan, &mut rng),
            clients: Clients::default(),
            store_lacks: BTreeSet::new(),
            executions: Vec::new(),
            checker: Checker::default(),
            trace: Trace::new(plan.detail),
            rng,
        }
    }

    pub(crate) fn plant(&self) -> Option<Plant> {
        self.plan.plant
    }

    fn run(&mut self) {
        self.begin();
        while self.checker.violations.is_empty() && self.step() {
            if self.now > self.plan.faults_ms && self.is_over() {
                break;
            }
        }
        if self.checker.violations.is_empty() {
            checker::finish(self);
        }
    }

    fn begin(&mut self) {
        for replica in 0..self.replicas.len() {
            let delay = self.rng.u64(0..3_000);
            self.after(delay, Happening::Fault(Fault::ReplicaStart { replica }));
        }
        for agent in 0..self.plan.workers {
            let delay = self.rng.u64(0..5_000);
            self.after(delay, Happening::Fault(Fault::AgentStart { agent }));
        }
        for request in 0..self.wishes.len() {
            self.after(self.wishes[request].at_ms, client::call(ClientCall::Submit { request }));
        }
        self.after(checker::LOOK_MS, Happening::Check);
        fault::plan(self);
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
            Happening::Replica { replica, start, wake } => {
                let life = self.replicas[replica].life;
                if let Some(wake) = self.awake(life, start, wake, |wake| Happening::Replica { replica, start, wake }) {
                    self.trace.message(self.now, || format!("coordinator {replica}: {wake:?}"));
                    replica::wake(self, replica, wake);
                }
            }
            Happening::Agent { agent, start, wake } => {
                let life = self.agents[agent].life;
                if let Some(wake) = self.awake(life, start, wake, |wake| Happening::Agent { agent, start, wake }) {
                    self.trace.message(self.now, || format!("agent {agent}: {wake:?}"));
                    agent::wake(self, agent, wake);
                }
            }
            Happening::Server(arrival) => self.arrive(arrival),
            Happening::Client(wake) => client::wake(self, wake),
            Happening::Fault(fault) => fault::happen(self, &fault),
            Happening::Check => {
                checker::look(self);
                self.after(checker::LOOK_MS, Happening::Check);
            }
        }
    }

    /// What happens to a sleeping machine happens when it wakes; what happens to a dead process does not happen.
    fn awake<T>(&mut self, life: Life, start: u64, what: T, rebuild: impl FnOnce(T) -> Happening) -> Option<T> {
        if !life.up || life.start != start {
            return None;
        }
        if life.paused_until > self.now {
            self.after(life.paused_until - self.now, rebuild(what));
            return None;
        }
        Some(what)
    }

    fn arrive(&mut self, arrival: Arrival) {
        if self.network.server_down > self.now {
            if let Arrival::Deliver(id) = arrival {
                self.after(self.network.server_down - self.now, Happening::Server(Arrival::Deliver(id)));
            }
            return;
        }
        match arrival {
            Arrival::Append { replica, start, reign, publish, expected, record } => {
                ledger::arrive(self, Append { replica, start, reign, publish, expected, record });
            }
            Arrival::Report { agent, start, report } => {
                let worker = self.agents[agent].name.clone();
                let caller = Caller::Agent { agent, start, number: report.number };
                let report = Box::new(CheckedReport::new(*report));
                let body = CommandBody::Report { worker: worker.clone(), report };
                let ask = Box::new(Ask { actor: format!("worker:{worker}"), body, caller });
                for replica in self.leaders() {
                    let start = self.replicas[replica].life.start;
                    network::of_replica(self, replica, &Happening::Replica { replica, start, wake: ReplicaWake::Ask(ask.clone()) });
                }
            }
            Arrival::Heartbeat { worker, session, held } => {
                for replica in
                    self.leaders().into_iter().filter(|replica| self.network.reaches_server(*replica, self.now)).collect::<Vec<_>>()
                {
                    let start = self.replicas[replica].life.start;
                    let heard = Heard::Worker { worker: worker.clone(), session: session.clone(), held: held.clone() };
                    let happening = Happening::Replica { replica, start, wake: ReplicaWake::Heard(heard) };
                    network::heartbeat(self, (&worker, Some(replica)), happening);
                }
            }
            Arrival::Offer { id, offer } => work_queue::offered(self, id, offer),
            Arrival::Purge(id) | Arrival::Acknowledge(id) => work_queue::removed(self, &id),
            Arrival::Deliver(id) => work_queue::deliver(self, &id),
        }
    }

    /// Whoever believes that it leads listens.
    fn leaders(&self) -> Vec<ReplicaIndex> {
        (0..self.replicas.len()).filter(|replica| self.replicas[*replica].serves()).collect()
    }

    /// Whether every run has ended and nobody waits for anything.
    fn is_over(&self) -> bool {
        self.checker.is_quiet() && self.everybody_rests()
    }

    /// Whether everybody was answered and no agent holds anything.
    pub(crate) fn everybody_rests(&self) -> bool {
        self.clients.are_content(self.wishes.len()) && self.agents.iter().all(|agent| agent.held().is_empty())
    }

    pub(crate) fn are_faults_on(&self) -> bool {
        self.now < self.plan.faults_ms
    }

    /// Since when nothing was wrong with an agent, its machine and its way to the server.
    pub(crate) fn healthy_since(&self, agent: AgentIndex) -> Option<u64> {
        let Agent { life, .. } = &self.agents[agent];
        let last = life.started_ms.max(life.paused_until).max(self.network.agents_cut[agent]).max(self.network.server_down);
        (life.up && last <= self.now).then_some(last)
    }

    /// Since when somebody leads to whom nothing happened.
    pub(crate) fn led_since(&self) -> Option<u64> {
        let since = |replica: ReplicaIndex| {
            let row = &self.replicas[replica];
            let serving = row.term.as_ref().and_then(|term| term.serves_since)?;
            let last = serving
                .max(row.life.paused_until)
                .max(self.network.replicas_cut[replica])
                .max(self.network.server_down)
                .max(row.deaf_until);
            (row.life.up && last <= self.now).then_some(last)
        };
        (0..self.replicas.len()).filter_map(since).min()
    }

    /// The time of the one that leads, if its answers count.
    pub(crate) fn farm_time(&self) -> Option<Tick> {
        self.replicas.iter().filter(|replica| replica.serves()).filter_map(|replica| replica.tick(self.now, self.plant())).min()
    }

    /// Lets something happen later; of two things at one moment the first one let happen first.
    pub(crate) fn after(&mut self, delay: u64, happening: Happening) {
        self.queued += 1;
        self.queue.insert((self.now + delay, self.queued), happening);
    }
}
