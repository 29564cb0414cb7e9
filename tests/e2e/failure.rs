//! A job that fails, and what its owner learns of it.

use std::fs;
use std::process::Stdio;

use crate::harness::{Project, rch, read_json, shared};

const BROKEN: &str = "Sources/Feed/FeedView.swift";

#[test]
fn a_compile_error_is_shown_with_file_line_and_column_and_exits_50() {
    let (farm, project) = (shared(), Project::sample());
    let line = project.append(BROKEN, "#error(\"broken on purpose\")");
    let place = format!("{BROKEN}:{line}:");

    let shown = farm.rch(project.path()).args(["xcode", "verify"]).stdin(Stdio::null()).output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&shown.stdout), String::from_utf8_lossy(&shown.stderr));
    assert_eq!(shown.status.code(), Some(50), "{text}");
    let column = text.split(&place).nth(1).unwrap_or_else(|| panic!("{place} is not in\n{text}"));
    assert!(column.starts_with(|digit: char| digit.is_ascii_digit()) && column.contains("error: broken on purpose"), "{text}");

    let outcome = rch(farm, project.path(), &["xcode", "verify"]).expect(50);
    assert_eq!(outcome.reason(), "COMPILE");
    let summary = outcome.document("build", "summary.json");
    let error = &summary["first_errors"][0];
    assert_eq!((&error["path"], &error["line"]), (&BROKEN.into(), &line.into()));
    assert!(error["column"].as_u64() > Some(0) && error["message"].as_str().unwrap().contains("broken on purpose"), "{error}");
}

#[test]
fn what_comes_after_a_failed_step_is_skipped() {
    let (farm, project) = (shared(), Project::sample());
    project.append(BROKEN, "struct Unbalanced {");
    let outcome = rch(farm, project.path(), &["xcode", "verify"]).expect(50);
    assert!(outcome.said("Skipped").contains(&"test, because build failed"), "{:#?}", outcome.lines);
    let run = read_json(&outcome.artifacts().join("run_summary.json"));
    assert_eq!((&run["status"], &run["exit_code"]), (&"FAILED".into(), &50.into()));
}

#[test]
fn a_failing_test_is_named_with_its_place_and_exits_50() {
    let (farm, project) = (shared(), Project::sample());
    let test =
        "import XCTest\nfinal class BrokenTests: XCTestCase {\n    func testOnPurpose() {\n        XCTFail(\"on purpose\")\n    }\n}\n";
    let file = project.file("Tests/PostTests.swift");
    fs::write(&file, format!("{}\n{test}", fs::read_to_string(&file).unwrap())).unwrap();

    let outcome = rch(farm, project.path(), &["xcode", "run", "--action", "test"]).expect(50);
    assert_eq!(outcome.reason(), "TEST_FAILED");
    let failing = outcome.document("test", "summary.json")["failing_tests"][0].clone();
    assert!(
        failing["id"].as_str().unwrap().contains("BrokenTests") && failing["message"].as_str().unwrap().contains("on purpose"),
        "{failing}"
    );
    assert_eq!(failing["path"], "Tests/PostTests.swift");
}

#[test]
fn a_job_that_takes_too_long_is_ended_and_exits_40() {
    let project = Project::sample().simulate(&[("HANG", "build")]).configure("[timeouts]\noverall_seconds = 2");
    let outcome = rch(shared(), project.path(), &["xcode", "run", "--action", "build"]).expect(40);
    assert_eq!(outcome.reason(), "TIMEOUT_OVERALL");
    assert_eq!(outcome.document("build", "summary.json")["failure_kind"], "EXECUTOR");
}

#[test]
fn a_job_that_says_nothing_for_too_long_is_ended_though_it_ignores_signals() {
    let hang = [("HANG", "build,silent"), ("IGNORE_SIGNALS", "1")];
    let project = Project::sample().simulate(&hang).configure("[timeouts]\nidle_log_seconds = 1");
    let outcome = rch(shared(), project.path(), &["xcode", "run", "--action", "build"]).expect(40);
    assert_eq!(outcome.reason(), "TIMEOUT_IDLE");
}
