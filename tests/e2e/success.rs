//! A source tree that builds and whose tests pass.

use std::fs;

use crate::harness::{Project, rch, read_json, shared};

#[test]
fn a_tree_becomes_signed_artifacts_of_each_step() {
    let (farm, project) = (shared(), Project::sample());
    let outcome = rch(farm, project.path(), &["xcode", "verify"]).expect(0);

    assert_eq!(outcome.sets().len(), 2, "a set for each of build and test");
    for action in ["build", "test"] {
        let summary = outcome.document(action, "summary.json");
        assert_eq!((&summary["status"], &summary["exit_code"], &summary["backend"]), (&"success".into(), &0.into(), &"xcodebuild".into()));
        assert_eq!(summary["log_complete"], true);
        let log = fs::read_to_string(outcome.set(action).join("build.log")).unwrap();
        assert!(log.contains(&format!("** {} SUCCEEDED **", action.to_uppercase())), "{log}");
    }
    let tests = &outcome.document("test", "summary.json")["tests"];
    assert!(tests["passed"].as_u64() > Some(0) && tests["failed"] == 0, "{tests}");
    let summary = read_json(&outcome.artifacts().join("run_summary.json"));
    assert_eq!((&summary["status"], &summary["exit_code"]), (&"SUCCEEDED".into(), &0.into()));
}

#[test]
fn the_result_bundle_stays_on_the_farm_until_it_is_fetched() {
    let (farm, project) = (shared(), Project::sample());
    let outcome = rch(farm, project.path(), &["xcode", "run", "--action", "test"]).expect(0);
    let bundle = outcome.set("test").join("result.xcresult");
    assert!(!bundle.exists(), "large results are not downloaded unasked");

    // The set is checked again after this, with the files of the bundle in it.
    let fetched = rch(farm, project.path(), &["fetch", outcome.run_id()]).expect(0);
    assert!(bundle.is_dir() && fs::read_dir(&bundle).unwrap().count() > 0);
    assert_eq!(fetched.run_id(), outcome.run_id());
}

#[test]
fn an_xcodebuild_line_runs_as_it_was_written() {
    let (farm, project) = (shared(), Project::sample());
    let line =
        ["-workspace", "SampleApp.xcworkspace", "-scheme", "SampleApp", "-destination", "platform=iOS Simulator,name=iPhone 16", "-quiet"];
    let outcome = rch(farm, project.path(), &[&["xcodebuild"], &line[..], &["build"]].concat()).expect(0);
    assert!(outcome.everything().contains("-quiet"), "an argument that is ours to decide is named: {:#?}", outcome.lines);
    let ran = outcome.document("build", "invocation.json")["effective_argv"].to_string();
    assert!(ran.contains("-scheme") && !ran.contains("-quiet"), "{ran}");
}

#[test]
fn a_request_that_is_repeated_is_the_same_run() {
    let (farm, project) = (shared(), Project::sample());
    let words = ["xcode", "run", "--action", "build", "--request-id", "e2e-the-same-request"];
    let first = rch(farm, project.path(), &words).expect(0);
    let second = rch(farm, project.path(), &words).expect(0);
    assert_eq!(first.run_id(), second.run_id());
}

#[test]
fn a_dry_run_says_who_would_run_it_and_runs_nothing() {
    let (farm, project) = (shared(), Project::sample());
    let outcome = rch(farm, project.path(), &["xcode", "verify", "--dry-run"]).expect(0);
    assert!(outcome.said("Worker")[0].contains("macmini-01"), "{:?}", outcome.said("Worker"));
    assert!(outcome.result()["run_id"].is_null());
    assert!(!project.file(".rch/artifacts").exists());
}
