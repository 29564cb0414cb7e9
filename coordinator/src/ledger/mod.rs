//! The ledger: the truth, as a chain of records in one stream.
//!
//! Owns what a record is ([`Record`]), whether one continues what was applied ([`Position`]), how one is appended so that its outcome is known
//! ([`append`]), and how the tail is read. It deliberately does not know what an event means, nor what is done after an append.

mod append;
mod chain;
mod jetstream;
mod log;
mod record;
mod tail;

pub(crate) use append::{AppendError, append};
pub(crate) use chain::Position;
pub(crate) use jetstream::JetStreamLog;
pub(crate) use log::LogError;
pub(crate) use record::{LEDGER_VERSION, Now, Record, RecordedCommand};
pub(crate) use tail::{TailError, check_applied, read_page};
