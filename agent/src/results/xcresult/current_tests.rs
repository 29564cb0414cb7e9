//! The current form: its traps, and what was recorded of it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

use rch_schemas::document::CaseCounts;
use serde_json::json;

use super::*;
use crate::fixture::recorded;

fn tree() -> Tree {
    Tree::at(Path::new("/s/tree")).with_files(["Tests/A.swift"])
}

fn report(nodes: &Value) -> TestReport {
    let tests = json!({ "devices": [{ "deviceName": "iPhone 16", "platform": "iOS Simulator", "osVersion": "18.2" }], "testNodes": nodes });
    test_report(&json!({}), &tests, &tree()).unwrap()
}

fn bundle(cases: &Value) -> Value {
    json!([{ "nodeType": "Test Plan", "name": "Plan", "children": [
        { "nodeType": "Unit test bundle", "name": "AppTests", "children": [
            { "nodeType": "Test Suite", "name": "A", "children": cases },
        ] },
    ] }])
}

fn row(case: &TestCase) -> (&str, Vec<&str>, TestResult, bool) {
    (&case.id, case.arguments.iter().map(String::as_str).collect(), case.result, case.flaky)
}

#[test]
fn arguments_make_cases_of_their_own_and_repetitions_do_not() {
    let cases = json!([
        { "nodeType": "Test Case", "name": "rounds(x:)", "nodeIdentifier": "A/rounds(x:)", "result": "Failed", "children": [
            { "nodeType": "Arguments", "name": "1", "result": "Passed", "duration": "0,5s" },
            { "nodeType": "Arguments", "name": "2", "result": "Failed", "durationInSeconds": 0.25, "duration": "9s",
              "children": [{ "nodeType": "Failure Message", "name": "A.swift:7: no", "result": "Skipped" }] },
        ] },
        { "nodeType": "Test Case", "name": "testB()", "nodeIdentifier": "A/testB()", "result": "Passed", "children": [
            { "nodeType": "Repetition", "name": "First Run", "result": "Failed",
              "children": [{ "nodeType": "Failure Message", "name": "A.swift:9: not yet" }] },
            { "nodeType": "Repetition", "name": "Retry 1", "result": "Passed" },
        ] },
    ]);
    let report = report(&bundle(&cases));
    let rows: Vec<_> = report.cases.iter().map(row).collect();
    assert_eq!(
        rows,
        [
            ("AppTests/A/rounds(x:)", vec!["1"], TestResult::Passed, false),
            ("AppTests/A/rounds(x:)", vec!["2"], TestResult::Failed, false),
            ("AppTests/A/testB", vec![], TestResult::Passed, true),
        ]
    );
    let durations: Vec<_> = report.cases.iter().map(|case| case.repetitions[0].duration_ms).collect();
    assert_eq!(durations, [Some(500), Some(250), None]);
    let failure = &report.cases[1].repetitions[0].failures[0];
    assert_eq!((failure.path.as_deref(), failure.line, failure.message.as_str()), (Some("Tests/A.swift"), Some(7), "no"));
    assert_eq!(report.cases[2].repetitions.len(), 2);
    assert_eq!((report.plan.as_deref(), report.cases[0].device.as_deref()), (Some("Plan"), Some("iPhone 16")));
}

#[test]
fn what_nobody_knows_is_kept_as_unknown_and_never_passed() {
    let cases = json!([
        { "nodeType": "Test Case", "name": "a()", "result": "Future Result Type" },
        { "nodeType": "Future Case", "name": "b()", "result": "Passed" },
        { "nodeType": "Test Case", "name": "c()" },
        { "nodeType": "Future Group", "name": "G", "children": [{ "nodeType": "Test Case", "name": "d()", "result": "Passed" }] },
    ]);
    let report = report(&bundle(&cases));
    let counts = CaseCounts::of(&report.cases);
    assert_eq!((counts.total, counts.unknown, counts.passed), (4, 3, 1), "{report:#?}");
}

#[test]
fn a_case_that_failed_as_a_whole_failed_though_its_parts_passed() {
    let cases = json!([{ "nodeType": "Test Case", "name": "a(x:)", "result": "Failed", "children": [
        { "nodeType": "Arguments", "name": "1", "result": "Passed" },
        { "nodeType": "Arguments", "name": "2", "result": "Passed" },
    ] }]);
    assert!(report(&bundle(&cases)).cases.iter().all(|case| case.result == TestResult::Failed));
}

