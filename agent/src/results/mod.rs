//! What a backend's run came to: log, result bundle, exit code, signal and our own timers, together.
//!
//! Owns the reading of logs and result bundles, and the one rule that turns them into an outcome. It deliberately does not know how the
//! backend was run, nor what a document looks like that carries the outcome.

mod log;
mod markers;
mod place;
mod subkind;
mod verdict;
mod xcresult;

pub(crate) use log::{LogFacts, read_from, read_log};
pub(crate) use place::Tree;
pub(crate) use verdict::{Evidence, TestEvidence, Verdict, judge};
pub(crate) use xcresult::{read_results, results_of};
