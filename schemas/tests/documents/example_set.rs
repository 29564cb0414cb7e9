//! The examples of one run, as a chain: keys sign, digests name, so that a reader in another language can check its own code against them.

use rch_schemas::document::{
    CAPABILITIES_DIGITS, CapabilitiesDocument, CaseCounts, Destination, EventLine, Farm, Invocation, Job, Metrics, Recipe, RunPlan,
    RunSummary, SourceManifest, Summary, TestSummary, ToolchainDocument, WorkerSelection,
};
use rch_schemas::invocation::classify;
use rch_schemas::seal::{Attestation, Manifest, SigningKey};
use rch_schemas::{JobKey, Sha256};
use serde::de::DeserializeOwned;

use super::kind::written;
use super::text;

/// The farm's key of the examples is made from 32 bytes of this.
const FARM_SEED: u8 = 1;
/// The worker's key of the examples is made from 32 bytes of this.
const WORKER_SEED: u8 = 2;

/// The documents of the one run.
pub(crate) struct ExampleSet {
    farm: Farm,
    recipe: Recipe,
    capabilities: CapabilitiesDocument,
    selection: WorkerSelection,
    plan: RunPlan,
    job: Job,
    invocation: Invocation,
    set: Set,
    manifest: Manifest,
    attestation: Attestation,
    summary: RunSummary,
}

/// The documents of its job that say what it was and not what it rests on.
struct Set {
    destination: Destination,
    events: Vec<EventLine>,
    metrics: Metrics,
    source: SourceManifest,
    summary: Summary,
    tests: TestSummary,
    toolchain: ToolchainDocument,
}

fn read<D: DeserializeOwned>(name: &str) -> D {
    serde_json::from_str(&text(&format!("examples/{name}.json"))).unwrap_or_else(|error| panic!("examples/{name}.json: {error}"))
}

impl ExampleSet {
    /// Reads them.
    pub(crate) fn read() -> Self {
        let events = text("examples/event.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        Self {
            farm: read("farm"),
            recipe: read("recipe"),
            capabilities: read("capabilities"),
            selection: read("worker_selection"),
            plan: read("run_plan"),
            job: read("job"),
            invocation: read("invocation"),
            set: Set {
                destination: read("destination"),
                events,
                metrics: read("metrics"),
                source: read("source_manifest"),
                summary: read("summary"),
                tests: read("test_summary"),
                toolchain: read("toolchain"),
            },
            manifest: read("manifest"),
            attestation: read("attestation"),
            summary: read("run_summary"),
        }
    }

    /// Sets every digest, key and signature to what the rest says.
    pub(crate) fn make_true(&mut self) {
        let (farm_key, worker_key) = (SigningKey::from_seed([FARM_SEED; 32]), SigningKey::from_seed([WORKER_SEED; 32]));
        self.farm.public_key = farm_key.public_key();
        self.farm.worker_keys[0].public_key = worker_key.public_key();
        self.farm.policy_sha256 = self.farm.policy.digest();
        self.job.policy = self.farm.policy.clone();
        (self.invocation.policy, self.invocation.policy_sha256) = (self.farm.policy.clone(), self.farm.policy_sha256);

        self.capabilities.facts.key_fingerprint = worker_key.public_key().fingerprint();
        let capabilities = self.capabilities.facts.digest();
        let judgement = self.selection.judgement.as_mut().unwrap();
        capabilities.to_string()[..CAPABILITIES_DIGITS].clone_into(&mut judgement.workers[1].capabilities[0]);
        self.selection.judgement_sha256 = Sha256::of_canonical(judgement).unwrap();
        self.selection.capabilities_sha256 = capabilities;
        let evidence = WorkerSelection::received_sha256(&serde_json::to_value(&self.selection).unwrap()).unwrap();
        self.selection.signature = Some(farm_key.sign(&self.selection));
        self.plan.destinations[0].evidence_sha256 = Some(evidence);

        self.job.capabilities_sha256 = capabilities;
        self.job.evidence_sha256 = evidence;
        self.job.recipe.recipe_sha256 = self.recipe.digest();
        self.name_key(self.job.job_key_inputs.key());
        self.seal(&worker_key, (capabilities, evidence));
    }

    fn name_key(&mut self, key: JobKey) {
        let set = &mut self.set;
        let documents = [
            &mut self.job.job_key,
            &mut self.invocation.job_key,
            &mut set.destination.job_key,
            &mut set.metrics.job_key,
            &mut set.source.job_key,
            &mut set.summary.job_key,
            &mut set.tests.job_key,
            &mut set.toolchain.job_key,
            &mut self.manifest.job_key,
            &mut self.attestation.job_key,
            &mut self.plan.steps[1].jobs[0].job_key,
            &mut self.summary.jobs[1].job_key,
        ];
        for named in documents {
            *named = Some(key);
        }
        if let Some(EventLine::Header(header)) = self.set.events.first_mut() {
            header.job_key = Some(key);
        }
    }

