//! The tests of a run as its log tells them, for when no result bundle does.

use std::collections::HashMap;

use rch_schemas::document::{Crash, EventBody, Repetition, TestCase, TestFailure, TestResult};

use super::log::cut;
use super::place::Tree;
use super::test_line::{TestLine, TestName};

/// The largest recorded log has 1,178 tests; a log may claim anything.
const CASES_MAX: usize = 100_000;
/// Tests that run at once; Swift Testing starts hundreds.
const OPEN_MAX: usize = 10_000;
/// Failures of one test that are kept.
const FAILURES_MAX: usize = 100;

/// Gathers cases line by line.
#[derive(Debug)]
pub(super) struct TestLog<'a> {
    tree: &'a Tree,
    bundle: Option<String>,
    open: Vec<Open>,
    cases: Vec<TestCase>,
    /// The newest case of each id.
    newest: HashMap<String, usize>,
    unattributed: Vec<TestFailure>,
}

/// A test that was started.
#[derive(Debug)]
struct Open {
    id: String,
    again: bool,
    failures: Vec<TestFailure>,
    skipped_reason: Option<String>,
    expected_failure: Option<String>,
}

/// What a log says of tests.
#[derive(Debug, Default)]
pub(super) struct LoggedTests {
    /// In the order in which they ended; those that never did come last.
    pub(super) cases: Vec<TestCase>,
    /// Failures of no test.
    pub(super) unattributed: Vec<TestFailure>,
}

impl<'a> TestLog<'a> {
    pub(super) fn new(tree: &'a Tree) -> Self {
        Self { tree, bundle: None, open: Vec::new(), cases: Vec::new(), newest: HashMap::new(), unattributed: Vec::new() }
    }

    /// Takes what a line says, and gives out what happened in it.
    pub(super) fn hear(&mut self, said: TestLine<'_>) -> Option<EventBody> {
        match said {
            TestLine::Bundle(name) => self.bundle = Some(name.to_owned()),
            TestLine::Started { name, again } => {
                let id = self.id(&name);
                self.start(Open { again, ..Open::of(id.clone()) });
                return Some(EventBody::TestStarted { id, device: None });
            }
            TestLine::Failed { name, place, message } => {
                let path = place.map(|(path, _)| self.tree.place(path));
                let failure = TestFailure { message: cut(message), path, line: place.map(|(_, line)| line) };
                self.failed(name.as_ref(), failure);
            }
            TestLine::FailedAsExpected { name, message } => self.opened(&name).expected_failure = Some(cut(message)),
            TestLine::Skipping { name, reason } => self.opened(&name).skipped_reason = Some(cut(reason)),
            TestLine::Ended { name, result, duration_ms, device, reason } => {
                let mut open = self.close(&name);
                open.skipped_reason = open.skipped_reason.or_else(|| reason.map(cut));
                return Some(self.ended(open, result, duration_ms, device.map(str::to_owned)));
            }
            TestLine::Crashed { name, message } => {
                self.crashed(name.as_ref(), message);
                return Some(EventBody::ProcessCrashed { message: cut(message) });
            }
            TestLine::Session(message) => {
                let failure = TestFailure { message: cut(&self.tree.relative_in(message)), path: None, line: None };
                if self.unattributed.len() < FAILURES_MAX && !self.unattributed.contains(&failure) {
                    self.unattributed.push(failure);
                }
            }
        }
        None
    }

    /// What the whole log says. A test that was started and never ended has no result.
    pub(super) fn finish(mut self) -> LoggedTests {
        for open in std::mem::take(&mut self.open) {
            self.ended(open, TestResult::Unknown, None, None);
        }
        LoggedTests { cases: self.cases, unattributed: self.unattributed }
    }

    /// A line names the module; what the farm calls a target is the bundle, whose name may hold what a module's cannot.
    fn id(&self, name: &TestName) -> String {
        let as_module = |bundle: &String| bundle.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect::<String>();
        let target = match (&name.module, &self.bundle) {
            (Some(module), Some(bundle)) if as_module(bundle) == *module => Some(bundle),
            (Some(module), _) => Some(module),
            (None, bundle) => bundle.as_ref(),
        };
        target.map_or_else(|| name.path.clone(), |target| format!("{target}/{}", name.path))
    }

    fn failed(&mut self, name: Option<&TestName>, failure: TestFailure) {
        let open = match name {
            Some(name) => self.opened(name),
            None => match self.open.last_mut() {
                Some(open) => open,
                None => return,
            },
        };
        // A user interface test prints its failure twice: while it runs, and again as an error.
        let is_known = |known: &TestFailure| known.message == failure.message && known.line == failure.line;
        if open.failures.len() < FAILURES_MAX && !open.failures.iter().any(is_known) {
            open.failures.push(failure);
        }
    }

    /// The running test of this name; one that the log did not start is started.
    fn opened(&mut self, name: &TestName) -> &mut Open {
        let id = self.id(name);
        let at = self.open.iter().rposition(|open| open.id == id).unwrap_or_else(|| {
            self.start(Open::of(id));
            self.open.len() - 1
        });
        &mut self.open[at]
    }

    fn start(&mut self, open: Open) {
        if self.open.len() == OPEN_MAX {
            self.open.remove(0);
        }
        self.open.push(open);
    }

    fn close(&mut self, name: &TestName) -> Open {
        let id = self.id(name);
        match self.open.iter().rposition(|open| open.id == id) {
            Some(at) => self.open.remove(at),
            None => Open::of(id),
        }
    }

