//! What `xcresulttool get test-results` and `get build-results` print: the form of Xcode 16 and newer.

use rch_schemas::document::{FailingTest, Repetition, ReportSource, Severity, TestCase, TestCounts, TestDevice, TestFailure, TestResult};
use serde_json::Value;

use super::super::diagnostic::{self, Reported};
use super::super::duration;
use super::super::log::{NAMED_MAX, cut};
use super::super::place::Tree;
use super::super::report::{BuildResults, TestReport};
use super::case::{self, Key};
use super::location;

/// Node types that stand between a case and its runs.
const BETWEEN: [&str; 5] = ["Device", "Test Plan Configuration", "Arguments", "Repetition", "Test Case Run"];
/// Node types that only hold others.
const HOLDERS: [&str; 4] = ["Test Plan", "Unit test bundle", "UI test bundle", "Test Suite"];
/// Node types that tell more of a run.
const DETAILS: [&str; 6] = ["Failure Message", "Source Code Reference", "Attachment", "Expression", "Test Value", "Runtime Warning"];

/// The counts of `get test-results summary`.
pub(crate) fn counts(summary: &Value) -> Option<TestCounts> {
    let count = |member: &str| u32::try_from(summary[member].as_u64()?).ok();
    Some(TestCounts {
        total: count("totalTestCount")?,
        passed: count("passedTests")?,
        failed: count("failedTests")?,
        skipped: count("skippedTests")?,
        expected_failures: count("expectedFailures").unwrap_or(0),
    })
}

/// The failures of the summary, which have no place.
pub(crate) fn failures(summary: &Value) -> Vec<FailingTest> {
    let rows = array(&summary["testFailures"]).iter().take(NAMED_MAX).map(|row| {
        let text = |member: &str| row[member].as_str().unwrap_or_default();
        let name = row["testIdentifierString"].as_str().unwrap_or_else(|| text("testName"));
        FailingTest { id: case::id(text("targetName"), name), message: cut(text("failureText")), path: None, line: None }
    });
    rows.collect()
}

/// What `summary` and `tests` say of the tests; `None` when the latter is no list of nodes.
pub(crate) fn test_report(summary: &Value, tests: &Value, tree: &Tree) -> Option<TestReport> {
    let nodes = tests["testNodes"].as_array()?;
    let mut walk = Walk { tree, devices: array(&tests["devices"]).iter().map(device).collect(), cases: Vec::new() };
    let configurations = array(&tests["testPlanConfigurations"]);
    // What has one configuration has none to speak of.
    let several = configurations.len() > 1;
    for node in nodes {
        walk.node(node, &Above { target: "", in_plan: false });
    }
    let Walk { devices, mut cases, .. } = walk;
    for case in &mut cases {
        case.configuration = case.configuration.take().filter(|_| several);
        if let ([only], None) = (&devices[..], &case.device) {
            case.device = Some(only.name.clone());
        }
    }
    let plan = nodes.iter().find(|node| kind(node) == "Test Plan").and_then(|node| node["name"].as_str()).map(str::to_owned);
    let ran = duration::of_seconds(summary["finishTime"].as_f64().unwrap_or(0.0) - summary["startTime"].as_f64().unwrap_or(0.0));
    let durations = cases.iter().flat_map(|case| &case.repetitions).filter_map(|repetition| repetition.duration_ms);
    Some(TestReport {
        source: ReportSource::Xcresult,
        plan,
        devices,
        duration_ms: ran.filter(|ran| *ran > 0).unwrap_or_else(|| durations.sum()),
        unattributed_failures: unattributed(summary, &cases),
        crashed_processes: case::crashed_processes(&cases),
        cases,
    })
}

/// Failures of the summary that stand at no case, such as those of a task that outlived its test.
fn unattributed(summary: &Value, cases: &[TestCase]) -> Vec<TestFailure> {
    // Older answers name a test without its suite.
    let is_same = |case: &TestCase, id: &str| {
        let (target, name) = id.split_once('/').unwrap_or(("", id));
        case.id == id || (case.id.split('/').next() == Some(target) && case.id.rsplit('/').next() == Some(name))
    };
    let failed = |id: &str| cases.iter().any(|case| case.result == TestResult::Failed && is_same(case, id));
    let rows = failures(summary).into_iter().filter(|row| !failed(&row.id));
    rows.map(|row| TestFailure { message: row.message, path: None, line: None }).collect()
}

/// What `get build-results` says; `None` when it lists neither errors nor warnings.
pub(crate) fn build_results(build: &Value, tree: &Tree) -> Option<BuildResults> {
    let mut results = BuildResults::default();
    let lists = [("errors", Severity::Error), ("warnings", Severity::Warning), ("analyzerWarnings", Severity::AnalyzerWarning)];
    if lists.iter().all(|(member, _)| !build[*member].is_array()) {
        return None;
    }
    for (member, severity) in lists {
        // The members that count them have been seen to differ from the lists.
        for row in array(&build[member]) {
            let place = row["sourceURL"].as_str().and_then(location::read);
            let message = row["message"].as_str().unwrap_or_default();
            let path = place.as_ref().map(|place| place.path.as_str());
            let issue = row["issueType"].as_str().unwrap_or_default();
            let tool = issue.contains("Linker").then_some("ld");
            let reported = Reported {
                severity,
                message,
                path,
                line: place.as_ref().and_then(|place| place.line),
                column: place.as_ref().and_then(|place| place.column),
                target: row["targetName"].as_str(),
                kind: diagnostic::kind(message, path, tool),
                log_offset: None,
            };
            results.diagnostics.add(&reported, tree);
        }
    }
    let time = |member: &str| build[member].as_f64();
    results.duration_ms = time("endTime").zip(time("startTime")).and_then(|(end, start)| duration::of_seconds(end - start));
    Some(results)
}

