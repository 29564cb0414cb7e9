//! A farm in memory: the state, a ledger as a list, and what agents would say.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rch_schemas::capabilities::{Device, DeviceType, Facts, Limits, Macos, Runtime, Sdk, Xcode, XcodeState};
use rch_schemas::document::{
    ArtifactOptions, ArtifactProfile, Backend, CacheOptions, DerivedDataCache, EffectiveConfig, Outcome, PackageCache, Priority, Recipe,
    RecipeChunk, RecipeRef, ResultCache, RunOptions, SchemaId, SchemaVersion, SelectionMode, Timeouts, WorkerSelection,
};
use rch_schemas::protocol::{Feature, ProtocolRange};
use rch_schemas::requirement::DestinationRequest;
use rch_schemas::seal::{Attestation, Signer, SignerRole, SigningKey, WorkerIdentity};
use rch_schemas::wire::agent::{Announce, Finished, Report, ReportBody};
use rch_schemas::wire::http::{Intake, SubmitRun, SubmitStep};
use rch_schemas::{Attempt, ClaimId, JobId, LedgerSeq, RunId, SessionId, Sha256, Tick, Timestamp, WorkerName};

use crate::observed::{Observed, ObservedWorker};
use crate::{
    Agenda, CheckedReport, Command, CommandBody, Event, FarmConfig, Ids, InventoryEntry, Job, Replayed, Reply, Run, Stamp, State,
    StateRows, SubmitRequest, apply, decide, replay, settle, worker_selection,
};

/// One record as the ledger would hold it.
pub(super) struct Record {
    pub(super) stamp: Stamp,
    pub(super) events: Vec<Event>,
}

pub(super) struct Farm {
    pub(super) state: State,
    pub(super) observed: Observed,
    pub(super) ledger: Vec<Record>,
    pub(super) tick: u64,
    pub(super) agenda: Agenda,
    ids: u128,
}

impl Farm {
    /// A led farm whose workers, all with Xcode 16.2, have announced themselves.
    pub(super) fn with(workers: &[&str]) -> Self {
        let mut farm = Self {
            state: State::default(),
            observed: Observed::default(),
            ledger: Vec::new(),
            tick: 1_000,
            agenda: Agenda::everything(),
            ids: 1 << 80,
        };
        farm.ask(CommandBody::Lead { ledger_id: "ledger-00001".parse().unwrap(), build: "test".to_owned() });
        farm.configure(workers, |_| {});
        farm.observed.hearing_since = Some(Tick(farm.tick));
        for worker in workers {
            farm.announce(worker, &facts(worker));
        }
        farm
    }

    pub(super) fn configure(&mut self, workers: &[&str], change: impl FnOnce(&mut FarmConfig)) {
        let entry = |(priority, name): (u32, &&str)| {
            let tags = BTreeSet::from(["macos".to_owned(), "xcode".to_owned()]);
            (worker(name), InventoryEntry { priority, tags, public_key: key(name).public_key() })
        };
        let inventory = (1..).zip(workers).map(entry).collect();
        let mut config = FarmConfig { inventory, ..FarmConfig::default() };
        change(&mut config);
        self.ask(CommandBody::Configure(Box::new(config)));
    }

    /// Decides as "kim", applies, settles and records, as one record.
    pub(super) fn ask(&mut self, body: CommandBody) -> Reply {
        self.ask_as("kim", body)
    }

    pub(super) fn ask_as(&mut self, actor: &str, body: CommandBody) -> Reply {
        self.ids += 1 << 20;
        let stamp = self.stamp();
        let is_tick = body == CommandBody::Tick;
        if is_tick {
            self.agenda.tick();
        }
        let command = Command { stamp, ids: Ids::from_ulid(self.ids), actor: actor.to_owned(), body };
        let decision = decide(&self.state, &self.observed, &command);
        let mut events = Vec::new();
        self.apply_all(&stamp, &mut events, decision.events);
        loop {
            let more = settle(&self.state, &self.observed, &stamp, &mut self.agenda);
            if more.is_empty() {
                break;
            }
            self.apply_all(&stamp, &mut events, more);
            assert!(events.len() < 10_000, "settling never ends");
        }
        if is_tick {
            let overlooked = settle(&self.state, &self.observed, &stamp, &mut Agenda::everything());
            assert_eq!(overlooked, [], "after a tick there is nothing that was not on the agenda");
        }
        self.ledger.push(Record { stamp, events });
        decision.reply
    }

