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
    let names: Vec<&str> = merged.sources.iter().map(|source| source.name.rsplit('/').next().unwrap()).collect();
    assert_eq!(names, ["built-in", "config.toml", "xcode.toml", "environment", "flags"]);
    assert!(merged.sources[1].sha256.is_some() && merged.sources[0].sha256.is_none());
}

#[test]
fn a_farm_s_default_stands_over_the_built_in_one_and_under_the_user_s() {
    let farm: rch_schemas::document::Farm = serde_json::from_value(json!({
        "schema_version": 1, "schema_id": "rch-xcode/farm@1", "created_at": "2026-01-01T00:00:00Z", "name": "home", "version": "0.1.0",
        "protocol": {"min": 1, "max": 1}, "features": [], "selection": "adaptive", "durability": "synced",
        "public_key": rch_schemas::seal::SigningKey::from_seed([1; 32]).public_key(), "worker_keys": [],
        "policy": rch_schemas::invocation::Policy::default(), "policy_sha256": rch_schemas::Sha256::of(""),
    }))
    .unwrap();
    let mode = |user: &str| {
        let (_home, environment) = surroundings(user, REPO, &[]);
        let merged = Layers::read(&environment, &[]).unwrap().merged_with(&farm);
        Settings::new(&merged).run_options("App", &environment).selection
    };
    assert_eq!(mode(""), SelectionMode::Adaptive);
    assert_eq!(mode("[worker_selection]\nmode = \"deterministic\""), SelectionMode::Deterministic);
}

#[test]
fn every_mistake_is_named_with_its_file_its_key_and_what_to_write() {
    let file = "~/tree/.rch/xcode.toml";
    for (repo, expected) in [
        (
            "[timeouts]\noveral_seconds = 5",
            format!("{file}: there is no key timeouts.overal_seconds; did you mean timeouts.overall_seconds?"),
        ),
        ("[action.build]\naction = \"build\"", format!("{file}: there is no key action; did you mean actions?")),
        ("xcode = \"16.2\"", format!("{file}: there is no key xcode; did you mean toolchain.xcode?")),
        ("wibble = 1", format!("{file}: there is no key wibble; `rch config show` lists those there are")),
        (
            "[timeouts]\noverall_seconds = 90000",
            format!("{file}: timeouts.overall_seconds is 90000, expected a whole number from 1 to 86400"),
        ),
        ("[timeouts]\nconnect_seconds = 0", format!("{file}: timeouts.connect_seconds is 0, expected a whole number from 1 to 300")),
        ("[cache]\nresults = true", format!("{file}: cache.results is true, expected \"on\" or \"off\"")),
        (
            "[actions.x]\naction = \"archive\"",
            format!("{file}: actions.x.action is \"archive\", expected build, test, build-for-testing or test-without-building"),
        ),
        ("[actions]\nverify = \"test\"", format!("{file}: actions.verify is \"test\", expected an array of texts, such as [\"a\", \"b\"]")),
        ("timeouts = 5", format!("{file}: timeouts is 5, expected a table, [timeouts]")),
        (
            "[project]\nworkspace = \"/Users/kim/App.xcworkspace\"",
            format!(
                "{file}: project.workspace is \"/Users/kim/App.xcworkspace\", expected a path inside the tree, relative to the directory of .rch, without \"..\""
            ),
        ),
        (
            "[project]\nworkspace = \"A.xcworkspace\"\nproject = \"A.xcodeproj\"",
            format!("{file}: project.project and project.workspace exclude each other; keep one"),
        ),
        (
            "coordinator = \"http://evil\"",
            format!(
                "{file}: coordinator is not the repo's to choose; write it into ~/.config/rch/config.toml, set RCH_COORDINATOR, or use the flag"
            ),
        ),
        (
            "[env.set]\nPATH = \"/x\"",
            format!(
                "{file}: env.set: a job cannot set the variable PATH: each attempt has its own; leave it out, or set it within the script that needs it"
            ),
        ),
        (
            "[env]\npass = [\"CI\", \"SSH_AUTH_SOCK\"]",
            format!(
                "{file}: env.pass: a job cannot set the variable SSH_AUTH_SOCK: it carries or redirects credentials, and those live on the workers; ask the farm's operators for the access"
            ),
        ),
        ("[project\nscheme = 1", format!("{file} is not TOML: line 1: unclosed table, expected `]`")),
    ] {
        assert_eq!(refused(repo), expected, "{repo}");
    }
}

#[test]
fn a_mistyped_variable_is_refused_and_those_of_other_programs_are_not_ours() {
    let (_home, environment) = surroundings("", REPO, &[("RCH_TIMEOUT_QUEUE_SECONDS", "1")]);
    let error = Layers::read(&environment, &[]).unwrap_err().to_string();
    assert_eq!(error, "environment: there is no key RCH_TIMEOUT_QUEUE_SECONDS; did you mean RCH_TIMEOUTS_QUEUE_SECONDS?");
    let (_home, environment) = surroundings("", REPO, &[("RCH_COORDINATOR_LISTEN", "x"), ("RCH_AGENT_NAME", "x"), ("RCH_LOG", "debug")]);
    assert!(Layers::read(&environment, &[]).is_ok());
    let (_home, environment) = surroundings("", REPO, &[("RCH_TIMEOUTS_QUEUE_SECONDS", "soon")]);
    let error = Layers::read(&environment, &[]).unwrap_err().to_string();
    assert_eq!(error, "environment: timeouts.queue_seconds is \"soon\", expected a whole number from 0 to 604800");
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
    let (_home, environment) = surroundings("coordinator = \"http://kim:pass@farm:7070\"", &repo, &[]);
    let merged = Layers::read(&environment, &[]).unwrap().merged();
    let effective = effective(&merged);
    let text = serde_json::to_string(&effective).unwrap();
    assert!(!text.contains("hunter2") && !text.contains("pass@"), "{text}");
    assert_eq!(effective.values.pointer("/env/set/LANG"), Some(&Value::from("de")));
    let keys: Vec<&str> = effective.redactions.iter().map(|redaction| redaction.key.as_str()).collect();
    assert_eq!(keys, ["env.set.API_TOKEN", "coordinator"]);
}

#[test]
fn the_farm_s_address_is_asked_for_with_every_way_to_give_it() {
    let (_home, environment) = surroundings("", REPO, &[]);
    let merged = Layers::read(&environment, &[]).unwrap().merged();
    let error = Settings::new(&merged).coordinator().unwrap_err().to_string();
    assert!(["--coordinator", "RCH_COORDINATOR", "~/.config/rch/config.toml"].iter().all(|way| error.contains(way)), "{error}");
}

#[test]
fn without_any_file_there_is_no_root_and_the_built_in_values_stand() {
    let environment = Environment { working_directory: Path::new("/").to_owned(), ..Environment::default() };
    let layers = Layers::read(&environment, &[]).unwrap();
    assert_eq!(layers.root(), None);
    assert_eq!(Settings::new(&layers.merged()).timeouts(), rch_schemas::document::Timeouts::default());
}
