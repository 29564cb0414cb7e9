//! `xcresulttool get test-results summary|tests` and `get build-results`: the JSON of Xcode 16.

use std::path::Path;

use serde_json::{Value, json};

use super::record::{CaseResult, Device, Issue, Record, Status, TestBundleResult};
use crate::clock::Moment;
use crate::swift::Script;

/// How many tests ended how.
#[derive(Default)]
struct Counts {
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl Counts {
    fn of<'a>(cases: impl IntoIterator<Item = &'a CaseResult>) -> Self {
        let mut counts = Self::default();
        for case in cases {
            match case.test.script {
                Script::Pass => counts.passed += 1,
                Script::Fail { .. } | Script::Crash { .. } => counts.failed += 1,
                Script::Skip { .. } => counts.skipped += 1,
            }
        }
        counts
    }

    const fn result(&self) -> &'static str {
        match (self.failed, self.passed, self.skipped) {
            (0, 0, 0) => "unknown",
            (0, 0, _) => "Skipped",
            (0, _, _) => "Passed",
            _ => "Failed",
        }
    }
}

fn bundles(record: &Record) -> &[TestBundleResult] {
    record.tests.as_ref().map_or(&[], |tests| &tests.bundles)
}

/// `get test-results summary`.
pub(super) fn summary(record: &Record) -> Value {
    let counts = Counts::of(bundles(record).iter().flat_map(|bundle| &bundle.cases));
    let plan = record.tests.as_ref().map_or(&record.scheme, |tests| &tests.name);
    json!({
        "devicesAndConfigurations": [{
            "device": device(&record.device),
            "expectedFailures": 0,
            "failedTests": counts.failed,
            "passedTests": counts.passed,
            "skippedTests": counts.skipped,
            "testPlanConfiguration": configuration(),
        }],
        "environmentDescription": format!("{} · Built with macOS {}", record.scheme, record.macos),
        "expectedFailures": 0,
        "failedTests": counts.failed,
        "finishTime": record.finished,
        "passedTests": counts.passed,
        "result": counts.result(),
        "skippedTests": counts.skipped,
        "startTime": record.started,
        "statistics": [],
        "testFailures": failures(record),
        "title": format!("Test - {plan}"),
        "topInsights": [],
        "totalTestCount": counts.passed + counts.failed + counts.skipped,
    })
}

fn failures(record: &Record) -> Vec<Value> {
    let mut rows = Vec::new();
    let mut number = 0;
    for bundle in bundles(record) {
        for case in &bundle.cases {
            number += 1;
            if let Some((text, _)) = failure(&case.test.script) {
                rows.push(json!({
                    "failureText": text,
                    "targetName": bundle.target,
                    "testIdentifier": number,
                    "testIdentifierString": case.test.identifier(),
                    "testIdentifierURL": url(record, bundle, &case.test.identifier()),
                    "testName": case.test.called(),
                }));
            }
        }
    }
    rows
}

/// A failure's text and line.
pub(super) fn failure(script: &Script) -> Option<(String, usize)> {
    match script {
        Script::Fail { message, line } => Some((message.clone(), *line)),
        Script::Crash { message, line } => Some((format!("Crash: Fatal error: {message}"), *line)),
        Script::Pass | Script::Skip { .. } => None,
    }
}

/// `get test-results tests`.
pub(super) fn tests(record: &Record) -> Value {
    let all = Counts::of(bundles(record).iter().flat_map(|bundle| &bundle.cases));
    let nodes: Vec<Value> = bundles(record).iter().map(|bundle| bundle_node(record, bundle)).collect();
    let plan = record.tests.as_ref().map(|tests| {
        json!([{
            "children": nodes,
            "name": tests.name,
            "nodeType": "Test Plan",
            "result": all.result(),
        }])
    });
    json!({
        "devices": [device(&record.device)],
        "testNodes": plan.unwrap_or_else(|| json!([])),
        "testPlanConfigurations": [configuration()],
    })
}

fn bundle_node(record: &Record, bundle: &TestBundleResult) -> Value {
    let mut suites: Vec<&str> = bundle.cases.iter().map(|case| case.test.suite.as_str()).collect();
    suites.sort_unstable();
    suites.dedup();
    let mut children = Vec::new();
    for suite in suites {
        let cases: Vec<&CaseResult> = bundle.cases.iter().filter(|case| case.test.suite == suite).collect();
        let nodes: Vec<Value> = cases.iter().map(|case| case_node(record, bundle, case)).collect();
        if suite.is_empty() {
            children.extend(nodes);
            continue;
        }
        children.push(json!({
            "children": nodes,
            "name": suite,
            "nodeIdentifierURL": url(record, bundle, suite),
            "nodeType": "Test Suite",
            "result": Counts::of(cases).result(),
        }));
    }
    json!({
        "children": children,
        "name": bundle.target,
        "nodeIdentifierURL": format!("test://com.apple.xcode/{}/{}", record.scheme, bundle.target),
        "nodeType": if bundle.is_ui { "UI test bundle" } else { "Unit test bundle" },
        "result": Counts::of(&bundle.cases).result(),
    })
}

