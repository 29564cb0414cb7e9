//! Every document by name, with the JSON Schema generated from its type.
//!
//! `schemas/rch-xcode/` holds these schemas as files for readers in other languages; a test keeps files and types equal.

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};

use crate::document::{
    BuildSummary, CapabilitiesDocument, CliEvent, Destination, Document, EventLine, Farm, HangReport, Invocation, Job, Metrics, Queue,
    Recipe, Replay, RunPlan, RunSummary, SourceManifest, Summary, TestSummary, ToolchainDocument, Why, WorkerSelection,
};
use crate::seal::{Attestation, Manifest};

/// A document with its schema.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The name in the schema id and of the schema's file.
    pub name: &'static str,
    /// The major version.
    pub major: u32,
    /// JSON Schema 2020-12, `$id` included.
    pub schema: Schema,
}

/// Every document, by name.
pub fn documents() -> Vec<Entry> {
    let mut entries = vec![
        entry::<Attestation>(),
        entry::<BuildSummary>(),
        entry::<CapabilitiesDocument>(),
        entry::<CliEvent>(),
        entry::<Destination>(),
        entry::<EventLine>(),
        entry::<Farm>(),
        entry::<HangReport>(),
        entry::<Invocation>(),
        entry::<Job>(),
        entry::<Manifest>(),
        entry::<Metrics>(),
        entry::<Queue>(),
        entry::<Recipe>(),
        entry::<Replay>(),
        entry::<RunPlan>(),
        entry::<RunSummary>(),
        entry::<SourceManifest>(),
        entry::<Summary>(),
        entry::<TestSummary>(),
        entry::<ToolchainDocument>(),
        entry::<Why>(),
        entry::<WorkerSelection>(),
    ];
    entries.sort_by_key(|entry| entry.name);
    entries
}

fn entry<D: Document + JsonSchema>() -> Entry {
    // The contract of what is written: a member that is always written is required, even when it may be null.
    let settings = SchemaSettings::draft2020_12().for_serialize().with_transform(RecursiveTransform(describe_tags));
    let mut schema = settings.into_generator().into_root_schema_for::<D>();
    // Absolute, as the draft wants it: `rch-xcode/job@1` becomes `urn:rch-xcode:job:1`.
    schema.insert("$id".to_owned(), format!("urn:rch-xcode:{}:{}", D::NAME, D::MAJOR).into());
    schema.insert("title".to_owned(), D::document_id().into());
    Entry { name: D::NAME, major: D::MAJOR, schema }
}

/// The member that tells the variants of a type apart comes from no field, so nothing has documented it.
fn describe_tags(schema: &mut Schema) {
    let members = schema.get_mut("properties").and_then(serde_json::Value::as_object_mut).into_iter().flatten();
    for member in members.filter_map(|(_, member)| member.as_object_mut()).filter(|member| member.contains_key("const")) {
        member.entry("description").or_insert_with(|| "Tells the alternatives apart.".into());
    }
}

impl Entry {
    /// The `schema_id` of its documents: `rch-xcode/<name>@<major>`.
    pub fn id(&self) -> String {
        format!("rch-xcode/{}@{}", self.name, self.major)
    }

    /// What the document says, in one sentence.
    pub fn sentence(&self) -> &str {
        let text = self.schema.get("description").and_then(serde_json::Value::as_str).unwrap_or_default();
        let end = [". ", "; ", ".\n"].iter().filter_map(|end| text.find(end)).min().unwrap_or(text.len());
        text[..end].trim_end_matches('.')
    }

    /// The schema as it stands in its file: indented, members sorted, a newline at the end.
    pub fn text(&self) -> String {
        let value = serde_json::to_value(&self.schema).expect("a schema is JSON");
        let mut text = serde_json::to_string_pretty(&sorted(value)).expect("a value prints");
        text.push('\n');
        text
    }
}

