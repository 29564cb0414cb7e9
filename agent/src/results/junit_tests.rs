//! What a reader finds in `junit.xml`.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use rch_schemas::document::{CaseCounts, Crash, ReportSource};

use super::*;

fn case(id: &str, result: TestResult) -> TestCase {
    let failures =
        || vec![TestFailure { message: "no <b> & \"c\" \u{1b}[31mred\u{0}".to_owned(), path: Some("T/A.swift".to_owned()), line: Some(7) }];
    let repetition = |result| Repetition {
        result,
        duration_ms: Some(1_500),
        failures: if result == TestResult::Failed { failures() } else { Vec::new() },
    };
    TestCase {
        id: id.to_owned(),
        display_name: id.to_owned(),
        configuration: None,
        device: None,
        arguments: Vec::new(),
        repetitions: vec![repetition(result)],
        result,
        flaky: false,
        skipped_reason: Some("later".to_owned()).filter(|_| result == TestResult::Skipped),
        expected_failure: Some("known".to_owned()).filter(|_| result == TestResult::ExpectedFailure),
        attachments: Vec::new(),
        crash: None,
    }
}

fn report(cases: Vec<TestCase>) -> TestReport {
    TestReport {
        source: ReportSource::Xcresult,
        plan: Some("Plan".to_owned()),
        devices: Vec::new(),
        duration_ms: 2_500,
        cases,
        unattributed_failures: Vec::new(),
        crashed_processes: Vec::new(),
    }
}

fn written(report: &TestReport) -> (String, Report) {
    let text = junit(report).unwrap();
    let read = Report::deserialize_from_str(&text).unwrap();
    (text, read)
}

#[test]
fn every_result_counts_as_what_it_is_and_unknown_as_an_error() {
    let cases = [
        ("T/A/a", TestResult::Passed),
        ("T/A/b", TestResult::Failed),
        ("T/A/c", TestResult::Skipped),
        ("T/A/d", TestResult::ExpectedFailure),
        ("T/B/e", TestResult::NotRun),
        ("T/f", TestResult::Unknown),
    ];
    let report = report(cases.map(|(id, result)| case(id, result)).to_vec());
    let (text, read) = written(&report);
    assert_eq!((read.tests, read.failures, read.errors, read.skipped), (6, 1, 1, 3));
    let names: Vec<_> = read.test_suites.iter().map(|suite| suite.name.as_str().to_owned()).collect();
    assert_eq!(names, ["T.A", "T.B", "T"]);
    assert!(text.contains("file=\"T/A.swift\" line=\"7\"") || text.contains("line=\"7\" file=\"T/A.swift\""), "{text}");
    assert!(
        text.contains("type=\"expected-failure\"") && text.contains("message=\"known\"") && text.contains("message=\"later\""),
        "{text}"
    );
    assert!(text.contains("time=\"1.500\""), "{text}");
    assert_eq!(CaseCounts::of(&report.cases).total as usize, read.tests);
}

#[test]
fn control_characters_are_gone_and_markup_is_text() {
    let (text, _) = written(&report(vec![case("T/A/b\u{7}", TestResult::Failed)]));
    assert!(text.contains("no &lt;b&gt; &amp;"), "{text}");
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
}

#[test]
fn earlier_failures_are_told_as_such() {
    let twice = |result| {
        let mut case = case("T/A/a", result);
        case.repetitions.insert(0, self::case("T/A/a", TestResult::Failed).repetitions.remove(0));
        case
    };
    let (text, _) = written(&report(vec![twice(TestResult::Passed)]));
    assert!(text.contains("<flakyFailure") && !text.contains("<failure"), "{text}");
    let (text, _) = written(&report(vec![twice(TestResult::Failed)]));
    assert!(text.contains("<rerunFailure") && text.contains("<failure"), "{text}");
}

#[test]
fn arguments_configurations_and_devices_tell_cases_apart() {
    let at = |configuration: &str| TestCase {
        arguments: vec!["90".to_owned(), "\"x\"".to_owned()],
        configuration: Some(configuration.to_owned()),
        device: Some("iPhone 16".to_owned()),
        ..case("T/A/rounds(seconds:_:)", TestResult::Passed)
    };
    let (_, read) = written(&report(vec![at("English"), at("German")]));
    let names: Vec<_> = read.test_suites.iter().map(|suite| (suite.name.as_str(), suite.test_cases[0].name.as_str())).collect();
    assert_eq!(names, [("T.A (English, iPhone 16)", "rounds(90, \"x\")"), ("T.A (German, iPhone 16)", "rounds(90, \"x\")")]);
}

#[test]
fn failures_of_no_test_are_one_case_and_a_crash_says_so() {
    let mut crashed = case("T/A/a", TestResult::Failed);
    crashed.repetitions[0].failures.clear();
    crashed.crash = Some(Crash { process: None, message: "Crash: App at main".to_owned() });
    let mut report = report(vec![crashed]);
    let failure = |message: &str| TestFailure { message: message.to_owned(), path: None, line: None };
    report.unattributed_failures = vec![failure("the runner did not come up"), failure("twice")];
    let (text, read) = written(&report);
    assert_eq!((read.tests, read.failures, read.errors), (2, 1, 1));
    assert!(text.contains("Crash: App at main") && text.contains("the runner did not come up\ntwice"), "{text}");
}
