//! The coordinator: the pure scheduler behind a durable ledger, a projection, effects, NATS and HTTP.
//!
//! One task owns the state ([`dispatcher`]). What it decides becomes true when the ledger holds it ([`ledger`]), readable when the projection does
//! ([`projection`]), and effective through whoever reads that ([`effects`], [`http`]). At most one coordinator leads ([`leader`]); the others follow
//! the same ledger and serve reads.
//!
//! It deliberately does not know how a decision is made (that is `rch-scheduler`), what an agent does, or what lies in an artifact set.

mod cli;
mod clock;
mod config;
mod crash_point;
mod dispatcher;
mod effects;
mod error_line;
mod health;
mod http;
mod inventory_watch;
mod leader;
mod ledger;
mod log;
mod metrics;
mod nats;
mod program;
mod projection;
mod queue_board;
mod shared;
mod shutdown;
mod store_check;

pub use cli::{main, main_speaking};
