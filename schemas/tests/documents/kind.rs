//! Every document by name, with its two readers: the type, and the schema as a validator of others reads it.

use jsonschema::Validator;
use rch_schemas::document::{
    BuildSummary, CapabilitiesDocument, CliEvent, Destination, Document, EventLine, Farm, HangReport, Invocation, Job, Metrics, Queue,
    Recipe, Replay, RunPlan, RunSummary, SourceManifest, Summary, TestSummary, ToolchainDocument, Why, WorkerSelection,
};
use rch_schemas::registry;
use rch_schemas::seal::{Attestation, Manifest};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// One kind of document.
pub(crate) struct Kind {
    /// Its name.
    pub(crate) name: &'static str,
    /// Reads a text by the type, and writes it again.
    pub(crate) rewrite: fn(&str) -> Result<String, serde_json::Error>,
}

/// All kinds, by name.
pub(crate) fn kinds() -> Vec<Kind> {
    let mut kinds = vec![
        kind::<Attestation>(),
        kind::<BuildSummary>(),
        kind::<CapabilitiesDocument>(),
        kind::<CliEvent>(),
        kind::<Destination>(),
        kind::<EventLine>(),
        kind::<Farm>(),
        kind::<HangReport>(),
        kind::<Invocation>(),
        kind::<Job>(),
        kind::<Manifest>(),
        kind::<Metrics>(),
        kind::<Queue>(),
        kind::<Replay>(),
        kind::<Recipe>(),
        kind::<RunPlan>(),
        kind::<RunSummary>(),
        kind::<SourceManifest>(),
        kind::<Summary>(),
        kind::<TestSummary>(),
        kind::<ToolchainDocument>(),
        kind::<Why>(),
        kind::<WorkerSelection>(),
    ];
    kinds.sort_by_key(|kind| kind.name);
    let registered: Vec<_> = registry::documents().iter().map(|entry| entry.name).collect();
    assert_eq!(kinds.iter().map(|kind| kind.name).collect::<Vec<_>>(), registered, "every document of the registry is listed here");
    kinds
}

fn kind<D: Document + Serialize + DeserializeOwned>() -> Kind {
    Kind { name: D::NAME, rewrite: |text| Ok(written(&serde_json::from_str::<D>(text)?)) }
}

/// A document as it stands in a file of its own.
pub(crate) fn written(document: &impl Serialize) -> String {
    format!("{}\n", serde_json::to_string_pretty(document).unwrap())
}

/// The schema of a document, compiled as somebody else would: from its file, with format checks.
pub(crate) fn validator(name: &str) -> Validator {
    let schema: Value = serde_json::from_str(&super::text(&format!("rch-xcode/{name}.schema.json"))).unwrap();
    jsonschema::options().should_validate_formats(true).build(&schema).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What the schema has against a document: `pointer: what`.
pub(crate) fn violations(validator: &Validator, document: &Value) -> Vec<String> {
    validator.iter_errors(document).map(|error| format!("{}: {}", error.instance_path(), error.masked())).collect()
}
