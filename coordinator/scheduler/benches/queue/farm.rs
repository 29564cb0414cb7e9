//! A farm of equal and unequal Macs with a long queue of ten requesters.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rch_scheduler::{
    Agenda, CheckedReport, Command, CommandBody, Event, FarmConfig, Ids, InventoryEntry, Job, Observed, ObservedWorker, Run, Share, Stamp,
    State, StateRows, SubmitRequest, apply, decide, settle,
};
use rch_schemas::capabilities::{Facts, Limits, Macos, Xcode, XcodeState};
use rch_schemas::document::{
    ArtifactOptions, ArtifactProfile, Backend, CacheOptions, DerivedDataCache, EffectiveConfig, Outcome, PackageCache, Priority, Recipe,
    RecipeChunk, RecipeRef, ResultCache, RunOptions, SchemaId, SchemaVersion, SelectionMode, Timeouts,
};
use rch_schemas::protocol::{Feature, ProtocolRange};
use rch_schemas::requirement::DestinationRequest;
use rch_schemas::seal::{Attestation, Signer, SignerRole, SigningKey, WorkerIdentity};
use rch_schemas::wire::agent::{Announce, Finished, Report, ReportBody};
use rch_schemas::wire::http::{SubmitRun, SubmitStep};
use rch_schemas::{Attempt, JobId, LedgerSeq, Sha256, Tick, Timestamp, WorkerName};

const REQUESTERS: usize = 10;
/// Two builds of Xcode: jobs of one class have half of the Macs.
const XCODES: [(&str, &str); 2] = [("16.2", "16C5032a"), ("16.4", "16F6")];
/// Virtual time of one job.
const JOB: u64 = 1 << 16;

pub(crate) struct Farm {
    state: State,
    observed: Observed,
    agenda: Agenda,
    seq: u64,
    ids: u128,
    /// What the queue is filled with again when half of it is done.
    full: StateRows,
    jobs: usize,
    placed: usize,
    next: usize,
}

impl Farm {
    /// So many Macs, each with one slot and an offer, and so many jobs, those offers among them.
    pub(crate) fn queued(workers: usize, jobs: usize) -> Self {
        let hearing_since = Some(Tick(0));
        let mut farm = Self {
            state: State::default(),
            observed: Observed { hearing_since, workers: BTreeMap::new() },
            agenda: Agenda::everything(),
            seq: 0,
            ids: 1 << 80,
            full: StateRows::default(),
            jobs,
            placed: 0,
            next: 0,
        };
        farm.ask("coordinator", CommandBody::Lead { ledger_id: id("ledger-00001"), build: "bench".to_owned() });
        let entry = |index: usize| {
            let tags = BTreeSet::from(["macos".to_owned(), "xcode".to_owned()]);
            (worker(index), InventoryEntry { priority: 1, tags, public_key: key(index).public_key() })
        };
        let inventory = (0..workers).map(entry).collect();
        farm.ask("coordinator", CommandBody::Configure(Box::new(FarmConfig { inventory, ..FarmConfig::default() })));
        for index in 0..workers {
            let heard = ObservedWorker { heard_at: Some(Tick(1)), capabilities_at: Some(Tick(1)), ..ObservedWorker::default() };
            farm.observed.workers.insert(worker(index), heard);
            farm.report(index, ReportBody::Announce(Box::new(announcement(index))));
        }
        farm.fill(workers, jobs);
        farm
    }

    /// One run for each worker comes in as it would; the others are copies of it with names of their own.
    fn fill(&mut self, workers: usize, jobs: usize) {
        for index in 0..workers {
            let mut request = request(&format!("request-{index:06}"));
            request.request.options.worker = Some(worker(index));
            self.ask("user-0", CommandBody::Submit(Box::new(request)));
        }
        let mut rows = self.rows();
        let models: Vec<(Run, Job)> = rows.runs.iter().map(|run| (run.clone(), self.job_of(run).clone())).collect();
        // One place is left, for who submits.
        for number in 0..jobs - workers - 1 {
            let (run, job) = &models[number % workers];
            let ids = Ids::from_ulid((1 << 100) + ((number as u128) << 8));
            let (mut run, mut job) = (run.clone(), job.clone());
            (run.run_id, job.job_id) = (ids.run(0), ids.job(1));
            run.request_id = id(&format!("request-copy-{number}"));
            run.requester = format!("user-{}", number % REQUESTERS);
            run.accepted = (LedgerSeq(1_000_000 + number as u64), 0);
            run.options.priority = [Priority::Normal, Priority::Normal, Priority::Interactive, Priority::Batch][number % 4];
            let start = JOB * (number / REQUESTERS) as u64;
            run.share = Share { start, finish: start + JOB };
            for selection in run.destinations.iter_mut().filter_map(|destination| destination.selection.as_mut()) {
                selection.selection.run_id = run.run_id.clone();
            }
            run.steps[0].jobs = vec![job.job_id.clone()];
            job.run_id = run.run_id.clone();
            job.attempts.clear();
            rows.runs.push(run);
            rows.jobs.push(job);
        }
        self.full = rows;
        self.refill();
    }

