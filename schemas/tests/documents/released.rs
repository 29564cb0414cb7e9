//! `released/<version>/`: the schemas as a release promised them. Today's keep the promise of the newest one, or are of another major.

use std::collections::BTreeMap;
use std::fs;

use rch_schemas::compatibility::{Change, ChangeKind, compare};
use rch_schemas::registry;
use serde_json::{Value, json};

use super::file;

/// Schemas by the document's name.
type Schemas = BTreeMap<String, Value>;

/// The schemas that the newest release promised, and its version.
fn newest_release() -> (String, Schemas) {
    let number = |version: &String| version.split('.').map(|part| part.parse().unwrap_or(0)).collect::<Vec<u32>>();
    let versions = fs::read_dir(file("released")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let version = versions.max_by_key(number).expect("there is a baseline");
    let schema = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().unwrap();
        let name = name.strip_suffix(".schema.json").unwrap_or_else(|| panic!("released/{version}/{name} is no schema")).to_owned();
        (name, serde_json::from_str(&fs::read_to_string(entry.path()).unwrap()).unwrap())
    };
    let schemas = fs::read_dir(file(&format!("released/{version}"))).unwrap().map(|entry| schema(entry.unwrap())).collect();
    (version, schemas)
}

fn todays() -> Schemas {
    registry::documents().into_iter().map(|entry| (entry.name.to_owned(), serde_json::from_str(&entry.text()).unwrap())).collect()
}

/// Every change since the release, with the document it is of. What is of another major makes no promise to readers of this one.
fn changes(released: &Schemas, now: &Schemas) -> Vec<(String, Change)> {
    let gone = || vec![Change { kind: ChangeKind::Breaking, path: "/".to_owned(), what: "the document is gone".to_owned() }];
    let of = |name: &String, before: &Value| match now.get(name) {
        None => gone(),
        Some(now) if now["$id"] != before["$id"] => Vec::new(),
        Some(now) => compare(before, now),
    };
    released.iter().flat_map(|(name, before)| of(name, before).into_iter().map(|change| (name.clone(), change))).collect()
}

#[test]
fn todays_schemas_keep_what_the_newest_release_promised() {
    let (version, released) = newest_release();
    let changes = changes(&released, &todays());
    let told = |kind: ChangeKind| -> Vec<String> {
        changes.iter().filter(|(_, change)| change.kind == kind).map(|(name, change)| format!("{name}: {change}")).collect()
    };
    // Shown by `cargo test -- --nocapture`: what a release's notes have to say.
    println!("since {version}: {:#?}", told(ChangeKind::Compatible));
    let breaking = told(ChangeKind::Breaking);
    assert!(breaking.is_empty(), "these break readers of {version}: bump the document's major, or make the member optional: {breaking:#?}");
}

#[test]
fn a_broken_promise_is_named_with_its_document_and_place() {
    let (_, released) = newest_release();
    let mut now = released.clone();
    let recipe = now.get_mut("recipe").unwrap();
    recipe["properties"].as_object_mut().unwrap().remove("chunking");
    recipe["properties"]["note"] = json!({ "type": "string" });
    now.remove("farm");
    now.get_mut("job").unwrap()["$id"] = json!("urn:rch-xcode:job:2");
    now.get_mut("job").unwrap()["properties"] = json!({});
    let found: Vec<String> = changes(&released, &now).iter().map(|(name, change)| format!("{name}: {change}")).collect();
    let expected = [
        "farm: breaking: /: the document is gone",
        "recipe: compatible: /note: it is new and optional",
        "recipe: breaking: /chunking: it is gone",
    ];
    assert_eq!(found, expected);
}
