//! Layers over each other, and what each mistake is answered with.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rch_schemas::document::SelectionMode;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::environment::Environment;

mod mistakes;
mod order;

const REPO: &str = r#"
schema_version = 1

[project]
workspace = "App.xcworkspace"
scheme = "App"

[actions]
verify = ["build", "unit"]

[actions.build]
action = "build"

[actions.unit]
action = "test"
scheme = "AppTests"
only_testing = ["AppTests/FeedTests"]
settings = { ONLY_ACTIVE_ARCH = true, "ARCHS[sdk=iphonesimulator17.2]" = "arm64" }

[destination]
value = "platform=iOS Simulator,name=iPhone 16"

[timeouts]
overall_seconds = 600
"#;

/// A tree with a repo file and a user file, and the surroundings of a command given in its sub-directory.
fn surroundings(user: &str, repo: &str, variables: &[(&str, &str)]) -> (TempDir, Environment) {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir_all(home.path().join(".config/rch")).unwrap();
    fs::write(home.path().join(".config/rch/config.toml"), user).unwrap();
    let tree = home.path().join("tree");
    fs::create_dir_all(tree.join(".rch")).unwrap();
    fs::create_dir_all(tree.join("Sources/App")).unwrap();
    fs::write(tree.join(".rch/xcode.toml"), repo).unwrap();
    let home_variable = ("HOME", home.path().to_str().unwrap());
    let variables = variables.iter().chain([&home_variable]).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let environment = Environment { variables: variables.collect::<BTreeMap<_, _>>(), working_directory: tree.join("Sources/App") };
    (home, environment)
}

/// The answer to a mistake in the repo file, with the tree's place left out.
fn refused(repo: &str) -> String {
    let (home, environment) = surroundings("", repo, &[]);
    let error = Layers::read(&environment, &[]).unwrap_err();
    error.to_string().replace(home.path().to_str().unwrap(), "~")
}

