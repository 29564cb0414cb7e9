//! The rich profile: what it adds to a set, from where, and that everything in it agrees.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::harness::{Outcome, Project, rch, shared};

/// The lines of a set's events, the header first.
fn events(outcome: &Outcome, action: &str) -> Vec<Value> {
    let text = fs::read_to_string(outcome.set(action).join("events.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn of_type<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["event"]["type"] == kind).collect()
}

/// What python's own reader of XML finds: rows, failures, errors, skipped.
fn read_junit(path: &Path) -> [u64; 4] {
    const READER: &str = "import sys, xml.etree.ElementTree as tree\n\
        rows = list(tree.parse(sys.argv[1]).getroot().iter('testcase'))\n\
        print(len(rows), *(sum(row.find(kind) is not None for row in rows) for kind in ('failure', 'error', 'skipped')))";
    let read = Command::new("python3").args(["-c", READER]).arg(path).stdin(Stdio::null()).output().unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    let counts: Vec<u64> = String::from_utf8(read.stdout).unwrap().split_whitespace().map(|count| count.parse().unwrap()).collect();
    counts.try_into().unwrap()
}

#[test]
fn a_verified_tree_has_all_four_files_and_their_counts_agree() {
    let (farm, project) = (shared(), Project::sample().rich());
    let outcome = rch(farm, project.path(), &["xcode", "verify"]).expect(0);
    for action in ["build", "test"] {
        assert_eq!(outcome.document(action, "summary.json")["artifact_profile"], "rich");
        let build = outcome.document(action, "build_summary.json");
        assert_eq!(build["status"], "success");
        assert_eq!(build["source"], if action == "test" { "xcresult" } else { "log" });
        let targets: Vec<&str> = build["targets"].as_array().unwrap().iter().map(|target| target["target"].as_str().unwrap()).collect();
        assert!(action == "test" || targets.contains(&"SampleApp"), "{targets:?}");
        let events = events(&outcome, action);
        assert_eq!(events[0]["schema_id"], "rch-xcode/event@1");
        let numbers: Vec<u64> = events[1..].iter().map(|event| event["seq"].as_u64().unwrap()).collect();
        assert!(numbers.iter().copied().eq(1..=numbers.len() as u64), "{numbers:?}");
        let last = &events.last().unwrap()["event"];
        assert_eq!((&last["type"], &last["outcome"]["status"]), (&"ended".into(), &"success".into()));
        let times: Vec<&str> = events[1..].iter().map(|event| event["at"].as_str().unwrap()).collect();
        assert!(times.is_sorted(), "{times:?}");
    }
    let (summary, tests) = (outcome.document("test", "summary.json"), outcome.document("test", "test_summary.json"));
    assert_eq!(tests["source"], "xcresult");
    for count in ["total", "passed", "failed", "skipped"] {
        assert_eq!(tests["counts"][count], summary["tests"][count], "{count}");
    }
    let total = tests["counts"]["total"].as_u64().unwrap();
    assert!(total > 0 && tests["cases"].as_array().unwrap().len() as u64 == total, "{tests}");
    assert_eq!(of_type(&events(&outcome, "test"), "test_ended").len() as u64, total, "the log tells of each test, too");
    let skipped = tests["counts"]["skipped"].as_u64().unwrap();
    assert_eq!(read_junit(&outcome.set("test").join("junit.xml")), [total, 0, 0, skipped]);
    assert!(!outcome.set("build").join("junit.xml").exists(), "a build has no tests");
}

#[test]
fn a_broken_file_is_the_same_error_in_summary_build_summary_and_events() {
    const BROKEN: &str = "Sources/Feed/FeedView.swift";
    let (farm, project) = (shared(), Project::sample().rich());
    let line = project.append(BROKEN, "#error(\"broken on purpose\")");
    let outcome = rch(farm, project.path(), &["xcode", "run", "--action", "test"]).expect(50);
    let build = outcome.document("test", "build_summary.json");
    assert_eq!((&build["status"], &build["source"]), (&"failed".into(), &"xcresult".into()));
    let error =
        build["diagnostics"].as_array().unwrap().iter().find(|known| known["severity"] == "error" && known["line"] == line).unwrap();
    assert_eq!((&error["path"], &error["kind"]), (&BROKEN.into(), &"compile".into()));
    assert_eq!(build["first_error"], outcome.document("test", "summary.json")["first_errors"][0]);
    assert!(!build["failed_commands"].as_array().unwrap().is_empty());
    let log = fs::read(outcome.set("test").join("build.log")).unwrap();
    let told = &events(&outcome, "test");
    let told = of_type(told, "diagnostic").into_iter().find(|event| event["event"]["diagnostic"]["line"] == line).unwrap();
    for offset in [&error["log_offset"], &told["log_offset"]] {
        let there = String::from_utf8_lossy(&log[usize::try_from(offset.as_u64().unwrap()).unwrap()..]).into_owned();
        assert!(there.lines().next().unwrap().contains("broken on purpose"), "{there}");
    }
    assert_eq!(outcome.document("test", "test_summary.json")["counts"]["total"], 0);
}

#[test]
fn failed_skipped_and_crashed_tests_are_what_they_are_in_every_file() {
    const TESTS: &str = "import XCTest\nfinal class BrokenTests: XCTestCase {\n    func testOnPurpose() {\n        XCTFail(\"on <purpose> & so\")\n    }\n\
        func testLater() throws {\n        throw XCTSkip(\"needs a network\")\n    }\n    func testCrash() {\n        fatalError(\"gone\")\n    }\n}\n";
    let (farm, project) = (shared(), Project::sample().rich());
    let file = project.file("Tests/PostTests.swift");
    fs::write(&file, format!("{}\n{TESTS}", fs::read_to_string(&file).unwrap())).unwrap();
    let outcome = rch(farm, project.path(), &["xcode", "run", "--action", "test"]).expect(50);
    let tests = outcome.document("test", "test_summary.json");
    let case = |name: &str| {
        let id = format!("SampleAppTests/BrokenTests/{name}");
        tests["cases"]
            .as_array()
            .unwrap()
            .iter()
            .find(|case| case["id"] == id.as_str())
            .unwrap_or_else(|| panic!("{id} is not in {tests}"))
            .clone()
    };
    let failed = case("testOnPurpose");
    assert_eq!((&failed["result"], &failed["repetitions"][0]["failures"][0]["path"]), (&"failed".into(), &"Tests/PostTests.swift".into()));
    assert_eq!((&case("testLater")["result"], &case("testLater")["skipped_reason"]), (&"skipped".into(), &"needs a network".into()));
    assert_eq!(case("testCrash")["result"], "failed");
    let counts = &tests["counts"];
    let count = |name: &str| counts[name].as_u64().unwrap();
    assert_eq!(count("failed"), 2, "{counts}");
    assert_eq!(read_junit(&outcome.set("test").join("junit.xml")), [count("total"), 2, 0, count("skipped")]);
    let failing = &outcome.document("test", "summary.json")["failing_tests"];
    let ids: Vec<&str> = failing.as_array().unwrap().iter().map(|test| test["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["SampleAppTests/BrokenTests/testCrash", "SampleAppTests/BrokenTests/testOnPurpose"].map(str::to_owned).to_vec());
}
