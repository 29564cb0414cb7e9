//! The one task that owns the state.
//!
//! It follows the ledger while another leads; while it leads it takes what waits in three bounded queues, decides it, appends all events as
//! one record, and only after the acknowledgement answers the callers and hands the changed rows to the projection, from which readers and
//! effects learn of them. When an append fails, or a command panics, the state is read anew.
//!
//! It deliberately does not know HTTP, nor how a message of an agent looks, nor what effects do.

mod ask;
mod batch;
mod counted;
mod hearing;
mod poison;
mod queues;
mod replica;
mod said;
mod silence;
mod tasks;
mod term;
#[cfg(test)]
mod tests;

pub(crate) use ask::{Answer, Ask, AskError, Asks, Queue};
pub(crate) use hearing::Heard;
pub(crate) use queues::queues;
pub(crate) use tasks::{Dispatcher, DispatcherError};
