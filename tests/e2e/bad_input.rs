//! What people get wrong: each is named, with what to do, and has its exit code.

use std::os::unix::fs::symlink;

use crate::harness::{Outcome, Project, rch, shared};

/// Runs `verify` and expects to be told all `words`.
#[track_caller]
fn refused(project: &Project, words: &[&str], code: i32, told: &[&str]) -> Outcome {
    let outcome = rch(shared(), project.path(), words).expect(code);
    let everything = outcome.everything();
    for word in told {
        assert!(everything.contains(word), "{word:?} is not in {everything}");
    }
    assert!(outcome.sets().is_empty());
    outcome
}

#[test]
fn an_unknown_key_is_refused_naming_the_nearest() {
    let project = Project::sample().configure("[timeouts]\noveral_seconds = 3");
    refused(&project, &["xcode", "verify"], 2, &["timeouts.overal_seconds", "timeouts.overall_seconds", "xcode.toml"]);
}

#[test]
fn a_value_out_of_bounds_is_refused_before_anything_runs() {
    let project = Project::sample().configure("[timeouts]\noverall_seconds = 100000");
    refused(&project, &["xcode", "verify"], 2, &["overall_seconds", "86400"]);
}

#[test]
fn a_coordinator_out_of_reach_exits_20_and_says_where_it_was_looked_for() {
    let project = Project::sample().configure("[timeouts]\nconnect_seconds = 1");
    refused(&project, &["--coordinator", "http://127.0.0.1:9", "xcode", "verify"], 20, &["http://127.0.0.1:9"]);
}

#[test]
fn a_tree_without_configuration_is_told_what_to_write() {
    let project = Project::sample();
    std::fs::remove_file(project.file(".rch/xcode.toml")).unwrap();
    refused(&project, &["xcode", "verify"], 2, &[".rch/xcode.toml", "SampleApp.xcworkspace"]);
}

#[test]
fn an_xcode_that_nobody_has_exits_91_with_the_nearest_misses() {
    let project = Project::sample();
    let outcome = rch(shared(), project.path(), &["xcode", "verify", "--xcode", "15.0"]).expect(91);
    let everything = outcome.everything();
    for word in ["15.0", "macmini-01", "16.2", "macmini-02", "16.4"] {
        assert!(everything.contains(word), "{word:?} is not in {everything}");
    }
}

#[test]
fn a_destination_that_nobody_has_exits_91() {
    let project = Project::sample();
    let destination = "platform=iOS Simulator,name=iPhone 4,OS=latest";
    let outcome = rch(shared(), project.path(), &["xcode", "verify", "--destination", destination]).expect(91);
    assert!(outcome.everything().contains("iPhone 4"), "{}", outcome.everything());
}

#[test]
fn a_link_that_leaves_the_tree_exits_92_and_is_named() {
    let project = Project::sample();
    symlink("../../secrets", project.file("Sources/Secrets")).unwrap();
    let outcome = refused(&project, &["xcode", "verify"], 92, &["Sources/Secrets", "../../secrets"]);
    assert_eq!(outcome.reason(), "ESCAPING_SYMLINK");
}

#[test]
fn two_names_that_are_one_on_a_mac_exit_92_and_are_both_named() {
    let project = Project::sample();
    project.write("Sources/Model/POST.swift", "// the same name to APFS\n");
    let outcome = refused(&project, &["xcode", "verify"], 92, &["Sources/Model/POST.swift", "Sources/Model/Post.swift"]);
    assert_eq!(outcome.reason(), "NAME_COLLISION");
}

#[test]
fn an_argument_that_is_denied_exits_10_and_says_what_to_write_instead() {
    let project = Project::sample();
    let line = ["xcodebuild", "-workspace", "SampleApp.xcworkspace", "-scheme", "SampleApp", "-toolchain", "/tmp/evil", "build"];
    let outcome = rch(shared(), project.path(), &line).expect(10);
    assert!(outcome.everything().contains("-toolchain"), "{}", outcome.everything());
}

#[test]
fn a_setting_that_could_redirect_the_compiler_exits_10() {
    let project = Project::sample();
    let line = ["xcodebuild", "-workspace", "SampleApp.xcworkspace", "-scheme", "SampleApp", "SWIFT_EXEC=/tmp/evil", "build"];
    let outcome = rch(shared(), project.path(), &line).expect(10);
    assert!(outcome.everything().contains("SWIFT_EXEC"), "{}", outcome.everything());
}

#[test]
fn a_run_that_is_not_there_exits_3() {
    let project = Project::sample();
    refused(&project, &["cancel", "01AAAAAAAAAAAAAAAAAAAAAAAA"], 3, &["01AAAAAAAAAAAAAAAAAAAAAAAA"]);
}
