//! Recorded decisions, decided again here: the records of a ledger, from a farm or from a file, read one at a time and folded by the scheduler's
//! own functions.
//!
//! It owns where records come from, which decisions are looked at, and what became of them. It keeps the state and the decisions that are to be
//! told, never the records. It deliberately knows no rule of selection: those are the scheduler's.

mod copy;
mod decisions;
mod error;
mod records;

pub(crate) use copy::Copy;
pub(crate) use decisions::{Decisions, Wanted};
pub(crate) use error::ReplayError;
pub(crate) use records::Records;
