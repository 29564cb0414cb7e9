//! Stand-in facts, keys and requests.

use std::collections::{BTreeMap, BTreeSet};

use rch_scheduler::{FarmConfig, InventoryEntry, QueueConfig, SubmitRequest};
use rch_schemas::capabilities::{Device, DeviceType, Facts, Limits, Macos, Runtime, Xcode, XcodeState};
use rch_schemas::document::{
    ArtifactOptions, ArtifactProfile, Backend, CacheOptions, DerivedDataCache, EffectiveConfig, Job, Outcome, PackageCache, Recipe,
    RecipeChunk, RecipeRef, ResultCache, RunOptions, SchemaId, SchemaVersion, SelectionMode, Timeouts,
};
use rch_schemas::protocol::ProtocolRange;
use rch_schemas::requirement::DestinationRequest;
use rch_schemas::seal::{Attestation, Signer, SignerRole, SigningKey, WorkerIdentity};
use rch_schemas::wire::agent::Finished;
use rch_schemas::wire::http::{SubmitRun, SubmitStep};
use rch_schemas::{RequestId, SessionId, Sha256, Timestamp, WorkerName};

use crate::happening::AttemptId;
use crate::plan::{AskedStep, Wish};

/// Longer than any job of a plan takes that does not hang.
const OVERALL_SECONDS: u32 = 720;
/// What the coordinator adds to it before it fences an attempt.
const ATTEMPT_SLACK_MS: u64 = 60_000;
/// In some plans ended runs are forgotten while it lasts; later than any client repeats itself.
const KEEP_ENDED_MS: u64 = 15 * 60_000;

pub(crate) fn worker_name(index: usize) -> WorkerName {
    format!("mac-{index}").parse().expect("letters, digits and a dash")
}

/// The key of a worker, the same in every run.
pub(crate) fn signing_key(worker: &WorkerName) -> SigningKey {
    SigningKey::from_seed(*Sha256::of(worker.as_str()).as_bytes())
}

/// The build of one of two Xcodes.
pub(crate) fn xcode_build(newer: bool) -> String {
    if newer { "16F6" } else { "16C5032a" }.to_owned()
}

/// A Mac with one of two Xcodes, so that some workers share a job key and some do not.
pub(crate) fn facts(worker: &WorkerName, newer_xcode: bool, slots: u32) -> Facts {
    let (version, build) = (if newer_xcode { "16.4" } else { "16.2" }, xcode_build(newer_xcode));
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
            build,
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

/// The `index`-th request, as wished.
pub(crate) fn request(index: usize, wish: &Wish) -> SubmitRequest {
    let sha256 = crate::client::recipe(index);
    let recipe = Recipe {
        schema_version: SchemaVersion::default(),
        schema_id: SchemaId::default(),
        created_at: Timestamp::from_unix_ms(0),
        sha256,
        size: 5,
        chunking: "fastcdc2020-1-0-131072-524288-2097152".to_owned(),
        chunks: vec![RecipeChunk { sha256, size: 5 }],
    };
    let step = |(action, own): &AskedStep| SubmitStep {
        destinations: own.map(<[u32]>::to_vec),
        ..SubmitStep::new(*action, [*action, "-workspace", "App.xcworkspace", "-scheme", "App"].map(str::to_owned).into())
    };
    let destination = |asked: &&str| DestinationRequest { asked: (*asked).to_owned(), ..DestinationRequest::default() };
    let request = SubmitRun {
        request_id: request_id(index),
        rch_version: "simulated".to_owned(),
        protocol: ProtocolRange::OURS,
        project: "App".to_owned(),
        recipe: recipe.clone(),
        destinations: wish.destinations.iter().map(destination).collect(),
        steps: wish.steps.iter().map(step).collect(),
        options: options(wish),
        effective_config: EffectiveConfig::default(),
        detach: false,
    };
    let body_sha256 = Sha256::of_canonical(&request).expect("a request has a canonical form");
    let recipe = RecipeRef { sha256: recipe.sha256, recipe_sha256: recipe.digest(), chunks: 1, bytes: 5 };
    SubmitRequest { request, body_sha256, recipe, missing: Vec::new() }
}

fn options(wish: &Wish) -> RunOptions {
    RunOptions {
        backend: Backend::Xcodebuild,
        artifact_profile: ArtifactProfile::Minimal,
        xcode: wish.xcode.map(|xcode| xcode.parse().expect("a requirement")),
        tools: BTreeSet::new(),
        env: BTreeMap::new(),
        selection: if wish.adaptive { SelectionMode::Adaptive } else { SelectionMode::Deterministic },
        tags: BTreeSet::new(),
        worker: wish.worker.map(worker_name),
        timeouts: Timeouts { queue_seconds: wish.queue_seconds, overall_seconds: OVERALL_SECONDS, ..Timeouts::default() },
        cache: CacheOptions {
            namespace: "App".parse().expect("a namespace"),
            results: ResultCache::On,
            derived_data: DerivedDataCache::Run,
            spm: PackageCache::Shared,
            clean: false,
        },
        artifacts: ArtifactOptions::default(),
        priority: wish.priority,
        continue_on_failure: wish.continue_on_failure,
        supersede: wish.supersede.map(|label| label.parse().expect("a label")),
    }
}

/// How long a job waits in a band.
const AGE_MS: u64 = 60_000;

/// The farm's configuration: the defaults, but for deadlines short enough to pass within a plan.
pub(crate) fn config(workers: usize, seed: u64) -> FarmConfig {
    let entry = |index: usize| {
        let name = worker_name(index);
        let public_key = signing_key(&name).public_key();
        let priority = if index.is_multiple_of(3) { 1 } else { 2 };
        (name, InventoryEntry { priority, tags: ["macos".to_owned(), "xcode".to_owned()].into(), public_key })
    };
    FarmConfig {
        inventory: (0..workers).map(entry).collect(),
        attempt_slack_ms: ATTEMPT_SLACK_MS,
        keep_ended_ms: if seed.is_multiple_of(4) { KEEP_ENDED_MS } else { FarmConfig::default().keep_ended_ms },
        queue: QueueConfig { age_ms: AGE_MS, ..QueueConfig::default() },
        ..FarmConfig::default()
    }
}

/// The digest of the set that a process makes of an attempt.
pub(crate) fn manifest(session: &SessionId, (job_id, attempt): &AttemptId) -> Sha256 {
    Sha256::of(format!("{session} {job_id} {attempt}"))
}

/// A truthful report of the end of the attempt that was offered as `job`.
pub(crate) fn finished(worker: &WorkerName, session: &SessionId, job: &Job, outcome: Outcome) -> Finished {
    let key = signing_key(worker);
    let fingerprint = key.public_key().fingerprint();
    let manifest_sha256 = manifest(session, &(job.job_id.clone(), job.attempt));
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
        protocol_version: job.protocol_version,
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
