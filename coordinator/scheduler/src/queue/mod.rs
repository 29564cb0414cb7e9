//! Finding work by index, not by scan: who waits for which worker, what time makes due, what has changed and must be looked at.
//!
//! Two things of different nature:
//! - [`Index`] is a part of the state that holds nothing of its own: each entry is made of the rows of one run, taken out before an event
//!   changes them and put back after it. The state from its rows has the same index.
//! - [`Agenda`] belongs to whoever decides: what happened since it was looked at last. It is no part of the state, since those who only follow
//!   the ledger never work through it; a fresh one has everything on it.

mod agenda;
mod index;
mod lane;
mod line;
mod share;

pub use agenda::Agenda;
pub use share::Share;

pub(crate) use index::Index;
pub(crate) use lane::Turn;

/// The record that accepted a run, and its place in the record.
pub(crate) type Arrival = (rch_schemas::LedgerSeq, u32);
