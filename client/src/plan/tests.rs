//! Plans from a configuration and from lines people wrote.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::config::{Layers, Merged, Settings};
use crate::environment::Environment;

const REPO: &str = r#"
[project]
path = "ios"
workspace = "App.xcworkspace"
scheme = "App"

[actions]
verify = ["build", "unit"]

[actions.build]
action = "build"

[actions.unit]
action = "test"
configuration = "Debug"
test_plan = "Fast"
only_testing = ["AppTests/A", "AppTests/B"]
coverage = true
args = ["-parallel-testing-enabled", "NO"]
settings = { CODE_SIGNING_ALLOWED = false }

[destination]
value = "platform=iOS Simulator,name=iPhone 16"
"#;

fn tree(repo: &str, flags: &[(&'static str, Value)]) -> (TempDir, Merged) {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join(".rch")).unwrap();
    fs::create_dir_all(root.path().join("ios")).unwrap();
    fs::write(root.path().join(".rch/xcode.toml"), repo).unwrap();
    let environment = Environment { working_directory: root.path().to_owned(), ..Environment::default() };
    let merged = Layers::read(&environment, flags).unwrap().merged();
    (root, merged)
}

fn configured(repo: &str, flags: &[(&'static str, Value)]) -> Result<Plan, PlanError> {
    let (root, merged) = tree(repo, flags);
    let settings = Settings::new(&merged);
    from_config(&settings, &settings.verify().unwrap(), root.path())
}

fn lined(repo: &str, working: &str, line: &str) -> Result<Plan, PlanError> {
    let (root, merged) = tree(repo, &[]);
    let words: Vec<String> = line.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    let at = Directories { root: root.path(), working: &root.path().join(working) };
    from_line(&Settings::new(&merged), &words, at)
}

fn asked(plan: &Plan) -> Vec<&str> {
    plan.destinations.iter().map(|destination| destination.asked.as_str()).collect()
}

#[test]
fn an_action_becomes_the_arguments_a_person_would_write() {
    let plan = configured(REPO, &[]).unwrap();
    assert_eq!(plan.project, "App");
    assert_eq!(plan.steps[0].argv.join(" "), "build -workspace ios/App.xcworkspace -scheme App");
    assert_eq!(
        plan.steps[1].argv.join(" "),
        "test -workspace ios/App.xcworkspace -scheme App -configuration Debug -testPlan Fast -enableCodeCoverage YES \
         -only-testing:AppTests/A -only-testing:AppTests/B -parallel-testing-enabled NO CODE_SIGNING_ALLOWED=NO"
    );
    assert_eq!(asked(&plan), ["platform=iOS Simulator,name=iPhone 16"]);
}

#[test]
fn a_denied_argument_is_refused_with_what_to_write_instead() {
    let error = configured(&REPO.replace("\"-parallel-testing-enabled\", \"NO\"", "\"-target\", \"App\""), &[]).unwrap_err();
    let PlanError::Rejected { step, rejected } = error else { panic!("{error}") };
    assert_eq!((step.as_str(), rejected.len(), rejected[0].argument.as_str()), ("unit", 1, "-target App"));
    assert!(!rejected[0].fix.is_empty());
}

#[test]
fn destinations_given_by_a_flag_stand_over_everything() {
    let repo = REPO.replace("[actions.build]", "[actions.build]\ndestinations = [\"platform=macOS\"]");
    let plan = configured(&repo, &[("destination.values", json!(["name=iPad Air", "name=iPhone 16"]))]).unwrap();
    assert_eq!(asked(&plan), ["name=iPad Air", "name=iPhone 16"]);
    let error = configured(&repo, &[]).unwrap_err().to_string();
    assert!(error.contains("actions.build and actions.unit have different destinations"), "{error}");
}

#[test]
fn a_pinned_destination_must_name_device_and_version() {
    let repo = format!("{REPO}mode = \"pinned\"\n");
    let error = configured(&repo, &[]).unwrap_err().to_string();
    assert!(error.contains("leaves the name or the OS to the farm") && error.contains("mode = \"constraints\""), "{error}");
    assert!(configured(&repo.replace("iPhone 16", "iPhone 16,OS=18.2"), &[]).is_ok());
}

#[test]
fn a_line_is_completed_from_the_configuration() {
    let plan = lined(REPO, "", "env LANG=de DEVELOPER_DIR=/x xcrun xcodebuild -quiet test").unwrap();
    assert_eq!(plan.steps[0].argv.join(" "), "-quiet test -workspace ios/App.xcworkspace -scheme App");
    assert_eq!(plan.steps[0].name, "test");
    assert_eq!(plan.env.get("LANG").map(String::as_str), Some("de"));
    assert!(!plan.env.contains_key("DEVELOPER_DIR"));
    assert_eq!(plan.notices.len(), 2, "{:?}", plan.notices);
    assert_eq!(asked(&plan), ["platform=iOS Simulator,name=iPhone 16"]);
}

#[test]
fn a_variable_of_the_worker_is_left_out_of_a_line_and_one_that_no_job_may_set_refuses_it() {
    let plan = lined(REPO, "", "env NSUnbufferedIO=YES PATH=/bin CI=1 xcodebuild test").unwrap();
    assert_eq!(plan.env, [("CI".to_owned(), "1".to_owned())].into());
    assert_eq!(
        plan.notices,
        ["NSUnbufferedIO is left out: it is always YES, so that the log can be followed", "PATH is left out: each attempt has its own"]
    );
    let error = lined(REPO, "", "DYLD_INSERT_LIBRARIES=shim.dylib xcodebuild test").unwrap_err().to_string();
    assert!(error.starts_with("a job cannot set the variable DYLD_INSERT_LIBRARIES: it loads code"), "{error}");
}

#[test]
fn a_line_s_own_words_stand_and_its_destinations_are_the_run_s() {
    let plan =
        lined(REPO, "ios", "-workspace ./Other.xcworkspace -scheme Other -destination platform=macOS -xcconfig ../ci.xcconfig build")
            .unwrap();
    assert_eq!(plan.steps[0].argv.join(" "), "-workspace ios/Other.xcworkspace -scheme Other -xcconfig ci.xcconfig build");
    assert_eq!((plan.project.as_str(), asked(&plan)), ("Other", vec!["platform=macOS"]));
}

#[test]
fn a_line_may_not_reach_out_of_the_tree() {
    let error = lined(REPO, "ios", "-project ../../Other.xcodeproj -scheme A").unwrap_err();
    assert!(matches!(error, PlanError::Rejected { .. }), "{error}");
}

#[test]
fn an_sdk_alone_says_where_a_build_goes() {
    let plan = lined(REPO, "", "-sdk iphonesimulator -scheme App build").unwrap();
    assert_eq!(asked(&plan), ["generic/platform=iOS Simulator"]);
}

#[test]
fn without_a_configuration_the_only_container_of_the_directory_is_opened() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("sub/Tool.xcodeproj")).unwrap();
    let environment = Environment { working_directory: root.path().to_owned(), ..Environment::default() };
    let merged = Layers::read(&environment, &[]).unwrap().merged();
    let settings = Settings::new(&merged);
    let line = |working: &Path, text: &str| {
        let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        from_line(&settings, &words, Directories { root: root.path(), working })
    };
    let plan = line(&root.path().join("sub"), "-scheme Tool -destination platform=macOS").unwrap();
    assert_eq!(plan.steps[0].argv.join(" "), "-scheme Tool -project sub/Tool.xcodeproj");
    let error = line(root.path(), "-scheme Tool -destination platform=macOS").unwrap_err().to_string();
    assert!(error.contains("add -workspace or -project; found none"), "{error}");
    let error = line(&root.path().join("sub"), "-destination platform=macOS").unwrap_err().to_string();
    assert!(error.contains("add -scheme NAME"), "{error}");
}
