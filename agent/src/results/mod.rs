//! What a backend's run came to: log, result bundle, exit code, signal and our own timers, together.
//!
//! Owns the reading of logs and result bundles, the one rule that turns them into an outcome, and what the rich profile says of a run. It
//! deliberately does not know how the backend was run, nor what the header of a document looks like.
//!
//! Readers are functions of bytes or of a tool's answer: they hold no more of a log than its longest line and what they list, and every list
//! has a maximum.

mod build_log;
mod command;
#[cfg(test)]
mod corpus;
mod diagnostic;
mod duration;
mod events;
mod junit;
mod line;
mod log;
mod markers;
mod place;
mod report;
mod subkind;
mod test_line;
mod test_log;
mod verdict;
mod xcresult;

pub(crate) use events::{EventWriter, Timeline};
pub(crate) use junit::junit;
pub(crate) use log::{LogFacts, LogReading, read_from, read_log};
pub(crate) use place::Tree;
pub(crate) use report::{BuildReport, TestReport};
pub(crate) use verdict::{Evidence, TestEvidence, Verdict, judge};
pub(crate) use xcresult::{Depth, ResultReader, results_of};
