//! What a step of a run can say: where it runs, in which directory, and what an empty test run means.

use std::fs;

use serde_json::Value;

use crate::harness::{Outcome, Project, rch, read_json, shared};

const FIRST: &str = "platform=iOS Simulator,name=iPhone 16,OS=18.2";
const SECOND: &str = "platform=iOS Simulator,name=iPhone 16,OS=18.5";
const VERIFY: [&str; 2] = ["xcode", "verify"];

/// Writes a configuration in place of the sample's.
fn configured(project: &Project, actions: &str) {
    let head = "schema_version = 1\n[project]\nworkspace = \"SampleApp.xcworkspace\"\nscheme = \"SampleApp\"\n";
    project.write(".rch/xcode.toml", &format!("{head}{actions}"));
}

/// `state action worker` of every job, in plan order.
fn jobs(outcome: &Outcome) -> Vec<String> {
    let run = &outcome.result()["document"];
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let line = |job: &Value| format!("{} {} {}", text(&job["state"]), text(&job["action"]), text(&job["worker"]));
    run["jobs"].as_array().unwrap().iter().map(line).collect()
}

#[test]
fn two_destinations_of_a_step_run_side_by_side_where_each_of_them_is() {
    let project = Project::sample();
    let actions = format!("[actions]\nverify = [\"test\"]\n[actions.test]\ndestinations = [{FIRST:?}, {SECOND:?}]\n");
    configured(&project, &actions);
    let outcome = rch(shared(), project.path(), &[&VERIFY[..], &["--log", "short"]].concat()).expect(0);
    assert_eq!(jobs(&outcome), ["SUCCEEDED test macmini-01", "SUCCEEDED test macmini-02"]);
    let ended = outcome.said("Succeeded").join("\n");
    assert!(ended.contains("test on iPhone 16, iOS 18.2 in") && ended.contains("test on iPhone 16, iOS 18.5 in"), "{ended}");
    let sets = outcome.sets();
    assert_eq!(sets.len(), 2);
    let resolved: Vec<Value> = sets.iter().map(|set| read_json(&set.join("destination.json"))["resolved"]["os_version"].clone()).collect();
    assert!(resolved.contains(&"18.2".into()) && resolved.contains(&"18.5".into()), "{resolved:?}");
    let keys: Vec<Value> = sets.iter().map(|set| read_json(&set.join("job.json"))["job_key"].clone()).collect();
    assert_ne!(keys[0], keys[1]);
}

#[test]
fn a_build_on_one_destination_and_tests_on_two_are_one_run() {
    let project = Project::sample();
    let actions = format!(
        "[actions]\nverify = [\"build\", \"test\"]\n[actions.build]\ndestinations = [\"generic/platform=iOS\"]\n[actions.test]\ndestinations = [{FIRST:?}, {SECOND:?}]\n"
    );
    configured(&project, &actions);
    let preview = rch(shared(), project.path(), &[&VERIFY[..], &["--dry-run"]].concat()).expect(0);
    let planned = preview.said("Job");
    assert_eq!(planned.len(), 3, "{planned:?}");
    assert!(planned[0].starts_with("build on generic/platform=iOS, key "), "{planned:?}");

    let outcome = rch(shared(), project.path(), &VERIFY).expect(0);
    assert_eq!(jobs(&outcome), ["SUCCEEDED build macmini-01", "SUCCEEDED test macmini-01", "SUCCEEDED test macmini-02"]);
    let plan = read_json(&outcome.artifacts().join("run_plan.json"));
    let destinations: Vec<Vec<u64>> = plan["steps"].as_array().unwrap().iter().map(destinations_of).collect();
    assert_eq!(destinations, [vec![0], vec![1, 2]]);
    let invocation = outcome.document("build", "invocation.json");
    assert!(invocation["effective_argv"].to_string().contains("generic/platform=iOS"), "{invocation}");
}

fn destinations_of(step: &Value) -> Vec<u64> {
    step["jobs"].as_array().unwrap().iter().map(|job| job["destination"].as_u64().unwrap()).collect()
}

