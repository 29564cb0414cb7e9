//! The one task that owns all state of the agent that changes: session, attempts held, reports owed.
//!
//! [`State`](state::State) is the deciding half: plain data, an event in, effects out, no clock and no I/O. [`run`] is the acting half: its loop builds
//! events, its handler performs effects, and everything that takes time is a task of its own [`tokio::task::JoinSet`].

mod effect;
mod held;
mod reports;
mod state;
mod tail;
mod task;

pub(crate) use task::{Dispatcher, StopReason};
