//! The promises, held against what happens while it happens: the records of the ledger, what agents run, what clients are told.
//!
//! The checker has a book of its own, folded from events, and does not believe the scheduler's state; where it looks at the state it asks
//! only whether that is the fold of the ledger. So whoever changes how the scheduler finds its work changes nothing here.

mod attempts;
mod book;
mod causes;
mod deadlines;
mod ending;
mod equals;
mod fleet;
mod fold;
mod keys;
mod places;
mod queue;
mod requests;
mod state;
mod time;

use rch_scheduler::{Event, State};
use rch_schemas::wire::agent::ReportBody;
use rch_schemas::{JobId, RunId};

use crate::happening::{AgentIndex, ClientCall};
use crate::ledger::Record;
use crate::violation::{Promise, Violation};
use crate::world::World;

use book::Book;

/// Between two looks at what must be so at any moment.
pub(crate) const LOOK_MS: u64 = 10_000;

#[derive(Default)]
pub(crate) struct Checker {
    book: Book,
    /// The fold of the ledger.
    state: State,
    looks: u64,
    pub(crate) violations: Vec<Violation>,
}

impl Checker {
    /// Whether every recorded run has ended.
    pub(crate) fn is_quiet(&self) -> bool {
        self.book.open.is_empty()
    }
}

/// What a rule may look at.
struct Case<'a> {
    book: &'a Book,
    world: &'a World,
    record: &'a Record,
}

/// Promises that a rule found broken.
type Broken = Vec<(Promise, String)>;

/// One rule over one event, before the book has it.
type Rule = fn(&Case<'_>, &Event) -> Broken;

const RULES: &[Rule] = &[
    attempts::offers,
    attempts::starts,
    attempts::results,
    attempts::ends,
    attempts::runs,
    causes::interruptions,
    causes::losses,
    deadlines::early,
    equals::chosen,
    fleet::losses,
    fleet::sessions,
    keys::starts,
    keys::results,
    places::slots,
    places::intake,
    places::refusals,
    places::steps,
    queue::overtaking,
    queue::shares,
    requests::accepted,
    requests::cancelled,
    time::steady,
];

/// A record is in the ledger.
pub(crate) fn landed(world: &mut World, record: &Record) {
    let mut checker = std::mem::take(&mut world.checker);
    tell(world, record);
    let broken = state::in_place(&Case { book: &checker.book, world, record });
    checker.note(world, broken);
    state::replay(&mut checker, world, record);
    for (index, event) in (0..).zip(&record.events) {
        if checker.violations.is_empty() {
            let broken = state::choices(&checker.state, world, (&record.stamp, index, event));
            checker.note(world, broken);
        }
        let case = Case { book: &checker.book, world, record };
        let broken: Broken = RULES.iter().flat_map(|rule| rule(&case, event)).collect();
        checker.note(world, broken);
        checker.book.follow((world.now, &record.stamp), index, event);
        if checker.violations.is_empty() {
            world.brain.apply(&mut checker.state, &record.stamp, index, event);
        }
    }
    let case = Case { book: &checker.book, world, record };
    let mut broken = fleet::fenced(&case);
    broken.extend(requests::superseded(&case));
    checker.note(world, broken);
    checker.book.turn_page((world.now, &record.stamp));
    world.checker = checker;
}

fn tell(world: &mut World, record: &Record) {
    for event in &record.events {
        let now = world.now;
        world.trace.event(now, || format!("#{} @{} {}", record.stamp.seq.0, record.stamp.tick.0, book::line(event)));
    }
}

/// An agent began to run something.
pub(crate) fn began(world: &mut World, execution: usize) {
    with(world, |checker, world| {
        let broken = places::begun(&checker.book, world, execution);
        checker.note(world, broken);
    });
}

/// An agent is about to kill what it runs.
pub(crate) fn killed(world: &mut World, execution: usize) {
    with(world, |checker, world| {
        let broken = causes::killed(&checker.book, &world.executions[execution]);
        checker.note(world, broken);
    });
}

/// An agent has a receipt.
pub(crate) fn received(world: &mut World, agent: AgentIndex, body: &ReportBody) {
    with(world, |checker, world| {
        let broken = requests::received(&checker.book, &world.agents[agent], body);
        checker.note(world, broken);
    });
}

/// A client was told of its run.
pub(crate) fn told(world: &mut World, call: &ClientCall, run_id: &RunId) {
    with(world, |checker, world| {
        let broken = requests::told(&mut checker.book, call, run_id);
        checker.note(world, broken);
    });
}

/// A client was told that what it cancelled will stop.
pub(crate) fn cancelled(world: &mut World, call: &ClientCall) {
    with(world, |checker, world| {
        let broken = requests::cancel_confirmed(&checker.book, call);
        checker.note(world, broken);
    });
}

/// A client got an answer that makes no sense.
pub(crate) fn surprised(world: &mut World, detail: String) {
    with(world, |checker, world| checker.note(world, vec![(Promise::OneRunForARequest, detail)]));
}

/// The jobs of a recorded run.
pub(crate) fn jobs_of(world: &World, run_id: &RunId) -> Vec<JobId> {
    world.checker.book.runs.get(run_id).map_or_else(Vec::new, |run| run.steps.concat())
}

/// Looks at what must be so at any moment.
pub(crate) fn look(world: &mut World) {
    with(world, |checker, world| {
        checker.looks += 1;
        let mut broken = deadlines::late(&checker.book, world);
        broken.extend(causes::unwanted(&checker.book, world));
        if checker.looks.is_multiple_of(6) {
            broken.extend(state::compare(&checker.state, world));
        }
        checker.note(world, broken);
    });
}

/// The last look, when everything should be over.
pub(crate) fn finish(world: &mut World) {
    with(world, |checker, world| {
        let mut broken = ending::stuck(&checker.book, world);
        broken.extend(state::compare(&checker.state, world));
        broken.extend(state::rebuild(&checker.state, world));
        checker.note(world, broken);
    });
}

fn with(world: &mut World, rule: impl FnOnce(&mut Checker, &mut World)) {
    let mut checker = std::mem::take(&mut world.checker);
    rule(&mut checker, world);
    world.checker = checker;
}

impl Checker {
    fn note(&mut self, world: &World, broken: Broken) {
        self.violations.extend(broken.into_iter().map(|(promise, detail)| Violation { promise, detail, at_ms: world.now }));
    }
}
