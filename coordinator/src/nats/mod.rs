//! Everything about NATS that is not the ledger's: the connection, streams and consumers, durability, reports and heartbeats.
//!
//! Owns how a message becomes a command or an observation, and what a server must be able to do. It deliberately does not know what is
//! decided about either.

mod connection;
mod consumers;
mod durability;
mod heartbeats;
mod missing;
mod reports;
mod server;
mod streams;

pub(crate) use connection::{Connection, Link, connect};
pub(crate) use consumers::{ensure_consumers, remove_consumer};
pub(crate) use durability::Durability;
pub(crate) use heartbeats::Heartbeats;
pub(crate) use missing::really_missing;
pub(crate) use reports::Reports;
pub(crate) use server::{ServerError, check_server};
pub(crate) use streams::{StreamError, ensure_jobs, ensure_lasting};
