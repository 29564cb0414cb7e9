//! Stand-in facts, keys and requests.

use std::collections::{BTreeMap, BTreeSet};

use rch_scheduler::SubmitRequest;
use rch_schemas::capabilities::{Device, DeviceType, Facts, Limits, Macos, Runtime, Xcode, XcodeState};
use rch_schemas::document::{
    ArtifactOptions, ArtifactProfile, Backend, CacheOptions, DerivedDataCache, EffectiveConfig, Job, Outcome, PackageCache, Priority,
    Recipe, RecipeChunk, RecipeRef, ResultCache, RunOptions, SchemaId, SchemaVersion, SelectionMode, Timeouts,
};
use rch_schemas::protocol::ProtocolRange;
use rch_schemas::requirement::DestinationRequest;
use rch_schemas::seal::{Attestation, Signer, SignerRole, SigningKey, WorkerIdentity};
use rch_schemas::wire::agent::Finished;
use rch_schemas::wire::http::{SubmitRun, SubmitStep};
use rch_schemas::{RequestId, Sha256, Timestamp, WorkerName};

pub(crate) fn worker_name(index: usize) -> WorkerName {
    format!("mac-{index}").parse().expect("letters, digits and a dash")
}

/// The key of a worker, the same in every run.
pub(crate) fn signing_key(worker: &WorkerName) -> SigningKey {
    SigningKey::from_seed(*Sha256::of(worker.as_str()).as_bytes())
}

/// A Mac with one of two Xcodes, so that some workers share a job key and some do not.
pub(crate) fn facts(worker: &WorkerName, newer_xcode: bool, slots: u32) -> Facts {
    let (version, build) = if newer_xcode { ("16.4", "16F6") } else { ("16.2", "16C5032a") };
    let runtime = "com.apple.CoreSimulator.SimRuntime.iOS-18-2".to_owned();
    let device_type = "com.apple.CoreSimulator.SimDeviceType.iPhone-16".to_owned();
    let parse = |text: &str| text.parse().expect("a version");
    Facts {
        agent_version: "simulated".to_owned(),
        arch: "arm64".to_owned(),
        macos: Macos { product_name: "macOS".to_owned(), version: "15.3.1".to_owned(), build: "24D60".to_owned() },
        xcodes: vec![Xcode {
            developer_dir: format!("/Applications/Xcode-{version}.app/Contents/Developer"),
            links: Vec::new(),
            version: parse(version),
            build: build.to_owned(),
            beta: false,
            state: XcodeState::Ready,
            sdks: Vec::new(),
            runtime_builds: BTreeMap::new(),
        }],
        runtimes: vec![Runtime {
            identifier: runtime.clone(),
            platform: "iOS".to_owned(),
            version: parse("18.2"),
            build: "22C150".to_owned(),
            architectures: None,
            unavailable: None,
            shadowed: false,
            device_types: BTreeSet::from([device_type.clone()]),
        }],
        device_types: vec![DeviceType {
            identifier: device_type.clone(),
            name: "iPhone 16".to_owned(),
            family: "iPhone".to_owned(),
            min_runtime: None,
            max_runtime: None,
        }],
        devices: vec![Device { name: "iPhone 16".to_owned(), device_type, runtime }],
        tools: BTreeMap::new(),
        backends: BTreeMap::new(),
        limits: Limits { slots, max_upload_bytes: 0 },
        key_fingerprint: signing_key(worker).public_key().fingerprint(),
        problems: Vec::new(),
    }
}

/// The id of the `index`-th request; the same request again has the same id.
pub(crate) fn request_id(index: usize) -> RequestId {
    format!("request-{index:06}").parse().expect("letters, digits and a dash")
}

/// An action with the indices of its destinations; all of the run's when it names none.
pub(crate) type AskedStep<'a> = (&'a str, Option<&'a [u32]>);

