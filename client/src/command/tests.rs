//! Whole commands against a coordinator of a few lines.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use data_encoding::BASE64;
use rch_schemas::document::CliEvent;
use rch_schemas::wire::http::Problem;
use rch_schemas::{Reason, Sha256};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::Context;
use crate::cli::Cli;
use crate::download::tests::{Served, farm};
use crate::environment::Environment;
use crate::error::CommandError;
use crate::farm::fake::{Answer, Asked, Fake};
use crate::interrupt::Interrupts;
use crate::output::{Captured, Ending, Style};
use crate::program::dispatch;

mod init;
mod login;
mod looking;
mod replay;
mod transcripts;
mod workers;

const INPUTS: &[u8] = b"{\"the\":\"inputs\"}";
const LOG: &str = "Test Case '-[AppTests.A testA]' passed (0.1 seconds).\n** TEST SUCCEEDED **\n";

/// A tree with one action, `test`.
pub(super) fn tree() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let schemes = root.path().join("App.xcodeproj/xcshareddata/xcschemes");
    fs::create_dir_all(&schemes).unwrap();
    fs::create_dir_all(root.path().join(".rch")).unwrap();
    fs::write(schemes.join("App.xcscheme"), "<Scheme/>").unwrap();
    fs::write(root.path().join("App.xcodeproj/project.pbxproj"), "// !$*UTF8*$!").unwrap();
    fs::write(root.path().join("App.swift"), "let one = 1\nlet two = three\n").unwrap();
    let config = "[project]\nproject = \"App.xcodeproj\"\nscheme = \"App\"\n[actions]\nverify = [\"test\"]\n[destination]\nvalue = \"platform=iOS Simulator,name=iPhone 16\"\n[timeouts]\nconnect_seconds = 1\n";
    fs::write(root.path().join(".rch/xcode.toml"), config).unwrap();
    root
}

fn run(state: &str, members: &Value) -> Value {
    let mut job = json!({
        "job_id": "job-0000001", "run_id": "run-0000001", "step": 0, "action": "test", "destination": 0, "state": "QUEUED", "seq": 1,
        "job_key": Sha256::of(INPUTS), "attempt": 1, "worker": "macmini-02", "duration_ms": 0,
    });
    for (name, value) in members.as_object().unwrap() {
        job[name] = value.clone();
    }
    json!({
        "state": state, "seq": 1, "accepted_at": "2026-01-01T00:00:00Z", "exit_code": members.get("exit_code"),
        "plan": {
            "schema_version": 1, "schema_id": "rch-xcode/run_plan@1", "created_at": "2026-01-01T00:00:00Z", "run_id": "run-0000001",
            "request_id": "request-001", "requester": "local", "priority": "normal", "project": "App", "protocol_version": 1,
            "continue_on_failure": false, "revision": 0,
            "destinations": [{"index": 0, "asked": {"asked": "name=iPhone 16"}, "mode": "deterministic"}],
            "steps": [{"index": 0, "name": "test", "action": "test", "jobs": [{"job_id": "job-0000001", "destination": 0}]}],
        },
        "jobs": [job],
    })
}

fn ended(sealed: &std::collections::BTreeMap<String, Vec<u8>>) -> Value {
    let digest = Sha256::of(&sealed["manifest.json"]);
    run(
        "SUCCEEDED",
        &json!({"state": "SUCCEEDED", "duration_ms": 46_900, "exit_code": 0, "manifest_sha256": digest, "outcome": {"status": "success", "exit_code": 0}}),
    )
}

fn summary(sealed: &std::collections::BTreeMap<String, Vec<u8>>) -> Value {
    json!({
        "schema_version": 1, "schema_id": "rch-xcode/run_summary@1", "created_at": "2026-01-01T00:01:00Z", "run_id": "run-0000001",
        "status": "SUCCEEDED", "exit_code": 0, "human_summary": "test succeeded", "accepted_at": "2026-01-01T00:00:00Z",
        "ended_at": "2026-01-01T00:01:00Z", "succeeded": 1, "failed": 0, "rejected": 0, "cancelled": 0, "skipped": 0,
        "jobs": [{
            "job_id": "job-0000001", "step": 0, "action": "test", "destination": 0, "outcome": {"status": "success", "exit_code": 0},
            "attempt": 1, "duration_ms": 46_900, "manifest_sha256": Sha256::of(&sealed["manifest.json"]),
        }],
    })
}

