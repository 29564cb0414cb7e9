//! The projection against the state it stands for: whatever is decided, a start from the rows is a start from the ledger.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::{BTreeMap, VecDeque};

use rch_scheduler::{Agenda, CheckedReport, CommandBody, FarmConfig, InventoryEntry, Reply, Stamp, State, SubmitRequest};
use rch_schemas::document::{JobStatus, RecipeRef};
use rch_schemas::seal::SigningKey;
use rch_schemas::wire::agent::{Report, ReportBody};
use rch_schemas::wire::http::SubmitRun;
use rch_schemas::{Attempt, JobId, LedgerSeq, RunId, Sha256, Tick, Timestamp};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::ask::Ask;
use super::batch::decide_batch;
use super::hearing::Hearing;
use crate::clock;
use crate::ledger::Position;
use crate::projection::{self, Projection, Rows};

const WORKER: &str = "mac-1";
const SESSION: &str = "session-01";

/// A state that is written to a projection record by record, and compared with it each time.
struct Farm {
    state: State,
    agenda: Agenda,
    hearing: Hearing,
    position: Position,
    projection: Projection,
    _directory: tempfile::TempDir,
}

impl Farm {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let database = projection::open(directory.path()).unwrap().database;
        let projection = Projection::start(database, CancellationToken::new()).unwrap();
        let (state, hearing) = (State::default(), Hearing::new(Tick(0)));
        Self { state, agenda: Agenda::everything(), hearing, position: Position::default(), projection, _directory: directory }
    }

    /// Decides one command at `tick`, writes what it changed, and compares.
    async fn ask(&mut self, tick: u64, body: CommandBody) -> Reply {
        let stamp = Stamp { seq: self.position.next(), tick: Tick(tick), wall: Timestamp::from_unix_ms(0) };
        let mut asks = VecDeque::from([Ask::own(body)]);
        let draft = decide_batch(&mut self.state, &mut self.agenda, &mut self.hearing, stamp, &mut asks).ok().unwrap();
        let digest = Some(Sha256::of(tick.to_string()));
        self.position = Position { ledger_id: self.state.ledger_id.clone(), seq: stamp.seq, digest, tick: stamp.tick };
        self.projection.write(Rows::of(&self.state, self.position.clone(), draft.touched)).await.unwrap();
        assert!(self.projection.wait_for(stamp.seq).await);
        let snapshot = self.projection.snapshot().unwrap();
        assert_eq!(snapshot.position().unwrap(), self.position);
        assert_eq!(State::from_rows(snapshot.state_rows().unwrap()), self.state, "after record {}", stamp.seq);
        draft.decided.into_iter().next().unwrap().reply
    }

    async fn report(&mut self, tick: u64, body: ReportBody) -> Reply {
        let report = Report { session: SESSION.parse().unwrap(), number: 1, body };
        let report = Box::new(CheckedReport::new(report));
        self.ask(tick, CommandBody::Report { worker: WORKER.parse().unwrap(), report }).await
    }

    /// A led farm with a worker.
    async fn led() -> Self {
        let mut farm = Self::new();
        farm.ask(1, CommandBody::Lead { ledger_id: clock::ledger_id(), build: "test".to_owned() }).await;
        let tags = ["macos", "xcode"].map(str::to_owned).into();
        let entry = InventoryEntry { priority: 1, tags, public_key: key().public_key() };
        let config = FarmConfig { inventory: BTreeMap::from([(WORKER.parse().unwrap(), entry)]), ..FarmConfig::default() };
        farm.ask(2, CommandBody::Configure(Box::new(config))).await;
        farm.hearing.observed.hearing_since = Some(Tick(2));
        let announced = farm.report(3, serde_json::from_value(announce()).unwrap()).await;
        assert_eq!(announced, Reply::Receipt(None));
        farm
    }

    /// A run of two steps; its id, and those of its jobs.
    async fn submit(&mut self, tick: u64, request_id: &str) -> (RunId, Vec<JobId>) {
        let request: SubmitRun = serde_json::from_value(submission(request_id)).unwrap();
        let recipe_sha256 = request.recipe.digest();
        let recipe = RecipeRef { sha256: request.recipe.sha256, recipe_sha256, chunks: 1, bytes: request.recipe.size };
        let body_sha256 = Sha256::of(request_id);
        let submitted = SubmitRequest { request, body_sha256, recipe, missing: Vec::new() };
        let reply = self.ask(tick, CommandBody::Submit(Box::new(submitted))).await;
        let Reply::Run(run_id) = reply else { panic!("not accepted: {reply:?}") };
        let jobs = self.state.runs[&run_id].jobs().cloned().collect();
        (run_id, jobs)
    }

    async fn claim(&mut self, tick: u64, job_id: &JobId, attempt: u32) {
        let claim_id = "claim-0001".parse().unwrap();
        let claimed = self.report(tick, ReportBody::Claim { job_id: job_id.clone(), attempt: Attempt(attempt), claim_id }).await;
        assert!(matches!(claimed, Reply::Receipt(Some(_))), "{claimed:?}");
    }
}

