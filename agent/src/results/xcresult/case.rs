//! What both forms of a result bundle say of one case, in the farm's words.

use rch_schemas::document::{Crash, CrashedProcess, Repetition, TestCase, TestFailure, TestResult};

use super::super::log::cut;
use super::super::place::{self, Tree};

/// What tells one case from another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) id: String,
    pub(super) configuration: Option<String>,
    pub(super) device: Option<String>,
    pub(super) arguments: Vec<String>,
}

/// `target/suite/name` of a target and what the tool calls an identifier.
pub(super) fn id(target: &str, identifier: &str) -> String {
    let identifier = identifier.strip_suffix("()").unwrap_or(identifier);
    if target.is_empty() { identifier.to_owned() } else { format!("{target}/{identifier}") }
}

/// A word for a result, of either form. What is not known stays unknown.
pub(super) fn result(word: Option<&str>) -> TestResult {
    match word {
        Some("Passed" | "Success") => TestResult::Passed,
        Some("Failed" | "Failure") => TestResult::Failed,
        Some("Skipped") => TestResult::Skipped,
        Some("Expected Failure") => TestResult::ExpectedFailure,
        Some(_) | None => TestResult::Unknown,
    }
}

/// A failure's text, which may start with its place.
pub(super) fn failure(text: &str, tree: &Tree) -> TestFailure {
    match place::split(text) {
        Some(placed) => TestFailure { message: cut(placed.rest), path: Some(tree.place(placed.path)), line: Some(placed.line) },
        None => TestFailure { message: cut(text), path: None, line: None },
    }
}

/// A case of its repetitions. `said` is what the tool itself says it came to: a last repetition that passed does not outweigh it.
pub(super) fn case(key: Key, display_name: &str, repetitions: Vec<Repetition>, said: TestResult) -> TestCase {
    let last = repetitions.last().map_or(TestResult::Unknown, |repetition| repetition.result);
    let result = if said == TestResult::Unknown { last } else { said };
    let has_failed = repetitions.iter().any(|repetition| repetition.result == TestResult::Failed);
    let reason = || repetitions.iter().rev().flat_map(|repetition| &repetition.failures).map(|failure| failure.message.as_str()).next();
    let skipped_reason = || Some(reason()?.trim_start_matches("Test skipped").trim_start_matches([' ', '-']).to_owned());
    let crash = || repetitions.iter().rev().flat_map(|repetition| &repetition.failures).find_map(|failure| crash(&failure.message));
    TestCase {
        id: key.id,
        display_name: cut(display_name),
        configuration: key.configuration,
        device: key.device,
        arguments: key.arguments,
        result,
        flaky: result == TestResult::Passed && has_failed,
        skipped_reason: if result == TestResult::Skipped { skipped_reason().filter(|reason| !reason.is_empty()) } else { None },
        expected_failure: if result == TestResult::ExpectedFailure { reason().map(str::to_owned) } else { None },
        attachments: Vec::new(),
        crash: if result == TestResult::Failed { crash() } else { None },
        repetitions,
    }
}

/// `Crash: SampleApp at Post.init(json:)`, `Crash: SampleApp (4312) at …`.
fn crash(message: &str) -> Option<Crash> {
    let rest = message.strip_prefix("Crash: ")?;
    let process = rest.split_once(" at ").map(|(process, _)| process.split(" (").next().unwrap_or(process).to_owned());
    Some(Crash { process, message: message.to_owned() })
}

/// The processes that crashed, by what the cases say.
pub(super) fn crashed_processes(cases: &[TestCase]) -> Vec<CrashedProcess> {
    let crashed = cases.iter().filter_map(|case| {
        let crash = case.crash.as_ref()?;
        let pid = crash.message.split_once(" (").and_then(|(_, rest)| rest.split_once(')')?.0.parse().ok());
        Some(CrashedProcess { process: crash.process.clone()?, pid, message: crash.message.clone(), case: Some(case.id.clone()) })
    });
    crashed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(result: TestResult, message: &str) -> Repetition {
        let failures = (!message.is_empty()).then(|| TestFailure { message: message.to_owned(), path: None, line: None });
        Repetition { result, duration_ms: None, failures: failures.into_iter().collect() }
    }

    #[test]
    fn a_case_that_passed_at_last_is_flaky_unless_the_tool_says_that_it_failed() {
        let runs = || vec![ran(TestResult::Failed, "no"), ran(TestResult::Passed, "")];
        for (said, expected) in [
            (TestResult::Passed, (TestResult::Passed, true)),
            (TestResult::Unknown, (TestResult::Passed, true)),
            (TestResult::Failed, (TestResult::Failed, false)),
        ] {
            let case = case(Key::default(), "a", runs(), said);
            assert_eq!((case.result, case.flaky), expected, "{said:?}");
        }
        assert_eq!(case(Key::default(), "a", Vec::new(), TestResult::Unknown).result, TestResult::Unknown);
    }

    #[test]
    fn a_crash_names_its_process() {
        let case =
            case(Key::default(), "a", vec![ran(TestResult::Failed, "Crash: SampleApp (4312) at Post.init(json:)")], TestResult::Failed);
        let [crashed] = &crashed_processes(&[case])[..] else { panic!("one process crashed") };
        assert_eq!((crashed.process.as_str(), crashed.pid), ("SampleApp", Some(4312)));
    }

    #[test]
    fn a_result_nobody_knows_is_unknown() {
        for word in [None, Some("Future Result Type"), Some("passed"), Some("unknown")] {
            assert_eq!(result(word), TestResult::Unknown, "{word:?}");
        }
    }
}
