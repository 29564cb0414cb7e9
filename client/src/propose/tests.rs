//! Trees as people have them, and what is proposed for each.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::Path;

use rch_schemas::capabilities::Facts;
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::config::{Layers, Settings};
use crate::environment::Environment;
use crate::golden;

mod trees;

use trees::*;

/// The proposal in words, after its text was read back by our own parser.
fn told(root: &Path, start: &str, farm: Option<&OnFarm>) -> String {
    match propose(root, Path::new(start), farm) {
        Ok(proposal) => {
            read_back(&proposal.text);
            let guesses: Vec<String> = proposal.guesses.iter().map(|guess| format!("{}: {}\n", guess.what, guess.why)).collect();
            let open: Vec<String> = proposal.open.iter().map(|open| format!("open: {open}\n")).collect();
            format!("{}\n{}{}", proposal.text, guesses.concat(), open.concat())
        }
        Err(nothing) => format!("nothing to build: {:?}\n", nothing.generators),
    }
}

/// The text is one that `rch` accepts, and says what verify needs.
fn read_back(text: &str) {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join(".rch")).unwrap();
    fs::write(root.path().join(".rch/xcode.toml"), text).unwrap();
    let environment = Environment { working_directory: root.path().to_owned(), ..Environment::default() };
    let merged = Layers::read(&environment, &[]).unwrap_or_else(|error| panic!("{error}\n{text}")).merged();
    let settings = Settings::new(&merged);
    let [action] = &settings.verify().unwrap()[..] else { panic!("{text}") };
    let action = settings.action(action).unwrap();
    assert!(action.project.container.is_some() && action.project.scheme.is_some() && settings.destinations().len() == 1, "{text}");
}

#[test]
fn each_tree_gets_the_proposal_that_was_agreed() {
    let mut found = Vec::new();
    for (name, start, tree) in all() {
        found.push((format!("{name}.txt"), told(tree.path(), start, None)));
    }
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/SampleApp");
    found.push(("sample-app.txt".to_owned(), told(&sample, "", None)));
    golden::check_directory("init", &found);
}

#[test]
fn the_device_is_one_that_the_farm_s_workers_have() {
    let tree = project_of_one();
    let destination = |workers: Vec<Facts>| {
        let proposal = propose(tree.path(), Path::new(""), Some(&OnFarm::new("home".to_owned(), workers))).unwrap();
        let guess = proposal.guesses.last().unwrap().clone();
        (guess.what, guess.why)
    };
    let (what, why) = destination(vec![worker(&["iPhone 16", "iPhone 15"]), worker(&["iPhone 15"])]);
    assert_eq!(what, "platform=iOS Simulator,name=iPhone 16,OS=latest");
    assert!(why.ends_with("iPhone 16: 1 of 2 workers of home can run it"), "{why}");
    let (what, why) = destination(vec![worker(&["iPhone 14", "iPhone 15 Pro", "iPhone 15"]), worker(&["iPhone 14", "iPhone 15"])]);
    assert_eq!(what, "platform=iOS Simulator,name=iPhone 15,OS=latest");
    assert!(why.ends_with("iPhone 15: 2 of 2 workers of home can run it"), "{why}");
    let (what, why) = destination(vec![worker(&[])]);
    assert!(what.contains("iPhone 16") && why.contains("no worker of home has a simulator for iOS"), "{why}");
}

/// A worker whose only runtime, iOS, supports these device types.
fn worker(devices: &[&str]) -> Facts {
    let types = devices.iter().map(|name| json!({"identifier": name, "name": name, "family": "iPhone"}));
    serde_json::from_value(json!({
        "agent_version": "0.1.0", "arch": "arm64", "macos": {"product_name": "macOS", "version": "15.3", "build": "24D60"}, "xcodes": [],
        "runtimes": [
            {"identifier": "iOS-18-2", "platform": "iOS", "version": "18.2", "build": "22C150", "device_types": devices},
            {"identifier": "iOS-9", "platform": "iOS", "version": "9.0", "build": "13A", "unavailable": "too old"},
        ],
        "device_types": types.collect::<Vec<_>>(), "devices": [], "limits": {"slots": 1, "max_upload_bytes": 0},
        "key_fingerprint": rch_schemas::Sha256::of(""),
    }))
    .unwrap()
}

