//! The coordinator over HTTP: requests and answers of the contract as types, and streams that can be resumed.
//!
//! It owns URLs, timeouts, limits and what an error of the wire means. Everything it reads is bounded: a coordinator is trusted to schedule,
//! not to fill this machine's memory. It deliberately does not know what a command does with an answer.

mod backoff;
mod client;
mod error;
mod events;
mod reading;
mod sse;

pub(crate) use backoff::Backoff;
pub(crate) use client::{FarmClient, SubmitAnswer};
pub(crate) use error::FarmError;
pub(crate) use events::Events;
pub(crate) use reading::read;
pub(crate) use sse::Parser as SseParser;

#[cfg(test)]
pub(crate) mod fake;
#[cfg(test)]
mod tests;
