//! Asks the tool of an Xcode about a bundle.

use std::path::Path;
use std::time::Duration;

use rch_schemas::document::{FailingTest, TestCounts};
use rch_schemas::requirement::Version;
use serde_json::Value;

use super::super::log::failing;
use super::super::place::Tree;
use super::super::report::{BuildResults, TestReport};
use super::current;
use super::legacy::{self, Record};
use crate::tool::{Call, Tools};

/// Large bundles take tens of seconds; the tool has been seen to hang.
const TIMEOUT: Duration = Duration::from_mins(2);
/// The first Xcode whose tool knows `get test-results`; the older form needs a flag from then on.
const CURRENT_SINCE: u32 = 16;
/// A bundle of one job holds the tests of one or two actions.
const TEST_OBJECTS_MAX: usize = 16;

/// The tests of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TestResults {
    /// How many came to what.
    pub(crate) counts: TestCounts,
    /// The first failures, at most 20.
    pub(crate) failing: Vec<FailingTest>,
    /// Every case, where it was asked for and could be read.
    pub(crate) report: Option<TestReport>,
}

impl TestResults {
    /// The failures, with the folders that the log prints and a result bundle leaves out of a file's name.
    pub(crate) fn placed_by(&self, log: &[FailingTest]) -> Vec<FailingTest> {
        let is_same_place = |known: &FailingTest, test: &FailingTest| {
            let (Some(whole), Some(name)) = (&known.path, &test.path) else { return false };
            known.line == test.line && whole.strip_suffix(name.as_str()).is_some_and(|folders| folders.ends_with('/'))
        };
        let placed = |test: &FailingTest| {
            let known = log.iter().find(|known| is_same_place(known, test));
            FailingTest { path: known.map_or(&test.path, |known| &known.path).clone(), ..test.clone() }
        };
        self.failing.iter().map(placed).collect()
    }
}

/// How much of the tests is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Counts and failures.
    Failures,
    /// Every case.
    Cases,
}

/// A bundle, and what can read it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ResultReader<'a> {
    /// Where the tool is found.
    pub(crate) tools: &'a Tools,
    /// The Xcode whose tool reads it: the one that wrote it.
    pub(crate) developer_dir: &'a str,
    /// That Xcode's version, which says what form its answers have.
    pub(crate) xcode: &'a Version,
    /// The bundle.
    pub(crate) bundle: &'a Path,
    /// The tree whose tests they are.
    pub(crate) tree: &'a Tree,
}

impl ResultReader<'_> {
    /// Reads the tests.
    ///
    /// # Errors
    /// One line that says what is wrong with the bundle or the tool: the log must then do.
    pub(crate) async fn tests(&self, depth: Depth) -> Result<TestResults, String> {
        self.check()?;
        if self.is_legacy() {
            return self.legacy_tests().await;
        }
        let summary = self.ask(&["get", "test-results", "summary"]).await?;
        let alone = results_of(&summary, None, self.tree).ok_or("the result bundle's summary has no counts")?;
        if alone.counts.failed == 0 && depth == Depth::Failures {
            return Ok(alone);
        }
        match self.ask(&["get", "test-results", "tests"]).await {
            Ok(tests) => Ok(results_of(&summary, Some(&tests), self.tree).unwrap_or(alone)),
            Err(error) => {
                tracing::warn!(error, "the tests of a result bundle cannot be read");
                Ok(alone)
            }
        }
    }

    /// Reads the diagnostics of the build.
    ///
    /// # Errors
    /// As [`Self::tests`].
    pub(crate) async fn build(&self) -> Result<BuildResults, String> {
        self.check()?;
        if self.is_legacy() {
            return Ok(self.record().await?.build_results(self.tree));
        }
        let build = self.ask(&["get", "build-results"]).await?;
        current::build_results(&build, self.tree).ok_or_else(|| "the result bundle lists neither errors nor warnings".to_owned())
    }

    /// A killed run leaves a bundle without its Info.plist, on which the tool fails.
    fn check(&self) -> Result<(), String> {
        if self.bundle.join("Info.plist").is_file() {
            return Ok(());
        }
        Err("the result bundle is missing or incomplete".to_owned())
    }

    fn is_legacy(&self) -> bool {
        self.xcode.major_minor().0 < CURRENT_SINCE
    }

    async fn legacy_tests(&self) -> Result<TestResults, String> {
        let record = self.record().await?;
        let mut objects = Vec::new();
        for id in record.test_objects().iter().take(TEST_OBJECTS_MAX) {
            objects.push(self.ask(&["get", "--format", "json", "--id", id]).await?);
        }
        Ok(legacy_results(&record, &objects, self.tree))
    }

    async fn record(&self) -> Result<Record, String> {
        let root = self.ask(&["get", "--format", "json"]).await?;
        Record::of(root).ok_or_else(|| "the result bundle's root is no record of an invocation".to_owned())
    }

    async fn ask(&self, words: &[&str]) -> Result<Value, String> {
        let path = self.bundle.display().to_string();
        let mut arguments = vec!["xcresulttool"];
        arguments.extend_from_slice(words);
        arguments.extend(["--path", &path]);
        if !self.is_legacy() {
            arguments.push("--compact");
        }
        let call = Call { tool: "xcrun", arguments: &arguments, developer_dir: Some(self.developer_dir), timeout: TIMEOUT };
        let text = self.tools.ask(call).await.map_err(|error| error.to_string())?;
        serde_json::from_str(&text).map_err(|error| format!("xcresulttool {} printed no JSON: {error}", words.join(" ")))
    }
}

