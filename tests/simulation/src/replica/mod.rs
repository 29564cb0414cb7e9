//! Stand-in for a coordinator, as far as decisions depend on it: it follows the ledger, and leads while it holds the lease.

mod commit;
mod decide;
mod effects;
mod hearing;
mod lease;
mod wake;

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use rch_scheduler::{Agenda, Reply, State, Touched};
use rch_schemas::{LedgerSeq, Tick, Timestamp, WorkerName};

use crate::brain::{Brain, from_rows};
use crate::happening::{Ask, Happening, Heard, ReplicaIndex, ReplicaWake};
use crate::ledger::Record;
use crate::life::Life;
use crate::plant::Plant;
use crate::world::World;

pub(crate) use effects::worker_state;
use hearing::Hearing;
pub(crate) use lease::Keeper;
pub(crate) use wake::{deafen, wake};

/// Between two looks at lease, ledger and deadlines.
const LOOK_MS: u64 = 1_000;

pub(crate) struct Replica {
    pub(crate) life: Life,
    /// What is applied of the ledger, and shown to readers and effects.
    pub(crate) projection: State,
    /// How many records that is.
    pub(crate) applied: usize,
    keeper: Keeper,
    pub(crate) term: Option<Box<Term>>,
    /// Counts the times it led, so that what belongs to an earlier one is void.
    reigns: u64,
    /// How wrong its wall clock is.
    pub(crate) wall_error_ms: i64,
    /// Until when heartbeats do not reach it.
    pub(crate) deaf_until: u64,
}

/// From the barrier to the end of the lease.
pub(crate) struct Term {
    reign: u64,
    /// What its next record will be decided from; ahead of the projection while an append is under way.
    state: State,
    agenda: Agenda,
    hearing: Hearing,
    /// Farm time is this plus the time since `began`.
    base: Tick,
    pub(crate) began: u64,
    /// Whether the barrier stands: before, nothing is answered or done.
    pub(crate) serves_since: Option<u64>,
    inbox: VecDeque<Inbox>,
    under_way: Option<UnderWay>,
    /// Counts publishes, so that a late word on an earlier one is told apart.
    publishes: u64,
    effects: VecDeque<Touched>,
    next_reconcile: u64,
    next_beat: u64,
    /// Which version of the inventory it has read.
    configured: u64,
    /// For one of the bugs: the highest report number of each worker.
    numbers: BTreeMap<WorkerName, u64>,
}

enum Inbox {
    Ask(Box<Ask>),
    Heard(Heard),
}

/// A record that is not acknowledged yet.
struct UnderWay {
    publish: u64,
    record: Rc<Record>,
    touched: Touched,
    answers: Vec<(Ask, Reply)>,
}

impl Replica {
    pub(crate) fn new() -> Self {
        Self {
            life: Life::default(),
            projection: State::default(),
            applied: 0,
            keeper: Keeper::default(),
            term: None,
            reigns: 0,
            wall_error_ms: 0,
            deaf_until: 0,
        }
    }

    /// Whether its answers count: it leads and its barrier stands.
    pub(crate) fn serves(&self) -> bool {
        self.life.up && self.term.as_ref().is_some_and(|term| term.serves_since.is_some())
    }

    /// What it would decide from now, if nothing is under way.
    pub(crate) fn decides_from(&self) -> Option<&State> {
        self.term.as_ref().filter(|term| term.under_way.is_none()).map(|term| &term.state)
    }

    fn wall(&self, now: u64) -> Timestamp {
        Timestamp::from_unix_ms(1_772_443_800_000 + i64::try_from(now).expect("a simulation ends") + self.wall_error_ms)
    }

    /// Farm time, while it leads.
    pub(crate) fn tick(&self, now: u64, plant: Option<Plant>) -> Option<Tick> {
        let term = self.term.as_ref()?;
        Some(match plant {
            Some(Plant::TimeFromTheWall) => Tick(now.saturating_add_signed(self.wall_error_ms)),
            Some(Plant::TimeGoesOnWithoutLeader) => Tick(now),
            _ => Tick(term.base.0 + (now - term.began)),
        })
    }

    /// The process ends; what it knew of the ledger is on its disk, or must be read from the beginning.
    pub(crate) fn crash(&mut self, keeps_disk: bool) {
        self.life.end();
        self.step_down();
        self.keeper = Keeper::default();
        if keeps_disk {
            self.projection = from_rows(&self.projection);
        } else {
            (self.projection, self.applied) = (State::default(), 0);
        }
    }

    /// Whoever waited for an answer waits in vain, and asks again.
    fn step_down(&mut self) {
        self.term = None;
    }

    fn fold(&mut self, brain: Brain, record: &Record) {
        for (index, event) in (0..).zip(&record.events) {
            brain.apply(&mut self.projection, &record.stamp, index, event);
        }
        self.applied += 1;
    }

    fn seq(&self) -> LedgerSeq {
        LedgerSeq(self.applied as u64)
    }
}

/// A coordinator starts.
pub(crate) fn begin(world: &mut World, replica: ReplicaIndex) {
    let life = world.replicas[replica].life;
    if life.up || life.gone {
        return;
    }
    world.replicas[replica].life.begin(world.now);
    wake_at(world, replica, 1, ReplicaWake::Look);
}

fn wake_at(world: &mut World, replica: ReplicaIndex, delay: u64, wake: ReplicaWake) {
    let start = world.replicas[replica].life.start;
    world.after(delay, Happening::Replica { replica, start, wake });
}

/// Applies what others appended.
fn catch_up(world: &mut World, replica: ReplicaIndex) {
    if !world.network.reaches_server(replica, world.now) {
        return;
    }
    let (brain, row) = (world.brain, &mut world.replicas[replica]);
    while let Some(record) = world.ledger.get(row.applied) {
        row.fold(brain, record);
    }
}
