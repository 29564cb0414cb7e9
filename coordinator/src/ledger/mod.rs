//! The ledger: the truth, as a chain of records in one stream.
//!
//! Owns how a record is appended so that its outcome is known ([`append`]), and how the tail is read; what a record is, and whether one
//! continues what was applied, is the scheduler's, so that whoever reads an export judges it alike. It deliberately does not know what an
//! event means, nor what is done after an append.

mod append;
mod export;
mod jetstream;
mod log;
mod tail;

pub(crate) use append::{AppendError, append};
pub(crate) use export::records;
pub(crate) use jetstream::JetStreamLog;
pub(crate) use log::LogError;
pub(crate) use rch_scheduler::{LEDGER_VERSION, Now, Position, Record, RecordedCommand};
pub(crate) use tail::{TailError, check_applied, read_page};