fn key() -> SigningKey {
    SigningKey::from_seed([7; 32])
}

fn announce() -> Value {
    let facts = json!({
        "agent_version": "0.1.0", "arch": "arm64",
        "macos": { "product_name": "macOS", "version": "15.3.1", "build": "24D60" },
        "xcodes": [{
            "developer_dir": "/Applications/Xcode.app/Contents/Developer", "version": "16.2", "build": "16C5032a", "beta": false, "state": "ready",
            "sdks": [{ "name": "macosx15.2", "platform": "macosx", "version": "15.2" }],
        }],
        "runtimes": [], "device_types": [], "devices": [], "limits": { "slots": 1, "max_upload_bytes": 0 },
        "key_fingerprint": key().public_key().fingerprint(),
    });
    json!({
        "kind": "announce", "rch_xcode_lane_version": "0.1.0", "protocol": { "min": 1, "max": 1 }, "features": ["attestation_signing", "tail"],
        "public_key": key().public_key(), "slots": 1, "held": [], "facts": facts, "observed": {},
    })
}

fn submission(request_id: &str) -> Value {
    let step = |action: &str| json!({ "name": action, "argv": ["-scheme", "App", action] });
    json!({
        "request_id": request_id, "rch_version": "0.1.0", "protocol": { "min": 1, "max": 1 }, "project": "App",
        "recipe": {
            "schema_version": 1, "schema_id": "rch-xcode/recipe@1", "created_at": "2026-01-01T00:00:00Z",
            "sha256": Sha256::of("tree"), "size": 5, "chunking": "fastcdc2020-1-0-131072-524288-2097152",
            "chunks": [{ "sha256": Sha256::of("chunk"), "size": 5 }],
        },
        "destinations": [{ "asked": "platform=macOS" }],
        "steps": [step("build"), step("test")],
        "options": {
            "backend": "xcodebuild", "artifact_profile": "minimal", "selection": "deterministic", "priority": "normal",
            "timeouts": { "overall_seconds": 1800, "idle_log_seconds": 300, "queue_seconds": 3600, "connect_seconds": 30 },
            "cache": { "namespace": "App", "results": "off", "derived_data": "run", "spm": "shared" }, "artifacts": {},
        },
        "effective_config": { "values": {} },
    })
}

#[tokio::test]
async fn the_rows_are_the_state_through_the_life_of_a_run() {
    let mut farm = Farm::led().await;
    let (run_id, jobs) = farm.submit(10, "request-01").await;
    farm.claim(11, &jobs[0], 1).await;
    let missing = vec![Sha256::of("chunk")];
    let (code, detail) = (rch_schemas::Reason::SourceMissing, "chunk is gone".to_owned());
    let job_id = jobs[0].clone();
    farm.report(12, ReportBody::Refused { job_id, attempt: Attempt(1), code, detail, retry_after_seconds: Some(0), missing }).await;
    assert_eq!(farm.projection.snapshot().unwrap().runs_with_gap().unwrap().len(), 1);
    farm.ask(13, CommandBody::SourceRestored { run_id: run_id.clone() }).await;
    assert!(farm.projection.snapshot().unwrap().runs_with_gap().unwrap().is_empty());
    farm.ask(14, CommandBody::Tick).await;
    farm.claim(15, &jobs[0], 2).await;
    farm.ask(16, CommandBody::CancelRun { run_id: run_id.clone() }).await;
    let (code, detail) = (rch_schemas::Reason::CancelledByUser, "cancelled".to_owned());
    farm.report(17, ReportBody::Interrupted { job_id: jobs[0].clone(), attempt: Attempt(2), code, detail }).await;
    assert!(farm.state.runs[&run_id].ended.is_some());
}

#[tokio::test]
async fn a_forgotten_run_leaves_the_state_and_can_still_be_read() {
    let mut farm = Farm::led().await;
    let (run_id, jobs) = farm.submit(10, "request-01").await;
    farm.ask(11, CommandBody::CancelRun { run_id: run_id.clone() }).await;
    farm.ask(12 + farm.state.config.keep_ended_ms, CommandBody::Tick).await;
    assert!(!farm.state.runs.contains_key(&run_id));
    let snapshot = farm.projection.snapshot().unwrap();
    let (job, run) = snapshot.job_and_run(&jobs[1]).unwrap().unwrap();
    assert_eq!((run.run_id, job.outcome().unwrap().status), (run_id.clone(), JobStatus::Cancelled));
    assert_eq!(snapshot.newest_runs(10).unwrap(), [run_id]);
}

#[tokio::test]
async fn a_second_selection_after_a_start_from_rows_finds_its_judgement() {
    let mut farm = Farm::led().await;
    farm.submit(10, "request-01").await;
    farm.state = State::from_rows(farm.projection.snapshot().unwrap().state_rows().unwrap());
    farm.agenda = Agenda::everything();
    let (run_id, _) = farm.submit(11, "request-02").await;
    assert!(farm.state.runs[&run_id].selection(0).is_some());
    assert_eq!(farm.position.seq, LedgerSeq(5));
}
