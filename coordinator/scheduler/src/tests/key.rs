//! What changes a job's key and what does not, member by member.
//!
//! Every member of a request and of a worker's facts is listed: a new one fails to compile here until someone has decided what it does.

use rch_schemas::document::{
    ArtifactOptions, ArtifactProfile, Backend, CacheOptions, DerivedDataCache, EffectiveConfig, Job as JobDocument, JobDestination,
    PackageCache, Priority, Recipe, RecipeRef, ResultCache, RunOptions, SelectionMode, Timeouts,
};
use rch_schemas::job_key::{JobKeyInputs, Provisioning};
use rch_schemas::protocol::{Feature, ProtocolRange};
use rch_schemas::requirement::{DestinationMode, DestinationRequest};
use rch_schemas::wire::agent::ReportBody;
use rch_schemas::wire::http::{SubmitRun, SubmitStep};
use rch_schemas::{Attempt, JobKey, Sha256, Timestamp};

use super::farm::{Farm, announcement, facts, request, worker};
use crate::{SubmitRequest, job_document};

/// What another value of a member does to the key.
pub(super) enum Effect<T> {
    /// It makes another key: the output may differ.
    Changes(fn(&mut T)),
    /// It leaves the key as it is: the output cannot differ.
    Keeps(fn(&mut T)),
    /// No other value gives a key at all, or its own members are listed.
    Apart,
}

pub(super) use Effect::{Apart, Changes, Keeps};

