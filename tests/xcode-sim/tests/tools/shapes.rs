//! The answers have the members that recorded answers of the real tools have.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rch_xcode_sim::Machine;
use serde_json::Value;

use crate::desk::Desk;

/// Recorded data is not part of the project: it is read where it is, and missed where it is not.
fn recorded(below: &str) -> Option<Value> {
    let sibling = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures");
    let folder = std::env::var_os("RCH_FIXTURES").map_or(sibling, PathBuf::from);
    let Ok(text) = std::fs::read_to_string(folder.join(below)) else {
        println!("skipped: no recorded {below} (RCH_FIXTURES)");
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

/// The paths of members in a document: "devices.*.name". Ids as keys count as "*".
fn members(value: &Value, at: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                let is_id = key.contains("SimRuntime") || key.len() == 36 || key.chars().any(|c| c.is_ascii_digit());
                let path = format!("{at}.{}", if is_id { "*" } else { key });
                members(value, &path, found);
                found.insert(path);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| members(item, at, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn paths(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    members(value, "", &mut found);
    found
}

/// Ours may lack what depends on use ("lastUsage"), and may not invent anything.
fn assert_same_shape(ours: &Value, recorded: &Value, may_lack: &[&str]) {
    let (ours, recorded) = (paths(ours), paths(recorded));
    let invented: Vec<_> = ours.difference(&recorded).collect();
    assert!(invented.is_empty(), "not in the recorded answer: {invented:?}");
    let lacking: Vec<_> = recorded.difference(&ours).filter(|path| !may_lack.iter().any(|part| path.contains(part))).collect();
    assert!(lacking.is_empty(), "only in the recorded answer: {lacking:?}");
}

#[test]
fn simctl_list_has_the_recorded_members() {
    let Some(recorded) = recorded("simctl/macios-xcode26-list-full.json") else { return };
    let desk = Desk::new(&Machine::xcode_26_1());
    let listed = desk.run("xcrun", &["simctl", "list", "-j"]).json();
    assert_same_shape(&listed, &recorded, &["lastUsage", "lastBootedAt", "logPathSize", "availabilityError"]);
}

#[test]
fn simctl_runtimes_have_the_recorded_members() {
    let desk = Desk::new(&Machine::xcode_26_1());
    if let Some(recorded) = recorded("simctl/fastlane-runtime-match-list-xcode26.json") {
        let matched = desk.run("xcrun", &["simctl", "runtime", "match", "list", "-j"]).json();
        assert_same_shape(&matched, &recorded, &[]);
    }
    if let Some(recorded) = recorded("simctl/xcodes-installed-runtimes.json") {
        let installed = desk.run("xcrun", &["simctl", "runtime", "list", "-j"]).json();
        assert_same_shape(&installed, &recorded, &["lastUsedAt", "parent"]);
    }
}

#[test]
fn the_sdks_have_the_recorded_members() {
    let Some(recorded) = recorded("xcodebuild-version/sweetpad-16.4.0-showsdks.json") else { return };
    let desk = Desk::new(&Machine::xcode_16_4());
    assert_same_shape(&desk.run("xcodebuild", &["-showsdks", "-json"]).json(), &recorded, &[]);
}

#[test]
fn test_results_have_the_recorded_members() {
    let desk = Desk::usual();
    desk.edit("Tests/PostTests.swift", |text| text.replacen("() {\n", "() {\n        XCTFail(\"no\")\n", 1));
    let bundle = desk.path("test.xcresult");
    let bundle = bundle.to_str().unwrap();
    desk.build("test", &["-resultBundlePath", bundle]);
    let get = |what: &str| desk.run("xcrun", &["xcresulttool", "get", "test-results", what, "--path", bundle]).json();
    if let Some(recorded) = recorded("xcresult/get-test-results/randomstuff-c-summary.json") {
        assert_same_shape(&get("summary"), &recorded, &["statistics"]);
    }
    if let Some(recorded) = recorded("xcresult/get-test-results/randomstuff-c-tests.json") {
        assert_same_shape(&get("tests"), &recorded, &[]);
    }
}

#[test]
fn older_result_objects_have_only_recorded_members() {
    let desk = Desk::usual();
    desk.edit("Tests/PostTests.swift", |text| text.replacen("() {\n", "() {\n        XCTFail(\"no\")\n", 1));
    let bundle = desk.path("test.xcresult");
    let bundle = bundle.to_str().unwrap();
    desk.build("test", &["-resultBundlePath", bundle]);
    let get = |more: &[&str]| {
        let words = ["xcresulttool", "get", "--legacy", "--format", "json", "--path", bundle];
        desk.run("xcrun", &[&words[..], more].concat()).json()
    };
    let root = get(&[]);
    let id = root["actions"]["_values"][0]["actionResult"]["testsRef"]["id"]["_value"].as_str().unwrap();
    let tests = get(&["--id", id]);
    assert_eq!(root["metrics"]["testsFailedCount"]["_value"], "1");
    // The real objects have far more; what is read of them is here.
    for (name, ours) in [("fastlane-Test.test_result-root", &root), ("fastlane-Test.test_result-tests", &tests)] {
        let Some(recorded) = recorded(&format!("xcresult/legacy/{name}.json")) else { return };
        let own = ["testsSkippedCount", "testPlanName"];
        let mut recorded = paths(&recorded);
        recorded.extend(paths(ours).into_iter().filter(|path| own.iter().any(|known| path.contains(known))));
        let invented: Vec<_> = paths(ours).difference(&recorded).cloned().collect();
        assert!(invented.is_empty(), "not in {name}: {invented:?}");
    }
    let refused = desk.run("xcrun", &["xcresulttool", "get", "--format", "json", "--path", bundle]);
    assert!(format!("{refused:?}").contains("--legacy"), "{refused:?}");
}