    fn refill(&mut self) {
        self.state = State::from_rows(self.full.clone());
        (self.agenda, self.placed) = (Agenda::everything(), 0);
        self.settle();
    }

    fn rows(&self) -> StateRows {
        let (runs, jobs) = (self.state.runs.values().cloned().collect(), self.state.jobs.values().cloned().collect());
        StateRows {
            ledger_id: self.state.ledger_id.clone(),
            term: self.state.term,
            config: self.state.config.clone(),
            fleet_version: self.state.fleet_version,
            workers: self.state.workers.values().cloned().collect(),
            runs,
            jobs,
            judgements: self.state.judgements().cloned().collect(),
        }
    }

    fn job_of<'a>(&'a self, run: &'a Run) -> &'a Job {
        self.state.jobs_of(run).next().expect("a run has a job")
    }

    /// A worker claims what it is offered and finishes it; how long deciding that, and the next offer, took.
    pub(crate) fn place(&mut self) -> Duration {
        if self.placed * 2 >= self.jobs {
            self.refill();
        }
        self.placed += 1;
        let index = self.next % self.state.workers.len();
        self.next += 1;
        let held = self.state.workers.get(&worker(index)).and_then(|row| row.held.first()).cloned();
        let (job_id, attempt) = held.expect("every worker has an offer while half of the queue is left");
        let claim = ReportBody::Claim { job_id: job_id.clone(), attempt, claim_id: id("claim-000001") };
        let finished = ReportBody::Finished(Box::new(self.finished(index, &job_id, attempt)));
        self.report(index, claim) + self.report(index, finished)
    }

    /// Somebody submits a run that any worker could do; how long deciding that took. It is cancelled, so that the next one finds a place.
    pub(crate) fn submit(&mut self) -> Duration {
        let request_id = format!("request-new-{}", self.seq);
        let took = self.ask("user-3", CommandBody::Submit(Box::new(request(&request_id))));
        let (run_id, _) = self.state.request("user-3", &id(&request_id)).expect("it was accepted");
        self.ask("user-3", CommandBody::CancelRun { run_id: run_id.clone() });
        took
    }

    /// Somebody submits a run; how long choosing its worker took, with the digest of the evidence and the row of the choice.
    pub(crate) fn select(&mut self) -> Duration {
        (self.seq, self.ids) = (self.seq + 1, self.ids + (1 << 20));
        let body = CommandBody::Submit(Box::new(request(&format!("request-new-{}", self.seq))));
        let command = Command { stamp: self.stamp(), ids: Ids::from_ulid(self.ids), actor: "user-3".to_owned(), body };
        let decision = decide(&self.state, &self.observed, &command);
        self.apply(&decision.events);
        let began = processor_time();
        self.settle();
        let took = processor_time().saturating_sub(began);
        assert!(self.state.runs[&Ids::from_ulid(self.ids).run(0)].selection(0).is_some(), "every Mac would do");
        took
    }

    /// Time passes; how long looking at it took.
    pub(crate) fn tick(&mut self) -> Duration {
        self.ask("coordinator", CommandBody::Tick)
    }

    fn report(&mut self, index: usize, body: ReportBody) -> Duration {
        let report = CheckedReport::new(Report { session: id(&format!("session-{index:06}")), number: 1, body });
        self.ask("worker", CommandBody::Report { worker: worker(index), report: Box::new(report) })
    }

    fn ask(&mut self, actor: &str, body: CommandBody) -> Duration {
        (self.seq, self.ids) = (self.seq + 1, self.ids + (1 << 20));
        let command = Command { stamp: self.stamp(), ids: Ids::from_ulid(self.ids), actor: actor.to_owned(), body };
        let began = processor_time();
        if command.body == CommandBody::Tick {
            self.agenda.tick();
        }
        let decision = decide(&self.state, &self.observed, &command);
        self.apply(&decision.events);
        self.settle();
        processor_time().saturating_sub(began)
    }

    fn settle(&mut self) {
        loop {
            let following = settle(&self.state, &self.observed, &self.stamp(), &mut self.agenda);
            if following.is_empty() {
                return;
            }
            self.apply(&following);
        }
    }

    fn apply(&mut self, events: &[Event]) {
        let stamp = self.stamp();
        for (index, event) in (0..).zip(events) {
            let touched = apply(&mut self.state, &stamp, index, event);
            self.agenda.note(&self.state, &touched);
        }
    }