#[test]
fn tests_without_building_run_what_the_step_before_has_built() {
    let project = Project::sample();
    let actions = format!(
        "[actions]\nverify = [\"build-for-testing\", \"fast\"]\n[actions.fast]\naction = \"test-without-building\"\ndestinations = [{SECOND:?}]\n[destination]\nvalues = [{FIRST:?}, {SECOND:?}]\n"
    );
    configured(&project, &actions);
    let outcome = rch(shared(), project.path(), &VERIFY).expect(0);
    let expected =
        ["SUCCEEDED build-for-testing macmini-01", "SUCCEEDED build-for-testing macmini-02", "SUCCEEDED test-without-building macmini-02"];
    assert_eq!(jobs(&outcome), expected);
    let tests = &outcome.document("test-without-building", "summary.json")["tests"];
    assert!(tests["passed"].as_u64() > Some(0), "{tests}");
}

#[test]
fn a_refused_sibling_rejects_the_run_and_the_others_run_only_where_it_goes_on() {
    let project = Project::sample();
    let actions = format!(
        "[actions]\nverify = [\"test\", \"build\"]\n[actions.test]\ndestinations = [\"generic/platform=iOS\", {FIRST:?}]\n[actions.build]\ndestinations = [{FIRST:?}]\n"
    );
    configured(&project, &actions);
    let refused = rch(shared(), project.path(), &VERIFY).expect(10);
    assert!(refused.result()["run_id"].is_null(), "nothing of it is sent");
    assert!(refused.everything().contains("a generic destination has no device to run tests on"));

    configured(&project, &format!("{actions}[run]\ncontinue_on_failure = true\n"));
    let outcome = rch(shared(), project.path(), &VERIFY).expect(10);
    assert_eq!(outcome.reason(), "ARGUMENT_DENIED");
    let states: Vec<String> = jobs(&outcome).iter().map(|job| job.rsplit_once(' ').unwrap().0.to_owned()).collect();
    assert_eq!(states, ["REJECTED test", "SUCCEEDED test", "SUCCEEDED build"]);
    let summary = read_json(&outcome.artifacts().join("run_summary.json"));
    assert_eq!((&summary["status"], &summary["rejected"], &summary["succeeded"]), (&"REJECTED".into(), &1.into(), &2.into()));
}

#[test]
fn a_failed_step_ends_the_run_unless_it_goes_on() {
    let project = Project::sample();
    project.append("Sources/Model/Post.swift", "#error(\"broken on purpose\")");
    let actions = format!("[actions]\nverify = [\"build\", \"test\"]\n[destination]\nvalue = {FIRST:?}\n");
    for (more, second) in [("", "SKIPPED test"), ("[run]\ncontinue_on_failure = true\n", "FAILED test")] {
        configured(&project, &format!("{actions}{more}"));
        let outcome = rch(shared(), project.path(), &VERIFY).expect(50);
        let jobs = jobs(&outcome);
        assert!(jobs[0].starts_with("FAILED build") && jobs[1].starts_with(second), "{jobs:?}");
    }
}

/// A tree with a package in `Packages/Kit` and nothing at its root, pinned by a file that git ignores.
fn package(tests: &str) -> Project {
    let project = Project::sample();
    for entry in fs::read_dir(project.path()).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.unwrap();
    }
    let manifest = "// swift-tools-version: 6.0\nimport PackageDescription\nlet package = Package(\n    name: \"Kit\",\n    \
                    products: [.library(name: \"Kit\", targets: [\"Kit\"])],\n    \
                    dependencies: [.package(url: \"https://example.com/log.git\", from: \"1.0.0\")],\n    \
                    targets: [.target(name: \"Kit\"), .testTarget(name: \"KitTests\", dependencies: [\"Kit\"])]\n)\n";
    let pins = "{\"pins\":[{\"identity\":\"log\",\"location\":\"https://example.com/log.git\",\"state\":{\"version\":\"1.2.0\"}}],\"version\":2}\n";
    let marker = format!("// {}\npublic struct Kit {{ public init() {{}} }}\n", project.path().display());
    project.write("Packages/Kit/Package.swift", manifest);
    project.write("Packages/Kit/Package.resolved", pins);
    project.write("Packages/Kit/Sources/Kit/Kit.swift", &marker);
    project.write("Packages/Kit/Tests/KitTests/KitTests.swift", tests);
    project.write(".gitignore", "Package.resolved\n");
    project
}