    fn apply_all(&mut self, stamp: &Stamp, recorded: &mut Vec<Event>, events: Vec<Event>) {
        for event in events {
            let touched = apply(&mut self.state, stamp, u32::try_from(recorded.len()).unwrap(), &event);
            self.agenda.note(&self.state, &touched);
            recorded.push(event);
        }
    }

    pub(super) fn stamp(&self) -> Stamp {
        Stamp {
            seq: LedgerSeq(self.ledger.len() as u64 + 1),
            tick: Tick(self.tick),
            wall: Timestamp::from_unix_ms(1_772_443_800_000 + i64::try_from(self.tick).unwrap()),
        }
    }

    /// Time passes, heartbeats keep coming from `alive`, and every deadline is looked at.
    pub(super) fn wait(&mut self, duration: Duration, alive: &[&str]) {
        let end = self.tick + u64::try_from(duration.as_millis()).unwrap();
        while self.tick < end {
            self.tick = (self.tick + 5_000).min(end);
            for name in alive {
                self.hear(name);
            }
            self.ask(CommandBody::Tick);
        }
    }

    pub(super) fn hear(&mut self, name: &str) {
        let tick = Tick(self.tick);
        let row = self.observed.workers.entry(worker(name)).or_default();
        row.heard_at = Some(tick);
        row.capabilities_at = Some(tick);
    }

    pub(super) fn drain(&mut self, name: &str) {
        self.set_intake(name, Intake::Draining);
    }

    pub(super) fn set_intake(&mut self, name: &str, intake: Intake) {
        let reason = "maintenance".to_owned();
        assert_eq!(self.ask(CommandBody::SetIntake { worker: worker(name), intake, reason }), Reply::Done);
    }

    pub(super) fn announce(&mut self, name: &str, facts: &Facts) {
        let session = format!("{name}-session-{}", self.ledger.len());
        let reply = self.announce_as(name, &session, facts);
        assert_eq!(reply, Reply::Receipt(None));
    }

    pub(super) fn announce_as(&mut self, name: &str, session: &str, facts: &Facts) -> Reply {
        self.observed.workers.insert(worker(name), ObservedWorker::default());
        self.hear(name);
        self.report_as(name, session.parse().unwrap(), ReportBody::Announce(Box::new(announcement(name, facts))))
    }

    pub(super) fn report(&mut self, name: &str, body: ReportBody) -> Reply {
        let session = self.state.workers[&worker(name)].session.as_ref().unwrap().id.clone();
        self.report_as(name, session, body)
    }

    pub(super) fn report_as(&mut self, name: &str, session: SessionId, body: ReportBody) -> Reply {
        let report = Report { session, number: 1, body };
        self.ask(CommandBody::Report { worker: worker(name), report: Box::new(CheckedReport::new(report)) })
    }

    /// Submits a run of these steps on an iPhone 16 and returns it.
    pub(super) fn submit(&mut self, request_id: &str, steps: &[&str]) -> RunId {
        self.submit_request(request(request_id, steps))
    }

    pub(super) fn submit_request(&mut self, request: SubmitRequest) -> RunId {
        let reply = self.ask(CommandBody::Submit(Box::new(request)));
        let Reply::Run(run_id) = reply else { panic!("not accepted: {reply:?}") };
        run_id
    }

    pub(super) fn run(&self, run_id: &RunId) -> &Run {
        &self.state.runs[run_id]
    }

    /// The evidence of the choice for a run's first destination.
    pub(super) fn evidence(&self, run_id: &RunId) -> WorkerSelection {
        worker_selection(&self.state, self.run(run_id).selection(0).unwrap()).unwrap()
    }

    pub(super) fn job(&self, run_id: &RunId, index: usize) -> &Job {
        self.state.jobs_of(self.run(run_id)).nth(index).unwrap()
    }

    /// The attempts offered to a worker and not claimed yet.
    pub(super) fn offers(&self, name: &str) -> Vec<(JobId, Attempt)> {
        let offered = |(job_id, _): &&(JobId, Attempt)| self.state.jobs[job_id].live().unwrap().state == crate::AttemptState::Offered;
        self.state.workers[&worker(name)].held.iter().filter(offered).cloned().collect()
    }

    /// Claims the first offer of a worker.
    pub(super) fn claim(&mut self, name: &str) -> (JobId, Attempt) {
        let (job_id, attempt) = self.offers(name).into_iter().next().unwrap_or_else(|| panic!("nothing is offered to {name}"));
        let reply = self.claim_as(name, &job_id, attempt, "claim-00001");
        assert!(matches!(reply, Reply::Receipt(Some(_))), "{reply:?}");
        (job_id, attempt)
    }

