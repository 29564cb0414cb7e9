//! From waiting commands to one record: decide, apply, settle, each before the next.
//!
//! There is one state, not a copy: when the record does not come into the ledger, or a command panics, the caller reads the state anew.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rch_scheduler::{Agenda, Command, CommandBody, Event, Ids, Reply, Stamp, State, Touched, apply, decide, settle};
use rch_schemas::Reason;
use rch_schemas::wire::agent::ReportBody;

use super::ask::Ask;
use super::hearing::Hearing;
use super::replica::panic_message;
use crate::clock;
use crate::ledger::RecordedCommand;

/// At this size, in bytes, a record takes no further command. Half the server's default `max_payload`, which what follows by itself from the
/// last command, and the headers, must still fit into.
pub(super) const RECORD_BYTES_MAX: usize = 512 * 1024;
/// The events of one command, in bytes; larger parts belong into the store, by digest.
const COMMAND_BYTES_MAX: usize = 256 * 1024;

/// What one record will hold, already applied to the state.
pub(super) struct Draft {
    /// The commands with their events.
    pub(super) commands: Vec<RecordedCommand>,
    /// The rows they changed.
    pub(super) touched: Touched,
    /// Who is to be answered what, in the same order.
    pub(super) decided: Vec<Decided>,
    /// Whether there must be a record before the answers may leave.
    pub(super) must_append: bool,
}

/// One decided command.
pub(super) struct Decided {
    pub(super) ask: Ask,
    pub(super) reply: Reply,
    /// Whether it made something happen.
    pub(super) recorded: bool,
}

/// A command panicked; the state is no longer to be trusted.
pub(super) struct Poisoned {
    /// The command.
    pub(super) ask: Ask,
    /// The words of the panic.
    pub(super) message: String,
    /// All others of the batch, in order.
    pub(super) others: VecDeque<Ask>,
}

/// Decides `asks` in order until the record is full; what does not fit stays in `asks`.
pub(super) fn decide_batch(
    state: &mut State,
    agenda: &mut Agenda,
    hearing: &mut Hearing,
    stamp: Stamp,
    asks: &mut VecDeque<Ask>,
) -> Result<Draft, Box<Poisoned>> {
    let mut record = OpenRecord { state, agenda, hearing, stamp, index: 0, bytes: 0, touched: Touched::default() };
    let (mut commands, mut decided, mut must_append) = (Vec::new(), Vec::new(), false);
    while record.bytes < RECORD_BYTES_MAX
        && let Some(ask) = asks.pop_front()
    {
        match catch_unwind(AssertUnwindSafe(|| record.decide(&ask))) {
            Ok((reply, events)) => {
                must_append |= !events.is_empty() || rests_on_an_append(&ask, &reply);
                let recorded = !events.is_empty();
                if recorded || matches!(ask.body, CommandBody::Report { .. }) {
                    commands.push(RecordedCommand { actor: ask.actor.clone(), request_id: ask.request_id.clone(), events });
                }
                decided.push(Decided { ask, reply, recorded });
            }
            Err(panic) => {
                let others = decided.into_iter().map(|decided| decided.ask).chain(asks.drain(..)).collect();
                return Err(Box::new(Poisoned { ask, message: panic_message(panic.as_ref()), others }));
            }
        }
    }
    Ok(Draft { commands, touched: record.touched, decided, must_append })
}

/// Whether the answer says something about the state that a leader who was replaced without knowing could get wrong, and that the agent acts
/// upon: then it leaves after a record that proves that this one leads.
fn rests_on_an_append(ask: &Ask, reply: &Reply) -> bool {
    let CommandBody::Report { report, .. } = &ask.body else { return false };
    let no_agent_of_ours = matches!(
        reply,
        Reply::NotAccepted(error) if matches!(error.code, Reason::NotEnrolled | Reason::DuplicateWorker | Reason::UnsupportedProtocol)
    );
    !no_agent_of_ours && !matches!(report.body, ReportBody::Capabilities { .. })
}

struct OpenRecord<'a> {
    state: &'a mut State,
    agenda: &'a mut Agenda,
    hearing: &'a mut Hearing,
    stamp: Stamp,
    index: u32,
    bytes: usize,
    touched: Touched,
}