fn case_node(record: &Record, bundle: &TestBundleResult, case: &CaseResult) -> Value {
    let test = &case.test;
    let mut node = json!({
        "duration": duration(case.seconds),
        "durationInSeconds": case.seconds,
        "name": test.display_name.clone().unwrap_or_else(|| test.called()),
        "nodeIdentifier": test.identifier(),
        "nodeIdentifierURL": url(record, bundle, &test.identifier()),
        "nodeType": "Test Case",
        "result": Counts::of([case]).result(),
    });
    let file = test.file.file_name().unwrap_or_default().to_string_lossy();
    let message = match &test.script {
        Script::Pass => None,
        Script::Skip { message, .. } => Some(format!("Test skipped - {message}")),
        Script::Fail { .. } | Script::Crash { .. } => failure(&test.script).map(|(text, line)| format!("{file}:{line}: {text}")),
    };
    if let Some(message) = message {
        node["children"] = json!([{ "name": message, "nodeType": "Failure Message" }]);
    }
    node
}

/// Two significant digits, as recorded: "0.0011s", "0.25s".
fn duration(seconds: f64) -> String {
    if seconds < 0.1 { format!("{seconds:.4}s") } else { format!("{seconds:.2}s") }
}

fn url(record: &Record, bundle: &TestBundleResult, identifier: &str) -> String {
    let plain = identifier.trim_end_matches("()");
    format!("test://com.apple.xcode/{}/{}/{plain}", record.scheme, bundle.target)
}

fn configuration() -> Value {
    json!({ "configurationId": "1", "configurationName": "Test Scheme Action" })
}

fn device(device: &Device) -> Value {
    json!({
        "architecture": device.architecture,
        "deviceId": device.id,
        "deviceName": device.name,
        "modelName": device.model,
        "osBuildNumber": device.build,
        "osVersion": device.version,
        "platform": device.platform,
    })
}

/// `get build-results`.
pub(super) fn build_results(record: &Record) -> Value {
    let (errors, warnings): (Vec<&Issue>, Vec<&Issue>) = record.issues.iter().partition(|issue| issue.is_error());
    let failed = !errors.is_empty() || (record.tests.is_none() && record.status == Status::Failed);
    json!({
        "actionTitle": record.title,
        "analyzerWarningCount": 0,
        "analyzerWarnings": [],
        "destination": device(&record.device),
        "endTime": record.finished,
        "errorCount": errors.len(),
        "errors": errors.into_iter().map(issue).collect::<Vec<Value>>(),
        "startTime": record.started,
        "status": if failed { "failed" } else { "succeeded" },
        "warningCount": warnings.len(),
        "warnings": warnings.into_iter().map(issue).collect::<Vec<Value>>(),
    })
}

/// An issue. Lines and columns count from 0 here, unlike in the log.
fn issue(issue: &Issue) -> Value {
    let mut row = json!({
        "issueType": if issue.is_error() { "Swift Compiler Error" } else { "Swift Compiler Warning" },
        "message": issue.message,
    });
    if !issue.target.is_empty() {
        row["targetName"] = json!(issue.target);
    }
    if let Some(place) = &issue.place {
        row["className"] = json!("DVTTextDocumentLocation");
        row["sourceURL"] = json!(source_url(&place.path, place.line, Some(place.column)));
    }
    row
}

/// A place as a URL, in which lines and columns count from 0.
pub(super) fn source_url(path: &Path, line: usize, column: Option<usize>) -> String {
    let line = line.saturating_sub(1);
    let columns = |name: &str| column.map(|column| format!("{name}ColumnNumber={}&", column.saturating_sub(1))).unwrap_or_default();
    format!(
        "file://{}#{}EndingLineNumber={line}&{}StartingLineNumber={line}&Timestamp={:.6}",
        percent_encoded(&path.to_string_lossy()),
        columns("Ending"),
        columns("Starting"),
        Moment::now().apple_seconds()
    )
}

/// A path as a URL has it.
fn percent_encoded(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~+@".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.extend(["%", &format!("{byte:02X}")]);
        }
    }
    encoded
}
