//! Reads a finished build log once, line by line, in bounded memory.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;

use rch_schemas::Reason;
use rch_schemas::document::{FailingTest, FirstError};

use super::markers::{self, Marker};
use super::place::{self, Tree};
use super::subkind::{self, FARM, PROJECT};

/// How many errors and tests a summary names (spec 1.5).
pub(super) const NAMED_MAX: usize = 20;
/// Real lines reach 53 kB; what is longer is cut, not held.
const LINE_BYTES_MAX: u64 = 64 * 1024;
/// More devices than any Mac has; a log may claim anything.
const ROWS_MAX: usize = 1_000;
/// Messages of summaries are read by people.
const MESSAGE_CHARS_MAX: usize = 1_000;

/// What a log says.
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

/// Reads the log at `path` of a build in `tree`. Blocks its thread.
pub(crate) fn read_log(path: &Path, tree: &Tree) -> std::io::Result<LogFacts> {
    read_from(BufReader::new(std::fs::File::open(path)?), tree)
}

/// Reads a log from wherever it lies.
pub(crate) fn read_from(mut reader: impl BufRead, tree: &Tree) -> std::io::Result<LogFacts> {
    let mut scan = Scan::new(tree);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        if reader.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut bytes)? == 0 {
            return Ok(scan.finish());
        }
        scan.line(String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']));
    }
}

struct Scan<'a> {
    tree: &'a Tree,
    facts: LogFacts,
    farm: Option<usize>,
    project: Option<usize>,
    seen: BTreeSet<String>,
    in_destinations: bool,
}

impl<'a> Scan<'a> {
    fn new(tree: &'a Tree) -> Self {
        Self { tree, facts: LogFacts::default(), farm: None, project: None, seen: BTreeSet::new(), in_destinations: false }
    }

    fn line(&mut self, line: &str) {
        if let Some(marker) = markers::read(line) {
            self.facts.marker = Some(marker);
        }
        self.destinations(line);
        keep_first(&mut self.farm, subkind::find(FARM, line));
        keep_first(&mut self.project, subkind::find(PROJECT, line));
        if let Some(test) = recorded_issue(line) {
            self.test(test);
        } else if let Some(placed) = place::split(line) {
            self.placed(&placed);
        } else if self.facts.said.is_none() {
            let message = unplaced(line).filter(|message| test_failure(message).is_none());
            self.facts.said = message.map(|message| cut(&self.tree.relative_in(message)));
        }
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

    fn placed(&mut self, placed: &place::Placed<'_>) {
        let Some(message) = ["error: ", "fatal error: "].iter().find_map(|word| placed.rest.strip_prefix(word)) else { return };
        let path = self.tree.relative(placed.path).to_owned();
        match test_failure(message) {
            Some((id, message)) => self.test(FailingTest { id, message: cut(message), path: Some(path), line: Some(placed.line) }),
            None => self.compile_error(FirstError { path, line: placed.line, column: placed.column, message: cut(message) }),
        }
    }

    /// A compiler repeats itself, for each architecture and in its summary.
    fn compile_error(&mut self, error: FirstError) {
        if self.facts.first_errors.len() == NAMED_MAX {
            return;
        }
        if self.seen.insert(format!("{}:{}:{:?}:{}", error.path, error.line, error.column, error.message)) {
            self.facts.first_errors.push(error);
        }
    }

    /// The first failure of a test counts; a test may have several.
    fn test(&mut self, test: FailingTest) {
        if self.facts.failing_tests.len() < NAMED_MAX && self.facts.failing_tests.iter().all(|known| known.id != test.id) {
            self.facts.failing_tests.push(test);
        }
    }

    fn finish(mut self) -> LogFacts {
        self.facts.farm = self.farm.map(|row| FARM[row].reason);
        self.facts.project = self.project.map(|row| PROJECT[row].reason);
        self.facts
    }
}

/// What stands behind `error: ` or `tool: error: `.
fn unplaced(line: &str) -> Option<&str> {
    let (tool, message) = line.split_once("error: ")?;
    let tool = tool.strip_suffix("fatal ").unwrap_or(tool);
    let is_tool = |tool: &str| !tool.is_empty() && tool.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    (tool.is_empty() || tool.strip_suffix(": ").is_some_and(is_tool)).then_some(message)
}

fn keep_first(best: &mut Option<usize>, found: Option<usize>) {
    if let Some(found) = found {
        *best = Some(best.map_or(found, |best| best.min(found)));
    }
}

pub(super) fn cut(message: &str) -> String {
    message.chars().take(MESSAGE_CHARS_MAX).collect()
}

/// `-[Target.Suite test] : message` or `Target.Suite.test : message`, what XCTest prints behind `error:`.
fn test_failure(message: &str) -> Option<(String, &str)> {
    let (name, text) = message.split_once(" : ")?;
    let name = match name.strip_prefix("-[").and_then(|name| name.strip_suffix(']')) {
        Some(name) => name.replacen(' ', "/", 1),
        None if !name.contains(' ') && name.contains('.') => name.to_owned(),
        None => return None,
    };
    Some((name.replacen('.', "/", 1), text))
}

/// `Test name() recorded an issue at File.swift:12:5: message`, what Swift Testing prints behind a symbol.
fn recorded_issue(line: &str) -> Option<FailingTest> {
    let (test, issue) = line.split_once(" recorded an issue")?;
    let (_, name) = test.split_once("Test ")?;
    let (_, place) = issue.split_once(" at ").unwrap_or(("", issue));
    let placed = place::split(place);
    Some(FailingTest {
        id: name.to_owned(),
        message: cut(placed.as_ref().map_or(place, |placed| placed.rest)),
        path: placed.as_ref().map(|placed| placed.path.to_owned()),
        line: placed.map(|placed| placed.line),
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use crate::fixture::recorded;

    fn scan(text: &str) -> LogFacts {
        let tree = Tree::at(Path::new("/s/tree"));
        let mut scan = Scan::new(&tree);
        text.lines().for_each(|line| scan.line(line));
        scan.finish()
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
        assert_eq!(said(missing).as_deref(), Some("Build input file cannot be found: 'A/B.swift'. (in target 'A' from project 'A')"));
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
        assert_eq!(ids, [("AppTests/FeedTests/testOrder", Some(7)), ("parses()", Some(11))]);
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
            let facts = read_log(&fixtures.join(name), &Tree::at(Path::new("/s"))).unwrap();
            assert_eq!((facts.farm, facts.project), (farm, project), "{name}");
        }
    }

    #[test]
    fn recorded_compile_errors_have_a_place() {
        let Some(fixtures) = recorded("build-logs") else { return };
        for name in ["bitrise-xcodebuild-compile-error.txt", "no-typing-swift-compile-error.log", "xcpretty-raw_kiwi_compilation_fail.txt"]
        {
            let facts = read_log(&fixtures.join(name), &Tree::at(Path::new("/s"))).unwrap();
            assert!(!facts.first_errors.is_empty() && facts.first_errors.len() <= NAMED_MAX, "{name}");
        }
    }
}
