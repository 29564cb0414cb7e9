//! The older form: its traps, and what was recorded of it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};

use rch_schemas::document::CaseCounts;
use serde_json::json;

use super::*;
use crate::fixture::recorded;

fn tree() -> Tree {
    Tree::at(Path::new("/s/tree"))
}

fn wrapped(text: &str) -> Value {
    json!({ "_value": text })
}

fn array(values: &[Value]) -> Value {
    json!({ "_values": values })
}

fn metadata(name: &str, status: &str) -> Value {
    json!({ "_type": { "_name": "ActionTestMetadata" }, "name": wrapped(name), "identifier": wrapped(&format!("A/{name}")), "testStatus": wrapped(status) })
}

fn object(tests: &[Value]) -> Value {
    let group = json!({ "_type": { "_name": "ActionTestSummaryGroup" }, "name": wrapped("A"), "subtests": array(tests) });
    let testable = json!({ "targetName": wrapped("AppTests"), "tests": array(&[group]) });
    json!({ "summaries": array(&[json!({ "name": wrapped("Test Scheme Action"), "testableSummaries": array(&[testable]) })]) })
}

fn record(status: &str) -> Record {
    let failure = json!({
        "message": wrapped("no"), "producingTarget": wrapped("AppTests"), "testCaseName": wrapped("A.testA()"),
        "documentLocationInCreatingWorkspace": { "url": wrapped("file:///s/tree/A.swift#StartingLineNumber=43") },
    });
    let stray = json!({ "message": wrapped("outside of a test") });
    let issues = json!({ "testFailureSummaries": array(&[failure, stray]) });
    let action = json!({ "actionResult": { "status": wrapped(status), "issues": issues.clone(), "testsRef": { "id": wrapped("0~a") } } });
    Record::of(json!({ "_type": { "_name": "ActionsInvocationRecord" }, "issues": issues, "actions": array(&[action]) })).unwrap()
}

fn results(report: &TestReport) -> Vec<(TestResult, bool, usize)> {
    report.cases.iter().map(|case| (case.result, case.flaky, case.repetitions.len())).collect()
}

#[test]
fn rows_of_one_name_are_repetitions_only_where_the_action_succeeded_in_spite_of_a_failure() {
    let rows = object(&[metadata("testA()", "Failure"), metadata("testA()", "Success")]);
    let flaky = record("succeeded").test_report(std::slice::from_ref(&rows), &tree());
    assert_eq!(results(&flaky), [(TestResult::Passed, true, 2)]);
    let failed = record("failed").test_report(&[rows], &tree());
    assert_eq!(results(&failed), [(TestResult::Failed, false, 1), (TestResult::Passed, false, 1)]);
    let arguments = object(&[metadata("testA()", "Success"), metadata("testA()", "Success")]);
    assert_eq!(record("succeeded").test_report(&[arguments], &tree()).cases.len(), 2);
}

#[test]
fn a_failure_stands_at_its_case_and_one_of_no_case_beside_them() {
    let report = record("failed").test_report(&[object(&[metadata("testA()", "Failure"), metadata("testB()", "Odd")])], &tree());
    let failure = &report.cases[0].repetitions[0].failures[0];
    assert_eq!((failure.message.as_str(), failure.path.as_deref(), failure.line), ("no", Some("A.swift"), Some(44)));
    assert_eq!(report.cases[1].result, TestResult::Unknown);
    let stray: Vec<_> = report.unattributed_failures.iter().map(|failure| failure.message.as_str()).collect();
    assert_eq!(stray, ["outside of a test"]);
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn recorded_root(folder: &Path, name: &str) -> Record {
    Record::of(read(&folder.join(format!("{name}-root.json")))).unwrap()
}

#[test]
fn recorded_roots_list_each_issue_twice_and_it_is_counted_once() {
    let Some(folder) = recorded("xcresult/legacy") else { return };
    let counts = |name: &str| {
        let results = recorded_root(&folder, name).build_results(&tree());
        (results.diagnostics.counts.raw, results.diagnostics.counts.unique, results)
    };
    let (raw, unique, _) = counts("danger-build_error");
    assert_eq!((raw.errors + raw.warnings, unique.errors + unique.warnings), (48, 24));
    let (raw, unique, results) = counts("kishikawakatsumi-BuildError");
    assert_eq!((raw.errors, unique.errors), (12, 6));
    // StartingLineNumber=6 is line 7, StartingColumnNumber=27 column 28.
    let first = results.diagnostics.placed_errors().next().unwrap();
    assert!(first.path.ends_with("ViewController.swift"), "{first:?}");
    assert_eq!((first.line, first.column), (7, Some(28)));
    assert!(results.diagnostics.unplaced_errors().next().is_none(), "a cancelled test is a consequence");
    assert_eq!(results.duration_ms, Some(18_263));
}

#[test]
fn recorded_tests_count_as_their_root_does() {
    let Some(folder) = recorded("xcresult/legacy") else { return };
    let mut names: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    let mut seen = 0;
    for tests in names.iter().filter(|path| path.to_string_lossy().ends_with("-tests.json")) {
        let name = tests.file_name().unwrap().to_string_lossy().trim_end_matches("-tests.json").to_owned();
        if !folder.join(format!("{name}-root.json")).is_file() {
            continue;
        }
        let record = recorded_root(&folder, &name);
        let report = record.test_report(&[read(tests)], &tree());
        let counts = CaseCounts::of(&report.cases);
        let metric = |member: &str| text(&record.root["metrics"][member]).map_or(0, |count| count.parse().unwrap());
        println!("{name}: {} cases, {} passed, {} failed, {} unknown", counts.total, counts.passed, counts.failed, counts.unknown);
        assert_eq!(counts.failed, metric("testsFailedCount").max(system_failures(&report)), "{name}");
        // What has no status was not counted by the tool, and is no success here.
        assert_eq!(counts.total - counts.unknown, metric("testsCount"), "{name}");
        assert!(report.duration_ms > 0 && !report.devices.is_empty(), "{name}");
        seen += 1;
    }
    assert!(seen >= 8, "{seen}");
}

/// Runners that did not come up: rows that the metrics do not count as failed.
fn system_failures(report: &TestReport) -> u32 {
    let of_system = report.cases.iter().filter(|case| case.id.contains("encountered an error"));
    u32::try_from(of_system.count()).unwrap()
}