    /// Lists the files in the manifest, and signs it.
    fn seal(&mut self, key: &SigningKey, (capabilities, evidence): (Sha256, Sha256)) {
        let files = self.set_files();
        for entry in &mut self.manifest.entries {
            if let Some((_, text)) = files.iter().find(|(path, _)| *path == entry.path) {
                (entry.size, entry.sha256) = (text.len() as u64, Some(Sha256::of(text)));
            }
        }
        self.manifest.artifact_root_sha256 = Manifest::root_of(&self.manifest.entries);
        let manifest = Sha256::of(written(&self.manifest));
        self.summary.jobs[1].manifest_sha256 = Some(manifest);
        let attestation = &mut self.attestation;
        attestation.manifest_sha256 = manifest;
        attestation.capabilities_sha256 = Some(capabilities);
        attestation.evidence_sha256 = Some(evidence);
        let worker = attestation.worker.as_mut().unwrap();
        worker.key_fingerprint = key.public_key().fingerprint();
        self.attestation = attestation.clone().signed(key);
    }

    /// The files of the artifact set that are examples, by their path in the set.
    fn set_files(&self) -> Vec<(&'static str, String)> {
        let lines = |lines: &[EventLine]| lines.iter().map(|line| serde_json::to_string(line).unwrap() + "\n").collect();
        vec![
            ("capabilities.json", written(&self.capabilities)),
            ("destination.json", written(&self.set.destination)),
            ("events.jsonl", lines(&self.set.events)),
            ("invocation.json", written(&self.invocation)),
            ("job.json", written(&self.job)),
            ("job_key_inputs.jcs", String::from_utf8(self.job.job_key_inputs.canonical()).unwrap()),
            ("metrics.json", written(&self.set.metrics)),
            ("source_manifest.json", written(&self.set.source)),
            ("summary.json", written(&self.set.summary)),
            ("test_summary.json", written(&self.set.tests)),
            ("toolchain.json", written(&self.set.toolchain)),
            ("worker_selection.json", written(&self.selection)),
        ]
    }

    /// Every file of the run, by its path in this crate.
    pub(crate) fn files(&self) -> Vec<(String, String)> {
        let named = |path: &str| format!("examples/{}", if path == "events.jsonl" { "event.jsonl" } else { path });
        let mut files: Vec<(String, String)> = self.set_files().into_iter().map(|(path, text)| (named(path), text)).collect();
        files.push((named("farm.json"), written(&self.farm)));
        files.push((named("recipe.json"), written(&self.recipe)));
        files.push((named("run_plan.json"), written(&self.plan)));
        files.push((named("run_summary.json"), written(&self.summary)));
        files.push((named("manifest.json"), written(&self.manifest)));
        files.push((named("attestation.json"), written(&self.attestation)));
        files
    }

    /// What a reader would check.
    pub(crate) fn verify(&self) {
        let worker = &self.farm.worker_keys[0].public_key;
        assert_eq!(self.attestation.verify(worker), Ok(()));
        assert_eq!(self.farm.public_key.verify(&self.selection, self.selection.signature.as_deref()), Ok(()));
        assert!(self.manifest.is_consistent());
        assert_eq!(self.job.job_key, Some(JobKey(Sha256::of(text("examples/job_key_inputs.jcs")))));
        assert_eq!(self.recipe.sha256, self.job.job_key_inputs.source_sha256);
        assert_eq!(self.set.source.source_sha256, self.recipe.sha256);
        assert_eq!(self.recipe.chunks.iter().map(|chunk| u64::from(chunk.size)).sum::<u64>(), self.recipe.size);
        for original in [&self.invocation.original_argv, &self.job.original_argv] {
            let judged = classify(original, &self.job.policy);
            assert_eq!((judged.sanitized_argv, judged.rejected.len()), (self.job.argv.clone(), 0));
        }
        assert_eq!(self.job.argv, self.job.job_key_inputs.sanitized_argv);
        let tests = &self.set.tests;
        assert_eq!(CaseCounts::of(&tests.cases), tests.counts);
        for place in &tests.counts_by_place {
            let cases =
                tests.cases.iter().filter(|case| case.configuration == place.configuration && case.device.as_ref() == Some(&place.device));
            assert_eq!(CaseCounts::of(cases), place.counts, "{:?}", place.configuration);
        }
    }
}