    fn stamp(&self) -> Stamp {
        Stamp { seq: LedgerSeq(self.seq), tick: Tick(1), wall: Timestamp::from_unix_ms(0) }
    }

    fn finished(&self, index: usize, job_id: &JobId, attempt: Attempt) -> Finished {
        let (job, run) = self.state.job_and_run(job_id).expect("what is held is there");
        let (key, manifest_sha256) = (key(index), Sha256::of(job_id.as_str()));
        let fingerprint = key.public_key().fingerprint();
        let attestation = Attestation {
            schema_version: SchemaVersion::default(),
            schema_id: SchemaId::default(),
            created_at: Timestamp::from_unix_ms(0),
            run_id: run.run_id.clone(),
            job_id: job_id.clone(),
            job_key: job.job_key,
            attempt,
            source_sha256: Some(run.recipe.sha256),
            worker: Some(WorkerIdentity { name: worker(index), key_fingerprint: fingerprint }),
            capabilities_sha256: None,
            evidence_sha256: run.selection(0).map(|made| made.selection.evidence_sha256),
            backend: None,
            manifest_sha256,
            protocol_version: 1,
            before: None,
            after: None,
            signer: Signer { role: SignerRole::Worker, name: worker(index).to_string(), fingerprint },
            public_key: key.public_key(),
            signature: None,
        };
        Finished {
            job_id: job_id.clone(),
            attempt,
            outcome: Outcome::SUCCESS,
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
}

/// What this thread has used of the processor: other work on the machine does not count.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or_default(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("the names of a benchmark are valid")
}

fn worker(index: usize) -> WorkerName {
    id(&format!("mac-{index:04}"))
}

fn key(index: usize) -> SigningKey {
    SigningKey::from_seed(*Sha256::of(worker(index).as_str()).as_bytes())
}

fn announcement(index: usize) -> Announce {
    let (version, build) = XCODES[index % XCODES.len()];
    let facts = Facts {
        agent_version: "0.1.0".to_owned(),
        arch: "arm64".to_owned(),
        macos: Macos { product_name: "macOS".to_owned(), version: "15.3.1".to_owned(), build: "24D60".to_owned() },
        xcodes: vec![Xcode {
            developer_dir: format!("/Applications/Xcode-{version}.app/Contents/Developer"),
            links: Vec::new(),
            version: id(version),
            build: build.to_owned(),
            beta: false,
            state: XcodeState::Ready,
            sdks: Vec::new(),
            runtime_builds: BTreeMap::new(),
        }],
        runtimes: Vec::new(),
        device_types: Vec::new(),
        devices: Vec::new(),
        tools: BTreeMap::new(),
        backends: BTreeMap::new(),
        limits: Limits { slots: 1, max_upload_bytes: 0 },
        key_fingerprint: key(index).public_key().fingerprint(),
        problems: Vec::new(),
    };
    Announce {
        rch_xcode_lane_version: "0.1.0".to_owned(),
        protocol: ProtocolRange::OURS,
        features: [Feature::ATTESTATION_SIGNING, Feature::TAIL].map(Feature::named).into(),
        public_key: key(index).public_key(),
        slots: 1,
        held: Vec::new(),
        facts,
        observed: rch_schemas::capabilities::Observed::default(),
    }
}

fn request(request_id: &str) -> SubmitRequest {
    let recipe = Recipe {
        schema_version: SchemaVersion::default(),
        schema_id: SchemaId::default(),
        created_at: Timestamp::from_unix_ms(0),
        sha256: Sha256::of("tree"),
        size: 5,
        chunking: "fastcdc2020-1-0-131072-524288-2097152".to_owned(),
        chunks: vec![RecipeChunk { sha256: Sha256::of("chunk"), size: 5 }],
    };
    let argv = ["build", "-workspace", "SampleApp.xcworkspace", "-scheme", "SampleApp"].map(str::to_owned).to_vec();
    let request = SubmitRun {
        request_id: id(request_id),
        rch_version: "0.1.0".to_owned(),
        protocol: ProtocolRange::OURS,
        project: "SampleApp".to_owned(),
        recipe: recipe.clone(),
        destinations: vec![DestinationRequest { asked: "platform=macOS".to_owned(), ..DestinationRequest::default() }],
        steps: vec![SubmitStep::new("build".to_owned(), argv)],
        options: options(),
        effective_config: EffectiveConfig::default(),
        detach: false,
    };
    let body_sha256 = Sha256::of_canonical(&request).expect("requests hold strings and small integers");
    let recipe = RecipeRef { sha256: recipe.sha256, recipe_sha256: recipe.digest(), chunks: 1, bytes: 5 };
    SubmitRequest { request, body_sha256, recipe, missing: Vec::new() }
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
            namespace: id("SampleApp"),
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