    fn ended(&mut self, open: Open, result: TestResult, duration_ms: Option<u64>, device: Option<String>) -> EventBody {
        let Open { id, again, failures, skipped_reason, expected_failure } = open;
        let event = EventBody::TestEnded { id: id.clone(), device: device.clone(), result, duration_ms, failures: failures.clone() };
        let repetition = Repetition { result, duration_ms, failures };
        // Only what the log itself calls a repetition is one: two configurations run the same test, too.
        if let Some(case) = self.newest.get(&id).filter(|_| again).and_then(|at| self.cases.get_mut(*at)) {
            case.flaky = result == TestResult::Passed && case.repetitions.iter().any(|earlier| earlier.result == TestResult::Failed);
            case.result = result;
            case.repetitions.push(repetition);
        } else if self.cases.len() < CASES_MAX {
            self.newest.insert(id.clone(), self.cases.len());
            self.cases.push(TestCase {
                display_name: id.rsplit('/').next().unwrap_or(&id).to_owned(),
                id,
                configuration: None,
                device,
                arguments: Vec::new(),
                repetitions: vec![repetition],
                result,
                flaky: false,
                skipped_reason,
                expected_failure,
                attachments: Vec::new(),
                crash: None,
            });
        }
        event
    }

    /// The test that was running is the one that crashed; without a name it is the last one.
    fn crashed(&mut self, name: Option<&TestName>, message: &str) {
        let at = match name {
            Some(name) => self.open.iter().rposition(|open| open.id == name.path || open.id.ends_with(&format!("/{}", name.path))),
            None => self.open.len().checked_sub(1),
        };
        let open = match (at, name) {
            (Some(at), _) => self.open.remove(at),
            (None, Some(name)) => Open::of(self.id(name)),
            (None, None) => return,
        };
        let cases = self.cases.len();
        self.ended(open, TestResult::Failed, None, None);
        let message = message.split(';').next().unwrap_or(message);
        if let Some(case) = self.cases.get_mut(cases) {
            case.crash = Some(Crash { process: None, message: cut(message) });
        }
    }
}

impl Open {
    fn of(id: String) -> Self {
        Self { id, again: false, failures: Vec::new(), skipped_reason: None, expected_failure: None }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::path::Path;

    use super::super::test_line;
    use super::*;

    fn tests(text: &str) -> LoggedTests {
        let tree = Tree::at(Path::new("/s/tree"));
        let mut log = TestLog::new(&tree);
        for said in text.lines().filter_map(test_line::read) {
            log.hear(said);
        }
        log.finish()
    }

    fn results(tests: &LoggedTests) -> Vec<(&str, TestResult)> {
        tests.cases.iter().map(|case| (case.id.as_str(), case.result)).collect()
    }

    #[test]
    fn a_test_that_neither_passes_nor_fails_has_crashed_or_no_result() {
        let found = tests(
            "Test Suite 'App Tests.xctest' started at 1\nTest Case '-[App_Tests.A testA]' started.\n\
             Restarting after unexpected exit, crash, or test timeout in A.testA(); summary will include totals\n\
             Test Case '-[App_Tests.A testB]' started.\n",
        );
        assert_eq!(results(&found), [("App Tests/A/testA", TestResult::Failed), ("App Tests/A/testB", TestResult::Unknown)]);
        let crash = found.cases[0].crash.as_ref().unwrap();
        assert_eq!(crash.message, "Restarting after unexpected exit, crash, or test timeout in A.testA()");
    }

    #[test]
    fn a_repetition_is_one_only_where_the_log_says_so() {
        let flaky = tests(
            "Test Case '-[T.A testA]' started (Iteration 1 of 2).\n/s/tree/A.swift:3: error: -[T.A testA] : no\nTest Case '-[T.A testA]' failed (0.1 seconds).\n\
             Test Case '-[T.A testA]' started (Iteration 2 of 2).\nTest Case '-[T.A testA]' passed (0.1 seconds).\n",
        );
        assert_eq!(flaky.cases.len(), 1);
        let case = &flaky.cases[0];
        assert_eq!((case.result, case.flaky, case.repetitions.len()), (TestResult::Passed, true, 2));
        assert_eq!(case.repetitions[0].failures[0].path.as_deref(), Some("A.swift"));
        let two = tests(
            "Test Case '-[T.A testA]' started.\nTest Case '-[T.A testA]' failed (0.1 seconds).\n\
             Test Case '-[T.A testA]' started.\nTest Case '-[T.A testA]' passed (0.1 seconds).\n",
        );
        assert_eq!(results(&two), [("T/A/testA", TestResult::Failed), ("T/A/testA", TestResult::Passed)]);
    }

    #[test]
    fn a_skip_keeps_its_reason_and_a_session_that_fails_is_no_test() {
        let found = tests(
            "/s/tree/A.swift:9: -[T.A testA] : Test skipped - needs a network\nTest Case '-[T.A testA]' skipped (0.0 seconds).\n\
             ➜ Test odd() skipped: \"later\"\n\tT.app (30007) encountered an error (Early unexpected exit)\n",
        );
        let reasons: Vec<_> = found.cases.iter().map(|case| (case.result, case.skipped_reason.as_deref())).collect();
        assert_eq!(reasons, [(TestResult::Skipped, Some("needs a network")), (TestResult::Skipped, Some("later"))]);
        assert_eq!(found.unattributed[0].message, "T.app (30007) encountered an error (Early unexpected exit)");
    }
}