#[test]
fn the_last_layer_wins_and_each_value_knows_where_it_comes_from() {
    let user = "coordinator = \"http://farm:7070\"\n[timeouts]\noverall_seconds = 900\nqueue_seconds = 60\n";
    let (home, environment) =
        surroundings(user, REPO, &[("RCH_TIMEOUTS_QUEUE_SECONDS", "120"), ("RCH_WORKER_SELECTION_TAGS", "fast, xcode-beta")]);
    let layers = Layers::read(&environment, &[("cache.results", json!("off"))]).unwrap();
    assert_eq!(layers.root(), Some(home.path().join("tree").as_path()));
    let merged = layers.merged();
    let origin = |path: &[&str]| merged.origins.get(&path.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap().clone();
    for (path, value, place) in [
        (&["timeouts", "overall_seconds"][..], json!(600), Place::Repo(home.path().join("tree/.rch/xcode.toml"))),
        (&["timeouts", "queue_seconds"], json!(120), Place::Environment),
        (&["timeouts", "connect_seconds"], json!(30), Place::BuiltIn),
        (&["coordinator"], json!("http://farm:7070"), Place::User(home.path().join(".config/rch/config.toml"))),
        (&["worker_selection", "tags"], json!(["fast", "xcode-beta"]), Place::Environment),
        (&["cache", "results"], json!("off"), Place::Flags),
        (
            &["actions", "unit", "settings", "ARCHS[sdk=iphonesimulator17.2]"],
            json!("arm64"),
            Place::Repo(home.path().join("tree/.rch/xcode.toml")),
        ),
    ] {
        assert_eq!((merged.get(path), origin(path)), (Some(&value), place), "{path:?}");
    }
    let names: Vec<&str> = merged.sources.iter().map(|source| source.name.as_str()).collect();
    assert_eq!(names, ["built-in", "~/.config/rch/config.toml", ".rch/xcode.toml", "environment", "flags"]);
    assert!(merged.sources[1].sha256.is_some() && merged.sources[0].sha256.is_none());
}

#[test]
fn a_later_layer_s_choice_among_alternatives_replaces_the_earlier_one() {
    let user = "[destination]\nvalues = [\"a=b\", \"c=d\"]\n";
    let (_home, environment) = surroundings(user, REPO, &[]);
    let merged = Layers::read(&environment, &[]).unwrap().merged();
    assert_eq!(Settings::new(&merged).destinations(), ["platform=iOS Simulator,name=iPhone 16"]);
    assert_eq!(merged.get(&["destination", "values"]), None);
}

#[test]
fn a_list_of_no_actions_is_not_one_that_is_not_set() {
    let (_home, environment) = surroundings("", "[actions]\nverify = []\n", &[]);
    let merged = Layers::read(&environment, &[]).unwrap().merged();
    let error = Settings::new(&merged).verify().unwrap_err().to_string();
    assert!(error.starts_with("actions.verify names no action; name one or more"), "{error}");
}

#[test]
fn an_action_overrides_the_project_key_by_key() {
    let (_home, environment) = surroundings("", REPO, &[]);
    let merged = Layers::read(&environment, &[]).unwrap().merged();
    let settings = Settings::new(&merged);
    assert_eq!(settings.verify().unwrap(), ["build", "unit"]);
    let unit = settings.action("unit").unwrap();
    assert_eq!(unit.project.scheme.as_deref(), Some("AppTests"));
    assert_eq!(unit.project.container, Some(ContainerConfig::Workspace("App.xcworkspace".to_owned())));
    assert_eq!(unit.settings.get("ONLY_ACTIVE_ARCH").map(String::as_str), Some("YES"));
    assert_eq!(settings.action("test").unwrap().project.scheme.as_deref(), Some("App"));
    let error = settings.action("lint").unwrap_err().to_string();
    assert!(error.contains("actions.lint is not set") && error.contains("name one of: build, unit"), "{error}");
}

#[test]
fn secrets_are_replaced_in_what_travels_and_named() {
    let repo = format!("{REPO}\n[env]\nset = {{ API_TOKEN = \"hunter2\", LANG = \"de\" }}\n");
    let (_home, environment) = surroundings("", &repo, &[]);
    let merged = Layers::read(&environment, &[]).unwrap().merged();
    let effective = effective(&merged);
    let text = serde_json::to_string(&effective).unwrap();
    assert!(!text.contains("hunter2"), "{text}");
    assert_eq!(effective.values.pointer("/env/set/LANG"), Some(&Value::from("de")));
    let keys: Vec<&str> = effective.redactions.iter().map(|redaction| redaction.key.as_str()).collect();
    assert_eq!(keys, ["env.set.API_TOKEN"]);
}

#[test]
fn what_is_asked_for_without_effect_is_said_and_built_in_values_ask_for_nothing() {
    let (_home, environment) = surroundings("", REPO, &[]);
    assert_eq!(Settings::new(&Layers::read(&environment, &[]).unwrap().merged()).without_effect(), Vec::<String>::new());
    let repo =
        format!("{REPO}\n[run]\npriority = \"batch\"\n[cache]\nresults = \"off\"\nflaky = true\n[artifacts]\ncollect = [\"*.log\"]\n");
    let (_home, environment) = surroundings("", &repo, &[("RCH_WORKER_SELECTION_MODE", "adaptive")]);
    let said = Settings::new(&Layers::read(&environment, &[]).unwrap().merged()).without_effect();
    let keys: Vec<&str> = said.iter().map(|text| text.split(' ').next().unwrap()).collect();
    assert_eq!(keys, ["cache.flaky", "worker_selection.mode", "run.priority", "artifacts.collect"]);
}

#[test]
fn what_travels_names_no_directory_of_this_machine() {
    let elsewhere = tempfile::tempdir().unwrap();
    fs::create_dir_all(elsewhere.path().join("rch")).unwrap();
    fs::write(elsewhere.path().join("rch/config.toml"), "coordinator = \"http://farm:7070\"").unwrap();
    let (home, environment) = surroundings("", REPO, &[("XDG_CONFIG_HOME", elsewhere.path().to_str().unwrap())]);
    let text = serde_json::to_string(&effective(&Layers::read(&environment, &[]).unwrap().merged())).unwrap();
    assert!(text.contains("\"$XDG_CONFIG_HOME/rch/config.toml\"") && text.contains("\".rch/xcode.toml\""), "{text}");
    assert!([home.path(), elsewhere.path()].iter().all(|path| !text.contains(path.to_str().unwrap())), "{text}");
}

#[test]
fn the_farm_s_address_is_asked_for_with_every_way_to_give_it() {
    let (_home, environment) = surroundings("", REPO, &[]);
    let merged = Layers::read(&environment, &[]).unwrap().merged();
    let error = Settings::new(&merged).coordinator().unwrap_err().to_string();
    assert!(error.starts_with("nothing says where the farm is: `rch login URL`"), "{error}");
    assert!(["--coordinator", "RCH_COORDINATOR", "~/.config/rch/config.toml"].iter().all(|way| error.contains(way)), "{error}");
}

#[test]
fn without_any_file_there_is_no_root_and_the_built_in_values_stand() {
    let environment = Environment { working_directory: Path::new("/").to_owned(), ..Environment::default() };
    let layers = Layers::read(&environment, &[]).unwrap();
    assert_eq!(layers.root(), None);
    assert_eq!(Settings::new(&layers.merged()).timeouts(), rch_schemas::document::Timeouts::default());
}
