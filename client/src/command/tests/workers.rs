//! What is asked of the farm, and what a person reads of it.

use rch_schemas::Reason;
use rch_schemas::wire::http::Problem;
use serde_json::{Value, json};

use super::{rch, tree};
use crate::download::tests::{Served, farm};
use crate::farm::fake::{Answer, Asked, Fake};
use crate::output::Captured;

fn worker(members: &Value) -> Value {
    let mut value = json!({
        "worker": "mac-1", "priority": 10, "tags": [], "liveness": "online", "intake": "open", "slots": 2, "running": [],
        "xcodes": ["16.2 (16C5032a)"], "macos": "15.3.1", "capabilities_sha256": "ab".repeat(32),
    });
    for (key, member) in members.as_object().unwrap() {
        value[key] = member.clone();
    }
    value
}

/// A farm of one worker, which answers a `POST` with `changed` and from then on says that of the worker.
async fn farm_of(answer: impl Fn(&Asked) -> Option<Answer> + Send + Sync + 'static) -> Fake {
    Fake::serve(move |asked| match asked.what.as_str() {
        "GET /farm" => Answer::json(&farm(&Served::key())),
        "GET /workers" => Answer::json(&json!([worker(&json!({}))])),
        _ => answer(asked).unwrap_or_else(Answer::not_found),
    })
    .await
}

async fn told(fake: &Fake, words: &[&str]) -> (u8, String) {
    let (root, coordinator) = (tree(), ["--coordinator", fake.url.as_str(), "workers"]);
    let (ending, captured): (_, Captured) = rch(root.path(), &[&coordinator, words].concat()).await;
    (ending.exit_code, captured.err())
}

#[tokio::test]
async fn a_drain_says_why_and_what_still_runs() {
    let job = json!({"job_id": "job-0000001", "action": "test", "project": "App", "running_ms": 370_000});
    let fake = farm_of(move |asked| {
        (asked.what == "POST /workers/mac-1/drain").then(|| Answer::json(&worker(&json!({"intake": "draining", "running": [job]}))))
    })
    .await;
    let (code, text) = told(&fake, &["drain", "mac-1", "--reason", "Xcode 16.3"]).await;
    assert_eq!(code, 0);
    assert_eq!(text, "    Draining  mac-1: 1 job left: test App, 6m\n              open it again: rch workers resume mac-1\n");
    let body: Value = serde_json::from_slice(&fake.asked().last().unwrap().body).unwrap();
    assert_eq!(body, json!({"reason": "Xcode 16.3"}));
}

#[tokio::test]
async fn a_drain_that_is_waited_for_ends_with_the_last_job() {
    let fake = farm_of(|asked| match asked.what.as_str() {
        "POST /workers/mac-1/drain" => Some(Answer::json(&worker(&json!({"intake": "draining", "offered": 1})))),
        "GET /workers/mac-1" if asked.before == 0 => Some(Answer::json(&worker(&json!({"intake": "draining", "offered": 1})))),
        "GET /workers/mac-1" => Some(Answer::json(&worker(&json!({"intake": "draining"})))),
        _ => None,
    })
    .await;
    let (code, text) = told(&fake, &["drain", "mac-1", "--wait"]).await;
    assert_eq!(code, 0, "{text}");
    assert!(text.starts_with("    Draining  mac-1: 1 job about to start (Ctrl-C leaves it draining)\n     Drained  mac-1 in "), "{text}");
}

#[tokio::test]
async fn a_worker_that_somebody_opens_meanwhile_is_not_drained() {
    let fake = farm_of(|asked| match asked.what.as_str() {
        "POST /workers/mac-1/drain" => Some(Answer::json(&worker(&json!({"intake": "draining", "offered": 1})))),
        "GET /workers/mac-1" => Some(Answer::json(&worker(&json!({"offered": 1})))),
        _ => None,
    })
    .await;
    let (code, text) = told(&fake, &["drain", "mac-1", "--wait"]).await;
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("mac-1 was opened again before it had drained"), "{text}");
}

#[tokio::test]
async fn a_worker_that_still_works_is_removed_by_force_alone() {
    let fake = farm_of(|asked| {
        let body: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
        if asked.what != "POST /workers/mac-1/remove" {
            return None;
        }
        let mut problem = Problem::new(409, Reason::Conflict, "mac-1 is neither drained nor lost: it takes jobs");
        problem.fix = Some("drain it first".to_owned());
        let removed = json!({"worker": "mac-1", "given_up": ["job-0000001"]});
        Some(if body["force"] == true { Answer::json(&removed) } else { Answer::problem(&problem) })
    })
    .await;
    let (code, text) = told(&fake, &["remove", "mac-1"]).await;
    assert_eq!(code, 2);
    assert!(text.contains("mac-1 is neither drained nor lost: it takes jobs") && text.contains("drain it first"), "{text}");
    let (code, text) = told(&fake, &["remove", "mac-1", "--force"]).await;
    assert_eq!((code, text.lines().next()), (0, Some("     Removed  mac-1; 1 job that it ran will run elsewhere")));
}

#[tokio::test]
async fn a_probe_is_over_when_newer_capabilities_are_there_or_could_not_be_had() {
    let fake = farm_of(|asked| match asked.what.as_str() {
        "POST /workers/mac-1/probe" => Some(Answer::json(&worker(&json!({"capabilities_age_ms": 100_000}))).with_status(202)),
        "GET /workers/mac-1" => Some(Answer::json(&worker(&json!({"capabilities_age_ms": 0, "capabilities_sha256": "cd".repeat(32)})))),
        _ => None,
    })
    .await;
    let (code, text) = told(&fake, &["probe", "mac-1"]).await;
    assert_eq!(code, 0, "{text}");
    assert!(
        text.starts_with("      Probed  mac-1 in ") && text.ends_with(": Xcode 16.2 (16C5032a), macOS 15.3.1; not as before\n"),
        "{text}"
    );

    let fake = farm_of(|asked| match asked.what.as_str() {
        "POST /workers/mac-1/probe" => Some(Answer::json(&worker(&json!({})))),
        "GET /workers/mac-1" => Some(Answer::json(&worker(&json!({"probe_failure": "no agent listens"})))),
        _ => None,
    })
    .await;
    let (code, text) = told(&fake, &["probe", "mac-1"]).await;
    assert_eq!(code, 91, "{text}");
    assert!(text.contains("mac-1 did not read its machine again: no agent listens"), "{text}");
}

#[tokio::test]
async fn a_name_that_nobody_has_is_answered_with_those_there_are() {
    let fake = farm_of(|_| None).await;
    for words in [["drain", "mac-9"], ["resume", "mac-9"], ["remove", "mac-9"], ["probe", "mac-9"], ["show", "mac-9"]] {
        let (code, text) = told(&fake, &words).await;
        assert_eq!(code, 3, "{words:?} {text}");
        assert!(text.contains("the farm has no worker \"mac-9\"; it has mac-1"), "{text}");
    }
}