const ONE_TEST: &str = "import XCTest\nfinal class KitTests: XCTestCase {\n    func testInit() { XCTAssertTrue(true) }\n}\n";

#[test]
fn a_package_is_built_in_its_directory_with_the_versions_it_pins() {
    let project = package(ONE_TEST);
    let config = "schema_version = 1\n[project]\npackage = \"Packages/Kit\"\nscheme = \"Kit\"\n[actions]\nverify = [\"test\"]\n[destination]\nvalue = \"platform=macOS\"\n";
    project.write(".rch/xcode.toml", config);
    let outcome = rch(shared(), project.path(), &VERIFY).expect(0);
    let invocation = outcome.document("test", "invocation.json");
    let ran = invocation["effective_argv"].to_string();
    assert_eq!(invocation["directory"], "Packages/Kit");
    assert!(!ran.contains("-project") && !ran.contains("-workspace"), "{ran}");
    assert!(ran.contains("-onlyUsePackageVersionsFromResolvedFile"), "an ignored Package.resolved is sent, and holds: {ran}");
    assert_eq!(outcome.document("test", "job.json")["job_key_inputs"]["directory"], "Packages/Kit");
    let log = fs::read_to_string(outcome.set("test").join("build.log")).unwrap();
    assert!(log.contains("log: https://example.com/log.git @ 1.2.0") && log.contains("** TEST SUCCEEDED **"), "{log}");
}

#[test]
fn a_line_typed_in_the_directory_of_a_package_builds_that_package() {
    let project = package(ONE_TEST);
    fs::create_dir_all(project.file(".git")).unwrap();
    let directory = project.file("Packages/Kit");
    let words = ["xcodebuild", "-scheme", "Kit", "-destination", "platform=macOS", "test"];
    let outcome = rch(shared(), &directory, &words).expect(0);
    assert_eq!(outcome.result()["document"]["plan"]["project"], "Kit");
    let run = outcome.run_id().to_owned();
    let sets = crate::harness::paths(&project.file(".rch/artifacts").join(run));
    let invocation = sets.iter().find(|path| path.ends_with("invocation.json")).unwrap();
    assert_eq!(read_json(invocation)["directory"], "Packages/Kit");
}

#[test]
fn a_test_run_without_tests_succeeds_only_where_it_may() {
    let project = package("import XCTest\nfinal class KitTests: XCTestCase {}\n");
    let config = |more: &str| {
        format!(
            "schema_version = 1\n[project]\npackage = \"Packages/Kit\"\nscheme = \"Kit\"\n[actions.test]\naction = \"test\"\n{more}[destination]\nvalue = \"platform=macOS\"\n"
        )
    };
    project.write(".rch/xcode.toml", &config(""));
    let strict = rch(shared(), project.path(), &VERIFY).expect(50);
    assert_eq!(strict.reason(), "NO_TESTS_RUN");
    project.write(".rch/xcode.toml", &config("allow_empty = true\n"));
    let outcome = rch(shared(), project.path(), &VERIFY).expect(0);
    assert_eq!(outcome.document("test", "job.json")["job_key_inputs"]["allow_empty"], true);
    let key = |outcome: &Outcome| outcome.document("test", "job.json")["job_key"].clone();
    assert_ne!(key(&strict), key(&outcome), "neither is ever served for the other");
}

#[test]
fn a_package_that_is_not_there_is_missed_before_anything_is_sent() {
    let project = package(ONE_TEST);
    project.write(".rch/xcode.toml", "schema_version = 1\n[project]\npackage = \"Packages/Other\"\nscheme = \"Kit\"\n[actions]\nverify = [\"test\"]\n[destination]\nvalue = \"platform=macOS\"\n");
    let outcome = rch(shared(), project.path(), &VERIFY).expect(92);
    let said = outcome.everything();
    assert!(said.contains("Packages/Other/Package.swift is not in the tree, which has Packages/Kit/Package.swift"), "{said}");
    assert!(!project.file(".rch/artifacts").exists());
}
