//! What `xcresulttool get --format json` prints: the form before Xcode 16, in which every value is wrapped with its type.

use rch_schemas::document::{Repetition, ReportSource, Severity, TestCase, TestCounts, TestDevice, TestFailure, TestResult};
use serde_json::Value;

use super::super::diagnostic::{self, Reported};
use super::super::duration;
use super::super::log::cut;
use super::super::place::Tree;
use super::super::report::{BuildResults, TestReport};
use super::case::{self, Key};
use super::location;

/// Lists of issues, and how bad theirs are.
const ISSUES: [(&str, Severity); 3] =
    [("errorSummaries", Severity::Error), ("warningSummaries", Severity::Warning), ("analyzerWarningSummaries", Severity::AnalyzerWarning)];

/// The record of an invocation: what was done, and which object holds its tests.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    root: Value,
}

impl Record {
    /// The root object; `None` for anything else.
    pub(crate) fn of(root: Value) -> Option<Self> {
        (kind(&root) == "ActionsInvocationRecord").then_some(Self { root })
    }

    /// The objects that hold tests, by id, in the order of the actions that ran them.
    pub(crate) fn test_objects(&self) -> Vec<String> {
        let ids = self.actions().filter_map(|action| text(&action["actionResult"]["testsRef"]["id"]));
        ids.map(str::to_owned).collect()
    }

    /// What the bundle says of the build. The root lists again what its actions list.
    pub(crate) fn build_results(&self, tree: &Tree) -> BuildResults {
        let mut results = BuildResults::default();
        let of_actions = self.actions().flat_map(|action| [&action["buildResult"]["issues"], &action["actionResult"]["issues"]]);
        for issues in std::iter::once(&self.root["issues"]).chain(of_actions) {
            for (member, severity) in ISSUES {
                for row in list(&issues[member]) {
                    results.diagnostics.add(&reported(row, severity, place_of(row).as_ref()), tree);
                }
            }
        }
        let builds = self.actions().filter(|action| text(&action["buildResult"]["status"]).is_some_and(|status| status != "notRequested"));
        let times = builds.filter_map(|action| milliseconds_between(text(&action["startedTime"])?, text(&action["endedTime"])?));
        results.duration_ms = times.max();
        results
    }

    /// What the bundle says of its tests. `objects` are those that [`Self::test_objects`] names, in that order.
    pub(crate) fn test_report(&self, objects: &[Value], tree: &Tree) -> TestReport {
        let failures = self.failures(tree);
        let mut cases = Vec::new();
        let mut unattributed = Vec::new();
        let ran: Vec<&Value> = self.actions().filter(|action| text(&action["actionResult"]["testsRef"]["id"]).is_some()).collect();
        let devices: Vec<TestDevice> = ran.iter().map(|action| device(&action["runDestination"])).collect();
        for (at, object) in objects.iter().enumerate() {
            let action = ran.get(at).copied().unwrap_or(&Value::Null);
            let tests = Tests { failures: &failures, tree, device: devices.get(at).map(|device| device.name.clone()) };
            let mut found = Vec::new();
            tests.read(object, &mut found, &mut unattributed);
            cases.extend(if text(&action["actionResult"]["status"]) == Some("succeeded") { fold(found) } else { found });
        }
        let known = |failure: &TestFailure| cases.iter().flat_map(|case| &case.repetitions).any(|ran| ran.failures.contains(failure));
        for failure in failures.iter().map(|(_, failure)| failure).filter(|failure| !known(failure)) {
            if !unattributed.contains(failure) {
                unattributed.push(failure.clone());
            }
        }
        let times = ran.iter().filter_map(|action| milliseconds_between(text(&action["startedTime"])?, text(&action["endedTime"])?));
        let mut named: Vec<TestDevice> = Vec::new();
        for device in devices {
            if !named.contains(&device) {
                named.push(device);
            }
        }
        TestReport {
            source: ReportSource::Xcresult,
            plan: ran.iter().find_map(|action| text(&action["testPlanName"])).map(str::to_owned),
            devices: named,
            duration_ms: times.max().unwrap_or(0),
            crashed_processes: case::crashed_processes(&cases),
            cases,
            unattributed_failures: unattributed,
        }
    }

    fn actions(&self) -> impl Iterator<Item = &Value> {
        list(&self.root["actions"]).iter()
    }

    /// The failures of tests by target and case, each once: the root lists again what its actions list.
    fn failures(&self, tree: &Tree) -> Vec<(Option<String>, TestFailure)> {
        let of_actions = self.actions().map(|action| &action["actionResult"]["issues"]);
        let rows = std::iter::once(&self.root["issues"]).chain(of_actions).flat_map(|issues| list(&issues["testFailureSummaries"]));
        let mut found = Vec::new();
        for row in rows {
            let place = place_of(row);
            let failure = TestFailure {
                message: cut(text(&row["message"]).unwrap_or_default()),
                path: place.as_ref().map(|place| tree.place(&place.path)),
                line: place.and_then(|place| place.line),
            };
            let target = text(&row["producingTarget"]).unwrap_or_default();
            let case = text(&row["testCaseName"]).map(|name| case::id(target, &case_path(name)));
            if !found.contains(&(case.clone(), failure.clone())) {
                found.push((case, failure));
            }
        }
        found
    }
}

/// `Suite/test` of `Suite.test()` or `-[Suite test]`.
fn case_path(name: &str) -> String {
    match name.strip_prefix("-[").and_then(|name| name.strip_suffix(']')) {
        Some(name) => name.replacen(' ', "/", 1),
        None => name.replacen('.', "/", 1),
    }
}

fn place_of(row: &Value) -> Option<location::Location> {
    location::read(text(&row["documentLocationInCreatingWorkspace"]["url"])?)
}

