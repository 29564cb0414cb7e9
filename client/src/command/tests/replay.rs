//! `rch replay`: a ledger that the scheduler itself wrote, from a farm and from files, whole and damaged.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rch_scheduler::{
    Agenda, CheckedReport, Command, CommandBody, DECISION_VERSION, Event, FarmConfig, Ids, InventoryEntry, LEDGER_VERSION, Now, Observed,
    Record, RecordedCommand, Stamp, State, SubmitRequest, apply, decide, settle,
};
use rch_schemas::capabilities::{Facts, Limits, Macos, Xcode, XcodeState};
use rch_schemas::document::{
    ArtifactOptions, ArtifactProfile, Backend, CacheOptions, DerivedDataCache, EffectiveConfig, PackageCache, Priority, Recipe,
    RecipeChunk, RecipeRef, Replay, ResultCache, RunOptions, SchemaId, SchemaVersion, SelectionMode, Timeouts,
};
use rch_schemas::protocol::{Feature, ProtocolRange};
use rch_schemas::requirement::DestinationRequest;
use rch_schemas::seal::SigningKey;
use rch_schemas::wire::agent::{Announce, Report, ReportBody};
use rch_schemas::wire::http::{SubmitRun, SubmitStep};
use rch_schemas::{LedgerSeq, Tick, Timestamp, WorkerName};

use super::*;

const NAMES: [&str; 2] = ["mac-1", "mac-2"];

/// What a farm of two Macs recorded when a run was submitted to it, a record each; and the run.
fn recorded() -> (Vec<(Stamp, Vec<Event>)>, String) {
    let (mut state, mut records) = (State::default(), Vec::new());
    let entry = |name: &str| {
        let tags = BTreeSet::from(["macos".to_owned(), "xcode".to_owned()]);
        (name.parse().unwrap(), InventoryEntry { priority: 1, tags, public_key: key(name).public_key() })
    };
    let config = FarmConfig { inventory: NAMES.map(entry).into(), ..FarmConfig::default() };
    let lead = CommandBody::Lead { ledger_id: "ledger-00001".parse().unwrap(), build: "test".to_owned() };
    let mut commands = vec![lead, CommandBody::Configure(Box::new(config))];
    commands.extend(NAMES.map(announced));
    commands.push(CommandBody::Submit(Box::new(request())));
    for (seq, body) in (1..).zip(commands) {
        let stamp = Stamp { seq: LedgerSeq(seq), tick: Tick(seq), wall: Timestamp::from_unix_ms(1_772_443_800_000) };
        let command = Command { stamp, ids: Ids::from_ulid(u128::from(seq) << 70), actor: "kim".to_owned(), body };
        let observed = Observed { hearing_since: Some(Tick(0)), workers: BTreeMap::new() };
        let (mut events, mut agenda) = (Vec::new(), Agenda::everything());
        let mut following = decide(&state, &observed, &command).events;
        while !following.is_empty() {
            for event in following {
                let touched = apply(&mut state, &stamp, u32::try_from(events.len()).unwrap(), &event);
                agenda.note(&state, &touched);
                events.push(event);
            }
            following = settle(&state, &observed, &stamp, &mut agenda);
        }
        records.push((stamp, events));
    }
    let run_id = state.runs.keys().next().unwrap().to_string();
    (records, run_id)
}

/// The export of these records, with events as `change` leaves them.
fn export(records: &[(Stamp, Vec<Event>)], change: impl Fn(&mut Event)) -> String {
    let (mut text, mut previous_sha256) = (String::new(), None);
    for (stamp, events) in records {
        let mut events = events.clone();
        events.iter_mut().for_each(&change);
        let record = Record {
            ledger_version: LEDGER_VERSION,
            ledger_id: "ledger-00001".parse().unwrap(),
            record_id: format!("record-{:05}", stamp.seq.0).parse().unwrap(),
            previous_sha256,
            term: 1,
            build: "test".to_owned(),
            now: Now { tick: stamp.tick, wall: stamp.wall },
            commands: vec![RecordedCommand { actor: "kim".to_owned(), request_id: None, events }],
        };
        let line = String::from_utf8(record.to_bytes()).unwrap();
        previous_sha256 = Some(Sha256::of(&line));
        text.extend([&line, "\n"]);
    }
    text
}

