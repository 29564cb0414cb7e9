//! The projection: what the ledger says by now, as rows in redb; the checkpoint a start begins from, and what readers read.
//!
//! Owns the database file, the one thread that writes it, and the form of its rows. One transaction a record, durable once a second: the
//! ledger is durable, so a lost second is read again from there. It deliberately does not know how a row came to change. Any error of the
//! database ends the process; the supervisor starts it again, and it repairs or rebuilds.

mod error;
mod open;
mod rows;
mod snapshot;
mod table;
mod writer;

pub(crate) use error::ProjectionError;
pub(crate) use open::open;
pub(crate) use rows::Rows;
pub(crate) use snapshot::Snapshot;
pub(crate) use writer::{Applied, Projection};