/// Every member of a type, each with its effect. Without `..`: a new member does not compile.
macro_rules! members {
    ($type:ident { $($member:ident: $effect:expr),* $(,)? }) => {{
        let _ = |value: $type| {
            let $type { $($member: _,)* } = value;
        };
        let members: Vec<(&'static str, $crate::tests::key::Effect<$type>)> =
            vec![$((concat!(stringify!($type), ".", stringify!($member)), $effect),)*];
        members
    }};
}
pub(super) use members;

/// Everything a key is made of: what is asked, and the one worker there is.
#[derive(Clone)]
pub(super) struct Scene {
    pub(super) submitted: SubmitRequest,
    pub(super) facts: rch_schemas::capabilities::Facts,
}

impl Scene {
    pub(super) fn new() -> Self {
        let mut submitted = request("request-01", &["test"]);
        submitted.request.destinations[0].asked = "platform=iOS Simulator,name=iPhone 16,OS=18.2".to_owned();
        submitted.request.options.xcode = Some("16C5032a".parse().unwrap());
        submitted.request.options.env.insert("API_HOST".to_owned(), "localhost".to_owned());
        submitted.request.options.tools.insert("swiftlint".to_owned());
        let mut facts = facts("mac-1");
        facts.tools.insert("swiftlint".to_owned(), "0.57.1".to_owned());
        Self { submitted, facts }
    }

    /// The first job's key; `None` when no worker is chosen.
    pub(super) fn key(&self) -> Option<JobKey> {
        self.document().map(|document| document.job_key_inputs.key())
    }

    fn document(&self) -> Option<JobDocument> {
        let mut farm = Farm::with(&["mac-1"]);
        let mut announcement = announcement("mac-1", &self.facts);
        announcement.features.extend([Feature::MCP_BACKEND, Feature::EVENTS].map(Feature::named));
        farm.report_as("mac-1", "mac-1-session-9".parse().unwrap(), ReportBody::Announce(Box::new(announcement)));
        let run_id = farm.submit_request(self.submitted.clone());
        let document = job_document(&farm.state, farm.run(&run_id), farm.job(&run_id, 0), Attempt(1))?;
        assert_eq!(document.job_key, Some(document.job_key_inputs.key()));
        Some(document)
    }
}

/// Tries every member; `part` finds what it belongs to.
pub(super) fn try_all<T>(part: fn(&mut Scene) -> &mut T, members: Vec<(&'static str, Effect<T>)>) {
    let scene = Scene::new();
    let key = scene.key().unwrap();
    for (name, effect) in members {
        let mut other = scene.clone();
        match effect {
            Changes(edit) => {
                edit(part(&mut other));
                assert_ne!(other.key().unwrap_or_else(|| panic!("{name}: no key")), key, "{name} may change the output");
            }
            Keeps(edit) => {
                edit(part(&mut other));
                assert_eq!(other.key(), Some(key), "{name} cannot change the output");
            }
            Apart => {}
        }
    }
}

#[test]
fn every_member_of_a_request_changes_the_key_or_cannot() {
    try_all(
        |scene| &mut scene.submitted,
        members!(SubmitRequest {
            request: Apart,
            body_sha256: Keeps(|it| it.body_sha256 = Sha256::of("another")),
            recipe: Apart,
            // A run is recorded only when nothing is missing.
            missing: Apart,
        }),
    );
    try_all(
        |scene| &mut scene.submitted.recipe,
        members!(RecipeRef {
            sha256: Changes(|it| it.sha256 = Sha256::of("another tree")),
            recipe_sha256: Keeps(|it| it.recipe_sha256 = Sha256::of("other cuts")),
            chunks: Keeps(|it| it.chunks += 1),
            bytes: Keeps(|it| it.bytes += 1),
        }),
    );
    try_all(
        |scene| &mut scene.submitted.request,
        members!(SubmitRun {
            request_id: Keeps(|it| it.request_id = "request-02".parse().unwrap()),
            rch_version: Keeps(|it| it.rch_version = "9.9.9".to_owned()),
            protocol: Keeps(|it| it.protocol = ProtocolRange { max: it.protocol.max + 1, ..it.protocol }),
            project: Keeps(|it| it.project = "Another".to_owned()),
            recipe: Apart,
            destinations: Apart,
            steps: Apart,
            options: Apart,
            effective_config: Keeps(|it| it.effective_config = EffectiveConfig { values: true.into(), ..EffectiveConfig::default() }),
            detach: Keeps(|it| it.detach = true),
        }),
    );
    try_all(
        |scene| &mut scene.submitted.request.recipe,
        members!(Recipe {
            schema_version: Apart,
            schema_id: Apart,
            created_at: Keeps(|it| it.created_at = Timestamp::from_unix_ms(1)),
            // The edge computes the reference from it: its members are above.
            sha256: Apart,
            size: Apart,
            chunking: Keeps(|it| it.chunking = "another".to_owned()),
            chunks: Apart,
        }),
    );
}

#[test]
fn every_member_of_a_step_and_of_a_destination_changes_the_key_or_cannot() {
    try_all(
        |scene| &mut scene.submitted.request.steps[0],
        members!(SubmitStep {
            name: Keeps(|it| it.name = "another".to_owned()),
            argv: Changes(|it| it.argv.extend(["-testPlan".to_owned(), "All".to_owned()])),
            destinations: Keeps(|it| it.destinations = Some(vec![0])),
            directory: Changes(|it| {
                it.argv = ["test", "-scheme", "Kit"].map(str::to_owned).into();
                it.directory = Some("Packages/Kit".parse().unwrap());
            }),
            allow_empty: Changes(|it| it.allow_empty = true),
        }),
    );
    try_all(
        |scene| &mut scene.submitted.request.destinations[0],
        members!(DestinationRequest {
            asked: Changes(|it| it.asked = "platform=macOS".to_owned()),
            mode: Keeps(|it| it.mode = DestinationMode::Pinned),
            provisioning: Changes(|it| it.provisioning = Provisioning::Ephemeral),
        }),
    );
}

#[test]
fn a_directory_alone_makes_another_key() {
    let mut scene = Scene::new();
    let step = &mut scene.submitted.request.steps[0];
    step.argv = ["test", "-scheme", "Kit"].map(str::to_owned).into();
    let key = scene.key();
    scene.submitted.request.steps[0].directory = Some("Packages/Kit".parse().unwrap());
    assert_ne!(scene.key(), key);
}

#[test]
fn every_option_changes_the_key_or_cannot() {
    try_all(
        |scene| &mut scene.submitted.request.options,
        members!(RunOptions {
            backend: Keeps(|it| it.backend = Backend::Mcp),
            artifact_profile: Keeps(|it| it.artifact_profile = ArtifactProfile::Rich),
            // What is required does not matter, what is found does: the facts below.
            xcode: Keeps(|it| it.xcode = Some(">=16,<17".parse().unwrap())),
            tools: Changes(|it| it.tools.clear()),
            env: Changes(|it| drop(it.env.insert("API_HOST".to_owned(), "example.org".to_owned()))),
            selection: Keeps(|it| it.selection = SelectionMode::Adaptive),
            tags: Keeps(|it| it.tags.extend(["macos".to_owned()])),
            worker: Keeps(|it| it.worker = Some(worker("mac-1"))),
            timeouts: Apart,
            cache: Apart,
            artifacts: Apart,
            priority: Keeps(|it| it.priority = Priority::Batch),
            continue_on_failure: Keeps(|it| it.continue_on_failure = true),
            supersede: Keeps(|it| it.supersede = Some("pr-7".parse().unwrap())),
        }),
    );
    try_all(
        |scene| &mut scene.submitted.request.options.timeouts,
        members!(Timeouts {
            overall_seconds: Keeps(|it| it.overall_seconds += 1),
            idle_log_seconds: Keeps(|it| it.idle_log_seconds += 1),
            queue_seconds: Keeps(|it| it.queue_seconds += 1),
            connect_seconds: Keeps(|it| it.connect_seconds += 1),
        }),
    );
    try_all(
        |scene| &mut scene.submitted.request.options.cache,
        members!(CacheOptions {
            namespace: Keeps(|it| it.namespace = "another".parse().unwrap()),
            results: Keeps(|it| it.results = ResultCache::Off),
            derived_data: Keeps(|it| it.derived_data = DerivedDataCache::Off),
            spm: Keeps(|it| it.spm = PackageCache::Off),
            clean: Keeps(|it| it.clean = true),
        }),
    );
    try_all(
        |scene| &mut scene.submitted.request.options.artifacts,
        members!(ArtifactOptions {
            collect: Keeps(|it| it.collect.push("*.png".to_owned())),
            coverage: Keeps(|it| it.coverage = true),
            attachments: Keeps(|it| it.attachments = true),
        }),
    );
}

#[test]
fn a_variable_that_is_added_removed_or_renamed_makes_another_key() {
    let scene = Scene::new();
    let edits: [fn(&mut RunOptions); 3] = [
        |it| drop(it.env.insert("CI".to_owned(), String::new())),
        |it| it.env.clear(),
        |it| it.env = [("API_HOSTS".to_owned(), "localhost".to_owned())].into(),
    ];
    for edit in edits {
        let mut other = scene.clone();
        edit(&mut other.submitted.request.options);
        assert_ne!(other.key(), scene.key());
    }
}

#[test]
fn what_a_job_document_says_twice_it_says_alike_and_all_else_is_not_in_the_key() {
    let document = Scene::new().document().unwrap();
    // A new member does not compile until it is either an input, compared below, or among what cannot change the output.
    let JobDocument {
        argv,
        toolchain,
        destination,
        recipe,
        job_key_inputs,
        job_key,
        // The header, and where the job stands in its run.
        schema_version: _,
        schema_id: _,
        created_at: _,
        run_id: _,
        job_id: _,
        attempt: _,
        step: _,
        // How the arguments were judged; the action is the first of them.
        action: _,
        original_argv: _,
        dropped: _,
        policy: _,
        // For people: the build in the toolchain is its identity.
        xcode_version: _,
        // How it runs, not what it makes.
        artifact_profile: _,
        timeouts: _,
        cache: _,
        artifacts: _,
        backend: _,
        protocol_version: _,
        effective_config: _,
        evidence_sha256: _,
        capabilities_sha256: _,
    } = &document;
    let JobDestination { index: _, asked: _, resolved } = destination;
    let JobKeyInputs { source_sha256, sanitized_argv, toolchain: tools, destination: inputs, env, directory, allow_empty } = job_key_inputs;
    assert_eq!((argv, toolchain, resolved, &recipe.sha256), (sanitized_argv, tools, inputs, source_sha256));
    assert_eq!(*job_key, Some(job_key_inputs.key()));
    let options = Scene::new().submitted.request.options;
    assert_eq!((env, directory, *allow_empty), (&options.env, &None, false));
}
