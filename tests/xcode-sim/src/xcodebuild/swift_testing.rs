//! What Swift Testing prints.

use super::testing::{Selected, Testing, case_result, has_failed};
use super::xctest::total_seconds;
use crate::swift::{Script, TestMethod};
use crate::tempo::Interrupted;
use crate::xcresult::CaseResult;

/// Runs the `@Test` functions of a bundle.
pub(crate) fn run(selected: &Selected<'_>, testing: &mut Testing<'_, '_>, cases: &mut Vec<CaseResult>) -> Result<(), Interrupted> {
    let first = cases.len();
    testing.log.line("◇ Test run started.\n↳ Testing Library Version: 102 (simulated)");
    let mut suites: Vec<&str> = selected.tests.iter().map(|test| test.suite.as_str()).collect();
    suites.dedup();
    for suite in suites {
        let suite_first = cases.len();
        if !suite.is_empty() {
            testing.log.line(format!("◇ Suite {suite} started."));
        }
        for test in selected.tests.iter().filter(|test| test.suite == suite) {
            run_case(test, testing)?;
            cases.push(case_result(test));
        }
        if !suite.is_empty() {
            end_line(&format!("Suite {suite}"), &cases[suite_first..], testing);
        }
    }
    let ran = cases.len() - first;
    let noun = if ran == 1 { "test" } else { "tests" };
    end_line(&format!("Test run with {ran} {noun}"), &cases[first..], testing);
    Ok(())
}

fn run_case(test: &TestMethod, testing: &mut Testing<'_, '_>) -> Result<(), Interrupted> {
    let name = match &test.display_name {
        Some(name) => format!("\"{name}\""),
        None => format!("{}()", test.name),
    };
    if let Script::Skip { message, .. } = &test.script {
        testing.log.line(format!("➜ Test {name} skipped: \"{message}\""));
        return Ok(());
    }
    testing.log.line(format!("◇ Test {name} started."));
    testing.pass_time()?;
    if let Script::Fail { message, line } | Script::Crash { message, line } = &test.script {
        let file = test.file.file_name().unwrap_or_default().to_string_lossy();
        testing.log.line(format!("✘ Test {name} recorded an issue at {file}:{line}:9: {message}"));
    }
    end_line(&format!("Test {name}"), &[case_result(test)], testing);
    Ok(())
}

fn end_line(what: &str, cases: &[CaseResult], testing: &mut Testing<'_, '_>) {
    let seconds = total_seconds(cases);
    let failures = cases.iter().filter(|case| has_failed(&case.test.script)).count();
    let text = match failures {
        0 => format!("✔ {what} passed after {seconds:.3} seconds."),
        1 => format!("✘ {what} failed after {seconds:.3} seconds with 1 issue."),
        count => format!("✘ {what} failed after {seconds:.3} seconds with {count} issues."),
    };
    testing.log.line(text);
}