/// A farm that lacks every chunk at first, breaks both streams once, and serves one sealed set.
fn farm_of_one_run(set: &Served) -> impl Fn(&Asked) -> Answer + Send + Sync + 'static {
    let (key, sealed) = (Served::key(), set.sealed(&Served::key()));
    let submissions = Arc::new(AtomicUsize::new(0));
    move |asked| {
        let event = |seq: u64, run: Value| {
            (format!("{seq}.0"), json!({"ledger_seq": seq, "at": "2026-01-01T00:00:00Z", "change": {"type": "run", "run": run}}))
        };
        let stream = |event: (String, Value)| Answer::events(&[(&event.0, event.1)]);
        let log =
            |offset: usize, text: &str| json!({"type": "log", "attempt": 1, "offset": offset, "data": BASE64.encode(text.as_bytes())});
        let end = json!({"type": "end", "attempt": 1, "bytes": LOG.len()});
        match asked.what.as_str() {
            "GET /farm" => Answer::json(&farm(&key)),
            "POST /runs" => match submissions.fetch_add(1, Ordering::SeqCst) {
                0 => Answer::problem(&Problem::new(503, Reason::OutcomeUnknown, "ask again")),
                1 => {
                    let body: Value = serde_json::from_slice(&asked.body).unwrap();
                    let mut problem = Problem::new(424, Reason::SourceMissing, "chunks are missing");
                    problem.missing = serde_json::from_value(json!([body["recipe"]["chunks"][0]["sha256"]])).unwrap();
                    Answer::problem(&problem)
                }
                _ => Answer::json(&json!({"run_id": "run-0000001", "ledger_seq": 5, "run": run("QUEUED", &json!({"attempt": 0}))})),
            },
            what if what.starts_with("PUT /chunks/") && asked.before == 0 => {
                Answer::problem(&Problem::new(503, Reason::Overloaded, "busy"))
            }
            what if what.starts_with("PUT /chunks/") => Answer::bytes(""),
            "GET /runs/run-0000001/events" if asked.before == 0 => stream(event(6, run("RUNNING", &json!({"state": "RUNNING"})))),
            "GET /runs/run-0000001/events" => stream(event(9, ended(&sealed))),
            "GET /jobs/job-0000001/log?cursor=1%3A0" => Answer::events(&[("1:30", log(0, &LOG[..30]))]),
            "GET /jobs/job-0000001/log?cursor=1%3A30" => {
                Answer::events(&[("1:40", log(20, &LOG[20..40])), ("1:x", log(40, &LOG[40..])), ("1:end", end)])
            }
            "GET /runs/run-0000001/artifacts/run_plan.json" => Answer::json(&ended(&sealed)["plan"]),
            "GET /runs/run-0000001/artifacts/run_summary.json" => Answer::json(&summary(&sealed)),
            what if what.starts_with("GET /runs/run-0000001/artifacts/") => Answer::json(&json!({})),
            what => {
                let path = what.strip_prefix("GET /jobs/job-0000001/artifacts/").unwrap_or_default();
                sealed.get(path).map_or_else(Answer::not_found, |bytes| Answer::bytes(bytes.clone()))
            }
        }
    }
}

/// Runs `rch` with these words in `root`.
pub(super) async fn rch(root: &std::path::Path, words: &[&str]) -> (Ending, Captured) {
    rch_in(Environment { working_directory: root.to_owned(), ..Environment::default() }, words).await
}

/// Runs `rch` with these words and surroundings.
async fn rch_in(environment: Environment, words: &[&str]) -> (Ending, Captured) {
    let cli = Cli::read(std::iter::once("rch").chain(words.iter().copied()).map(Into::into)).unwrap();
    let style = if cli.global.json { Style::Json } else { Style::Human };
    let (mut reporter, captured) = Captured::reporter(style);
    let mut context = Context { environment, global: cli.global, interrupts: Interrupts::never(), reporter: &mut reporter };
    let ending = match dispatch(cli.command, &mut context).await {
        Ok(ending) => ending,
        Err(error) => error.tell(&mut reporter),
    };
    let _ = reporter.finish(&ending);
    (ending, captured)
}