#[test]
fn the_same_case_in_two_configurations_is_two() {
    let run = |name: &str, result: &str| json!({ "nodeType": "Test Plan Configuration", "name": name, "result": result });
    let nodes = bundle(
        &json!([{ "nodeType": "Test Case", "name": "a()", "nodeIdentifier": "A/a()", "result": "Failed", "children": [run("English", "Passed"), run("German", "Failed")] }]),
    );
    let tests =
        json!({ "testNodes": nodes, "testPlanConfigurations": [{ "configurationName": "English" }, { "configurationName": "German" }] });
    let report = test_report(&json!({}), &tests, &tree()).unwrap();
    let found: Vec<_> = report.cases.iter().map(|case| (case.configuration.as_deref(), case.result)).collect();
    assert_eq!(found, [(Some("English"), TestResult::Passed), (Some("German"), TestResult::Failed)]);
    assert_eq!(report.counts_by_place().len(), 2);
}

#[test]
fn a_failure_of_no_case_is_not_lost() {
    let summary = json!({ "testFailures": [
        { "targetName": "AppTests", "testName": "«unknown»", "failureText": "Issue recorded outside of a test" },
        { "targetName": "AppTests", "testIdentifierString": "A/a()", "testName": "a()", "failureText": "no" },
    ] });
    let cases = json!([{ "nodeType": "Test Case", "name": "a()", "nodeIdentifier": "A/a()", "result": "Failed" }]);
    let report = test_report(&summary, &json!({ "testNodes": bundle(&cases) }), &tree()).unwrap();
    let messages: Vec<_> = report.unattributed_failures.iter().map(|failure| failure.message.as_str()).collect();
    assert_eq!(messages, ["Issue recorded outside of a test"]);
}

#[test]
fn diagnostics_count_as_listed_and_their_lines_from_1() {
    let build = json!({
        "errors": [{ "issueType": "Swift Compiler Error", "message": "Cannot find 'x' in scope", "targetName": "App",
            "sourceURL": "file:///s/tree/A.swift#StartingColumnNumber=27&StartingLineNumber=6" }],
        "warningCount": 1,
        "warnings": [{ "message": "unused" }, { "message": "unused" }],
        "startTime": 10.0, "endTime": 12.5,
    });
    let results = build_results(&build, &tree()).unwrap();
    let error = &results.diagnostics.list[0];
    assert_eq!((error.path.as_deref(), error.line, error.column), (Some("A.swift"), Some(7), Some(28)));
    assert_eq!((results.diagnostics.counts.raw.warnings, results.diagnostics.counts.unique.warnings), (2, 1));
    assert_eq!(results.duration_ms, Some(2_500));
    assert!(build_results(&json!({ "errors": "none" }), &tree()).is_none());
}

#[test]
fn recorded_results_give_counts_and_failing_tests_with_places() {
    let Some(fixtures) = recorded("xcresult/get-test-results") else { return };
    let read = |name: &str| -> Value { serde_json::from_slice(&std::fs::read(fixtures.join(name)).unwrap()).unwrap() };
    for (name, of_cases, of_summary) in
        [("codemagic", [8, 4, 3, 1, 0], 8), ("randomstuff-a", [8, 8, 0, 0, 0], 5), ("randomstuff-c", [7, 3, 2, 1, 1], 7)]
    {
        let summary = read(&format!("{name}-summary.json"));
        let report = test_report(&summary, &read(&format!("{name}-tests.json")), &tree()).unwrap();
        let counts = CaseCounts::of(&report.cases);
        assert_eq!([counts.total, counts.passed, counts.failed, counts.skipped, counts.expected_failures], of_cases, "{name}");
        // A summary counts a test with arguments once, and once for each in the list of devices.
        let placed = &summary["devicesAndConfigurations"][0];
        assert_eq!(placed["passedTests"], counts.passed, "{name}");
        assert_eq!(super::counts(&summary).unwrap().total, of_summary, "{name}");
        assert_eq!(report.unattributed_failures, [], "{name}");
    }
    let report = test_report(&read("codemagic-summary.json"), &read("codemagic-tests.json"), &tree()).unwrap();
    let failed = super::super::super::log::failing(&report.cases);
    assert_eq!(
        (failed[0].id.as_str(), failed[0].path.as_deref(), failed[0].line),
        ("banaanTests/banaanTests/testExceptionExample", Some("banaanTests.swift"), Some(50))
    );
    let skipped = report.cases.iter().find(|case| case.result == TestResult::Skipped).unwrap();
    assert_eq!(skipped.skipped_reason.as_deref(), Some("This test is skipped"));
    assert_eq!(skipped.repetitions[0].duration_ms, Some(5));
}
