//! A sound offer, for tests.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use rch_schemas::document::{
    ArtifactOptions, ArtifactProfile, Backend, CacheOptions, DerivedDataCache, EffectiveConfig, EntryType, Job, JobDestination,
    JobTimeouts, PackageCache, RecipeRef, ResultCache, SchemaId, SchemaVersion, SourceEntry,
};
use rch_schemas::job_key::{Provisioning, ResolvedDestination, Toolchain};
use rch_schemas::requirement::{DestinationMode, DestinationRequest};
use rch_schemas::wire::agent::Offer;
use rch_schemas::{Action, Attempt, JobKeyInputs, LedgerSeq, Sha256, Timestamp};

/// A file of a source tree.
pub(crate) fn entry(path: &str) -> SourceEntry {
    let sha256 = Some(Sha256::of(path));
    SourceEntry { path: path.to_owned(), entry_type: EntryType::File, size: 1, sha256, executable: false, symlink_target: None }
}

/// Attempt 1 of a build for macOS, offered to `macmini-01`.
pub(crate) fn offer() -> Offer {
    offer_of("job-000001")
}

/// The same for another job.
pub(crate) fn offer_of(job_id: &str) -> Offer {
    let argv: Vec<String> = ["build", "-scheme", "SampleApp"].map(str::to_owned).to_vec();
    let toolchain = Toolchain {
        xcode_build: "16C5032a".to_owned(),
        developer_dir: "/Applications/Xcode.app/Contents/Developer".to_owned(),
        macos_version: "15.3.1".to_owned(),
        macos_build: "24D60".to_owned(),
        arch: "arm64".to_owned(),
        tools: BTreeMap::new(),
    };
    let resolved = ResolvedDestination::Mac {
        platform: "macOS".to_owned(),
        arch: "arm64".to_owned(),
        os_version: "15.3.1".to_owned(),
        provisioning: Provisioning::Existing,
        variant: None,
    };
    let inputs = JobKeyInputs {
        source_sha256: Sha256::of("tree"),
        sanitized_argv: argv.clone(),
        toolchain: toolchain.clone(),
        destination: resolved.clone(),
        env: BTreeMap::new(),
        directory: None,
        allow_empty: false,
    };
    let asked =
        DestinationRequest { asked: "platform=macOS".to_owned(), mode: DestinationMode::Constraints, provisioning: Provisioning::Existing };
    let job = Job {
        schema_version: SchemaVersion::default(),
        schema_id: SchemaId::default(),
        created_at: Timestamp::from_unix_ms(0),
        run_id: "run-000001".parse().unwrap(),
        job_id: job_id.parse().unwrap(),
        job_key: Some(inputs.key()),
        attempt: Attempt(1),
        step: 0,
        action: Action::Build,
        original_argv: argv.clone(),
        dropped: Vec::new(),
        policy: rch_schemas::invocation::Policy::default(),
        argv,
        destination: JobDestination { index: 0, asked, resolved },
        xcode_version: "16.2".parse().unwrap(),
        toolchain,
        recipe: RecipeRef { sha256: inputs.source_sha256, recipe_sha256: Sha256::of("recipe"), chunks: 1, bytes: 1_024 },
        job_key_inputs: inputs,
        artifact_profile: ArtifactProfile::Minimal,
        timeouts: JobTimeouts { overall_seconds: 60, idle_log_seconds: 30 },
        cache: CacheOptions {
            namespace: "SampleApp".parse().unwrap(),
            results: ResultCache::On,
            derived_data: DerivedDataCache::Run,
            spm: PackageCache::Shared,
            clean: false,
        },
        artifacts: ArtifactOptions::default(),
        backend: Backend::Xcodebuild,
        protocol_version: 1,
        effective_config: EffectiveConfig::default(),
        evidence_sha256: Sha256::of("evidence"),
        capabilities_sha256: Sha256::of("capabilities"),
    };
    Offer { worker: "macmini-01".parse().unwrap(), session: "session-0001".parse().unwrap(), ledger_seq: LedgerSeq(10), job }
}
