//! The interface for clients: JSON over HTTP, problems as RFC 9457, streams as server-sent events.
//!
//! Owns routes, bodies and status codes. Reads come from the projection and bear the record they rest on; writes are asked of the dispatcher.
//! It deliberately decides nothing about runs, jobs or workers.

mod artifacts;
mod body;
mod chunks;
mod error;
mod farm;
mod health;
mod jobs;
mod ledger;
mod log;
mod log_follower;
mod middleware;
mod names;
mod queue;
mod run_events;
mod runs;
mod server;
mod sse;
mod submit;
mod view;
mod waiting;
mod workers;

pub(crate) use server::{Api, BindError, bind, serve};
