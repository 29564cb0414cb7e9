//! Reads the tests of a result bundle, through the tool that knows its format.

use std::path::Path;
use std::time::Duration;

use rch_schemas::document::{FailingTest, TestCounts};
use serde_json::Value;

use super::log::{NAMED_MAX, cut};
use super::place::{self, Tree};
use crate::tool::{Call, Tools};

/// Large bundles take tens of seconds; the tool has been seen to hang.
const TIMEOUT: Duration = Duration::from_mins(2);

/// The tests of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TestResults {
    /// How many came to what.
    pub(crate) counts: TestCounts,
    /// The first failures, at most 20.
    pub(crate) failing: Vec<FailingTest>,
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

/// Reads a bundle with the tool of an Xcode.
///
/// # Errors
/// One line that says what is wrong with the bundle or the tool: the log must then do.
pub(crate) async fn read_results(tools: &Tools, developer_dir: &str, bundle: &Path, tree: &Tree) -> Result<TestResults, String> {
    // A killed run leaves a bundle without its Info.plist, on which the tool fails.
    if !bundle.join("Info.plist").is_file() {
        return Err("the result bundle is missing or incomplete".to_owned());
    }
    let summary = ask(tools, developer_dir, "summary", bundle).await?;
    let alone = results_of(&summary, None, tree).ok_or("the result bundle's summary has no counts")?;
    if alone.counts.failed == 0 {
        return Ok(alone);
    }
    match ask(tools, developer_dir, "tests", bundle).await {
        Ok(tests) => Ok(results_of(&summary, Some(&tests), tree).unwrap_or(alone)),
        Err(error) => {
            tracing::warn!(error, "the tests of a result bundle cannot be read");
            Ok(alone)
        }
    }
}

/// What the tool's answers say; `None` when the summary has no counts. The summary alone names failures without their place: it will do
/// when the tests cannot be read.
pub(crate) fn results_of(summary: &Value, tests: Option<&Value>, tree: &Tree) -> Option<TestResults> {
    let counts = counts(summary)?;
    let failing = match tests {
        _ if counts.failed == 0 => Vec::new(),
        Some(tests) => failing(tests, tree),
        None => failures_of_summary(summary),
    };
    Some(TestResults { counts, failing })
}

async fn ask(tools: &Tools, developer_dir: &str, what: &str, bundle: &Path) -> Result<Value, String> {
    let path = bundle.display().to_string();
    let arguments = ["xcresulttool", "get", "test-results", what, "--path", &path, "--compact"];
    let call = Call { tool: "xcrun", arguments: &arguments, developer_dir: Some(developer_dir), timeout: TIMEOUT };
    let text = tools.ask(call).await.map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|error| format!("xcresulttool get test-results {what} printed no JSON: {error}"))
}

fn counts(summary: &Value) -> Option<TestCounts> {
    let count = |member: &str| u32::try_from(summary[member].as_u64()?).ok();
    Some(TestCounts {
        total: count("totalTestCount")?,
        passed: count("passedTests")?,
        failed: count("failedTests")?,
        skipped: count("skippedTests")?,
        expected_failures: count("expectedFailures").unwrap_or(0),
    })
}

fn failures_of_summary(summary: &Value) -> Vec<FailingTest> {
    let rows = summary["testFailures"].as_array().map(Vec::as_slice).unwrap_or_default();
    rows.iter()
        .take(NAMED_MAX)
        .map(|row| {
            let text = |member: &str| row[member].as_str().unwrap_or_default();
            let id = format!("{}/{}", text("targetName"), text("testName"));
            FailingTest { id, message: cut(text("failureText")), path: None, line: None }
        })
        .collect()
}

/// Every failed test case of the tree of nodes, in order, each once: one case may stand under several configurations.
fn failing(tests: &Value, tree: &Tree) -> Vec<FailingTest> {
    let mut found = Vec::new();
    for node in children(&tests["testNodes"]) {
        walk(node, "", tree, &mut found);
    }
    found
}