#[test]
fn of_many_others_the_first_are_named_and_the_rest_counted() {
    let paths: Vec<String> = (0..18).map(|index| format!("Demo{index:02}/App.xcodeproj/project.pbxproj")).collect();
    let text = pbxproj("iphoneos", "");
    let files: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), text.as_str())).collect();
    let tree = tree(&files);
    let said = told(tree.path(), "", None);
    assert!(said.contains("\"Demo08/App.xcodeproj\" and 9 more\n"), "{said}");
    assert!(said.contains("open: Demo00/App.xcodeproj has no scheme; "), "{said}");
    let said = told(tree.path(), "Demo03", None);
    assert!(said.contains("nothing else beneath Demo03 can be opened"), "{said}");
}

#[test]
fn what_is_damaged_is_not_known_and_never_a_panic() {
    let whole =
        [scheme("App", &["AppTests"], &[]), pbxproj("iphoneos", ""), workspace(&["App.xcodeproj"]), "let package = Package(".to_owned()];
    for cut in 0..40 {
        let cut = |text: &String| text.chars().take(text.chars().count() * cut / 40).collect::<String>();
        let tree = tree(&[
            ("App.xcworkspace/contents.xcworkspacedata", &cut(&whole[2])),
            ("App.xcodeproj/project.pbxproj", &cut(&whole[1])),
            ("App.xcodeproj/xcshareddata/xcschemes/App.xcscheme", &cut(&whole[0])),
            ("App.xcodeproj/xcshareddata/xcschemes/Plan.xctestplan", "{"),
            ("Package.swift", &cut(&whole[3])),
        ]);
        assert!(told(tree.path(), "", None).contains("scheme = \"App\""));
    }
    let tree = tree(&[]);
    let file = tree.path().join("App.xcodeproj/project.pbxproj");
    fs::create_dir_all(tree.path().join("App.xcodeproj/xcshareddata/xcschemes/Dir.xcscheme")).unwrap();
    fs::write(&file, b"\xff\xfe\x00{").unwrap();
    std::os::unix::fs::symlink(tree.path(), tree.path().join("again")).unwrap();
    assert!(told(tree.path(), "", None).contains("project = \"App.xcodeproj\""));
}

#[test]
fn a_name_with_a_line_feed_adds_nothing_to_the_proposal() {
    let plan = "container:Fast&#10;[run]&#10;priority = 'batch'&#10;#.xctestplan";
    let scheme_text = scheme("App", &["AppTests"], &["container:Main.xctestplan", plan]);
    let tree = tree(&[
        ("App.xcodeproj/project.pbxproj", &pbxproj("iphoneos", "")),
        ("App.xcodeproj/xcshareddata/xcschemes/App.xcscheme", &scheme_text),
        ("Main.xctestplan", "{\"testTargets\":[{\"target\":{\"name\":\"AppTests\\n[run]\"}}]}"),
        ("Fast\n[run]\npriority = 'batch'\n#.xctestplan", "{\"testTargets\":[{\"target\":{\"name\":\"AppTests\"}}]}"),
    ]);
    let told = told(tree.path(), "", None);
    assert!(told.contains("scheme = \"App\"") && !told.contains("[run]"), "{told}");
}

/// Trees of other people, where there are some on this machine.
#[test]
fn trees_of_other_people_get_a_proposal_that_can_be_read() {
    let Some(directory) = std::env::var_os("RCH_FIXTURES").map(|root| Path::new(&root).join("projects")) else {
        eprintln!("skipped: RCH_FIXTURES is not set");
        return;
    };
    let trees: Vec<_> = fs::read_dir(&directory).into_iter().flatten().flatten().filter(|entry| entry.path().is_dir()).collect();
    if trees.is_empty() {
        eprintln!("skipped: {} holds no source trees", directory.display());
    }
    for tree in trees {
        let told = told(&tree.path(), "", None);
        assert!(!told.starts_with("nothing"), "{}", tree.path().display());
    }
}
