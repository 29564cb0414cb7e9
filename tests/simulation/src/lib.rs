//! A whole farm in one thread: the real scheduler, with everything around it simulated.
//!
//! Time is a number, the network a queue of messages, randomness a seed. Messages are lost, doubled, delayed and overtaken; coordinators, agents
//! and the server die, sleep, are cut off and come back at any point, appends land or not without saying so; then the faults stop, and
//! everything must come to its end. A seed gives the same run everywhere, so a broken promise is a number to replay:
//!
//! ```text
//! RCH_SIMULATION_SEED=1234 RCH_SIMULATION_TRACE=events cargo test -p rch-simulation seeds
//! ```
//!
//! It owns the stand-ins (labelled as such: ledger, lease, work queue, network, coordinators, agents, clients), the checker that holds every
//! history to the promises ([`Promise`]), and bugs to plant ([`Plant`]), each of which the checker must find. A new promise is a rule over
//! events in `checker/`, together with a plant that breaks it: a promise that nothing can break holds nothing. The crate deliberately does
//! not know how the scheduler decides, so that how it finds its work may change: the promises are about events and about what agents ran.

mod agent;
mod brain;
mod checker;
mod client;
mod execution;
mod fault;
mod fixture;
mod happening;
mod inventory;
mod lease;
mod ledger;
mod life;
mod network;
mod plan;
mod plant;
mod replica;
mod trace;
mod violation;
mod work_queue;
mod world;

pub use plan::Plan;
pub use plant::Plant;
pub use trace::Detail;
pub use violation::{Promise, Violation};
pub use world::{Outcome, run};

#[cfg(test)]
mod tests;