#[tokio::test]
async fn verify_submits_uploads_follows_and_proves() {
    let (root, fake) = (tree(), Fake::serve(farm_of_one_run(&Served::ordinary())).await);
    let (ending, captured) = rch(root.path(), &["--coordinator", fake.url.as_str(), "xcode", "verify", "--log", "raw"]).await;
    assert_eq!(ending.exit_code, 0, "{}", captured.err());
    assert_eq!(captured.out(), LOG, "no line lost, none twice");
    let talk = captured.err();
    for line in [
        "    Bundling  4 files, ",
        "   Uploading  ",
        "         Run  run-0000001 (Ctrl-C cancels)\n",
        "   Succeeded  test in 46.9 s\n",
        "   Succeeded  verify in ",
        "    Verified  signed by macmini-02 (",
        "), 2 files match the manifest\n",
        "   Artifacts  .rch/artifacts/run-0000001, ",
        "              result.xcresult, 5 KiB, stays on the farm: rch fetch last\n",
    ] {
        assert!(talk.contains(line), "{line:?} is not in\n{talk}");
    }
    let set = root.path().join(".rch/artifacts/run-0000001/test/job-0000001");
    assert_eq!(fs::read(set.join("job_key_inputs.jcs")).unwrap(), INPUTS);
    assert_eq!(fs::read_to_string(root.path().join(".rch/artifacts/last")).unwrap(), "run-0000001\n");

    let asked = fake.asked();
    let bodies: Vec<_> = asked.iter().filter(|asked| asked.what == "POST /runs").map(|asked| asked.body.clone()).collect();
    assert!(bodies.len() == 3 && bodies[0] == bodies[1] && bodies[1] == bodies[2], "the same request until it is recorded");
    let resumed: Vec<_> =
        asked.iter().filter(|asked| asked.what.ends_with("/events")).map(|asked| asked.headers.get("Last-Event-ID").cloned()).collect();
    assert_eq!((resumed[0].clone(), resumed[1].as_ref().map(|id| id.to_str().unwrap())), (None, Some("6.0")));
}

#[tokio::test]
async fn the_last_line_of_json_is_the_result_with_the_run() {
    let (root, fake) = (tree(), Fake::serve(farm_of_one_run(&Served::ordinary())).await);
    let (_, captured) = rch(root.path(), &["--json", "--coordinator", fake.url.as_str(), "xcode", "verify"]).await;
    let lines: Vec<Value> = captured.out().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().all(|line| serde_json::from_value::<CliEvent>(line.clone()).is_ok()));
    assert!(lines.iter().all(|line| line["event"]["type"] != "log"), "log lines only with --log");
    let last = &lines.last().unwrap()["event"];
    assert_eq!((&last["type"], &last["exit_code"], &last["run_id"]), (&json!("result"), &json!(0), &json!("run-0000001")));
    assert_eq!(last["document"]["state"], "SUCCEEDED");
    assert_eq!(captured.err(), "");
}

#[tokio::test]
async fn a_tampered_set_is_exit_70_whatever_the_run_says() {
    let honest = Served::ordinary();
    let answer = farm_of_one_run(&honest);
    let fake = Fake::serve(move |asked| match asked.what.as_str() {
        "GET /jobs/job-0000001/artifacts/build.log" => Answer::bytes(b"** BUILD SUCCEEDEX **\n".as_slice()),
        _ => answer(asked),
    })
    .await;
    let root = tree();
    let (ending, captured) = rch(root.path(), &["--coordinator", fake.url.as_str(), "xcode", "verify", "--log", "none"]).await;
    assert_eq!(ending.exit_code, 70);
    let talk = captured.err();
    assert!(
        talk.contains("       Error  test job-0000001: the artifacts do not match their manifest: build.log has other content"),
        "{talk}"
    );
    assert!(talk.ends_with("        Exit  70 ARTIFACTS\n") && !talk.contains("Verified"), "{talk}");
}

#[tokio::test]
async fn a_denied_argument_is_refused_before_the_farm_is_asked() {
    let fake = Fake::serve(|_| Answer::not_found()).await;
    let root = tree();
    let (ending, captured) = rch(root.path(), &["--coordinator", fake.url.as_str(), "xcodebuild", "-target", "App", "build"]).await;
    assert_eq!(ending.exit_code, 10);
    assert!(
        captured.err().contains("-target App: ") && captured.err().ends_with("        Exit  10 CLASSIFIER_REJECTED\n"),
        "{}",
        captured.err()
    );
    assert!(fake.asked().is_empty());
}

#[tokio::test]
async fn a_coordinator_out_of_reach_is_exit_20_and_names_itself() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let root = tree();
    let (ending, captured) = rch(root.path(), &["--json", "--coordinator", &url, "xcode", "verify"]).await;
    assert_eq!(ending.exit_code, 20);
    let last: Value = serde_json::from_str(captured.out().lines().last().unwrap()).unwrap();
    assert_eq!((&last["event"]["code"], &last["event"]["exit_code"]), (&json!("UNREACHABLE"), &json!(20)));
    assert!(last["event"]["message"].as_str().unwrap().contains(&url), "{last}");
}

#[tokio::test]
async fn without_a_configuration_one_is_proposed() {
    let root = tree();
    fs::remove_dir_all(root.path().join(".rch")).unwrap();
    let (ending, captured) = rch(root.path(), &["xcode", "verify"]).await;
    assert_eq!(ending.exit_code, 2);
    let talk = captured.err();
    assert!(talk.contains("there is no .rch/xcode.toml") && talk.contains("              project = \"App.xcodeproj\"\n"), "{talk}");
}

