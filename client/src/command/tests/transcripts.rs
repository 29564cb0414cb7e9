//! Whole transcripts, from a tree to the last line, driven by recorded streams of events. What a person sees is `client/golden/transcripts`;
//! what a program sees of the same run is beside it.

use std::collections::BTreeMap;

use super::*;
use crate::golden;

const BUILD_LOG: &str = "\
SwiftCompile normal arm64 /w/src/App.swift (in target 'App' from project 'App')
SwiftCompile normal arm64 /w/src/Feed.swift (in target 'App' from project 'App')
/w/src/App.swift:1:5: warning: variable 'one' was never used
let one = 1
    ^
/w/src/Feed.swift:1: warning: old
/w/src/Feed.swift:2: warning: older
** BUILD SUCCEEDED **
";

const BROKEN_LOG: &str = "\
SwiftCompile normal arm64 /w/src/App.swift (in target 'App' from project 'App')
/w/src/App.swift:2:11: error: cannot find 'three' in scope
let two = three
          ^~~~~
SwiftCompile normal arm64 /w/src/Feed.swift (in target 'App' from project 'App')
** BUILD FAILED **
";

const TEST_LOG: &str = "\
Test Case '-[AppTests.A testA]' passed (0.1 seconds).
Test Case '-[AppTests.A testB]' skipped (0.1 seconds).
Test Case '-[AppUITests.B testC]' passed (0.1 seconds).
** TEST SUCCEEDED **
";

/// What a coordinator said while a run went on: its states in order, the log of each job, and the sets that were left.
#[derive(Default)]
struct Recording {
    states: Vec<Value>,
    logs: Vec<(&'static str, &'static str)>,
    sets: Vec<Served>,
    /// Whether the connection was lost after the first state.
    breaks: bool,
}

impl Recording {
    fn answer(&self, asked: &Asked) -> Answer {
        let key = Served::key();
        let event = |index: usize| {
            let run = &self.states[index];
            (format!("{index}.0"), json!({"ledger_seq": index, "at": "2026-01-01T00:00:00Z", "change": {"type": "run", "run": run}}))
        };
        let stream = |indices: std::ops::Range<usize>| {
            let events: Vec<(String, Value)> = indices.map(event).collect();
            Answer::events(&events.iter().map(|(id, data)| (id.as_str(), data.clone())).collect::<Vec<_>>())
        };
        match (asked.what.as_str(), asked.before) {
            ("GET /farm", _) => Answer::json(&farm(&key)),
            ("POST /selection", _) => Answer::json(&preview()),
            ("POST /runs", 0) => {
                let body: Value = serde_json::from_slice(&asked.body).unwrap();
                let mut problem = Problem::new(424, Reason::SourceMissing, "chunks are missing");
                problem.missing = vec![body["recipe"]["chunks"][0]["sha256"].as_str().unwrap().parse().unwrap()];
                Answer::problem(&problem)
            }
            ("POST /runs", _) => Answer::json(&json!({"run_id": "run-0000001", "ledger_seq": 0, "run": self.states[0]})),
            (what, _) if what.starts_with("PUT /chunks/") => Answer::bytes(""),
            ("GET /runs/run-0000001/events", 0) if self.breaks => stream(0..2),
            ("GET /runs/run-0000001/events", 1) if self.breaks => {
                Answer::problem(&Problem::new(503, Reason::Overloaded, "a leader is chosen"))
            }
            ("GET /runs/run-0000001/events", _) => stream(0..self.states.len()),
            (what, _) if what.starts_with("GET /runs/run-0000001/artifacts/") => Answer::json(&json!({})),
            ("GET /runs/run-0000001", _) => Answer::json(self.states.last().unwrap()),
            ("POST /runs/run-0000001/cancel", _) => Answer::json(&self.states[0]),
            (what, _) if what.starts_with("GET /runs?limit=") => Answer::json(&json!([{
                "run_id": "run-0000001", "state": "SUCCEEDED", "project": "App", "requester": "kim", "priority": "normal", "exit_code": 0,
                "accepted_at": "2026-01-01T00:00:00Z", "ended_at": "2026-01-01T00:01:37Z", "steps": ["build", "test"],
            }])),
            (what, _) if what.starts_with("GET /queue?limit=") => Answer::json(&queue()),
            (what, _) if what.starts_with("GET /jobs/") && what.ends_with("/why") => Answer::json(&example("why")),
            ("GET /workers", _) => Answer::json(&json!([worker()])),
            ("GET /workers/macmini-02", _) => Answer::json(&worker()),
            ("GET /readyz", _) => {
                Answer::json(&json!({"ready": true, "leader": true, "durability": "synced", "ledger_seq": 19, "problems": []}))
            }
            (what, _) => self.of_job(what).unwrap_or_else(Answer::not_found),
        }
    }

