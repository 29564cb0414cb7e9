//! What XCTest prints.

use super::testing::{Selected, Testing, case_result, has_failed};
use crate::clock::Moment;
use crate::swift::{Script, TestKind, TestMethod};
use crate::tempo::Interrupted;
use crate::xcresult::CaseResult;

/// Runs the XCTest cases of a bundle.
pub(crate) fn run(selected: &Selected<'_>, testing: &mut Testing<'_, '_>, cases: &mut Vec<CaseResult>) -> Result<(), Interrupted> {
    let is_whole = testing.selection.only.is_empty() && testing.selection.skip.is_empty();
    let all = if is_whole { "All tests" } else { "Selected tests" };
    let bundle = format!("{}.xctest", selected.target);
    let first = cases.len();
    suite_started(all, testing);
    suite_started(&bundle, testing);
    for suite in suites(&selected.tests) {
        let suite_first = cases.len();
        suite_started(suite, testing);
        for test in selected.tests.iter().filter(|test| test.suite == suite) {
            run_case(selected.target, test, testing)?;
            cases.push(case_result(test));
        }
        suite_ended(suite, &cases[suite_first..], testing);
    }
    suite_ended(&bundle, &cases[first..], testing);
    suite_ended(all, &cases[first..], testing);
    Ok(())
}

/// The classes, in order.
fn suites<'a>(tests: &[&'a TestMethod]) -> Vec<&'a str> {
    let mut suites: Vec<&str> = tests.iter().map(|test| test.suite.as_str()).collect();
    suites.dedup();
    suites
}

fn suite_started(name: &str, testing: &mut Testing<'_, '_>) {
    let text = match &testing.clone {
        Some(clone) => format!("Test suite '{name}' started on '{clone}'"),
        None => format!("Test Suite '{name}' started at {}.", Moment::now().log_form()),
    };
    testing.log.line(text);
}

fn suite_ended(name: &str, cases: &[CaseResult], testing: &mut Testing<'_, '_>) {
    if testing.clone.is_some() {
        return;
    }
    let failures = cases.iter().filter(|case| has_failed(&case.test.script)).count();
    let skipped = cases.iter().filter(|case| matches!(case.test.script, Script::Skip { .. })).count();
    let verb = if failures > 0 { "failed" } else { "passed" };
    let seconds = total_seconds(cases);
    let skipped = match skipped {
        0 => String::new(),
        count => format!("{} skipped and ", counted(count, "test")),
    };
    testing.log.line(format!("Test Suite '{name}' {verb} at {}.", Moment::now().log_form()));
    testing.log.line(format!(
        "\t Executed {}, with {skipped}{} (0 unexpected) in {seconds:.3} ({:.3}) seconds",
        counted(cases.len(), "test"),
        counted(failures, "failure"),
        seconds + 0.001
    ));
}

/// Summed from a plain zero: the sum of nothing would be written "-0.000".
pub(super) fn total_seconds(cases: &[CaseResult]) -> f64 {
    cases.iter().fold(0.0, |total, case| total + case.seconds)
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

fn run_case(target: &str, test: &TestMethod, testing: &mut Testing<'_, '_>) -> Result<(), Interrupted> {
    let module: String = target.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    let name = match test.kind {
        TestKind::ObjectiveC => format!("-[{} {}]", test.suite, test.name),
        TestKind::XcTest | TestKind::SwiftTesting => format!("-[{module}.{} {}]", test.suite, test.name),
    };
    let file = test.file.display();
    let seconds = case_result(test).seconds;
    let is_serial = testing.clone.is_none();
    if is_serial {
        testing.log.line(format!("Test Case '{name}' started."));
    }
    testing.pass_time()?;
    let verb = match &test.script {
        Script::Pass => "passed",
        Script::Fail { message, line } => {
            testing.log.line(format!("{file}:{line}: error: {name} : {message}"));
            "failed"
        }
        Script::Skip { message, line } => {
            testing.log.line(format!("{file}:{line}: {name} : Test skipped - {message}"));
            "skipped"
        }
        Script::Crash { message, line } => {
            testing.log.line(format!("{file}:{line}: Fatal error: {message}"));
            testing.log.line(format!(
                "\nRestarting after unexpected exit, crash, or test timeout in {}.{}(); summary will include totals from \
                 previous launches.\n",
                test.suite, test.name
            ));
            return Ok(());
        }
    };
    match &testing.clone {
        Some(clone) => testing.log.line(format!("Test case '{}.{}()' {verb} on '{clone}' ({seconds:.3} seconds)", test.suite, test.name)),
        None => testing.log.line(format!("Test Case '{name}' {verb} ({seconds:.3} seconds).")),
    }
    Ok(())
}