fn key(name: &str) -> SigningKey {
    SigningKey::from_seed(*Sha256::of(name).as_bytes())
}

fn announced(name: &str) -> CommandBody {
    let worker: WorkerName = name.parse().unwrap();
    let facts = Facts {
        agent_version: "0.1.0".to_owned(),
        arch: "arm64".to_owned(),
        macos: Macos { product_name: "macOS".to_owned(), version: "15.3.1".to_owned(), build: "24D60".to_owned() },
        xcodes: vec![Xcode {
            developer_dir: "/Applications/Xcode-16.2.app/Contents/Developer".to_owned(),
            links: Vec::new(),
            version: "16.2".parse().unwrap(),
            build: "16C5032a".to_owned(),
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
        key_fingerprint: key(name).public_key().fingerprint(),
        problems: Vec::new(),
    };
    let announce = Announce {
        rch_xcode_lane_version: "0.1.0".to_owned(),
        protocol: ProtocolRange::OURS,
        features: [Feature::ATTESTATION_SIGNING, Feature::TAIL].map(Feature::named).into(),
        public_key: key(name).public_key(),
        slots: 1,
        held: Vec::new(),
        facts,
        observed: rch_schemas::capabilities::Observed::default(),
    };
    let session = format!("session-{name}-1").parse().unwrap();
    let report = Report { session, number: 1, body: ReportBody::Announce(Box::new(announce)) };
    CommandBody::Report { worker, report: Box::new(CheckedReport::new(report)) }
}

fn request() -> SubmitRequest {
    let recipe = Recipe {
        schema_version: SchemaVersion::default(),
        schema_id: SchemaId::default(),
        created_at: Timestamp::from_unix_ms(0),
        sha256: Sha256::of("tree"),
        size: 5,
        chunking: "fastcdc2020-1-0-131072-524288-2097152".to_owned(),
        chunks: vec![RecipeChunk { sha256: Sha256::of("chunk"), size: 5 }],
    };
    let argv = ["build", "-workspace", "App.xcworkspace", "-scheme", "App"].map(str::to_owned).to_vec();
    let request = SubmitRun {
        request_id: "request-0001".parse().unwrap(),
        rch_version: "0.1.0".to_owned(),
        protocol: ProtocolRange::OURS,
        project: "App".to_owned(),
        recipe: recipe.clone(),
        destinations: vec![DestinationRequest { asked: "platform=macOS".to_owned(), ..DestinationRequest::default() }],
        steps: vec![SubmitStep::new("build".to_owned(), argv)],
        options: options(),
        effective_config: EffectiveConfig::default(),
        detach: false,
    };
    let recipe = RecipeRef { sha256: recipe.sha256, recipe_sha256: recipe.digest(), chunks: 1, bytes: 5 };
    SubmitRequest { body_sha256: Sha256::of_canonical(&request).unwrap(), request, recipe, missing: Vec::new() }
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
            namespace: "App".parse().unwrap(),
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

/// A farm with this ledger, whose first answer breaks off in the middle of a record.
async fn farm_with(ledger: String, run_id: String) -> Fake {
    let last = ledger.lines().count().to_string();
    Fake::serve(move |asked| match (asked.what.as_str(), asked.before) {
        ("GET /farm", _) => Answer::json(&farm(&Served::key())),
        ("GET /ledger?from=1", 0) => Answer::bytes(&ledger[..ledger.len() / 2]).with("rch-ledger-seq", last.as_str()),
        (what, _) if what.starts_with("GET /ledger?from=") => {
            let from: usize = what.rsplit('=').next().unwrap().parse().unwrap();
            let rest: String = ledger.split_inclusive('\n').skip(from - 1).collect();
            Answer::bytes(rest).with("rch-ledger-seq", last.as_str())
        }
        (what, _) if what == format!("GET /runs/{run_id}") => {
            Answer::bytes(run("RUNNING", &json!({"state": "RUNNING"})).to_string().replace("run-0000001", &run_id))
        }
        _ => Answer::not_found(),
    })
    .await
}

async fn replayed(root: &Path, file: &str, text: &str) -> (u8, String) {
    fs::write(root.join(file), text).unwrap();
    let (ending, captured) = rch(root, &["replay", file]).await;
    (ending.exit_code, captured.out() + &captured.err())
}

#[tokio::test]
async fn what_the_farm_decided_about_a_run_comes_out_the_same_and_an_export_of_it_does_too() {
    let (records, run_id) = recorded();
    let ledger = export(&records, |_| {});
    let (root, fake) = (tree(), farm_with(ledger.clone(), run_id.clone()).await);
    let url = ["--coordinator", fake.url.as_str()];
    let (ending, captured) = rch(root.path(), &[&url[..], &["replay", &run_id, "--export", "ledger.jsonl"]].concat()).await;
    let told = captured.out();
    assert_eq!(ending.exit_code, 0, "{told}{}", captured.err());
    for line in ["      Replay  the fleet, as judged 2026-03-02", "      Replay  mac-1, chosen 2026-03-02"] {
        let found = told.lines().find(|told| told.starts_with(line));
        assert!(found.is_some_and(|found| found.ends_with(" in record 5: same inputs, same bytes")), "{told}");
    }
    assert_eq!(fs::read_to_string(root.path().join("ledger.jsonl")).unwrap(), ledger, "byte for byte, although the answer broke off");
    let (ending, captured) = rch(root.path(), &["--json", "replay", "ledger.jsonl"]).await;
    let last: Value = serde_json::from_str(captured.out().lines().last().unwrap()).unwrap();
    let replay: Replay = serde_json::from_value(last["event"]["document"].clone()).unwrap();
    assert_eq!((ending.exit_code, replay.records, replay.same, replay.differing), (0, 5, 2, 0));
    assert_eq!((replay.decision_version, replay.decisions), (DECISION_VERSION, Vec::new()));
}

#[tokio::test]
async fn what_this_build_decides_otherwise_is_named_and_other_rules_are_not_compared() {
    let (root, (records, _)) = (tree(), recorded());
    let other_worker = export(&records, |event| {
        if let Event::WorkerSelected { selection } = event {
            selection.worker = "mac-2".parse().unwrap();
        }
    });
    let (code, told) = replayed(root.path(), "ledger.jsonl", &other_worker).await;
    let expected = ": differs in worker\n              recorded  mac-2\n              decided   mac-1\n";
    assert!(code == 1 && told.contains(expected), "{code} {told}");
    let other_rules = export(&records, |event| {
        if let Event::WorkerSelected { selection } = event {
            selection.decision_version = DECISION_VERSION + 1;
        }
    });
    let (code, told) = replayed(root.path(), "ledger.jsonl", &other_rules).await;
    let expected = format!("decided by version {}, this build has {DECISION_VERSION}\n", DECISION_VERSION + 1);
    assert!(code == 0 && told.contains(&expected), "the judgement is still the same: {code} {told}");
    let (ending, captured) = rch(root.path(), &["replay", "ledger.jsonl", "--until", "2026-01-01T00:00:00Z"]).await;
    assert!(ending.exit_code == 0 && captured.out().contains("5 records, 0 decisions: 0 the same\n"), "{}", captured.out());
}

#[tokio::test]
async fn a_file_that_is_no_whole_ledger_is_refused_with_what_it_is() {
    let (root, (records, _)) = (tree(), recorded());
    let ledger = export(&records, |_| {});
    let lines: Vec<&str> = ledger.split_inclusive('\n').collect();
    let without_session = export(&records, |event| {
        if let Event::AttemptOffered { job_id, .. } = event {
            *job_id = "job-of-nobody".parse().unwrap();
        }
    });
    for (text, code, expected) in [
        (String::new(), 2, "it is empty"),
        ("{}\n".to_owned(), 2, "is no export of a ledger: "),
        (lines[1..].concat(), 2, "begins in the middle of a ledger"),
        ([lines[0], lines[2]].concat(), 70, "record 2 follows a record with digest "),
        (ledger.replace("\"build\":\"test\"", "\"build\":\"best\""), 70, "record 2 follows a record with digest "),
        (without_session, 70, "record 5 cannot follow from those before it (events name jobs of the state)"),
    ] {
        let (found, told) = replayed(root.path(), "ledger.jsonl", &text).await;
        assert!(found == code && told.contains(expected), "{expected}: {found} {told}");
    }
    let (ending, captured) = rch(root.path(), &["replay", "other.jsonl"]).await;
    assert!(ending.exit_code == 2 && captured.err().contains("cannot read "), "{}", captured.err());
}