    fn of_job(&self, what: &str) -> Option<Answer> {
        let (job, rest) = what.strip_prefix("GET /jobs/")?.split_once('/')?;
        if rest.starts_with("log?") {
            let (_, text) = self.logs.iter().find(|(of, _)| *of == job)?;
            let log = json!({"type": "log", "attempt": 1, "offset": 0, "data": BASE64.encode(text.as_bytes())});
            return Some(Answer::events(&[("1:1", log), ("1:end", json!({"type": "end", "attempt": 1, "bytes": text.len()}))]));
        }
        let set = self.sets.iter().find(|set| set.job == job)?.sealed(&Served::key());
        set.get(rest.strip_prefix("artifacts/")?).map(|bytes| Answer::bytes(bytes.clone()))
    }
}

/// The published example of a document.
fn example(name: &str) -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../schemas/examples/{name}.json"));
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn queue() -> Value {
    example("queue")
}

fn worker() -> Value {
    json!({
        "worker": "macmini-02", "priority": 10, "tags": ["macos"], "liveness": "online", "intake": "open", "slots": 2, "running": [],
        "xcodes": ["16.2 (16C5032a)"], "macos": "15.3.1", "disk_free_bytes": 227_633_266_688_u64, "seen_ms": 1_200,
    })
}

/// The choice of the published example, made of four workers.
fn preview() -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/examples/worker_selection.json");
    let mut selection: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    selection["requirement"]["worker"] = Value::Null;
    selection["candidate_count"] = json!(4);
    json!({"selections": [selection], "job_keys": [], "problems": [], "missing": []})
}

/// A run of `build` and `test` with these members of run and jobs.
fn run_of_two(members: &Value, build: &Value, test: &Value) -> Value {
    let job = |id: &str, step: u32, action: &str, members: &Value| {
        let mut job = json!({
            "job_id": id, "run_id": "run-0000001", "step": step, "action": action, "destination": 0, "state": "QUEUED", "seq": 1,
            "attempt": 0, "duration_ms": 0,
        });
        job.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        job
    };
    let step = |index: u32, name: &str, id: &str, rejected: &Value| json!({"index": index, "name": name, "action": name, "jobs": [{"job_id": id, "destination": 0, "rejected": rejected}]});
    let mut run = json!({
        "seq": 1, "accepted_at": "2026-01-01T00:00:00Z",
        "plan": {
            "schema_version": 1, "schema_id": "rch-xcode/run_plan@1", "created_at": "2026-01-01T00:00:00Z", "run_id": "run-0000001",
            "request_id": "request-001", "requester": "local", "priority": "normal", "project": "App", "protocol_version": 1,
            "continue_on_failure": false, "revision": 0,
            "destinations": [{"index": 0, "asked": {"asked": "name=iPhone 16"}, "mode": "deterministic"}],
            "steps": [step(0, "build", "job-0000001", &members["refusal"]), step(1, "test", "job-0000002", &Value::Null)],
        },
        "jobs": [job("job-0000001", 0, "build", build), job("job-0000002", 1, "test", test)],
    });
    run.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    run
}

fn queued() -> Value {
    run_of_two(&json!({"state": "QUEUED"}), &json!({}), &json!({}))
}

fn running() -> Value {
    run_of_two(&json!({"state": "RUNNING"}), &json!({"state": "RUNNING", "attempt": 1, "worker": "macmini-02"}), &json!({}))
}

/// A job that ended so on its first attempt, whose set is this.
fn ended_job(state: &str, milliseconds: u64, set: &Served, members: &Value) -> Value {
    let mut job = json!({
        "state": state, "attempt": 1, "worker": "macmini-02", "duration_ms": milliseconds, "job_key": Sha256::of(INPUTS),
        "manifest_sha256": Sha256::of(&set.sealed(&Served::key())["manifest.json"]),
    });
    job.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    job
}

/// The set of a job, with this log.
fn set(job: &'static str, log: &str) -> Served {
    let mut set = Served::ordinary();
    set.job = job;
    set.files.insert("build.log".to_owned(), log.as_bytes().to_vec());
    set
}

fn succeeded() -> Recording {
    let sets = vec![set("job-0000001", BUILD_LOG).without_directories(), set("job-0000002", TEST_LOG)];
    let outcome = json!({"outcome": {"status": "success", "exit_code": 0}});
    let (build, test) = (ended_job("SUCCEEDED", 48_200, &sets[0], &outcome), ended_job("SUCCEEDED", 46_900, &sets[1], &outcome));
    let states = vec![queued(), running(), run_of_two(&json!({"state": "SUCCEEDED", "exit_code": 0}), &build, &test)];
    Recording { states, logs: vec![("job-0000001", BUILD_LOG), ("job-0000002", TEST_LOG)], sets, breaks: false }
}

