//! Every document that a test comes across, against the committed schema that it names: the files of `schemas/rch-xcode/`, read as a stranger would
//! read them and applied by the `jsonschema` crate, with none of the project's own code.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use jsonschema::Validator;
use serde_json::Value;

use super::files::paths;

/// The committed schemas.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../schemas/rch-xcode");
/// Enough to see what is wrong with a document.
const SHOWN_MAX: usize = 5;

/// The schemas by the `schema_id` of their documents, each compiled once for all tests.
fn validators() -> &'static BTreeMap<String, Validator> {
    static VALIDATORS: OnceLock<BTreeMap<String, Validator>> = OnceLock::new();
    VALIDATORS.get_or_init(|| paths(Path::new(FOLDER)).iter().map(|path| compiled(path)).collect())
}

fn compiled(path: &Path) -> (String, Validator) {
    let schema: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    // `urn:rch-xcode:job:1` is the schema of `rch-xcode/job@1`.
    let id = schema["$id"].as_str().unwrap().strip_prefix("urn:rch-xcode:").unwrap().replace(':', "@");
    let validator = jsonschema::options().should_validate_formats(true).build(&schema);
    (format!("rch-xcode/{id}"), validator.unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// The `schema_id` of each document that was checked.
pub(crate) type Ids = BTreeSet<String>;

/// Checks a value that must be a document, and the documents inside of it. `place` is for the words of a failure.
#[track_caller]
pub(crate) fn check_document(document: &Value, place: &str) -> Ids {
    assert!(document["schema_id"].is_string(), "{place} names no schema_id: {document}");
    check_all(document, place)
}

/// Checks every document in `value`, itself included.
#[track_caller]
pub(crate) fn check_all(value: &Value, place: &str) -> Ids {
    let mut ids: Ids = match value {
        Value::Array(items) => items.iter().flat_map(|item| check_all(item, place)).collect(),
        Value::Object(members) => members.values().flat_map(|member| check_all(member, place)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ids::new(),
    };
    if let Some(id) = value["schema_id"].as_str() {
        check_against(id, value, place);
        ids.insert(id.to_owned());
    }
    ids
}

/// Checks every `.json` and `.jsonl` in `folder`, which must all be documents. What lies in a result bundle is Apple's.
#[track_caller]
pub(crate) fn check_folder(folder: &Path) -> Ids {
    let in_bundle = |path: &Path| path.strip_prefix(folder).unwrap().iter().any(|part| part.to_string_lossy().ends_with(".xcresult"));
    let files = paths(folder).into_iter().filter(|path| path.is_file() && !in_bundle(path));
    files.flat_map(|path| check_file(&path)).collect()
}

#[track_caller]
fn check_file(path: &Path) -> Ids {
    let place = path.display().to_string();
    let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_else(|error| panic!("{place}: {error}"));
    match path.extension().and_then(|end| end.to_str()) {
        Some("json") => {
            let document = parse(&fs::read_to_string(path).unwrap());
            check_document(&document, &place)
        }
        Some("jsonl") => {
            // The first line carries the header; the others are of the same schema.
            let text = fs::read_to_string(path).unwrap();
            let lines: Vec<Value> = text.lines().map(parse).collect();
            let first = lines.first().unwrap_or_else(|| panic!("{place} is empty"));
            let id = first["schema_id"].as_str().unwrap_or_else(|| panic!("{place} names no schema_id in its first line: {first}"));
            for line in &lines {
                check_against(id, line, &place);
            }
            Ids::from([id.to_owned()])
        }
        _ => Ids::new(),
    }
}

#[track_caller]
fn check_against(id: &str, document: &Value, place: &str) {
    let validator = validators().get(id).unwrap_or_else(|| panic!("{place}: {FOLDER} has no schema of {id}"));
    let wrong: Vec<String> = validator
        .iter_errors(document)
        .take(SHOWN_MAX)
        .map(|error| format!("{} at {:?}", error, error.instance_path().to_string()))
        .collect();
    assert!(wrong.is_empty(), "{place} is no {id}: {wrong:#?}\n{document}");
}

#[test]
fn a_document_that_is_not_what_its_schema_says_is_found_wherever_it_is() {
    let example = fs::read_to_string(Path::new(FOLDER).join("../examples/farm.json")).unwrap();
    let mut document: Value = serde_json::from_str(&example).unwrap();
    let known = Ids::from(["rch-xcode/farm@1".to_owned()]);
    assert_eq!(check_all(&serde_json::json!([{ "inside": document.clone() }]), "the example"), known);
    document["created_at"] = "yesterday".into();
    let found = std::panic::catch_unwind(|| check_all(&serde_json::json!([{ "inside": document }]), "the damaged example"));
    let said = *found.unwrap_err().downcast::<String>().unwrap();
    assert!(said.contains("the damaged example is no rch-xcode/farm@1") && said.contains("created_at"), "{said}");
}
