//! What should be so because the ledger says so: offers, the state told to workers, documents, evidence, cancels.
//!
//! Effects are derived from the projection, never only remembered: whatever was missed is found again at the start of a term, on reconnect and
//! every 30 s, and doing something twice changes nothing. They run only while this coordinator leads. They deliberately decide nothing.

mod control;
mod documents;
mod messages;
mod offers;
mod own_set;
mod pointer;
mod probes;
mod run_documents;
mod signed;
mod sources;
mod worker_state;

pub(crate) use control::{ControlError, control};
pub(crate) use documents::Documents;
pub(crate) use messages::{Effects, Hint};
pub(crate) use pointer::set_pointer;
pub(crate) use probes::{Probes, note_failure};
pub(crate) use sources::{RestoreError, restore_sources};
