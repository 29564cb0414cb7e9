//! Everything that travels over NATS, in its envelope; nothing else of the agent knows NATS.
//!
//! Owns the connection and how each carrier is spoken: offers pulled, reports answered, heartbeats said, state and control heard, output
//! streamed. It deliberately does not know what a message means for an attempt: that is the dispatcher's.
//!
//! While disconnected, publishes wait in the client's queue and then block: every wait here has its own timeout.

mod control;
mod envelope;
mod link;
mod offers;
mod output;
mod report;
mod state;

pub(crate) use control::ControlRequest;
pub(crate) use link::{ConnectError, Link};
pub(crate) use offers::{Acknowledge, OfferMessage, Offered, pull};
pub(crate) use output::{Log, LogProgress, stream_output};
pub(crate) use report::{Answer, report};
pub(crate) use state::listen;

use rch_schemas::wire::agent::WorkerState;

/// What was heard on the subjects the coordinator speaks on.
#[derive(Debug)]
pub(crate) enum Heard {
    /// What is wanted of this worker.
    State(WorkerState),
    /// A request that makes something faster.
    Control(ControlRequest),
}