impl OpenRecord<'_> {
    fn decide(&mut self, ask: &Ask) -> (Reply, Vec<Event>) {
        let ids = Ids::from_ulid(clock::ulid());
        let command = Command { stamp: self.stamp, ids, actor: ask.actor.clone(), body: ask.body.clone() };
        if command.body == CommandBody::Tick {
            self.agenda.tick();
        }
        let decision = decide(self.state, &self.hearing.observed, &command);
        let bytes: usize = decision.events.iter().map(size).sum();
        if bytes > COMMAND_BYTES_MAX {
            let detail = format!("what it would record has {bytes} bytes, {COMMAND_BYTES_MAX} are allowed; ask for less at once");
            return (ask.refusal(413, Reason::PayloadTooLarge, &detail), Vec::new());
        }
        for event in &decision.events {
            self.apply(event);
        }
        self.note_report(ask, &decision.reply);
        let mut events = decision.events;
        self.settle(&mut events);
        (decision.reply, events)
    }

    /// Adds what follows by itself. It stops when the record is full: what is left follows just as well from the next command or tick.
    fn settle(&mut self, events: &mut Vec<Event>) {
        while self.bytes < RECORD_BYTES_MAX {
            let following = settle(self.state, &self.hearing.observed, &self.stamp, self.agenda);
            if following.is_empty() {
                return;
            }
            for event in following {
                if self.bytes >= RECORD_BYTES_MAX {
                    return;
                }
                self.apply(&event);
                events.push(event);
            }
        }
    }

    fn apply(&mut self, event: &Event) {
        self.bytes += size(event);
        let touched = apply(self.state, &self.stamp, self.index, event);
        self.agenda.note(self.state, &touched);
        self.touched.merge(touched);
        self.index += 1;
    }

    fn note_report(&mut self, ask: &Ask, reply: &Reply) {
        let CommandBody::Report { worker, report } = &ask.body else { return };
        // An agent of ours that speaks another protocol lives, too.
        let foreign = matches!(reply, Reply::NotAccepted(error) if error.code == Reason::UnsupportedProtocol);
        if foreign || matches!(reply, Reply::Receipt(_)) {
            let with_facts = matches!(report.body, ReportBody::Announce(_) | ReportBody::Capabilities { .. });
            self.hearing.reported(worker, &report.session, with_facts, self.stamp.tick);
        } else if let CommandBody::Report { worker, report } = &ask.body
            && let Some(row) = self.state.workers.get(worker)
        {
            self.hearing.hear_replaced(row, &report.session, self.stamp.tick);
        }
    }
}

fn size(event: &Event) -> usize {
    serde_json::to_vec(event).expect("events serialize: their maps have text keys").len()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use rch_scheduler::CheckedReport;
    use rch_schemas::wire::agent::Report;
    use rch_schemas::{LedgerSeq, Tick, Timestamp};

    use super::*;

    fn stamp() -> Stamp {
        Stamp { seq: LedgerSeq(1), tick: Tick(0), wall: Timestamp::from_unix_ms(0) }
    }

    fn claim(worker: &str) -> Ask {
        let body = ReportBody::Claim {
            job_id: "job-000001".parse().unwrap(),
            attempt: rch_schemas::Attempt(1),
            claim_id: "claim-0001".parse().unwrap(),
        };
        let report = Report { session: "session-01".parse().unwrap(), number: 1, body };
        Ask::own(CommandBody::Report { worker: worker.parse().unwrap(), report: Box::new(CheckedReport::new(report)) })
    }

    #[test]
    fn a_command_without_events_makes_no_record() {
        let mut asks = VecDeque::from([Ask::own(CommandBody::Tick)]);
        let draft =
            decide_batch(&mut State::default(), &mut Agenda::everything(), &mut Hearing::new(Tick(0)), stamp(), &mut asks).ok().unwrap();
        assert!(!draft.must_append && draft.commands.is_empty() && draft.decided.len() == 1);
    }

    #[test]
    fn an_answer_to_a_claim_rests_on_a_record_and_one_to_a_stranger_does_not() {
        let mut state = State::default();
        let mut asks = VecDeque::from([claim("stranger")]);
        let draft = decide_batch(&mut state, &mut Agenda::everything(), &mut Hearing::new(Tick(0)), stamp(), &mut asks).ok().unwrap();
        assert!(!draft.must_append);
        let reply = Reply::NotAccepted(rch_schemas::wire::WireError::new(Reason::Stale, "stale"));
        assert!(rests_on_an_append(&claim("mac-1"), &reply));
    }

    #[test]
    fn the_first_leader_names_the_ledger() {
        let mut state = State::default();
        let lead = CommandBody::Lead { ledger_id: clock::ledger_id(), build: "test".to_owned() };
        let mut asks = VecDeque::from([Ask::own(lead)]);
        let draft = decide_batch(&mut state, &mut Agenda::everything(), &mut Hearing::new(Tick(0)), stamp(), &mut asks).ok().unwrap();
        assert!(draft.must_append && state.ledger_id.is_some() && state.term == 1);
        assert_eq!(draft.commands[0].events.len(), 2);
    }
}
