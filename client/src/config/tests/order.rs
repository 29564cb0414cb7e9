//! Each layer over those before it.

use super::*;

const KEYS: [&[&str]; 4] = [&["timeouts", "queue_seconds"], &["worker_selection", "tags"], &["env", "set", "WHO"], &["env", "set", "LEFT"]];

pub(super) fn farm(defaults: &Value) -> rch_schemas::document::Farm {
    serde_json::from_value(json!({
        "schema_version": 1, "schema_id": "rch-xcode/farm@1", "created_at": "2026-01-01T00:00:00Z", "name": "home", "version": "0.1.0",
        "protocol": {"min": 1, "max": 1}, "features": [], "selection": "adaptive", "durability": "synced",
        "public_key": rch_schemas::seal::SigningKey::from_seed([1; 32]).public_key(), "worker_keys": [],
        "policy": rch_schemas::invocation::Policy::default(), "policy_sha256": rch_schemas::Sha256::of(""), "defaults": defaults,
    }))
    .unwrap()
}

/// What is merged when the layers from the farm's up to the one of this number speak: each says its number, and leaves a name of its own.
fn merged(layers: usize) -> Merged {
    let file = |number: usize| {
        if number > layers {
            return String::new();
        }
        format!(
            "[timeouts]\nqueue_seconds = {number}\n[worker_selection]\ntags = [\"{number}\"]\n[env.set]\nWHO = \"{number}\"\nLEFT_{number} = \"x\"\n"
        )
    };
    let defaults = json!({"timeouts.queue_seconds": 1, "worker_selection.tags": ["1", "one"], "env.set.WHO": "1", "env.set.LEFT_1": "x"});
    let variables =
        [("RCH_TIMEOUTS_QUEUE_SECONDS", "4"), ("RCH_WORKER_SELECTION_TAGS", "4"), ("RCH_ENV_SET_WHO", "4"), ("RCH_ENV_SET_LEFT_4", "x")];
    let flags = [
        ("timeouts.queue_seconds", json!(5)),
        ("worker_selection.tags", json!(["5"])),
        ("env.set.WHO", json!("5")),
        ("env.set.LEFT_5", json!("x")),
    ];
    let (_home, environment) = surroundings(&file(2), &file(3), if layers < 4 { &[] } else { &variables });
    let read = Layers::read(&environment, if layers < 5 { &[] } else { &flags }).unwrap();
    if layers == 0 { read.merged() } else { read.merged_with(&farm(&defaults)).unwrap() }
}

#[test]
fn each_layer_stands_over_those_before_it_key_by_key() {
    let built_in = merged(0);
    assert_eq!(built_in.get(KEYS[0]), Some(&json!(3600)));
    for layers in 1..=5 {
        let merged = merged(layers);
        let place = |path: &[&str]| merged.origins.get(&path.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
        assert_eq!(merged.get(KEYS[0]), Some(&json!(layers)), "scalars are replaced");
        let tags = if layers == 1 { json!(["1", "one"]) } else { json!([layers.to_string()]) };
        assert_eq!(merged.get(KEYS[1]), Some(&tags), "arrays are replaced");
        assert_eq!(merged.get(KEYS[2]), Some(&json!(layers.to_string())));
        let names: Vec<&String> = merged.members(&["env", "set"]).map(|(name, _)| name).collect();
        assert_eq!(names.len(), layers + 1, "objects keep what other layers said: {names:?}");
        let of_layer = |place: &Place| match place {
            Place::BuiltIn => 0,
            Place::Farm(name) if name == "home" => 1,
            Place::Farm(_) => 9,
            Place::User(_) => 2,
            Place::Repo(_) => 3,
            Place::Environment => 4,
            Place::Flags => 5,
        };
        assert!(KEYS[..3].iter().all(|path| of_layer(place(path)) == layers), "{layers}");
        let left: Vec<usize> = (1..=layers).map(|layer| of_layer(place(&["env", "set", &format!("LEFT_{layer}")]))).collect();
        assert_eq!(left, (1..=layers).collect::<Vec<_>>());
    }
}

#[test]
fn a_farm_s_default_stands_over_the_built_in_one_and_under_the_user_s() {
    let mode = |user: &str, defaults: Value| {
        let (_home, environment) = surroundings(user, REPO, &[]);
        let merged = Layers::read(&environment, &[]).unwrap().merged_with(&farm(&defaults)).unwrap();
        Settings::new(&merged).run_options("App", &environment).selection
    };
    assert_eq!(mode("", json!({})), SelectionMode::Adaptive);
    assert_eq!(mode("", json!({"worker_selection.mode": "deterministic"})), SelectionMode::Deterministic);
    assert_eq!(mode("[worker_selection]\nmode = \"deterministic\"", json!({})), SelectionMode::Deterministic);
}

#[test]
fn a_default_that_is_wrong_names_the_farm_and_one_that_is_not_known_or_not_its_own_is_left_out() {
    let (_home, environment) = surroundings("", REPO, &[]);
    let layers = Layers::read(&environment, &[]).unwrap();
    let error = layers.merged_with(&farm(&json!({"timeouts.queue_seconds": 604_801}))).unwrap_err().to_string();
    assert_eq!(error, "farm home: timeouts.queue_seconds is 604801, expected a whole number from 0 to 604800");
    let defaults = json!({
        "env.pass": ["HOME_TOKEN"], "bundle.include": [".env"], "coordinator": "http://elsewhere", "project.scheme": "Other",
        "sandbox.level": 3, "destination.value": "platform=macOS",
    });
    let merged = layers.merged_with(&farm(&defaults)).unwrap();
    assert_eq!(
        merged.notices,
        [
            "farm home: the default of bundle.include is left out: it is not a farm's to choose",
            "farm home: the default of coordinator is left out: it is not a farm's to choose",
            "farm home: the default of env.pass is left out: it is not a farm's to choose",
            "farm home: the default of project.scheme is left out: it is not a farm's to choose",
            "farm home: the default of sandbox.level is left out: this rch has no such key; a newer one may",
        ]
    );
    assert_eq!((merged.get(&["env", "pass"]), merged.get(&["coordinator"])), (None, None));
    assert_eq!(merged.text(&["project", "scheme"]), Some("App"));
}