    pub(super) fn claim_as(&mut self, name: &str, job_id: &JobId, attempt: Attempt, claim: &str) -> Reply {
        let claim_id: ClaimId = claim.parse().unwrap();
        self.report(name, ReportBody::Claim { job_id: job_id.clone(), attempt, claim_id })
    }

    pub(super) fn finish(&mut self, name: &str, job_id: &JobId, attempt: Attempt, outcome: Outcome) -> Reply {
        let finished = self.finished(name, job_id, attempt, outcome);
        self.report(name, ReportBody::Finished(Box::new(finished)))
    }

    /// A truthful report of an attempt's end.
    pub(super) fn finished(&self, name: &str, job_id: &JobId, attempt: Attempt, outcome: Outcome) -> Finished {
        let (job, run) = self.state.job_and_run(job_id).unwrap();
        let key = key(name);
        let manifest_sha256 = Sha256::of(format!("{job_id} {attempt}"));
        let attestation = Attestation {
            schema_version: SchemaVersion::default(),
            schema_id: SchemaId::default(),
            created_at: Timestamp::from_unix_ms(0),
            run_id: run.run_id.clone(),
            job_id: job_id.clone(),
            job_key: job.job_key,
            attempt,
            source_sha256: Some(run.recipe.sha256),
            worker: Some(WorkerIdentity { name: worker(name), key_fingerprint: key.public_key().fingerprint() }),
            capabilities_sha256: None,
            evidence_sha256: run.selection(job.destination).map(|made| made.selection.evidence_sha256),
            backend: None,
            manifest_sha256,
            protocol_version: run.protocol_version,
            before: None,
            after: None,
            signer: Signer { role: SignerRole::Worker, name: name.to_owned(), fingerprint: key.public_key().fingerprint() },
            public_key: key.public_key(),
            signature: None,
        };
        Finished {
            job_id: job_id.clone(),
            attempt,
            outcome,
            human_summary: "done".to_owned(),
            manifest_sha256,
            attestation: attestation.signed(&key),
            artifact_profile: ArtifactProfile::Minimal,
            duration_ms: 1_000,
            log_bytes: 0,
            log_sha256: Sha256::of(""),
            upload_ms: 1,
        }
    }

    /// The state as a replay of the ledger gives it, and as the rows of a projection give it.
    pub(super) fn assert_recovers(&self) {
        let mut replayed = State::default();
        for record in &self.ledger {
            for (index, event) in (0..).zip(&record.events) {
                let text = serde_json::to_string(event).unwrap();
                let event: Event = serde_json::from_str(&text).unwrap();
                let again = replay(&replayed, &record.stamp, &event);
                assert!(matches!(again, None | Some(Replayed::Same)), "{event:?} of record {:?} replays as {again:?}", record.stamp.seq);
                apply(&mut replayed, &record.stamp, index, &event);
            }
        }
        assert_eq!(replayed, self.state, "a replay of the ledger gives another state");
        let rows = StateRows {
            ledger_id: self.state.ledger_id.clone(),
            term: self.state.term,
            config: self.state.config.clone(),
            fleet_version: self.state.fleet_version,
            workers: self.state.workers.values().cloned().collect(),
            runs: self.state.runs.values().cloned().collect(),
            jobs: self.state.jobs.values().cloned().collect(),
            judgements: self.state.judgements().cloned().collect(),
        };
        assert_eq!(State::from_rows(rows), self.state, "the rows give another state");
    }
}

/// What a worker of these facts announces.
pub(super) fn announcement(name: &str, facts: &Facts) -> Announce {
    let features =
        [Feature::ATTESTATION_SIGNING, Feature::TAIL, Feature::EPHEMERAL_SIMULATORS, Feature::STEP_DIRECTORY, Feature::ALLOW_EMPTY];
    Announce {
        rch_xcode_lane_version: "0.1.0".to_owned(),
        protocol: ProtocolRange::OURS,
        features: features.map(Feature::named).into(),
        public_key: key(name).public_key(),
        slots: facts.limits.slots,
        held: Vec::new(),
        facts: facts.clone(),
        observed: rch_schemas::capabilities::Observed::default(),
    }
}

pub(super) fn worker(name: &str) -> WorkerName {
    name.parse().unwrap()
}

