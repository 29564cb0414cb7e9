//! A whole farm in one thread: the real scheduler, with everything around it simulated.
//!
//! Time is a number, the network a queue of messages, randomness a seed. Messages are lost, doubled, delayed and overtaken; agents and leaders
//! crash, pause and come back at any point; then the faults stop, and everything must come to its end. A seed gives the same run everywhere,
//! so a violation is a number to replay.
//!
//! It owns the stand-ins (labelled as such: ledger, network, agents, clients) and the checker. It deliberately does not know how the
//! scheduler decides: the checker holds what happened against the promises, from the records and from what the agents did.

mod agent;
mod checker;
mod client;
mod fixture;
mod leader;
mod message;
mod world;

pub use checker::Violation;
pub use world::{Outcome, Plan, run};

#[cfg(test)]
mod tests;
