//! Reads a finished build log once, line by line, in bounded memory.

use std::io::{BufRead, BufReader};
use std::path::Path;

use rch_schemas::Reason;
use rch_schemas::document::{EventBody, FailingTest, FirstError, TestCase, TestResult};

use super::build_log::{BuildLog, LoggedBuild};
use super::line;
use super::markers::{self, Marker};
use super::place::Tree;
use super::subkind::{self, FARM, PROJECT};
use super::test_line;
use super::test_log::{LoggedTests, TestLog};

/// How many errors and tests a summary names (spec 1.5).
pub(super) const NAMED_MAX: usize = 20;
/// More devices than any Mac has; a log may claim anything.
const ROWS_MAX: usize = 1_000;
/// Messages of summaries are read by people.
const MESSAGE_CHARS_MAX: usize = 1_000;

/// What a log says of the outcome.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LogFacts {
    /// The last end marker.
    pub(crate) marker: Option<Marker>,
    /// A compiler's errors with their places, each once.
    pub(crate) first_errors: Vec<FirstError>,
    /// The first error without a place, which no list of places can hold.
    pub(crate) said: Option<String>,
    /// Failed tests, for when there is no result bundle.
    pub(crate) failing_tests: Vec<FailingTest>,
    /// The strongest sign that the farm is at fault.
    pub(crate) farm: Option<Reason>,
    /// The strongest sign that the project is.
    pub(crate) project: Option<Reason>,
    /// Rows of the warning about several matching destinations, as printed.
    pub(crate) destinations: Vec<String>,
}

/// A log, read.
#[derive(Debug, Default)]
pub(crate) struct LogReading {
    /// What decides about the outcome.
    pub(crate) facts: LogFacts,
    pub(super) build: LoggedBuild,
    pub(super) tests: LoggedTests,
}

/// Reads the log at `path` of a build in `tree`, and tells what happens in it with the offset of its line. Blocks its thread.
pub(crate) fn read_log(path: &Path, tree: &Tree, tell: impl FnMut(u64, EventBody)) -> std::io::Result<LogReading> {
    read_from(BufReader::new(std::fs::File::open(path)?), tree, tell)
}

/// Reads a log from wherever it lies.
pub(crate) fn read_from(reader: impl BufRead, tree: &Tree, mut tell: impl FnMut(u64, EventBody)) -> std::io::Result<LogReading> {
    let mut scan = Scan::default();
    let (mut build, mut tests) = (BuildLog::new(tree), TestLog::new(tree));
    line::each(reader, |offset, line| {
        scan.line(line);
        match test_line::read(line) {
            Some(said) => tests.hear(said).into_iter().for_each(|event| tell(offset, event)),
            None => build.hear(offset, line, |event| tell(offset, event)),
        }
    })?;
    let (build, tests) = (build.finish(), tests.finish());
    Ok(LogReading { facts: scan.finish(&build, &tests), build, tests })
}

#[derive(Default)]
struct Scan {
    facts: LogFacts,
    farm: Option<usize>,
    project: Option<usize>,
    in_destinations: bool,
}

impl Scan {
    fn line(&mut self, line: &str) {
        if let Some(marker) = markers::read(line) {
            self.facts.marker = Some(marker);
        }
        self.destinations(line);
        keep_first(&mut self.farm, subkind::find(FARM, line));
        keep_first(&mut self.project, subkind::find(PROJECT, line));
    }

    fn destinations(&mut self, line: &str) {
        if line.contains("WARNING: Using the first of multiple matching destinations") {
            self.in_destinations = true;
        } else if self.in_destinations {
            self.in_destinations = line.trim_start().starts_with('{');
            if self.in_destinations && self.facts.destinations.len() < ROWS_MAX {
                self.facts.destinations.push(line.trim().to_owned());
            }
        }
    }

    fn finish(self, build: &LoggedBuild, tests: &LoggedTests) -> LogFacts {
        LogFacts {
            first_errors: build.diagnostics.placed_errors().take(NAMED_MAX).collect(),
            said: build.diagnostics.unplaced_errors().next(),
            failing_tests: failing(&tests.cases),
            farm: self.farm.map(|row| FARM[row].reason),
            project: self.project.map(|row| PROJECT[row].reason),
            ..self.facts
        }
    }
}

/// The first failed tests, each once with its first failure: a case may stand under several configurations.
pub(super) fn failing(cases: &[TestCase]) -> Vec<FailingTest> {
    let mut failing: Vec<FailingTest> = Vec::new();
    for case in cases {
        let failures = || case.repetitions.iter().rev().flat_map(|repetition| &repetition.failures);
        let has_failed = case.result == TestResult::Failed || (case.result == TestResult::Unknown && failures().next().is_some());
        if failing.len() == NAMED_MAX || !has_failed || failing.iter().any(|known| known.id == case.id) {
            continue;
        }
        let (message, path, line) = match (failures().next(), &case.crash) {
            (Some(failure), _) => (failure.message.clone(), failure.path.clone(), failure.line),
            (None, crash) => (crash.as_ref().map(|crash| crash.message.clone()).unwrap_or_default(), None, None),
        };
        failing.push(FailingTest { id: case.id.clone(), message, path, line });
    }
    failing
}

fn keep_first(best: &mut Option<usize>, found: Option<usize>) {
    if let Some(found) = found {
        *best = Some(best.map_or(found, |best| best.min(found)));
    }
}