fn failed() -> Recording {
    let mut broken = set("job-0000001", BROKEN_LOG).without_directories();
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/examples/summary.json");
    let mut summary: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    summary["first_errors"] = json!([{"path": "App.swift", "line": 2, "column": 11, "message": "cannot find 'three' in scope"}]);
    summary["failing_tests"] = json!([]);
    broken.files.insert("summary.json".to_owned(), serde_json::to_vec(&summary).unwrap());
    let outcome = json!({
        "outcome": {"status": "failed", "failure_kind": "XCODEBUILD", "failure_subkind": "COMPILE", "exit_code": 50},
        "human_summary": "build failed: 1 error",
    });
    let build = ended_job("FAILED", 9_400, &broken, &outcome);
    let states = vec![queued(), running(), run_of_two(&json!({"state": "FAILED", "exit_code": 50}), &build, &json!({"state": "SKIPPED"}))];
    Recording { states, logs: vec![("job-0000001", BROKEN_LOG)], sets: vec![broken], breaks: false }
}

fn waited() -> Recording {
    let waiting = |ahead: usize, wait_ms: u64| {
        let mut waiting = queue()["jobs"][0]["waiting"].clone();
        waiting["ahead"] = json!(ahead);
        waiting["estimate"]["wait_ms"] = json!(wait_ms);
        let before = waiting["jobs_ahead"].as_array_mut().unwrap();
        before.drain(..before.len() - ahead);
        run_of_two(&json!({"state": "QUEUED"}), &json!({"waiting": waiting}), &json!({}))
    };
    let mut recording = succeeded();
    recording.states.splice(1..1, [waiting(2, 236_000), waiting(2, 230_000), waiting(1, 178_000), waiting(0, 39_000)]);
    recording
}

fn rejected() -> Recording {
    let outcome =
        json!({"status": "rejected", "failure_kind": "CLASSIFIER_REJECTED", "failure_subkind": "ARGUMENT_DENIED", "exit_code": 10});
    let build = json!({"state": "REJECTED", "outcome": outcome});
    let members = json!({"state": "REJECTED", "exit_code": 10, "refusal": "-xcconfig: the farm's policy does not name it"});
    let states = vec![run_of_two(&members, &build, &json!({"state": "SKIPPED"}))];
    Recording { states, ..Recording::default() }
}

/// What differs from one time to the next, made the same: measured times, and where the fake coordinator listens.
fn normalised(text: &str, url: &str) -> String {
    let times = |line: &str| {
        let words = line.split(' ').collect::<Vec<_>>();
        let is_number = |word: &str| word.parse::<f64>().is_ok() && word.contains('.');
        let is_time = |index: usize| is_number(words[index]) && words.get(index + 1).is_some_and(|unit| unit.starts_with('s'));
        (0..words.len()).map(|index| if is_time(index) { "N.N" } else { words[index] }).collect::<Vec<_>>().join(" ")
    };
    let measured = ["   Uploading", "   Succeeded  verify", "     Started"];
    let line = |line: &str| if measured.iter().any(|label| line.starts_with(label)) { times(line) } else { line.to_owned() };
    text.lines().map(|text| line(text) + "\n").collect::<String>().replace(url, "http://farm/")
}

/// The tree with both actions and a second file.
fn tree_of_two() -> TempDir {
    let root = tree();
    let config = root.path().join(".rch/xcode.toml");
    let text = fs::read_to_string(&config).unwrap().replace("[\"test\"]", "[\"build\", \"test\"]");
    fs::write(config, text).unwrap();
    fs::write(root.path().join("Feed.swift"), "import UIKit\n").unwrap();
    root
}

#[tokio::test]
async fn a_run_is_told_as_in_its_golden_transcript() {
    let scenarios: BTreeMap<&str, fn() -> Recording> = BTreeMap::from([
        ("success", succeeded as fn() -> Recording),
        ("compile-failure", failed),
        ("waiting", waited),
        ("rejected", rejected),
        ("lost-connection", || Recording { breaks: true, ..succeeded() }),
    ]);
    let mut told = Vec::new();
    for (name, recorded) in scenarios {
        let (root, recording) = (tree_of_two(), recorded());
        let fake = Fake::serve(move |asked| recording.answer(asked)).await;
        let line = ["--coordinator", fake.url.as_str(), "xcode", "verify", "--log", "short"];
        let (ending, captured) = rch(root.path(), &line).await;
        assert_eq!(captured.out(), "", "{name}: what is told is no data");
        let text = normalised(&captured.err(), fake.url.as_str());
        told.push((format!("{name}.txt"), format!("$ rch xcode verify --log short\n{text}(exit code {})\n", ending.exit_code)));
    }
    golden::check_directory("transcripts", &told);
}

