//! The whole farm, end to end: real processes, a real NATS server, a real store, a simulated Xcode.
//!
//! Tests share one farm where they can and have their own where they kill something. They wait for what happens, never for time to pass. Every
//! artifact set that any of them leaves on disk is checked by [`harness::audit`], which uses none of the project's hashing code.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod harness;

mod bad_input;
mod bad_line;
mod bad_server;
mod bad_source;
mod cancel;
mod crash;
mod documents;
mod failure;
mod kills;
mod local;
mod log;
mod newer_farm;
mod older_client;
mod older_xcode;
mod paused;
mod queue;
mod rich;
mod selection;
mod steps;
mod store;
mod success;
mod supersede;
mod upgrade;
mod upload;
mod workers;
mod zombie;