pub(super) fn cut(message: &str) -> String {
    message.chars().take(MESSAGE_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use crate::fixture::recorded;

    fn scan(text: &str) -> LogFacts {
        read_from(text.as_bytes(), &Tree::at(Path::new("/s/tree")), |_, _| {}).unwrap().facts
    }

    #[test]
    fn an_error_the_compiler_repeats_is_listed_once_and_relative() {
        let facts = scan(
            "/s/tree/A.swift:3:5: error: no such thing\n    let x\n/s/tree/A.swift:3:5: error: no such thing\n\
             /s/tree/A.swift:9:1: warning: unused\n** BUILD FAILED **\n",
        );
        assert_eq!(facts.first_errors.len(), 1);
        let error = &facts.first_errors[0];
        assert_eq!((error.path.as_str(), error.line, error.column, error.message.as_str()), ("A.swift", 3, Some(5), "no such thing"));
        assert_eq!(facts.marker, Some(Marker::Failed));
    }

    #[test]
    fn an_error_without_a_place_is_kept_with_its_paths_relative() {
        let said = |text: &str| scan(text).said;
        let missing = "error: Build input file cannot be found: '/s/tree/A/B.swift'. (in target 'A' from project 'A')\nerror: later";
        assert_eq!(said(missing).as_deref(), Some("Build input file cannot be found: 'A/B.swift'. (in target 'A')"));
        assert_eq!(said("xcodebuild: error: no scheme").as_deref(), Some("no scheme"));
        for line in ["the tool said: error: x", "error: -[A.B c] : failed", "warning: odd", "/s/tree/A.swift:3:5: error: no such thing"] {
            assert_eq!(said(line), None, "{line}");
        }
    }

    #[test]
    fn a_failed_test_is_a_test_and_no_compile_error() {
        let facts = scan(
            "/s/tree/T.swift:7: error: -[AppTests.FeedTests testOrder] : XCTAssertEqual failed\n\
             /s/tree/T.swift:8: error: -[AppTests.FeedTests testOrder] : again\n\
             \u{2718} Test parses() recorded an issue at P.swift:11:5: Expectation failed: true == false\n",
        );
        assert!(facts.first_errors.is_empty());
        let ids: Vec<_> = facts.failing_tests.iter().map(|test| (test.id.as_str(), test.line)).collect();
        assert_eq!(ids, [("AppTests/FeedTests/testOrder", Some(7)), ("parses", Some(11))]);
    }

    #[test]
    fn rows_of_the_destination_warning_are_kept() {
        let warning = "--- xcodebuild: WARNING: Using the first of multiple matching destinations:\n\
                       { platform:macOS, arch:arm64, id:1, name:My Mac }\n{ platform:macOS, arch:x86_64, id:1, name:My Mac }\nBuild settings\n{ not:one }\n";
        assert_eq!(scan(warning).destinations.len(), 2);
        let endless = format!("WARNING: Using the first of multiple matching destinations\n{}", "{ id:1 }\n".repeat(5_000));
        assert_eq!(scan(&endless).destinations.len(), ROWS_MAX);
    }

    #[test]
    fn every_recorded_log_gives_the_subkind_it_is_known_for() {
        let Some(fixtures) = recorded("build-logs") else { return };
        for (name, farm, project) in [
            ("bitrise-xcodebuild-early-unexpected-exit_1.txt", Some(Reason::RunnerLaunch), None),
            ("bitrise-xcodebuild-failed-to-background-test-runner.txt", Some(Reason::RunnerLaunch), None),
            ("bitrise-xcodebuild-failed-to-open-test-runner.txt", Some(Reason::RunnerLaunch), None),
            ("bitrise-xcodebuild-test-runner-failed-to-initialize-for-ui-testing.txt", Some(Reason::RunnerLaunch), None),
            ("bitrise-xcodebuild-timed-out-registering-for-testing-event.txt", Some(Reason::RunnerLaunch), None),
            ("bitrise-xcodebuild-iPhoneSimulator-timeout.txt", Some(Reason::SimulatorBoot), None),
            ("pscal-no-coresimulator-build-failed.log", Some(Reason::CoresimulatorDown), None),
            ("eas-signing-error.log", None, Some(Reason::Signing)),
            ("kishikawakatsumi-link-error-sections.txt", None, Some(Reason::Link)),
            ("xcsift-linker-error-output.txt", None, Some(Reason::Link)),
            ("rock-phaseScriptExecutionFail.txt", None, Some(Reason::ScriptPhase)),
            ("fastlane-non_parallel_testing_failure.log", None, Some(Reason::TestCrash)),
            ("bitrise-xcodebuild-ok.txt", None, None),
            ("eurofurence-test-succeeded.log", None, None),
            ("wardenapp-macos-build.log", None, None),
        ] {
            let facts = read_log(&fixtures.join(name), &Tree::at(Path::new("/s")), |_, _| {}).unwrap().facts;
            assert_eq!((facts.farm, facts.project), (farm, project), "{name}");
        }
    }

    #[test]
    fn recorded_compile_errors_have_a_place() {
        let Some(fixtures) = recorded("build-logs") else { return };
        for name in ["bitrise-xcodebuild-compile-error.txt", "no-typing-swift-compile-error.log", "xcpretty-raw_kiwi_compilation_fail.txt"]
        {
            let facts = read_log(&fixtures.join(name), &Tree::at(Path::new("/s")), |_, _| {}).unwrap().facts;
            assert!(!facts.first_errors.is_empty() && facts.first_errors.len() <= NAMED_MAX, "{name}");
        }
    }
}