/// A worker's key, the same for the same name.
pub(super) fn key(name: &str) -> SigningKey {
    SigningKey::from_seed(*Sha256::of(name).as_bytes())
}

/// The facts of a Mac with Xcode 16.2 and one slot.
pub(crate) fn facts(name: &str) -> Facts {
    facts_with(name, "16.2", "16C5032a", 1)
}

pub(super) fn facts_with(name: &str, version: &str, build: &str, slots: u32) -> Facts {
    let runtime = "com.apple.CoreSimulator.SimRuntime.iOS-18-2".to_owned();
    let device_type = "com.apple.CoreSimulator.SimDeviceType.iPhone-16".to_owned();
    Facts {
        agent_version: "0.1.0".to_owned(),
        arch: "arm64".to_owned(),
        macos: Macos { product_name: "macOS".to_owned(), version: "15.3.1".to_owned(), build: "24D60".to_owned() },
        xcodes: vec![Xcode {
            developer_dir: format!("/Applications/Xcode-{version}.app/Contents/Developer"),
            links: Vec::new(),
            version: version.parse().unwrap(),
            build: build.to_owned(),
            beta: false,
            state: XcodeState::Ready,
            sdks: vec![Sdk { name: "iphoneos18.2".to_owned(), platform: "iphoneos".to_owned(), version: "18.2".to_owned() }],
            runtime_builds: BTreeMap::new(),
        }],
        runtimes: vec![Runtime {
            identifier: runtime.clone(),
            platform: "iOS".to_owned(),
            version: "18.2".parse().unwrap(),
            build: "22C150".to_owned(),
            architectures: Some(BTreeSet::from(["arm64".to_owned()])),
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
        key_fingerprint: key(name).public_key().fingerprint(),
        problems: Vec::new(),
    }
}

/// A request for these steps on an iPhone 16.
pub(super) fn request(request_id: &str, steps: &[&str]) -> SubmitRequest {
    let chunk = RecipeChunk { sha256: Sha256::of("chunk"), size: 5 };
    let recipe = Recipe {
        schema_version: SchemaVersion::default(),
        schema_id: SchemaId::default(),
        created_at: Timestamp::from_unix_ms(0),
        sha256: Sha256::of("tree"),
        size: 5,
        chunking: "fastcdc2020-1-0-131072-524288-2097152".to_owned(),
        chunks: vec![chunk],
    };
    let asked = "platform=iOS Simulator,name=iPhone 16,OS=latest".to_owned();
    let request = SubmitRun {
        request_id: request_id.parse().unwrap(),
        rch_version: "0.1.0".to_owned(),
        protocol: ProtocolRange::OURS,
        project: "SampleApp".to_owned(),
        recipe: recipe.clone(),
        destinations: vec![DestinationRequest { asked, ..DestinationRequest::default() }],
        steps: steps.iter().map(|argv| step(argv)).collect(),
        options: options(),
        effective_config: EffectiveConfig::default(),
        detach: false,
    };
    let body_sha256 = Sha256::of_canonical(&request).unwrap();
    let recipe = RecipeRef { sha256: recipe.sha256, recipe_sha256: recipe.digest(), chunks: 1, bytes: 5 };
    SubmitRequest { request, body_sha256, recipe, missing: Vec::new() }
}

fn step(argv: &str) -> SubmitStep {
    let words: Vec<_> = argv.split(' ').map(str::to_owned).collect();
    let name = words[0].clone();
    let container = ["-workspace".to_owned(), "SampleApp.xcworkspace".to_owned(), "-scheme".to_owned(), "SampleApp".to_owned()];
    SubmitStep::new(name, words.into_iter().chain(container).collect())
}

fn options() -> RunOptions {
    RunOptions {
        backend: Backend::Xcodebuild,
        artifact_profile: ArtifactProfile::Minimal,
        xcode: None,
        tools: BTreeSet::new(),
        env: BTreeMap::new(),
        selection: SelectionMode::Deterministic,
        tags: BTreeSet::new(),
        worker: None,
        timeouts: Timeouts::default(),
        cache: CacheOptions {
            namespace: "SampleApp".parse().unwrap(),
            results: ResultCache::On,
            derived_data: DerivedDataCache::Run,
            spm: PackageCache::Shared,
            clean: false,
        },
        artifacts: ArtifactOptions::default(),
        priority: Priority::Normal,
        continue_on_failure: false,
        supersede: None,
    }
}
