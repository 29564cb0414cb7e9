//! From waiting commands to one record, and on its way to the ledger.

use std::rc::Rc;

use rch_scheduler::{Command, CommandBody, Event, Ids, Reply, Stamp, Touched};
use rch_schemas::wire::agent::ReportBody;
use rch_schemas::{LedgerSeq, Reason};

use super::{Inbox, Replica, Term, UnderWay, commit};
use crate::brain::Brain;
use crate::happening::{Ask, ReplicaIndex};
use crate::ledger::{Append, Record, Sample, publish};
use crate::plant::Plant;
use crate::world::World;

/// What follows by itself from one command ends: no plan of a simulation comes near.
const EVENTS_MAX: usize = 20_000;
/// Of so many records one is decided again by the checker.
const SAMPLE_ONE_OF: u8 = 24;

/// What one record will hold, already applied to the term's state.
#[derive(Default)]
struct Draft {
    events: Vec<Event>,
    touched: Touched,
    answers: Vec<(Ask, Reply)>,
    sample: Vec<Sample>,
    must_append: bool,
}

impl Draft {
    fn take(&mut self, term: &mut Term, (stamp, brain): (&Stamp, Brain), events: Vec<Event>) {
        for mut event in events {
            if let (Some(Plant::DecidedOutside), Event::JobEnded { human_summary, .. }) = (brain.plant, &mut event) {
                human_summary.push_str(", says the leader");
            }
            let index = u32::try_from(self.events.len()).expect("records are small");
            let touched = brain.apply(&mut term.state, stamp, index, &event);
            brain.note(&mut term.agenda, &term.state, (&event, &touched));
            self.touched.merge(touched);
            self.events.push(event);
        }
    }
}

/// Decides what waits, as one record, unless one is under way.
pub(super) fn drive(world: &mut World, replica: ReplicaIndex) {
    loop {
        let batch = world.rng.usize(1..6);
        let samples = world.rng.u8(0..SAMPLE_ONE_OF) == 0;
        let (bases, now, brain) = ([(); 5].map(|()| world.rng.u128(..) >> 8), world.now, world.brain);
        let row = &mut world.replicas[replica];
        let Some(stamp) = stamp(row, now, brain) else { return };
        let Some(term) = row.term.as_mut().filter(|term| term.under_way.is_none() && !term.inbox.is_empty()) else { return };
        let mut draft = Draft::default();
        for base in bases.into_iter().take(batch) {
            match term.inbox.pop_front() {
                Some(Inbox::Heard(heard)) => term.hearing.hear(&term.state, &heard, stamp.tick),
                Some(Inbox::Ask(ask)) => decide_one(term, &mut draft, (stamp, brain), *ask, (Ids::from_ulid(base), samples)),
                None => break,
            }
        }
        if draft.must_append {
            send(world, replica, stamp, draft);
            return;
        }
        commit::answer(world, replica, draft.answers);
    }
}

fn stamp(row: &Replica, now: u64, brain: Brain) -> Option<Stamp> {
    Some(Stamp { seq: LedgerSeq(row.applied as u64 + 1), tick: row.tick(now, brain.plant)?, wall: row.wall(now) })
}

fn decide_one(term: &mut Term, draft: &mut Draft, (stamp, brain): (Stamp, Brain), ask: Ask, (ids, samples): (Ids, bool)) {
    if let Some(reply) = planted_reply(term, brain, &ask) {
        draft.answers.push((ask, reply));
        return;
    }
    let command = Command { stamp, ids, actor: ask.actor.clone(), body: ask.body.clone() };
    if command.body == CommandBody::Tick {
        term.agenda.tick();
    }
    let seen_before = samples.then(|| (term.hearing.observed.clone(), term.agenda.clone()));
    let before = draft.events.len();
    let decision = brain.decide(&term.state, &term.hearing.observed, &command);
    draft.take(term, (&stamp, brain), decision.events);
    note_report(term, &ask, &decision.reply, stamp);
    loop {
        let following = brain.settle(&term.state, &term.hearing.observed, &stamp, &mut term.agenda);
        if following.is_empty() {
            break;
        }
        draft.take(term, (&stamp, brain), following);
        assert!(draft.events.len() < EVENTS_MAX, "settling never ends: {:?}", draft.events.last());
    }
    if let Some((observed, agenda)) = seen_before {
        let after = term.hearing.observed.clone();
        draft.sample.push(Sample { before: observed, after, agenda, command, events: draft.events.len() - before });
    }
    draft.must_append |= draft.events.len() > before || rests_on_an_append(&ask, &decision.reply);
    draft.answers.push((ask, decision.reply));
}

