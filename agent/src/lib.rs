//! The agent: runs on each Mac, takes one offer at a time, builds, proves what it built.
//!
//! It owns the machine it runs on: what is installed (`probe`), the attempts it was granted (`attempt`), what it still owes the farm (`outbox`). One
//! task, the `dispatcher`, owns all state that changes; everything else is a task it started and hears from. Every Apple tool is reached by
//! running it from the configured tool path, so that the same code runs where those tools are simulated.
//!
//! It deliberately does not know what the farm decides, and decides nothing itself: an offer is no right, `state` says what is wanted.

mod agent;
mod attempt;
mod backend;
mod caches;
mod check;
mod cli;
mod clock;
mod config;
mod crash_point;
mod disk;
mod dispatcher;
mod durable;
mod error_line;
#[cfg(test)]
mod fixture;
mod identity;
mod load;
mod nats;
mod outbox;
mod probe;
mod process_group;
mod recover;
mod results;
#[cfg(test)]
mod sample;
mod shutdown;
mod store_check;
mod tool;
pub mod untrusted;

pub use cli::{main, main_speaking};
