//! What one line of a log says about tests: XCTest's serial and parallel form, Swift Testing's, and xcodebuild's own.

use rch_schemas::document::TestResult;

use super::duration;
use super::place;

/// A test as a log names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TestName {
    /// The module, where the line names it.
    pub(super) module: Option<String>,
    /// `Suite/test`, or the test alone; never with an empty pair of brackets behind it.
    pub(super) path: String,
}

/// What a line says.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum TestLine<'a> {
    /// The tests of a bundle begin.
    Bundle(&'a str),
    /// A test begins; `again` when it is not its first time.
    Started { name: TestName, again: bool },
    /// A test ended.
    Ended { name: TestName, result: TestResult, duration_ms: Option<u64>, device: Option<&'a str>, reason: Option<&'a str> },
    /// Something failed in a test; in the one that runs, when the line names none.
    Failed { name: Option<TestName>, place: Option<(&'a str, u32)>, message: &'a str },
    /// Something failed as it was expected to.
    FailedAsExpected { name: TestName, message: &'a str },
    /// A test says why it is skipped.
    Skipping { name: TestName, reason: &'a str },
    /// A test took its process with it.
    Crashed { name: Option<TestName>, message: &'a str },
    /// A process ended before or beside its tests: `AppTests.app (4711) encountered an error (…)`.
    Session(&'a str),
}

/// Reads a line. `None` for what says nothing about a test.
pub(super) fn read(line: &str) -> Option<TestLine<'_>> {
    // A runner that dies prints its barrier without an end of line.
    let line = line.trim_start_matches("XCTestOutputBarrier");
    if let Some(rest) = line.strip_prefix("Test Suite '").or_else(|| line.strip_prefix("Test suite '")) {
        let (name, after) = rest.split_once("' started")?;
        let _ = after;
        return Some(TestLine::Bundle(name.strip_suffix(".xctest")?));
    }
    if let Some(rest) = line.strip_prefix("Test Case '").or_else(|| line.strip_prefix("Test case '")) {
        return xctest(rest);
    }
    if let Some(rest) = line.strip_prefix("Restarting after unexpected exit") {
        let name = rest.split_once(" in ").and_then(|(_, name)| name.split(';').next()).map(|name| test_name(name.trim()));
        return Some(TestLine::Crashed { name, message: line });
    }
    if let Some((_, rest)) = line.split_once(" Assertion Failure: ").filter(|(time, _)| time.trim_start().starts_with("t = ")) {
        let placed = place::split(rest);
        let place = placed.as_ref().map(|placed| (placed.path, placed.line));
        return Some(TestLine::Failed { name: None, place, message: placed.map_or(rest, |placed| placed.rest) });
    }
    if line.contains(" encountered an error (") && line.starts_with(char::is_whitespace) {
        return Some(TestLine::Session(line.trim()));
    }
    placed(line).or_else(|| swift_testing(line))
}

/// `-[Module.Suite test]`, `-[Suite test]`, `Suite.test()`, `Suite/test()`, `test()`, `"a name"`.
pub(super) fn test_name(text: &str) -> TestName {
    let bare = |path: &str| path.strip_suffix("()").unwrap_or(path).to_owned();
    if let Some(method) = text.strip_prefix("-[").and_then(|name| name.strip_suffix(']')) {
        let (class, name) = method.split_once(' ').unwrap_or(("", method));
        return match class.split_once('.') {
            Some((module, suite)) => TestName { module: Some(module.to_owned()), path: format!("{suite}/{}", bare(name)) },
            None => TestName { module: None, path: format!("{class}/{}", bare(name)) },
        };
    }
    let text = text.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(text);
    let path = if !text.contains(['/', ' ']) && text.split('(').next().is_some_and(|name| name.contains('.')) {
        text.replacen('.', "/", 1)
    } else {
        text.to_owned()
    };
    TestName { module: None, path: bare(&path) }
}

/// Behind `Test Case '`: `-[A.B c]' passed (0.001 seconds).`, `A.b()' failed on 'Clone 1 of X - App (1)' (0.000 seconds)`.
fn xctest(rest: &str) -> Option<TestLine<'_>> {
    let (name, verb, after) = ["started", "passed", "failed", "skipped"].iter().find_map(|verb| {
        let at = rest.rfind(&format!("' {verb}"))?;
        let after = &rest[at + 2 + verb.len()..];
        (after.is_empty() || after.starts_with([' ', '.'])).then(|| (test_name(&rest[..at]), *verb, after))
    })?;
    let result = match verb {
        "started" => return Some(TestLine::Started { name, again: iteration(after) > 1 }),
        "passed" => TestResult::Passed,
        "failed" => TestResult::Failed,
        _ => TestResult::Skipped,
    };
    let device = after.strip_prefix(" on '").and_then(|device| Some(device.split_once('\'')?.0));
    let seconds = after.rsplit_once('(').and_then(|(_, time)| time.split_once(" seconds)"));
    let duration_ms = seconds.and_then(|(seconds, _)| duration::milliseconds(seconds));
    Some(TestLine::Ended { name, result, duration_ms, device: device.map(device_name), reason: None })
}

/// `Clone 1 of iPhone 16` of `Clone 1 of iPhone 16 - AppTests.app (4711)`.
fn device_name(text: &str) -> &str {
    text.rsplit_once(" - ").map_or(text, |(device, _)| device)
}

/// The number in ` (Iteration 2 of 3).`; 1 without it.
fn iteration(after: &str) -> u32 {
    let number = after.split_once("(Iteration ").and_then(|(_, rest)| rest.split_once(" of "));
    number.and_then(|(number, _)| number.parse().ok()).unwrap_or(1)
}

/// `path:7: error: -[A.B c] : message`, `path:7: -[A.B c] : Test skipped - reason`.
fn placed(line: &str) -> Option<TestLine<'_>> {
    let bare = line.strip_prefix("<unknown>:0: ").unwrap_or(line);
    if let Some(rest) = bare.strip_prefix("error: ").filter(|rest| rest.starts_with("-[")) {
        return failed_name(rest).map(|(name, message)| TestLine::Failed { name: Some(name), place: None, message });
    }
    let placed = place::split(line)?;
    let (is_error, rest) = match placed.rest.strip_prefix("error: ") {
        Some(rest) => (true, rest),
        None => (false, placed.rest),
    };
    let (name, message) = failed_name(rest)?;
    if is_error {
        return Some(TestLine::Failed { name: Some(name), place: Some((placed.path, placed.line)), message });
    }
    message.strip_prefix("Test skipped").map(|reason| TestLine::Skipping { name, reason: skip_reason(reason) })
}

/// `-[Target.Suite test] : message` or `Target.Suite.test : message`, what XCTest prints behind `error:`.
fn failed_name(message: &str) -> Option<(TestName, &str)> {
    let (name, text) = message.split_once(" : ")?;
    if name.starts_with("-[") && name.ends_with(']') {
        return Some((test_name(name), text));
    }
    let (module, path) = name.split_once('.').filter(|(_, path)| !name.contains(' ') && !path.is_empty())?;
    Some((TestName { module: Some(module.to_owned()), path: path.replacen('.', "/", 1) }, text))
}

fn skip_reason(text: &str) -> &str {
    text.trim_start_matches([' ', '-', ':']).trim_matches('"')
}

/// A symbol, then `Test name() passed after 0.001 seconds.` The symbol is one of a few, or of a private plane where Apple keeps its own.
fn swift_testing(line: &str) -> Option<TestLine<'_>> {
    let symbol = line.chars().next().filter(|c| "✔✘◇➜⚠✓×".contains(*c) || ('\u{100000}'..='\u{10fffd}').contains(c))?;
    let rest = line[symbol.len_utf8()..].trim_start().strip_prefix("Test ")?;
    // The run as a whole, and the arguments of one test, are no tests of their own.
    if ["run started", "run with ", "case passing "].iter().any(|words| rest.starts_with(words)) {
        return None;
    }
    if let Some((name, issue)) = rest.split_once(" recorded an issue") {
        let (place, message) = issue_place(issue);
        return Some(TestLine::Failed { name: Some(swift_name(name)), place, message });
    }
    if let Some((name, issue)) = rest.split_once(" recorded a known issue") {
        return Some(TestLine::FailedAsExpected { name: swift_name(name), message: issue_place(issue).1 });
    }
    let ended =
        |name: &str, result, duration_ms, reason| TestLine::Ended { name: swift_name(name), result, duration_ms, device: None, reason };
    for (words, result) in [(" passed after ", TestResult::Passed), (" failed after ", TestResult::Failed)] {
        if let Some((name, after)) = rest.rsplit_once(words) {
            let (seconds, issues) = after.split_once(" seconds")?;
            let known = result == TestResult::Passed && issues.contains("known issue");
            let result = if known { TestResult::ExpectedFailure } else { result };
            return Some(ended(name, result, duration::milliseconds(seconds), None));
        }
    }
    if let Some((name, reason)) = rest.split_once(" skipped: ") {
        return Some(ended(name, TestResult::Skipped, None, Some(skip_reason(reason))));
    }
    if let Some(name) = rest.strip_suffix(" skipped.").or_else(|| rest.strip_suffix(" skipped")) {
        return Some(ended(name, TestResult::Skipped, None, None));
    }
    rest.strip_suffix(" started.").map(|name| TestLine::Started { name: swift_name(name), again: false })
}

/// Without `with 3 test cases`, which stands behind the name of a test with arguments.
fn swift_name(text: &str) -> TestName {
    let counted = text.rsplit_once(" with ").filter(|(_, words)| words.ends_with(" test case") || words.ends_with(" test cases"));
    test_name(counted.map_or(text, |(name, _)| name))
}

/// ` at File.swift:17:9: message`; arguments may stand before the place.
fn issue_place(issue: &str) -> (Option<(&str, u32)>, &str) {
    for (at, _) in issue.match_indices(" at ") {
        if let Some(placed) = place::split(&issue[at + 4..]).filter(|placed| !placed.path.contains(['"', ' '])) {
            return (Some((placed.path, placed.line)), placed.rest);
        }
    }
    (None, issue.trim_start_matches([':', ' ']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(module: Option<&str>, path: &str) -> TestName {
        TestName { module: module.map(str::to_owned), path: path.to_owned() }
    }

    fn ended(line: &str) -> Option<(String, TestResult, Option<u64>, Option<&str>)> {
        let Some(TestLine::Ended { name, result, duration_ms, device, .. }) = read(line) else { return None };
        Some((name.path, result, duration_ms, device))
    }

    #[test]
    fn a_test_is_named_the_same_however_a_log_writes_it() {
        for (text, expected) in [
            ("-[AppTests.FeedTests testOrder]", name(Some("AppTests"), "FeedTests/testOrder")),
            ("-[FeedTests testOrder]", name(None, "FeedTests/testOrder")),
            ("FeedTests.testOrder()", name(None, "FeedTests/testOrder")),
            ("FeedTests/order()", name(None, "FeedTests/order")),
            ("SpaceSpec.a test with spaces, should fail()", name(None, "SpaceSpec.a test with spaces, should fail")),
            ("order()", name(None, "order")),
            ("rounds(seconds:)", name(None, "rounds(seconds:)")),
            ("\"ends 1.5 s later\"", name(None, "ends 1.5 s later")),
        ] {
            assert_eq!(test_name(text), expected, "{text}");
        }
    }

    #[test]
    fn each_form_of_an_ended_test_is_read() {
        let serial = "Test Case '-[AppTests.FeedTests testOrder]' passed (0.163 seconds).";
        assert_eq!(ended(serial), Some(("FeedTests/testOrder".into(), TestResult::Passed, Some(163), None)));
        let parallel = "Test case 'FeedTests.testA()' failed on 'Clone 1 of iPad Air 2 - App.app (20698)' (0.000 seconds)";
        assert_eq!(ended(parallel), Some(("FeedTests/testA".into(), TestResult::Failed, Some(0), Some("Clone 1 of iPad Air 2"))));
        let barrier = "XCTestOutputBarrierTest Case '-[A b]' skipped (1.5 seconds)";
        assert_eq!(ended(barrier), Some(("A/b".into(), TestResult::Skipped, Some(1_500), None)));
        for symbol in ["✔", "\u{10105b} "] {
            let line = format!("{symbol} Test \"it's \\\"so\\\"\" with 3 test cases passed after 1.198 seconds.");
            assert_eq!(ended(&line), Some(("it's \\\"so\\\"".into(), TestResult::Passed, Some(1_198), None)));
        }
        let known = "✔ Test odd() passed after 0.1 seconds with 1 known issue.";
        assert_eq!(ended(known), Some(("odd".into(), TestResult::ExpectedFailure, Some(100), None)));
    }

    #[test]
    fn what_only_looks_like_a_test_is_none() {
        for line in [
            "✘ Test run with 4 tests failed after 1.200 seconds with 3 issues.",
            "◇ Test run started.",
            "✔ Suite FeedTests passed after 2.870 seconds.",
            "◇ Test case passing 1 argument path → \"/es\" to \"Returns 404\" started.",
            "/s/A.swift:33: Test Case '-[A b]' measured [Time, seconds] average: 0.000",
            "printed: Test Case '-[A b]' passed (0.1 seconds).",
            "Test order() passed after 0.1 seconds.",
            "/s/A.swift:3:5: error: no such thing",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
    }

    #[test]
    fn a_failure_has_its_test_place_and_message() {
        let line = "/s/T.swift:7: error: -[AppTests.FeedTests testOrder] : XCTAssertEqual failed: a : b";
        let expected = TestLine::Failed {
            name: Some(name(Some("AppTests"), "FeedTests/testOrder")),
            place: Some(("/s/T.swift", 7)),
            message: "XCTAssertEqual failed: a : b",
        };
        assert_eq!(read(line), Some(expected));
        let line = "✘ Test \"all at once\" recorded an issue with 1 argument x → \"look at 3:4\" at P.swift:11:5: Expectation failed";
        let expected =
            TestLine::Failed { name: Some(name(None, "all at once")), place: Some(("P.swift", 11)), message: "Expectation failed" };
        assert_eq!(read(line), Some(expected));
        let line = "<unknown>:0: error: -[AppTests.FeedTests testOrder] : failed: caught error";
        assert!(matches!(read(line), Some(TestLine::Failed { name: Some(_), place: None, message: "failed: caught error" })));
        let line = "    t =     6.50s         Assertion Failure: UITests.m:30: No matches";
        assert_eq!(read(line), Some(TestLine::Failed { name: None, place: Some(("UITests.m", 30)), message: "No matches" }));
    }

    #[test]
    fn a_restart_names_the_test_that_crashed() {
        for (line, expected) in [
            ("Restarting after unexpected exit, crash, or test timeout in A.testB(); summary will include", Some("A/testB")),
            ("Restarting after unexpected exit or crash in A/testB(); summary will", Some("A/testB")),
            ("Restarting after unexpected exit, crash, or test timeout in -[A testB]; summary", Some("A/testB")),
            ("Restarting after unexpected exit, crash, or test timeout; summary", None),
        ] {
            let Some(TestLine::Crashed { name, .. }) = read(line) else { panic!("{line}") };
            assert_eq!(name.map(|name| name.path).as_deref(), expected, "{line}");
        }
    }
}