fn note_report(term: &mut Term, ask: &Ask, reply: &Reply, stamp: Stamp) {
    if let (CommandBody::Report { worker, report }, Reply::Receipt(_)) = (&ask.body, reply) {
        let row = term.hearing.reported(worker, &report.session, stamp.tick);
        if matches!(report.body, ReportBody::Announce(_) | ReportBody::Capabilities { .. }) {
            row.capabilities_at = Some(stamp.tick);
        }
    } else if let CommandBody::Report { worker, report } = &ask.body
        && let Some(row) = term.state.workers.get(worker)
    {
        term.hearing.hear_replaced(row, &report.session, stamp.tick);
    }
}

/// What an agent acts upon leaves after a record that proves that this one leads, be it an empty one.
fn rests_on_an_append(ask: &Ask, reply: &Reply) -> bool {
    let CommandBody::Report { report, .. } = &ask.body else { return false };
    let unknown_agent = matches!(reply, Reply::NotAccepted(error) if matches!(error.code, Reason::NotEnrolled | Reason::DuplicateWorker));
    !unknown_agent && !matches!(report.body, ReportBody::Capabilities { .. })
}

/// The answers of a leader that does not even decide.
fn planted_reply(term: &mut Term, brain: Brain, ask: &Ask) -> Option<Reply> {
    let CommandBody::Report { worker, report } = &ask.body else { return None };
    match brain.plant {
        Some(Plant::ReportNumbersOutliveSessions) => {
            let highest = term.numbers.entry(worker.clone()).or_default();
            let seen = report.number < *highest;
            *highest = report.number.max(*highest);
            seen.then_some(Reply::Receipt(None))
        }
        Some(Plant::ReceiptWithoutRecord) => {
            let dropped = matches!(report.body, ReportBody::Finished(_)) && report.number % 3 == 0;
            dropped.then_some(Reply::Receipt(None))
        }
        _ => None,
    }
}

/// Sends the record; nobody hears of it before it is acknowledged.
fn send(world: &mut World, replica: ReplicaIndex, stamp: Stamp, draft: Draft) {
    let Draft { mut events, touched, answers, sample, .. } = draft;
    if world.plant() == Some(Plant::CancelOnlyInMemory) {
        events.retain(|event| !matches!(event, Event::CancelRequested { .. }));
    }
    let record = Rc::new(Record { id: world.rng.u128(..), stamp, events, sample });
    let row = &mut world.replicas[replica];
    let (start, expected) = (row.life.start, row.applied);
    let Some(term) = &mut row.term else { return };
    let early = world.brain.plant == Some(Plant::EffectsBeforeTheRecord);
    let (early_answers, answers) = if early { (answers, Vec::new()) } else { (Vec::new(), answers) };
    if early {
        term.effects.push_back(touched.clone());
    }
    let reign = term.reign;
    term.publishes += 1;
    let number = term.publishes;
    term.under_way = Some(UnderWay { publish: number, record: Rc::clone(&record), touched, answers });
    publish(world, Append { replica, start, reign, publish: number, expected, record });
    if early {
        commit::answer(world, replica, early_answers);
        commit::act(world, replica, reign);
    }
    commit::may_crash(world, replica);
}