#[tokio::test]
async fn a_dry_run_says_what_would_be_done_and_does_nothing() {
    let key = Served::key();
    let fake = Fake::serve(move |asked| match asked.what.as_str() {
        "GET /farm" => Answer::json(&farm(&key)),
        "POST /selection" => {
            let body: Value = serde_json::from_slice(&asked.body).unwrap();
            let missing = json!([body["recipe"]["chunks"][0]["sha256"]]);
            Answer::json(&json!({"selections": [], "job_keys": [[Sha256::of("key")]], "problems": [], "missing": missing}))
        }
        _ => Answer::not_found(),
    })
    .await;
    let root = tree();
    let (ending, captured) = rch(root.path(), &["--coordinator", fake.url.as_str(), "xcode", "verify", "--dry-run"]).await;
    assert_eq!(ending.exit_code, 0, "{}", captured.err());
    let talk = captured.err();
    assert!(talk.contains(&format!("         Job  test, key {}\n", Sha256::of("key").short())), "{talk}");
    assert!(talk.contains("   Uploading  nothing now; would be 7 KiB, 1 of 1 chunk, before compression\n"), "{talk}");
    let counts = fake.counts();
    assert!(!counts.contains_key("POST /runs") && counts.keys().all(|what| !what.starts_with("PUT ")), "{counts:?}");
    assert!(!root.path().join(".rch/artifacts").exists());
}

#[tokio::test]
async fn a_path_that_no_artifact_has_is_refused_before_anything_is_asked() {
    let root = tree();
    for path in ["/etc/hosts", "../../App.swift", "a//b", "./build.log", "/", ""] {
        let (ending, captured) = rch(root.path(), &["--coordinator", "http://127.0.0.1:9", "fetch", "last", path]).await;
        assert_eq!(ending.exit_code, 2, "{path} {}", captured.err());
        assert!(captured.err().contains(" is no path of an artifact: it "), "{}", captured.err());
    }
}

#[tokio::test]
async fn what_is_not_there_is_exit_3() {
    let key = Served::key();
    let fake = Fake::serve(move |asked| if asked.what == "GET /farm" { Answer::json(&farm(&key)) } else { Answer::not_found() }).await;
    let root = tree();
    for words in [&["wait", "01KBQ3M5"][..], &["tail", "last"], &["cancel", "nothing"], &["fetch", "../etc"]] {
        let (ending, captured) = rch(root.path(), &[&["--coordinator", fake.url.as_str()], words].concat()).await;
        assert_eq!(ending.exit_code, 3, "{words:?} {}", captured.err());
        assert!(captured.err().contains("`rch runs` lists the farm's newest ones"), "{}", captured.err());
    }
}

#[tokio::test]
async fn what_was_asked_to_be_cancelled_is_cancelled_only_when_the_farm_says_so() {
    for (state, expected) in [
        ("RUNNING", "  Cancelling  run run-0000001\n"),
        ("CANCELLED", "   Cancelled  run run-0000001\n"),
        ("SUCCEEDED", "         Run  run-0000001 had ended already; nothing was cancelled\n"),
    ] {
        let fake = Fake::serve(move |asked| match asked.what.as_str() {
            "GET /farm" => Answer::json(&farm(&Served::key())),
            "GET /runs/run-0000001" => Answer::json(&run("RUNNING", &json!({"state": "RUNNING"}))),
            "POST /runs/run-0000001/cancel" => Answer::json(&run(state, &json!({"state": state}))),
            "GET /jobs/job-0000001" => Answer::json(&run("RUNNING", &json!({"state": "RUNNING"}))["jobs"][0]),
            "POST /jobs/job-0000001/cancel" => Answer::json(&run(state, &json!({"state": state}))["jobs"][0]),
            _ => Answer::not_found(),
        })
        .await;
        let tree = tree();
        let cancelled = async |id: &str| rch(tree.path(), &["cancel", id, "--coordinator", fake.url.as_str()]).await;
        let (ending, captured) = cancelled("run-0000001").await;
        assert_eq!((ending.exit_code, captured.err().as_str()), (0, expected));
        let (ending, captured) = cancelled("job-0000001").await;
        let expected = expected.replace("  run ", "  ").replace("  run-0000001", "  job job-0000001 of run run-0000001");
        assert_eq!((ending.exit_code, captured.err()), (0, expected));
    }
}

#[test]
fn a_farm_that_could_not_be_told_to_cancel_is_left() {
    let (mut reporter, captured) = Captured::reporter(Style::Human);
    let ending = CommandError::Unheard { run_id: "run-0000001".parse().unwrap() }.tell(&mut reporter);
    assert_eq!(reporter.finish(&ending), 80);
    let expected = "        Left  the farm could not be told to cancel; the run may go on: rch cancel run-0000001\n        Exit  80 LEFT\n";
    assert_eq!(captured.err(), expected);
}
