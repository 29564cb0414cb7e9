//! The scheduler, driven as the coordinator drives it: decide, apply, settle, record.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod adaptive;
mod evidence;
mod explaining;
pub(crate) mod farm;
mod intake;
mod key;
mod key_of_worker;
mod lifecycle;
mod loss;
mod negotiation;
mod properties;
mod quarantine;
mod queue;
mod replay;
mod requests;
mod selection;
mod steps;
mod supersede;