/// What this system says when nobody listens.
fn refused() -> String {
    let nobody = std::net::TcpStream::connect(("127.0.0.1", 1)).expect_err("nobody listens at the first port");
    nobody.to_string()
}

/// The lines of `--json`, one below the other, without what differs from one time to the next.
fn normalised_json(out: &str, url: &str, root: &str) -> String {
    let line = |line: &str| {
        let mut event: Value = serde_json::from_str(line).unwrap();
        event["created_at"] = json!("2026-01-01T00:00:00Z");
        if let Some(text) = event["event"]["text"].as_str() {
            let label = event["event"]["label"].as_str().unwrap_or_default();
            let told = normalised(&format!("{label:>12}  {text}"), url);
            event["event"]["text"] = json!(told[14..].trim_end());
        }
        event.to_string().replace(url, "http://farm/").replace(root, "/tree").replace(&refused(), "refused") + "\n"
    };
    out.lines().map(line).collect()
}

#[tokio::test]
async fn each_kind_of_command_ends_its_json_with_a_result() {
    let mut told = Vec::new();
    for (name, words) in [
        ("verify", &["xcode", "verify"][..]),
        ("verify-failed", &["xcode", "verify"]),
        ("verify-detach", &["xcode", "verify", "--detach"]),
        ("wait", &["wait", "run-0000001"]),
        ("tail", &["tail", "run-0000001"]),
        ("cancel", &["cancel", "run-0000001"]),
        ("fetch", &["fetch", "run-0000001", "build.log"]),
        ("runs", &["runs"]),
        ("queue", &["queue"]),
        ("why", &["why", "run-0000001"]),
        ("workers-list", &["workers", "list"]),
        ("workers-show", &["workers", "show", "macmini-02"]),
        ("status", &["status"]),
        ("not-found", &["wait", "last"]),
        ("usage", &["xcode", "run", "--action", "nothing"]),
        ("incompatible", &["status"]),
        ("unreachable", &["runs"]),
    ] {
        let (root, recording) = (tree_of_two(), if name == "verify-failed" { failed() } else { succeeded() });
        let is_incompatible = name == "incompatible";
        let fake = Fake::serve(move |asked| {
            let mut farm = serde_json::to_value(farm(&Served::key())).unwrap();
            farm["protocol"] = json!({"min": 90, "max": 91});
            if is_incompatible { Answer::json(&farm) } else { recording.answer(asked) }
        })
        .await;
        // Nobody listens at the first port.
        let url = if name == "unreachable" { "http://127.0.0.1:1/" } else { fake.url.as_str() };
        let (ending, captured) = rch(root.path(), &[&["--json", "--coordinator", url], words].concat()).await;
        let lines: Vec<Value> = captured.out().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let last = &lines.last().unwrap()["event"];
        assert_eq!((&last["type"], &last["exit_code"]), (&json!("result"), &json!(ending.exit_code)), "{name}");
        assert_eq!(captured.err(), "", "{name}");
        told.push((format!("{name}.jsonl"), normalised_json(&captured.out(), url, &root.path().display().to_string())));
    }
    golden::check_directory("json", &told);
}

#[tokio::test]
async fn who_waits_and_why_is_said_in_tables_and_in_words() {
    let told = async |words: &[&str], recording: Recording| {
        let root = tree_of_two();
        let fake = Fake::serve(move |asked| {
            let mut why = example("why");
            why["choice"]["decision_version"] = json!(rch_scheduler::DECISION_VERSION);
            if asked.what.ends_with("/why") { Answer::json(&why) } else { recording.answer(asked) }
        })
        .await;
        let (ending, captured) = rch(root.path(), &[&["--coordinator", fake.url.as_str()], words].concat()).await;
        assert_eq!((ending.exit_code, captured.err().as_str()), (0, ""), "{words:?}");
        format!("$ rch {}\n{}", words.join(" "), captured.out())
    };
    let texts = [
        told(&["queue"], succeeded()).await,
        told(&["why", "run-0000001"], succeeded()).await,
        told(&["why", "run-0000001", "--all"], succeeded()).await,
        told(&["status"], succeeded()).await,
    ];
    golden::check_directory("waiting", &[("queue-why-status.txt".to_owned(), texts.join("\n"))]);
}
