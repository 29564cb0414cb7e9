//! What a step says: its own destinations, its directory, and every key of its section.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;

use rch_schemas::invocation::Policy;

use super::tests::{configured, lined};
use super::*;
use crate::config::{Layers, Settings};
use crate::environment::Environment;

const MATRIX: &str = r#"
[project]
workspace = "App.xcworkspace"
scheme = "App"

[actions]
verify = ["build", "unit"]

[actions.build]
action = "build"
destinations = ["generic/platform=iOS"]

[actions.unit]
action = "test"
destinations = ["platform=iOS Simulator,name=iPhone 16,OS=18.2", "platform=macOS"]

[destination]
value = "platform=iOS Simulator,name=iPhone 16"
"#;

fn own(plan: &Plan) -> Vec<Option<Vec<u32>>> {
    plan.steps.iter().map(|step| plan.own_destinations(step)).collect()
}

fn asked(plan: &Plan) -> Vec<&str> {
    plan.destinations.iter().map(|destination| destination.asked.as_str()).collect()
}

#[test]
fn each_step_has_its_own_destinations_and_a_run_has_each_once() {
    let plan = configured(MATRIX, &[]).unwrap();
    assert_eq!(asked(&plan), ["generic/platform=iOS", "platform=iOS Simulator,name=iPhone 16,OS=18.2", "platform=macOS"]);
    assert_eq!(own(&plan), [Some(vec![0]), Some(vec![1, 2])]);
    assert_eq!(plan.features(), ["step_destinations"]);
    assert_eq!(plan.asked(&plan.steps[1]).count(), 2);

    let reordered = MATRIX.replace("[\"generic/platform=iOS\"]", "[\"platform=macOS\", \"OS=18.2,name=iPhone 16,platform=iOS Simulator\"]");
    let plan = configured(&reordered, &[]).unwrap();
    assert_eq!(asked(&plan), ["platform=macOS", "OS=18.2,name=iPhone 16,platform=iOS Simulator"], "two spellings of one are one");
    assert_eq!(own(&plan), [None, Some(vec![1, 0])]);
    let shared = MATRIX.replace("destinations =", "# destinations =");
    let plan = configured(&shared, &[]).unwrap();
    assert_eq!((asked(&plan).len(), own(&plan), plan.features().len()), (1, vec![None, None], 0), "an old farm needs to know nothing");
}

#[test]
fn tests_without_building_come_after_a_build_for_their_destination() {
    let repo = MATRIX
        .replace("action = \"build\"", "action = \"build-for-testing\"")
        .replace("action = \"test\"", "action = \"test-without-building\"");
    let error = configured(&repo, &[]).unwrap_err();
    assert!(matches!(error, PlanError::Order(_)), "{error}");
    let plan =
        configured(&repo.replace("\"generic/platform=iOS\"", "\"platform=macOS\", \"name=iPhone 16,OS=18.2,platform=iOS Simulator\""), &[]);
    assert_eq!(own(&plan.unwrap()), [None, Some(vec![1, 0])]);
}

#[test]
fn what_does_not_go_with_a_destination_is_refused_at_once_unless_the_run_goes_on() {
    let repo = MATRIX.replace("\"platform=macOS\"]", "\"generic/platform=iOS\"]");
    let PlanError::Rejected { .. } = configured(&repo, &[]).unwrap_err() else { panic!("not refused") };
    let goes_on = format!("{repo}\n[run]\ncontinue_on_failure = true\n");
    let plan = configured(&goes_on, &[]).unwrap();
    assert_eq!(own(&plan), [Some(vec![0]), Some(vec![1, 0])], "the coordinator refuses the one, and runs the others");
    assert!(plan.judge(|_| Policy::default()).is_ok() && !plan.is_refused(&plan.steps[1]));

    let denied = goes_on.replace("[actions.build]", "[actions.build]\nargs = [\"-target\", \"App\"]");
    let plan = configured(&denied, &[]).unwrap();
    assert!(plan.is_refused(&plan.steps[0]) && !plan.is_refused(&plan.steps[1]));
    let nothing_left = denied.replace("[actions.unit]", "[actions.unit]\nargs = [\"-target\", \"App\"]");
    assert!(matches!(configured(&nothing_left, &[]), Err(PlanError::Rejected { .. })), "there is nothing to go on with");
}