/// What the tool's answers say; `None` when the summary has no counts. The summary alone names failures without their place: it will do
/// when the tests cannot be read.
pub(crate) fn results_of(summary: &Value, tests: Option<&Value>, tree: &Tree) -> Option<TestResults> {
    let mut counts = current::counts(summary)?;
    let report = tests.and_then(|tests| current::test_report(summary, tests, tree));
    let named = report.as_ref().map(|report| failing(&report.cases)).unwrap_or_default();
    // Two answers of one bundle that differ: what failed in either has failed.
    if counts.failed == 0 && !named.is_empty() {
        counts.failed = u32::try_from(named.len()).unwrap_or(u32::MAX);
    }
    let failing = if named.is_empty() { current::failures(summary) } else { named };
    Some(TestResults { counts, failing, report })
}

/// The same of the older form.
pub(crate) fn legacy_results(record: &Record, objects: &[Value], tree: &Tree) -> TestResults {
    let report = record.test_report(objects, tree);
    TestResults { counts: legacy::counts(&report.cases), failing: failing(&report.cases), report: Some(report) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_gets_the_folders_of_its_file_from_the_log() {
        let test = |path: &str, line| FailingTest {
            id: "T/S/t".to_owned(),
            message: String::new(),
            path: Some(path.to_owned()),
            line: Some(line),
        };
        let failing = vec![test("A.swift", 3), test("A.swift", 4), test("B.swift", 3)];
        let results = TestResults { failing, ..TestResults::default() };
        let placed = results.placed_by(&[test("Tests/A.swift", 3), test("Tests/BA.swift", 4), test("Tests/BB.swift", 3)]);
        let paths: Vec<_> = placed.iter().filter_map(|test| test.path.as_deref()).collect();
        assert_eq!(paths, ["Tests/A.swift", "A.swift", "B.swift"]);
    }

    #[test]
    fn foreign_shapes_give_nothing_and_do_not_panic() {
        let tree = Tree::at(Path::new("/s"));
        assert_eq!(results_of(&serde_json::json!([]), None, &tree), None);
        assert!(Record::of(serde_json::json!({ "_type": 7, "actions": { "_values": [[]] } })).is_none());
        let record = Record::of(serde_json::json!({ "_type": { "_name": "ActionsInvocationRecord" }, "actions": { "_values": [7, {}] } }));
        let results = record.map(|record| legacy_results(&record, &[serde_json::json!(null)], &tree));
        assert_eq!(results.map(|results| results.counts.total), Some(0));
    }

    #[test]
    fn answers_that_differ_count_what_failed_in_either() {
        let summary = serde_json::json!({ "totalTestCount": 1, "passedTests": 1, "failedTests": 0, "skippedTests": 0 });
        let tests = serde_json::json!({ "testNodes": [{ "nodeType": "Test Case", "name": "a()", "result": "Failed" }] });
        let results = results_of(&summary, Some(&tests), &Tree::at(Path::new("/s")));
        assert_eq!(results.map(|results| results.counts.failed), Some(1));
    }
}
