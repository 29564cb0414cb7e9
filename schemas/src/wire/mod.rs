//! Messages between the programs: NATS between coordinator and agents, HTTP between coordinator and clients.
//!
//! Shapes only. Which subject a message travels on is in [`subject`]; when it is sent, repeated or dropped is its sender's business.

pub mod agent;
pub mod envelope;
pub mod http;
pub mod output;
pub mod subject;
pub mod waiting;

pub use envelope::{Op, Request, Response, WireError};