fn reported<'a>(row: &'a Value, severity: Severity, place: Option<&'a location::Location>) -> Reported<'a> {
    let message = text(&row["message"]).unwrap_or_default();
    let path = place.map(|place| place.path.as_str());
    let tool = text(&row["issueType"]).is_some_and(|issue| issue.contains("Linker")).then_some("ld");
    Reported {
        severity,
        message,
        path,
        line: place.and_then(|place| place.line),
        column: place.and_then(|place| place.column),
        target: text(&row["producingTarget"]),
        kind: diagnostic::kind(message, path, tool),
        log_offset: None,
    }
}

/// The tests of one action.
struct Tests<'a> {
    failures: &'a [(Option<String>, TestFailure)],
    tree: &'a Tree,
    device: Option<String>,
}

impl Tests<'_> {
    fn read(&self, object: &Value, cases: &mut Vec<TestCase>, unattributed: &mut Vec<TestFailure>) {
        let plans = list(&object["summaries"]);
        for plan in plans {
            let configuration = text(&plan["name"]).filter(|_| plans.len() > 1);
            for testable in list(&plan["testableSummaries"]) {
                let target = text(&testable["targetName"]).or_else(|| text(&testable["name"])).unwrap_or_default();
                for failure in list(&testable["failureSummaries"]) {
                    let line = text(&failure["lineNumber"]).and_then(|line| line.parse().ok()).filter(|line| *line > 0);
                    let path = text(&failure["fileName"]).filter(|_| line.is_some()).map(|path| self.tree.place(path));
                    unattributed.push(TestFailure { message: cut(text(&failure["message"]).unwrap_or_default()), path, line });
                }
                for test in list(&testable["tests"]) {
                    self.node(test, target, configuration, cases);
                }
            }
        }
    }

    /// A group, or a case: what is neither, and what has no status, is kept as a case with an unknown result.
    fn node(&self, node: &Value, target: &str, configuration: Option<&str>, cases: &mut Vec<TestCase>) {
        let nested = list(&node["subtests"]);
        if !nested.is_empty() || kind(node) == "ActionTestSummaryGroup" {
            return nested.iter().for_each(|child| self.node(child, target, configuration, cases));
        }
        let name = text(&node["name"]).unwrap_or_default();
        let id = case::id(target, text(&node["identifier"]).unwrap_or(name));
        let result = case::result(text(&node["testStatus"]));
        let failed = matches!(result, TestResult::Failed | TestResult::ExpectedFailure);
        let failures = self.failures.iter().filter(|(case, _)| failed && case.as_ref() == Some(&id)).map(|(_, failure)| failure.clone());
        let duration_ms = text(&node["duration"]).and_then(duration::milliseconds);
        let repetition = Repetition { result, duration_ms, failures: failures.collect() };
        let configuration = configuration.map(str::to_owned);
        let key = Key { id, configuration, device: self.device.clone(), arguments: Vec::new() };
        cases.push(case::case(key, name, vec![repetition], result));
    }
}

/// Makes one case of the repetitions of one. This form lists repetitions, arguments and appearances of a case alike, as rows of the same name: rows
/// of which some failed are repetitions where the action succeeded in spite of it, and else each stays a case, so that no failure is lost.
fn fold(cases: Vec<TestCase>) -> Vec<TestCase> {
    let mut folded: Vec<TestCase> = Vec::new();
    let has_failed = |case: &TestCase| case.result == TestResult::Failed;
    let failing: Vec<String> = cases.iter().filter(|case| has_failed(case)).map(|case| case.id.clone()).collect();
    for case in cases {
        let is_same = |known: &&mut TestCase| known.id == case.id && known.configuration == case.configuration;
        match folded.iter_mut().find(|known| failing.contains(&case.id) && is_same(known)) {
            Some(known) => {
                known.repetitions.extend(case.repetitions);
                known.result = case.result;
                known.flaky = case.result == TestResult::Passed && known.repetitions.iter().any(|ran| ran.result == TestResult::Failed);
            }
            None => folded.push(case),
        }
    }
    folded
}

fn device(destination: &Value) -> TestDevice {
    let target = &destination["targetDeviceRecord"];
    let word = |value: &Value| text(value).unwrap_or_default().to_owned();
    let build = text(&target["operatingSystemVersionWithBuildNumber"]).and_then(|version| version.split_once('(')?.1.strip_suffix(')'));
    TestDevice {
        name: word(&target["name"]),
        platform: word(&target["platformRecord"]["userDescription"]),
        os_version: word(&target["operatingSystemVersion"]),
        os_build: build.map(str::to_owned),
        arch: text(&destination["targetArchitecture"]).map(str::to_owned),
    }
}

/// The counts of cases as a summary has them. What has no known result counts in the total alone.
pub(crate) fn counts(cases: &[TestCase]) -> TestCounts {
    let counts = rch_schemas::document::CaseCounts::of(cases);
    TestCounts {
        total: counts.total,
        passed: counts.passed,
        failed: counts.failed,
        skipped: counts.skipped,
        expected_failures: counts.expected_failures,
    }
}

/// Milliseconds between two times such as `2021-11-12T19:21:28.075+0000`; `None` when time went back.
fn milliseconds_between(from: &str, to: &str) -> Option<u64> {
    let time = |text: &str| text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond);
    u64::try_from(time(to)?.checked_sub(time(from)?)?).ok()
}

fn kind(value: &Value) -> &str {
    value["_type"]["_name"].as_str().unwrap_or_default()
}

/// The text of a wrapped value.
fn text(value: &Value) -> Option<&str> {
    value["_value"].as_str()
}

/// The elements of a wrapped array.
fn list(value: &Value) -> &[Value] {
    value["_values"].as_array().map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
#[path = "legacy_tests.rs"]
mod tests;
