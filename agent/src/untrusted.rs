//! The parsers of what builds and tools print, over bytes alone: for the fuzz targets, which feed them anything.
//!
//! Each function is what the agent itself does with such bytes, and says what came of it in short. Nothing in the agent uses them.

use std::path::Path;

use serde_json::Value;

use crate::probe::{SimctlList, first_json};
use crate::results::{Tree, read_from, results_of};

/// What a summary would name of a log, and the longest line it would show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// Compiler errors.
    pub errors: usize,
    /// Failed tests.
    pub tests: usize,
    /// Rows of a list of destinations.
    pub destinations: usize,
    /// Characters of the longest message.
    pub message_chars_max: usize,
}

/// A build log.
pub fn log(bytes: &[u8]) -> Named {
    let facts = read_from(bytes, &Tree::at(Path::new("/attempt/source")), |_, _| {}).expect("memory can be read").facts;
    let messages = facts.first_errors.iter().map(|error| &error.message).chain(facts.failing_tests.iter().map(|test| &test.message));
    Named {
        errors: facts.first_errors.len(),
        tests: facts.failing_tests.len(),
        destinations: facts.destinations.len(),
        message_chars_max: messages.map(|message| message.chars().count()).max().unwrap_or_default(),
    }
}

/// What xcresulttool prints about tests: its summary, then its tree of tests. How many failures are named; `None` without counts.
pub fn test_results(summary: &str, tests: &str) -> Option<usize> {
    let summary: Value = serde_json::from_str(summary).ok()?;
    let tests: Option<Value> = serde_json::from_str(tests).ok();
    Some(results_of(&summary, tests.as_ref(), &Tree::at(Path::new("/attempt/source")))?.failing.len())
}

/// What simctl prints when it lists everything: how many simulators are usable, and how many there are. `None` without JSON.
pub fn simulators(text: &str) -> Option<(usize, usize)> {
    let list = SimctlList::parse(&first_json(text)?);
    Some((list.devices.iter().filter(|device| device.available).count(), list.devices.len()))
}