#[test]
fn every_key_of_an_action_arrives_as_its_argument() {
    let of = |keys: &str, action: &str| {
        let repo = MATRIX.replace("action = \"test\"", &format!("action = \"{action}\"\n{keys}"));
        let line = configured(&repo, &[]).unwrap_or_else(|error| panic!("{keys}: {error}")).steps[1].argv.join(" ");
        line.replace("-workspace App.xcworkspace ", "").replace("-scheme App", "*")
    };
    for (keys, expected) in [
        ("", "test *"),
        ("test_plan = \"Fast\"", "test * -testPlan Fast"),
        ("only_testing = [\"AppTests/A\", \"AppTests/B/testC()\"]", "test * -only-testing:AppTests/A -only-testing:AppTests/B/testC()"),
        ("skip_testing = [\"UITests\"]", "test * -skip-testing:UITests"),
        ("coverage = true", "test * -enableCodeCoverage YES"),
        ("coverage = false", "test * -enableCodeCoverage NO"),
        ("args = [\"-parallel-testing-enabled\", \"NO\"]", "test * -parallel-testing-enabled NO"),
        ("settings = { CODE_SIGNING_ALLOWED = false, SWIFT_VERSION = \"6.0\" }", "test * CODE_SIGNING_ALLOWED=NO SWIFT_VERSION=6.0"),
        ("configuration = \"Release\"", "test * -configuration Release"),
        ("scheme = \"Other\"", "test -scheme Other"),
        ("project = \"Other.xcodeproj\"", "test -project Other.xcodeproj *"),
        ("workspace = \"Other.xcworkspace\"", "test -workspace Other.xcworkspace *"),
        ("path = \"ios\"", "test -workspace ios/App.xcworkspace *"),
        ("path = \"ios\"\nproject = \"Other.xcodeproj\"", "test -project ios/Other.xcodeproj *"),
        ("package = \".\"", "test *"),
        ("package = \"Packages/Kit\"", "test *"),
        ("allow_empty = true", "test *"),
    ] {
        assert_eq!(of(keys, "test"), expected, "{keys}");
    }
}

#[test]
fn a_package_is_built_in_its_directory_and_elsewhere_nothing_is() {
    let directory = |keys: &str| {
        let repo = MATRIX.replace("action = \"test\"", &format!("action = \"test\"\n{keys}"));
        let plan = configured(&repo, &[])?;
        Ok::<_, PlanError>((plan.steps[1].directory.clone().map(String::from), plan.features().contains(&"step_directory")))
    };
    for (keys, expected) in [
        ("package = \".\"", None),
        ("package = \"Packages/Kit\"", Some("Packages/Kit")),
        ("package = \"./Packages/Kit/\"", Some("Packages/Kit")),
        ("path = \"Packages/Kit\"\npackage = \".\"", Some("Packages/Kit")),
        ("path = \"Packages\"\npackage = \"Kit\"", Some("Packages/Kit")),
        ("path = \"Packages\"", None),
    ] {
        assert_eq!(directory(keys).unwrap(), (expected.map(str::to_owned), expected.is_some()), "{keys}");
    }
    let error = directory("path = \"./-x\"\npackage = \".\"").unwrap_err().to_string();
    assert!(error.contains("begins with -") && error.contains("package = \"Packages/Kit\""), "{error}");
}

#[test]
fn allow_empty_reaches_the_step_and_is_refused_where_no_tests_run() {
    let repo = MATRIX.replace("action = \"test\"", "action = \"test\"\nallow_empty = true");
    let plan = configured(&repo, &[]).unwrap();
    assert_eq!(plan.steps.iter().map(|step| step.allow_empty).collect::<Vec<_>>(), [false, true]);
    let error = configured(&repo.replace("action = \"test\"", "action = \"build\""), &[]).unwrap_err().to_string();
    assert!(error.starts_with("actions.unit.allow_empty is for actions that run tests, and the action is build"), "{error}");
}

#[test]
fn a_line_typed_in_the_directory_of_a_package_is_about_that_package() {
    let plan = lined(MATRIX, "", "-scheme App build").unwrap();
    assert_eq!(plan.steps[0].directory, None);
    let root = tempfile::tempdir().unwrap();
    for file in
        [".rch/xcode.toml", "App.xcworkspace/contents.xcworkspacedata", "Packages/Kit/Package.swift", "Packages/Kit/Sources/Kit.swift"]
    {
        fs::create_dir_all(root.path().join(file).parent().unwrap()).unwrap();
        fs::write(root.path().join(file), if file.starts_with(".rch/") { MATRIX } else { "" }).unwrap();
    }
    let environment = Environment { working_directory: root.path().to_owned(), ..Environment::default() };
    let merged = Layers::read(&environment, &[]).unwrap().merged();
    let planned = |working: &str, line: &str| {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let (settings, at) = (Settings::new(&merged), Directories { root: root.path(), working: &root.path().join(working) });
        read(&settings, &words, at, None).into_plan(&settings, root.path())
    };
    let line = |working: &str, line: &str| planned(working, line).unwrap();
    let error = planned("Packages/Kit", "test -destination platform=macOS").unwrap_err().to_string();
    assert!(error.starts_with("-scheme is not set"), "App is not a scheme of the package: {error}");
    let plan = line("Packages/Kit", "test -scheme Kit -destination platform=macOS");
    let step = &plan.steps[0];
    assert_eq!((step.argv.join(" "), step.directory.as_ref().unwrap().as_str()), ("test -scheme Kit".to_owned(), "Packages/Kit"));
    assert_eq!(plan.project, "Kit");
    let plan = line("Packages/Kit", "test -workspace ../../App.xcworkspace -scheme App -destination platform=macOS");
    assert_eq!((plan.steps[0].directory.clone(), plan.project.as_str()), (None, "App"), "a line that names its container means it");
    let plan = line("Packages/Kit/Sources", "test -destination platform=macOS");
    assert_eq!(
        (plan.steps[0].directory.clone(), plan.project.as_str()),
        (None, "App"),
        "where there is nothing to open, the configuration says what"
    );
}
