//! Counts: files compiled, tests by target.

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};

use super::super::amount::{count, grouped};

/// Source files a compiler is called with.
const SOURCES: [&str; 7] = [".swift", ".m", ".mm", ".c", ".cc", ".cpp", ".metal"];
/// Commands that compile.
const COMPILERS: [&str; 4] = ["SwiftCompile ", "CompileSwift ", "CompileC ", "CompileMetalFile "];
/// No file is counted beyond these.
const FILES_MAX: usize = 1_000_000;
/// No test target is remembered beyond these: a log may claim anything.
const TARGETS_MAX: usize = 200;

/// How a test came out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    passed: u64,
    failed: u64,
    skipped: u64,
}

/// What was compiled and tested so far.
#[derive(Debug, Default)]
pub(super) struct Progress {
    files: HashSet<u64>,
    seed: RandomState,
    bundle: Option<String>,
    tests: BTreeMap<String, Counts>,
}

enum TestResult {
    Passed,
    Failed,
    Skipped,
}

impl Progress {
    /// Takes a line; whether anything changed.
    pub(super) fn take(&mut self, line: &str) -> bool {
        if COMPILERS.iter().any(|command| line.starts_with(command)) {
            return self.compile(line);
        }
        if let Some(name) = line.strip_prefix("Test Suite '").and_then(|rest| rest.split_once(".xctest' started")) {
            self.bundle = Some(name.0.to_owned());
            return false;
        }
        let read = xctest(line).or_else(|| swift_testing(line));
        let Some((target, result)) = read else { return false };
        let target = target.map(str::to_owned).or_else(|| self.bundle.clone()).unwrap_or_else(|| "tests".to_owned());
        if self.tests.len() >= TARGETS_MAX && !self.tests.contains_key(&target) {
            return false;
        }
        let counts = self.tests.entry(target).or_default();
        match result {
            TestResult::Passed => counts.passed += 1,
            TestResult::Failed => counts.failed += 1,
            TestResult::Skipped => counts.skipped += 1,
        }
        true
    }

    /// `SampleApp, 312 files compiled`, or `SampleAppTests 198 passed, 2 skipped; SampleAppUITests 16 passed`.
    pub(super) fn describe(&self, project: &str) -> String {
        if !self.tests.is_empty() {
            return self.tests.iter().map(|(target, counts)| format!("{target} {}", counts.describe())).collect::<Vec<_>>().join("; ");
        }
        if self.files.is_empty() { project.to_owned() } else { format!("{project}, {} compiled", count(self.files.len() as u64, "file")) }
    }

    fn compile(&mut self, line: &str) -> bool {
        let before = self.files.len();
        for word in words(line).filter(|word| word.starts_with('/') && SOURCES.iter().any(|ending| word.ends_with(ending))) {
            if self.files.len() < FILES_MAX {
                self.files.insert(self.seed.hash_one(word));
            }
        }
        self.files.len() != before
    }
}

impl Counts {
    fn describe(self) -> String {
        let mut text = format!("{} passed", grouped(self.passed));
        for (number, word) in [(self.failed, "failed"), (self.skipped, "skipped")] {
            if number > 0 {
                text = format!("{text}, {} {word}", grouped(number));
            }
        }
        text
    }
}

/// Words as a shell would see them: a space after a back-slash does not part them.
fn words(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        if rest.is_empty() {
            return None;
        }
        let bytes = rest.as_bytes();
        let end = (0..bytes.len()).find(|at| bytes[*at] == b' ' && (*at == 0 || bytes[*at - 1] != b'\\')).unwrap_or(bytes.len());
        let (word, after) = rest.split_at(end);
        rest = after;
        Some(word)
    })
}

/// `Test Case '-[Target.Class method]' passed (0.1 seconds).` and, in parallel, `Test case 'Class.method()' passed on '…' (0.1 seconds)`.
fn xctest(line: &str) -> Option<(Option<&str>, TestResult)> {
    let rest = line.strip_prefix("Test Case '").or_else(|| line.strip_prefix("Test case '"))?;
    let (name, result) = rest.split_once("' ")?;
    let result = if result.starts_with("passed") {
        TestResult::Passed
    } else if result.starts_with("failed") {
        TestResult::Failed
    } else if result.starts_with("skipped") {
        TestResult::Skipped
    } else {
        return None;
    };
    let target =
        name.strip_prefix("-[").and_then(|name| name.split_once('.')).map(|(target, _)| target).filter(|target| !target.contains(' '));
    Some((target, result))
}

/// `✔ Test order() passed after 0.001 seconds.`, `✘ Test "…" failed after …`, `➜ Test x() skipped…`, whatever the symbol.
fn swift_testing(line: &str) -> Option<(Option<&str>, TestResult)> {
    let (symbol, rest) = line.split_once(' ')?;
    if symbol.chars().count() != 1 || symbol.is_ascii() {
        return None;
    }
    let rest = rest.trim_start().strip_prefix("Test ")?;
    if rest.starts_with("run ") || rest.starts_with("case ") {
        return None;
    }
    if rest.contains(" passed after ") {
        Some((None, TestResult::Passed))
    } else if rest.contains(" failed after ") {
        Some((None, TestResult::Failed))
    } else {
        (rest.contains(" skipped") && !rest.contains(" started")).then_some((None, TestResult::Skipped))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(lines: &str) -> String {
        let mut progress = Progress::default();
        for line in lines.lines() {
            progress.take(line);
        }
        progress.describe("SampleApp")
    }

    #[test]
    fn a_file_counts_once_however_many_architectures_it_is_compiled_for() {
        let lines = "\
SwiftCompile normal arm64 Compiling\\ A.swift,\\ My\\ B.swift /w/A.swift /w/My\\ B.swift (in target 'App' from project 'App')
SwiftCompile normal x86_64 Compiling\\ A.swift /w/A.swift (in target 'App' from project 'App')
CompileC /w/build/x.o /w/x.m normal arm64 objective-c com.apple.compilers.llvm.clang.1_0.compiler";
        assert_eq!(after(lines), "SampleApp, 3 files compiled");
        assert_eq!(after("Ld /w/App normal"), "SampleApp");
    }

    #[test]
    fn tests_are_counted_by_target_in_all_three_spellings() {
        let lines = "\
Test Suite 'AppUITests.xctest' started at 2026-01-01 00:00:00.000.
Test Case '-[AppTests.FeedTests testA]' started.
Test Case '-[AppTests.FeedTests testA]' passed (0.001 seconds).
Test Case '-[AppTests.FeedTests testB]' failed (0.001 seconds).
Test case 'LaunchTests.testLaunch()' passed on 'Clone 1 of iPhone 16' (3.0 seconds)
\u{25c7} Test order() started.
\u{2714} Test order() passed after 0.001 seconds.
\u{2714} Test run with 1 test passed after 0.002 seconds.
\u{279c} Test slow() skipped.";
        assert_eq!(after(lines), "AppTests 1 passed, 1 failed; AppUITests 2 passed, 1 skipped");
    }
}
