//! Every recorded log, whole and cut anywhere: what is read agrees with what was counted when it was recorded.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

use rch_schemas::document::{CaseCounts, TestResult};
use serde_json::Value;

use super::test_line::{self, TestLine};
use super::{Tree, line, read_from};
use crate::fixture::recorded;

/// The index says 11 of this log; 17 of its lines say `passed on`.
const MISCOUNTED: (&str, u64) = ("fastlane-parallel_testing_failure.log", 17);

/// What the index counts of a log, counted by our own reading of lines.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counted {
    error_lines: u64,
    warning_lines: u64,
    passed: u64,
    failed: u64,
    restarts: u64,
}

impl Counted {
    fn by_index(row: &Value) -> Self {
        let count = |member: &str| row[member].as_u64().unwrap();
        Self {
            error_lines: count("error_lines"),
            warning_lines: count("warning_lines"),
            passed: count("test_case_passed"),
            failed: count("test_case_failed"),
            restarts: count("restarting_after_crash"),
        }
    }

    fn hear(&mut self, line: &str) {
        // As the index counts: where a word begins.
        let says =
            |word: &str| line.match_indices(word).any(|(at, _)| at == 0 || line[..at].ends_with(|c: char| c == ':' || c.is_whitespace()));
        self.error_lines += u64::from(says("error: "));
        self.warning_lines += u64::from(says("warning: "));
        let is_xctest = line.contains("Test Case '") || line.contains("Test case '");
        match test_line::read(line) {
            Some(TestLine::Ended { result: TestResult::Passed, .. }) if is_xctest => self.passed += 1,
            Some(TestLine::Ended { result: TestResult::Failed, .. }) if is_xctest => self.failed += 1,
            Some(TestLine::Crashed { .. }) => self.restarts += 1,
            Some(
                TestLine::Bundle(_)
                | TestLine::Started { .. }
                | TestLine::Ended { .. }
                | TestLine::Failed { .. }
                | TestLine::FailedAsExpected { .. }
                | TestLine::Skipping { .. }
                | TestLine::Session(_),
            )
            | None => {}
        }
    }
}

#[test]
fn every_recorded_log_is_read_whole_and_counts_as_its_index_says() {
    let Some(folder) = recorded("build-logs") else { return };
    let index: Vec<Value> = serde_json::from_slice(&std::fs::read(folder.join("index.json")).unwrap()).unwrap();
    let tree = Tree::at(Path::new("/s/tree"));
    println!("{:72} {:>8} {:>6} {:>6} {:>6} {:>5} {:>5}", "log", "bytes", "errors", "warns", "passed", "fails", "cmds");
    for row in &index {
        let name = row["file"].as_str().unwrap();
        let bytes = std::fs::read(folder.join(name)).unwrap();
        let mut counted = Counted::default();
        line::each(&bytes[..], |_, line| counted.hear(line)).unwrap();
        let mut expected = Counted::by_index(row);
        if name == MISCOUNTED.0 {
            expected.passed = MISCOUNTED.1;
        }
        assert_eq!(counted, expected, "{name}");
        let reading = read_from(&bytes[..], &tree, |offset, _| assert!(offset < bytes.len() as u64, "{name}")).unwrap();
        let (cases, counts) = (CaseCounts::of(&reading.tests.cases), reading.build.diagnostics.counts);
        assert!(u64::from(counts.raw.warnings) <= counted.warning_lines, "{name}: {counts:?}");
        assert!(u64::from(cases.failed) >= counted.failed, "{name}: no failed test is lost, {cases:?}");
        let (errors, warnings) = (counts.unique.errors, counts.unique.warnings);
        let commands = reading.build.failed_commands.len();
        println!("{name:72} {:>8} {errors:>6} {warnings:>6} {:>6} {:>5} {commands:>5}", bytes.len(), cases.passed, cases.failed);
    }
    assert!(index.len() > 40, "{}", index.len());
}

#[test]
fn a_recorded_log_cut_anywhere_is_read_without_a_panic() {
    let Some(folder) = recorded("build-logs") else { return };
    let tree = Tree::at(Path::new("/s/tree"));
    let names = ["fastlane-parallel_testing_failure.log", "xcbeautify-MixedTestLog_6_0_macOS.txt", "xcsift-linker-error-output.txt"];
    for name in names {
        let bytes = std::fs::read(folder.join(name)).unwrap();
        for end in 0..bytes.len() {
            read_from(&bytes[end.saturating_sub(600)..end], &tree, |_, _| {}).unwrap();
        }
    }
}
