//! JSON documents: what was read is written so that it reads the same.

use rch_schemas::JobKeyInputs;
use rch_schemas::document::{
    BuildSummary, CapabilitiesDocument, CliEvent, Destination, EventLine, Farm, HangReport, Invocation, Job, Metrics, Recipe, RunPlan,
    RunSummary, SourceManifest, Summary, TestSummary, ToolchainDocument, WorkerSelection,
};
use rch_schemas::seal::{Attestation, Manifest, signing_bytes};

use crate::input::Input;
use crate::wire::{Reader, rewritten};

const READERS: &[Reader] = &[
    attestation,
    rewritten::<BuildSummary>,
    rewritten::<CapabilitiesDocument>,
    rewritten::<CliEvent>,
    rewritten::<Destination>,
    rewritten::<EventLine>,
    rewritten::<Farm>,
    rewritten::<HangReport>,
    rewritten::<Invocation>,
    rewritten::<Job>,
    manifest,
    rewritten::<Metrics>,
    rewritten::<Recipe>,
    rewritten::<RunPlan>,
    rewritten::<RunSummary>,
    rewritten::<SourceManifest>,
    rewritten::<Summary>,
    rewritten::<TestSummary>,
    rewritten::<ToolchainDocument>,
    rewritten::<WorkerSelection>,
    job_key_inputs,
];

/// A byte for which document, then its JSON text.
pub(crate) fn check(data: &[u8]) {
    let mut input = Input::new(data);
    READERS[usize::from(input.byte()) % READERS.len()](input.rest());
}

fn attestation(text: &[u8]) {
    rewritten::<Attestation>(text);
    let Ok(attestation) = serde_json::from_slice::<Attestation>(text) else { return };
    // Nobody signed it, whoever it names.
    assert!(attestation.verify(&attestation.public_key.clone()).is_err() || attestation.signature.is_some());
    assert!(signing_bytes(&attestation).starts_with(b"rch-xcode/attestation@1\n"));
}

fn manifest(text: &[u8]) {
    rewritten::<Manifest>(text);
    let Ok(manifest) = serde_json::from_slice::<Manifest>(text) else { return };
    if manifest.is_consistent() {
        assert_eq!(manifest.artifact_root_sha256, Manifest::root_of(&manifest.entries));
    }
}

fn job_key_inputs(text: &[u8]) {
    rewritten::<JobKeyInputs>(text);
    let Ok(inputs) = serde_json::from_slice::<JobKeyInputs>(text) else { return };
    let again: JobKeyInputs = serde_json::from_slice(&inputs.canonical()).expect("the hashed bytes are the inputs");
    assert_eq!(again.key(), inputs.key());
}