fn walk(node: &Value, target: &str, tree: &Tree, found: &mut Vec<FailingTest>) {
    let kind = node["nodeType"].as_str().unwrap_or_default();
    let name = node["name"].as_str().unwrap_or_default();
    let target = if kind.ends_with("test bundle") { name } else { target };
    if kind == "Test Case" {
        if node["result"].as_str() == Some("Failed") {
            let id = format!("{target}/{}", node["nodeIdentifier"].as_str().unwrap_or(name));
            if found.len() < NAMED_MAX && found.iter().all(|known| known.id != id) {
                found.push(case(id, node, tree));
            }
        }
        return;
    }
    for child in children(&node["children"]) {
        walk(child, target, tree, found);
    }
}

fn case(id: String, node: &Value, tree: &Tree) -> FailingTest {
    let text = first_message(node).unwrap_or_default();
    match place::split(text) {
        Some(placed) => {
            FailingTest { id, message: cut(placed.rest), path: Some(tree.relative(placed.path).to_owned()), line: Some(placed.line) }
        }
        None => FailingTest { id, message: cut(text), path: None, line: None },
    }
}

/// The first failure message below a case; repetitions and arguments may stand between.
fn first_message(node: &Value) -> Option<&str> {
    children(&node["children"])
        .iter()
        .find_map(|child| if child["nodeType"].as_str() == Some("Failure Message") { child["name"].as_str() } else { first_message(child) })
}

fn children(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use crate::fixture::recorded;

    #[test]
    fn recorded_results_give_counts_and_failing_tests_with_places() {
        let Some(fixtures) = recorded("xcresult") else { return };
        let read = |name: &str| -> Value {
            serde_json::from_str(&std::fs::read_to_string(fixtures.join("get-test-results").join(name)).unwrap()).unwrap()
        };
        let counts = counts(&read("codemagic-summary.json")).unwrap();
        assert_eq!((counts.total, counts.passed, counts.failed, counts.skipped), (8, 4, 3, 1));
        let tree = Tree::at(Path::new("/s"));
        let tests = failing(&read("codemagic-tests.json"), &tree);
        assert_eq!(tests.len(), 3);
        assert_eq!(tests[0].id, "banaanTests/banaanTests/testExceptionExample()");
        assert_eq!((tests[0].path.as_deref(), tests[0].line), (Some("banaanTests.swift"), Some(50)));
        assert_eq!(failures_of_summary(&read("codemagic-summary.json")).len(), 3);
        // An expected failure that did not happen is a failure; one that did is none.
        let ids: Vec<_> = failing(&read("randomstuff-c-tests.json"), &tree).iter().map(|test| test.id.clone()).collect();
        assert_eq!(ids, ["RandomStuffTests/RandomStuffTests/testExpectedFailure2()", "RandomStuffTests/RandomStuffTests/testFoo()"]);
    }

    #[test]
    fn a_failure_gets_the_folders_of_its_file_from_the_log() {
        let test = |path: &str, line| FailingTest {
            id: "T/S/t".to_owned(),
            message: String::new(),
            path: Some(path.to_owned()),
            line: Some(line),
        };
        let results =
            TestResults { counts: TestCounts::default(), failing: vec![test("A.swift", 3), test("A.swift", 4), test("B.swift", 3)] };
        let placed = results.placed_by(&[test("Tests/A.swift", 3), test("Tests/BA.swift", 4), test("Tests/BB.swift", 3)]);
        let paths: Vec<_> = placed.iter().filter_map(|test| test.path.as_deref()).collect();
        assert_eq!(paths, ["Tests/A.swift", "A.swift", "B.swift"]);
    }

    #[test]
    fn foreign_shapes_give_nothing_and_do_not_panic() {
        assert_eq!(counts(&serde_json::json!([])), None);
        let odd = serde_json::json!({ "testNodes": [{ "nodeType": "Test Case", "result": "Failed" }, 7, { "children": "no" }] });
        assert_eq!(failing(&odd, &Tree::at(Path::new("/s"))).len(), 1);
    }
}