/// The value with its members in order, whatever order the map type of this build keeps.
fn sorted(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.into_iter().map(|(name, member)| (name, sorted(member))).collect();
            members.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(members.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use super::*;

    fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("rch-xcode")
    }

    #[test]
    fn committed_schemas_are_what_the_types_say() {
        let update = std::env::var_os("RCH_UPDATE_SCHEMAS").is_some();
        for entry in documents() {
            let path = folder().join(format!("{}.schema.json", entry.name));
            if update {
                std::fs::create_dir_all(folder()).unwrap();
                std::fs::write(&path, entry.text()).unwrap();
            }
            let committed = std::fs::read_to_string(&path).unwrap_or_default();
            let name = entry.name;
            assert!(
                committed == entry.text(),
                "{name} has drifted from its type; RCH_UPDATE_SCHEMAS=1 cargo test -p rch-schemas writes it anew"
            );
        }
        let known: BTreeSet<_> = documents().iter().map(|entry| format!("{}.schema.json", entry.name)).collect();
        let found = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        assert_eq!(found.collect::<BTreeSet<_>>(), known, "a schema was left behind by a document that is gone");
    }

    #[test]
    fn headers_are_required_constants_and_a_null_job_key_is_written() {
        let job = documents().into_iter().find(|entry| entry.name == "job").unwrap();
        let schema = serde_json::to_value(&job.schema).unwrap();
        assert_eq!(schema["$id"], "urn:rch-xcode:job:1");
        assert_eq!(schema["properties"]["schema_id"]["const"], "rch-xcode/job@1");
        let required: Vec<_> = schema["required"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        for name in ["schema_version", "schema_id", "created_at", "run_id", "job_id", "job_key", "attempt"] {
            assert!(required.contains(&name), "{name} is not required");
        }
    }

    /// Every place in a schema that a reader would look up and that has no description.
    fn undescribed(place: &str, schema: &serde_json::Value, found: &mut Vec<String>) {
        if let Some(items) = schema.as_array() {
            items.iter().enumerate().for_each(|(index, item)| undescribed(&format!("{place}/{index}"), item, found));
        }
        for (name, member) in schema.as_object().into_iter().flatten() {
            let place = format!("{place}/{name}");
            if matches!(name.as_str(), "properties" | "$defs") {
                let silent = |member: &serde_json::Value| member["description"].as_str().is_none_or(|text| text.len() < 5);
                let silent = member.as_object().into_iter().flatten().filter(|(_, member)| silent(member));
                found.extend(silent.map(|(name, _)| format!("{place}/{name}")));
            }
            undescribed(&place, member, found);
        }
    }

    #[test]
    fn every_member_and_every_type_of_every_document_is_described() {
        for entry in documents() {
            let mut found = Vec::new();
            undescribed("", &serde_json::to_value(&entry.schema).unwrap(), &mut found);
            assert_eq!(found, Vec::<String>::new(), "{}", entry.name);
        }
    }

    #[test]
    fn a_time_and_a_size_say_their_unit() {
        const QUANTITIES: [&str; 11] =
            ["duration", "age", "size", "timeout", "elapsed", "seconds", "_ms", "bytes", "disk", "memory", "time"];
        let mut found = 0;
        for entry in documents() {
            let schema = serde_json::to_value(&entry.schema).unwrap();
            let types = schema["$defs"].as_object().into_iter().flatten().map(|(_, part)| part).chain([&schema]);
            for (name, member) in types.flat_map(|part| part["properties"].as_object().into_iter().flatten()) {
                let number = member["type"].as_str().is_some_and(|kind| matches!(kind, "integer" | "number"));
                let words = format!("{name} {}", member["description"].as_str().unwrap_or_default());
                if number && QUANTITIES.iter().any(|quantity| name.contains(quantity)) {
                    found += 1;
                    let told = ["_ms", "_seconds", "_bytes", "seconds", "milliseconds", "bytes", "percent"];
                    assert!(told.iter().any(|unit| words.contains(unit)), "{}: {words}", entry.name);
                }
            }
        }
        assert!(found > 20, "{found}");
    }

    #[test]
    fn every_document_says_in_a_sentence_what_it_is() {
        for entry in documents() {
            let sentence = entry.sentence();
            assert!(sentence.len() > 10 && !sentence.contains('\n'), "{}: {sentence:?}", entry.name);
        }
    }
}
