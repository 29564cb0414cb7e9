//! A whole ledger, read from its first record: the state that each decision was made from, and the decision made again.

use rch_schemas::Sha256;

use super::{Replayed, replay};
use crate::apply::apply;
use crate::command::Stamp;
use crate::event::Event;
use crate::ledger::{ChainError, Position};
use crate::state::State;

/// A ledger as far as it was read. It keeps the state, and nothing of the records.
#[derive(Debug, Default)]
pub struct Reader {
    state: State,
    position: Position,
}

/// One event, with what was before it.
#[derive(Debug, Clone, Copy)]
pub struct Decided<'a> {
    /// The state that the events before it made.
    pub state: &'a State,
    /// When and where it was decided.
    pub stamp: &'a Stamp,
    /// Its place among the events of its record.
    pub index: u32,
    /// What was recorded.
    pub event: &'a Event,
}

impl Reader {
    /// The end of what was read.
    pub fn position(&self) -> &Position {
        &self.position
    }

    /// Reads the next record, exactly as it lies in the ledger; `visit` sees each of its events before it is folded into the state.
    ///
    /// # Errors
    /// When the bytes are not the record that follows. Then nothing of it was read.
    ///
    /// # Panics
    /// As [`apply`] does, when an event cannot follow from those before it: in records that no scheduler wrote.
    pub fn read(&mut self, bytes: &[u8], mut visit: impl FnMut(Decided<'_>)) -> Result<(), ChainError> {
        let record = self.position.check_next(bytes)?;
        let stamp = record.stamp(self.position.next());
        for (index, event) in (0..).zip(record.events()) {
            visit(Decided { state: &self.state, stamp: &stamp, index, event });
            apply(&mut self.state, &stamp, index, event);
        }
        self.position = self.position.after(&record, Sha256::of(bytes));
        Ok(())
    }
}

impl Decided<'_> {
    /// Decides it again; `None` when it is not a decision that can be.
    pub fn again(&self) -> Option<Replayed> {
        replay(self.state, self.stamp, self.event)
    }

    /// The judgement that a choice of a worker rests on, as an event of its own: replayed from the same state, it says whether the fleet was
    /// still what was judged. `None` when this is no such choice, or the judgement is not known.
    pub fn judgement(&self) -> Option<Event> {
        let Event::WorkerSelected { selection } = self.event else { return None };
        self.state.judgement(&selection.judgement_sha256).map(|judgement| Event::FleetJudged { judgement: judgement.clone() })
    }
}