/// The `index`-th request: these steps.
pub(crate) fn request(index: usize, steps: &[AskedStep<'_>], continue_on_failure: bool) -> SubmitRequest {
    let recipe = Recipe {
        schema_version: SchemaVersion::default(),
        schema_id: SchemaId::default(),
        created_at: Timestamp::from_unix_ms(0),
        sha256: Sha256::of(format!("tree {index}")),
        size: 5,
        chunking: "fastcdc2020-1-0-131072-524288-2097152".to_owned(),
        chunks: vec![RecipeChunk { sha256: Sha256::of(format!("chunk {index}")), size: 5 }],
    };
    let step = |(action, own): &AskedStep<'_>| SubmitStep {
        destinations: own.map(<[u32]>::to_vec),
        ..SubmitStep::new(*action, [*action, "-workspace", "App.xcworkspace", "-scheme", "App"].map(str::to_owned).into())
    };
    // Two destinations where some step names the second.
    let width = if steps.iter().any(|(_, own)| own.is_some_and(|own| own.contains(&1))) { 2 } else { 1 };
    let asked = ["platform=iOS Simulator,name=iPhone 16,OS=latest", "platform=macOS"];
    let asked = asked[..width].iter().map(|asked| DestinationRequest { asked: (*asked).to_owned(), ..DestinationRequest::default() });
    let request = SubmitRun {
        request_id: request_id(index),
        rch_version: "simulated".to_owned(),
        protocol: ProtocolRange::OURS,
        project: "App".to_owned(),
        recipe: recipe.clone(),
        destinations: asked.collect(),
        steps: steps.iter().map(step).collect(),
        options: options(continue_on_failure),
        effective_config: EffectiveConfig::default(),
        detach: false,
    };
    let body_sha256 = Sha256::of_canonical(&request).expect("a request has a canonical form");
    let recipe = RecipeRef { sha256: recipe.sha256, recipe_sha256: recipe.digest(), chunks: 1, bytes: 5 };
    SubmitRequest { request, body_sha256, recipe, missing: Vec::new() }
}

fn options(continue_on_failure: bool) -> RunOptions {
    RunOptions {
        backend: Backend::Xcodebuild,
        artifact_profile: ArtifactProfile::Minimal,
        xcode: None,
        tools: BTreeSet::new(),
        env: BTreeMap::new(),
        selection: SelectionMode::Deterministic,
        tags: BTreeSet::new(),
        worker: None,
        timeouts: Timeouts { queue_seconds: 86_400, ..Timeouts::default() },
        cache: CacheOptions {
            namespace: "App".parse().expect("a namespace"),
            results: ResultCache::On,
            derived_data: DerivedDataCache::Run,
            spm: PackageCache::Shared,
            clean: false,
        },
        artifacts: ArtifactOptions::default(),
        priority: Priority::Normal,
        continue_on_failure,
    }
}

/// A truthful report of the end of the attempt that was offered as `job`.
pub(crate) fn finished(worker: &WorkerName, job: &Job, outcome: Outcome) -> Finished {
    let key = signing_key(worker);
    let fingerprint = key.public_key().fingerprint();
    let manifest_sha256 = Sha256::of(format!("{worker} {} {}", job.job_id, job.attempt));
    let attestation = Attestation {
        schema_version: SchemaVersion::default(),
        schema_id: SchemaId::default(),
        created_at: Timestamp::from_unix_ms(0),
        run_id: job.run_id.clone(),
        job_id: job.job_id.clone(),
        job_key: job.job_key,
        attempt: job.attempt,
        source_sha256: Some(job.recipe.sha256),
        worker: Some(WorkerIdentity { name: worker.clone(), key_fingerprint: fingerprint }),
        capabilities_sha256: None,
        evidence_sha256: Some(job.evidence_sha256),
        backend: None,
        manifest_sha256,
        protocol_version: 1,
        before: None,
        after: None,
        signer: Signer { role: SignerRole::Worker, name: worker.to_string(), fingerprint },
        public_key: key.public_key(),
        signature: None,
    };
    Finished {
        job_id: job.job_id.clone(),
        attempt: job.attempt,
        outcome,
        human_summary: "simulated".to_owned(),
        manifest_sha256,
        attestation: attestation.signed(&key),
        artifact_profile: ArtifactProfile::Minimal,
        duration_ms: 1,
        log_bytes: 0,
        log_sha256: Sha256::of(""),
        upload_ms: 1,
    }
}
