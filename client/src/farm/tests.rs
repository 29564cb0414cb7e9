//! The client against a coordinator of a few lines.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use rch_schemas::wire::http::{Problem, RunView};
use rch_schemas::{Reason, RunId};
use serde_json::json;

use super::fake::{Answer, Fake};
use super::*;

async fn client_of(answer: impl Fn(&fake::Asked) -> Answer + Send + Sync + 'static) -> (FarmClient, Fake) {
    let fake = Fake::serve(answer).await;
    (FarmClient::new(fake.url.clone()).unwrap(), fake)
}

#[tokio::test]
async fn the_newest_record_seen_is_the_least_that_is_asked_for() {
    let (client, fake) = client_of(|asked| match asked.before {
        0 => Answer::json(&json!([])).with("Rch-Ledger-Seq", "41"),
        _ => Answer::json(&json!([])).with("Rch-Ledger-Seq", "7"),
    })
    .await;
    for _ in 0..3 {
        client.runs(5).await.unwrap();
    }
    let seen: Vec<Option<String>> =
        fake.asked().iter().map(|asked| asked.headers.get("Rch-Min-Seq").map(|value| value.to_str().unwrap().to_owned())).collect();
    assert_eq!(seen, [None, Some("41".to_owned()), Some("41".to_owned())]);
    assert_eq!(fake.asked()[0].what, "GET /runs?limit=5");
}

#[tokio::test]
async fn a_problem_keeps_its_code_and_what_is_no_problem_is_said_to_be_none() {
    let (client, _fake) = client_of(|asked| match asked.what.as_str() {
        "GET /runs/busy" => Answer::problem(&Problem::new(503, Reason::Overloaded, "too much")).with("Retry-After", "3"),
        "GET /runs/none" => Answer::not_found(),
        _ => Answer::bytes("<html>a proxy</html>"),
    })
    .await;
    let busy = client.run("busy").await.unwrap_err();
    assert_eq!(
        (busy.code(), busy.retry_after(), busy.is_passing()),
        (Some(Reason::Overloaded), Some(std::time::Duration::from_secs(3)), true)
    );
    assert_eq!(client.run("none").await.unwrap_err().why().exit_code(), 3);
    let proxy = client.run("proxy").await.unwrap_err();
    assert!(matches!(&proxy, FarmError::Answer { expected, .. } if expected == "the JSON of RunView"), "{proxy}");
}

#[tokio::test]
async fn a_web_server_that_is_no_coordinator_is_said_to_be_none() {
    let page = || Answer::bytes("<html>hello</html>");
    for answer in [page(), page().with_status(404), page().with_status(501), Answer::not_found(), Answer::json(&json!({"name": "wiki"}))] {
        let (client, fake) = client_of(move |_| answer.clone()).await;
        let error = client.farm().await.unwrap_err();
        let url = fake.url.as_str().trim_end_matches('/');
        assert_eq!(error.to_string(), format!("something answers at {url}, but it is no coordinator; check the address"));
        assert_eq!((error.why().exit_code(), error.is_passing()), (20, false));
    }
    let (proxy, _fake) = client_of(move |_| page().with_status(502)).await;
    let error = proxy.farm().await.unwrap_err();
    assert!(matches!(error, FarmError::Answer { status: 502, .. }) && error.is_passing(), "{error}");
}

#[tokio::test]
async fn nobody_there_is_unreachable_and_says_where_and_why() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let error = FarmClient::new(url.parse().unwrap()).unwrap().farm().await.unwrap_err();
    assert_eq!(error.why().exit_code(), 20);
    let text = error.to_string();
    assert!(text.contains(&url) && text.contains("refused") && text.contains("--coordinator"), "{text}");
}

#[tokio::test]
async fn an_id_from_outside_cannot_change_the_path_that_is_asked() {
    let (client, fake) = client_of(|_| Answer::not_found()).await;
    let _ = client.run("../farm?x#y").await;
    let _: Result<RunView, _> = client.run("a/b").await;
    let asked: Vec<String> = fake.asked().into_iter().map(|asked| asked.what).collect();
    assert_eq!(asked, ["GET /runs/..%2Ffarm%3Fx%23y", "GET /runs/a%2Fb"]);
}

#[tokio::test]
async fn a_document_that_is_too_large_is_not_read_to_its_end() {
    let (client, _fake) = client_of(|_| Answer::bytes(vec![b'x'; 100_000])).await;
    let id: RunId = "run-0000001".parse().unwrap();
    let error = client.run_file(&id, "run_plan.json", 1_000).await.unwrap_err();
    assert!(matches!(&error, FarmError::Answer { expected, .. } if expected == "at most 1000 bytes"), "{error}");
    assert!(client.run_file(&id, "run_plan.json", 100_000).await.is_ok());
}