fn device(value: &Value) -> TestDevice {
    let text = |member: &str| value[member].as_str().map(str::to_owned);
    TestDevice {
        name: text("deviceName").unwrap_or_default(),
        platform: text("platform").unwrap_or_default(),
        os_version: text("osVersion").unwrap_or_default(),
        os_build: text("osBuildNumber"),
        arch: text("architecture"),
    }
}

/// The way through the tree of nodes.
struct Walk<'a> {
    tree: &'a Tree,
    devices: Vec<TestDevice>,
    cases: Vec<TestCase>,
}

/// What stands above a node.
struct Above<'a> {
    target: &'a str,
    /// Whether the node above is the plan: what stands there is a bundle, whatever its type is called.
    in_plan: bool,
}

impl Walk<'_> {
    fn node(&mut self, node: &Value, above: &Above<'_>) {
        let (kind, name) = (kind(node), node["name"].as_str().unwrap_or_default());
        let nested = array(&node["children"]);
        let leaf_of_unknown_kind =
            !HOLDERS.contains(&kind) && !DETAILS.contains(&kind) && nested.iter().all(|child| DETAILS.contains(&self::kind(child)));
        if kind == "Test Case" || leaf_of_unknown_kind {
            return self.case(node, above.target);
        }
        let is_bundle = above.in_plan || kind.ends_with("test bundle");
        let below = Above { target: if is_bundle { name } else { above.target }, in_plan: kind == "Test Plan" };
        for child in nested {
            self.node(child, &below);
        }
    }

    fn case(&mut self, node: &Value, target: &str) {
        let name = node["name"].as_str().unwrap_or_default();
        let is_known = kind(node) == "Test Case";
        let id = case::id(target, node["nodeIdentifier"].as_str().unwrap_or(name));
        let mut runs = Runs { tree: self.tree, found: Vec::new() };
        runs.below(node, &Key { id, ..Key::default() });
        let said = if is_known { case::result(node["result"].as_str()) } else { TestResult::Unknown };
        let alone = runs.found.len() == 1;
        let first = self.cases.len();
        for (key, mut repetitions, said_here) in runs.found {
            if !is_known {
                for repetition in &mut repetitions {
                    repetition.result = TestResult::Unknown;
                }
            }
            let said = if alone { said } else { said_here };
            self.cases.push(case::case(key, name, repetitions, said));
        }
        // What failed as a whole and in none of its parts has failed all the same.
        if said == TestResult::Failed && self.cases[first..].iter().all(|case| case.result != TestResult::Failed) {
            self.cases[first..].iter_mut().for_each(|case| (case.result, case.flaky) = (TestResult::Failed, false));
        }
    }
}

/// The runs below a case, by what tells them apart; with what the node says that holds them.
struct Runs<'a> {
    tree: &'a Tree,
    found: Vec<(Key, Vec<Repetition>, TestResult)>,
}

impl Runs<'_> {
    fn below(&mut self, node: &Value, key: &Key) {
        let between: Vec<&Value> = array(&node["children"]).iter().filter(|child| BETWEEN.contains(&kind(child))).collect();
        if between.is_empty() {
            return self.run(node, key);
        }
        for child in between {
            let name = || child["name"].as_str().unwrap_or_default().to_owned();
            let mut key = key.clone();
            match kind(child) {
                "Device" => key.device = Some(name()),
                "Test Plan Configuration" => key.configuration = Some(name()),
                "Arguments" => key.arguments.push(name()),
                // A repetition, or one run of a case.
                _ => {}
            }
            self.below(child, &key);
        }
    }

    fn run(&mut self, node: &Value, key: &Key) {
        let result = case::result(node["result"].as_str());
        let seconds = node["durationInSeconds"].as_f64().and_then(duration::of_seconds);
        let duration_ms = seconds.or_else(|| node["duration"].as_str().and_then(duration::milliseconds));
        let mut failures = Vec::new();
        collect_failures(node, self.tree, &mut failures);
        // A run of a case is named after its failure.
        if kind(node) == "Test Case Run" && failures.is_empty() && result != TestResult::Passed {
            failures.extend(node["name"].as_str().map(|text| case::failure(text, self.tree)));
        }
        let repetition = Repetition { result, duration_ms, failures };
        let is_repetition = matches!(kind(node), "Repetition" | "Test Case Run");
        match self.found.iter_mut().find(|(known, ..)| is_repetition && known == key) {
            Some((_, repetitions, said)) => {
                repetitions.push(repetition);
                *said = TestResult::Unknown;
            }
            None => self.found.push((key.clone(), vec![repetition], result)),
        }
    }
}

fn collect_failures(node: &Value, tree: &Tree, failures: &mut Vec<TestFailure>) {
    for child in array(&node["children"]) {
        if kind(child) == "Failure Message" {
            failures.extend(child["name"].as_str().map(|text| case::failure(text, tree)));
        } else {
            collect_failures(child, tree, failures);
        }
    }
}

fn kind(node: &Value) -> &str {
    node["nodeType"].as_str().unwrap_or_default()
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
#[path = "current_tests.rs"]
mod tests;
