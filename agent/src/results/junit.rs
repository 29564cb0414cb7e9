//! The tests as JUnit XML, in the dialect of Surefire that most readers know.

use std::fmt::Write as _;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase as Row, TestCaseStatus, TestRerun, TestSuite};
use rch_schemas::document::{Repetition, TestCase, TestFailure, TestResult};

use super::report::TestReport;

/// The suite and the case that hold failures of no test.
const SESSION: &str = "session";

/// The bytes of `junit.xml`. What XML cannot hold, such as control characters, is left out.
///
/// # Errors
/// None is known: the writer is memory.
pub(crate) fn junit(report: &TestReport) -> Result<String, quick_junit::SerializeError> {
    let mut root = Report::new(report.plan.as_deref().unwrap_or("tests"));
    root.set_time(Duration::from_millis(report.duration_ms));
    let several = !report.counts_by_place().is_empty();
    let mut suites: Vec<TestSuite> = Vec::new();
    for case in &report.cases {
        let (suite, name) = split(case);
        let suite = if several { at_place(&suite, case) } else { suite };
        let at = suites.iter().rposition(|known| known.name.as_str() == suite).unwrap_or_else(|| {
            suites.push(TestSuite::new(&suite));
            suites.len() - 1
        });
        let row = row(case, &suite, &name);
        let known = &mut suites[at];
        known.set_time(known.time.unwrap_or_default() + row.time.unwrap_or_default());
        known.add_test_case(row);
    }
    suites.extend(session(&report.unattributed_failures));
    root.add_test_suites(suites);
    root.to_string()
}

/// `target.suite` and the name of a case, with its arguments where it has some.
fn split(case: &TestCase) -> (String, String) {
    let (suite, name) = case.id.rsplit_once('/').unwrap_or(("", &case.id));
    let suite = if suite.is_empty() { "(no suite)".to_owned() } else { suite.replace('/', ".") };
    if case.arguments.is_empty() {
        return (suite, name.to_owned());
    }
    let bare = name.split('(').next().unwrap_or(name);
    (suite, format!("{bare}({})", case.arguments.join(", ")))
}

fn at_place(suite: &str, case: &TestCase) -> String {
    let words = [case.configuration.as_deref(), case.device.as_deref()].into_iter().flatten().collect::<Vec<_>>();
    if words.is_empty() { suite.to_owned() } else { format!("{suite} ({})", words.join(", ")) }
}

fn row(case: &TestCase, suite: &str, name: &str) -> Row {
    let mut row = Row::new(name, status(case));
    row.set_classname(suite);
    let durations = case.repetitions.iter().filter_map(|repetition| repetition.duration_ms);
    if let Some(total) = durations.reduce(u64::saturating_add) {
        row.set_time(Duration::from_millis(total));
    }
    let place = case.repetitions.iter().rev().flat_map(|repetition| &repetition.failures).find(|failure| failure.path.is_some());
    if let Some(TestFailure { path: Some(path), line, .. }) = place {
        row.extra.insert("file".into(), path.as_str().into());
        if let Some(line) = line {
            row.extra.insert("line".into(), line.to_string().into());
        }
    }
    row
}

fn status(case: &TestCase) -> TestCaseStatus {
    let failed = |kind: &'static str| {
        let mut status = TestCaseStatus::non_success(if kind == "failure" { NonSuccessKind::Failure } else { NonSuccessKind::Error });
        let last = case.repetitions.last().map(|repetition| &repetition.failures[..]).unwrap_or_default();
        let crash = case.crash.as_ref().map(|crash| crash.message.as_str());
        status.set_type(kind).set_message(last.first().map(|failure| failure.message.as_str()).or(crash).unwrap_or(kind));
        if !last.is_empty() {
            status.set_description(described(last));
        }
        status
    };
    let skipped = |kind: &'static str, reason: Option<&str>| {
        let mut status = TestCaseStatus::skipped();
        status.set_type(kind);
        if let Some(reason) = reason {
            status.set_message(reason);
        }
        status
    };
    let mut status = match case.result {
        TestResult::Passed => TestCaseStatus::success(),
        TestResult::Failed => failed("failure"),
        TestResult::Unknown => failed("unknown"),
        TestResult::Skipped => skipped("skipped", case.skipped_reason.as_deref()),
        TestResult::ExpectedFailure => skipped("expected-failure", case.expected_failure.as_deref()),
        TestResult::NotRun => skipped("not-run", None),
    };
    if matches!(case.result, TestResult::Passed | TestResult::Failed) {
        let earlier = case.repetitions.split_last().map(|(_, earlier)| earlier).unwrap_or_default();
        status.add_reruns(earlier.iter().filter(|repetition| repetition.result == TestResult::Failed).map(rerun));
    }
    status
}

fn rerun(repetition: &Repetition) -> TestRerun {
    let mut rerun = TestRerun::new(NonSuccessKind::Failure);
    rerun.set_type("failure").set_message(repetition.failures.first().map_or("failure", |failure| failure.message.as_str()));
    if let Some(milliseconds) = repetition.duration_ms {
        rerun.set_time(Duration::from_millis(milliseconds));
    }
    if !repetition.failures.is_empty() {
        rerun.set_description(described(&repetition.failures));
    }
    rerun
}

/// Every failure in a line of its own, behind its place.
fn described(failures: &[TestFailure]) -> String {
    let mut text = String::new();
    for failure in failures {
        let separator = if text.is_empty() { "" } else { "\n" };
        let place = match (&failure.path, failure.line) {
            (Some(path), Some(line)) => format!("{path}:{line}: "),
            (Some(path), None) => format!("{path}: "),
            (None, _) => String::new(),
        };
        let _ = write!(text, "{separator}{place}{}", failure.message);
    }
    text
}

/// Failures of no test as one case: without it, a report without a failed row would look well.
fn session(failures: &[TestFailure]) -> Option<TestSuite> {
    let first = failures.first()?;
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_type("session").set_message(first.message.as_str()).set_description(described(failures));
    let mut row = Row::new(SESSION, status);
    row.set_classname(SESSION);
    let mut suite = TestSuite::new(SESSION);
    suite.add_test_case(row);
    Some(suite)
}

#[cfg(test)]
#[path = "junit_tests.rs"]
mod tests;
