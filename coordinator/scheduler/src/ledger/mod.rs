//! The form of the ledger: what a record is ([`Record`]), and whether one continues those before it ([`Position`]).
//!
//! It deliberately does not know where records lie, nor how they come to be there.

mod chain;
mod record;

pub use chain::{ChainError, Position};
pub use record::{LEDGER_VERSION, Now, Record, RecordedCommand};
