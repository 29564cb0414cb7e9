//! Requests that no client of ours makes: each is answered with a problem document that says what is wrong, never with 500, and never with silence.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

use rch_local::Farm;
use reqwest::Method;

use super::table::{entry, golden};
use crate::harness::{Api, shared};

/// One request.
struct Request {
    name: &'static str,
    method: Method,
    path: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: Vec<u8>,
}

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];
const RELEASED: &str = include_str!("../../fixtures/releases/0.1/post_runs.json");

fn post(name: &'static str, body: impl Into<Vec<u8>>) -> Request {
    Request { name, method: Method::POST, path: "/v1/runs", headers: JSON, body: body.into() }
}

fn other(name: &'static str, method: Method, path: &'static str) -> Request {
    Request { name, method, path, headers: &[], body: Vec::new() }
}

/// The body of a request with one member replaced.
fn with(pointer: &str, value: serde_json::Value) -> Vec<u8> {
    let digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    let mut body: serde_json::Value = serde_json::from_str(RELEASED).unwrap();
    body["request_id"] = "e2e-bad-request".into();
    body["recipe"] = serde_json::json!({
        "schema_version": 1, "schema_id": "rch-xcode/recipe@1", "created_at": "2026-01-02T03:04:05Z", "sha256": digest, "size": 4,
        "chunking": "fastcdc2020-1-0-131072-524288-2097152", "chunks": [{ "sha256": digest, "size": 4 }],
    });
    *body.pointer_mut(pointer).unwrap() = value;
    serde_json::to_vec(&body).unwrap()
}

fn requests() -> Vec<Request> {
    let step = serde_json::json!({ "name": "build", "argv": ["build", "-scheme", "SampleApp"] });
    vec![
        post("no body", ""),
        post("a body that is cut off", &b"{\"request_id\": \"e2e-cut"[..]),
        post("a body that is a number", "7"),
        post("a body that goes on after its end", "{} {}"),
        post("a body nested without end", "[".repeat(100_000)),
        post("a body with a NUL", &b"{\"request_id\": \"a\0b\"}"[..]),
        post("a body that is no UTF-8", &b"{\"request_id\": \"\xff\xfe\"}"[..]),
        post("a number for a text", with("/project", 7.into())),
        post("a request id that is none", with("/request_id", "../../x".into())),
        post("a range of protocols without its end", with("/protocol", serde_json::json!({ "min": 1 }))),
        post("no steps", with("/steps", serde_json::json!([]))),
        post("more jobs than anybody needs", with("/steps", serde_json::json!(vec![step; 2_000]))),
        post("a recipe whose sizes do not add up", with("/recipe/size", 5.into())),
        post("a digest that is none", with("/recipe/sha256", "abc".into())),
        post("a negative time", with("/options/timeouts/overall_seconds", (-1).into())),
        Request { path: "/v1/selection", ..post("the same in a dry run", "{\"request_id\": 5}") },
        Request { headers: &[("content-type", "text/plain")], ..post("another content type", "hello") },
        other("no such path", Method::GET, "/v1/nothing"),
        other("a path outside of the interface", Method::GET, "/../../etc/passwd"),
        other("a path that is no UTF-8", Method::GET, "/v1/runs/%ff%fe"),
        other("a method that is not to be had", Method::DELETE, "/v1/runs"),
        other("a run that is not there", Method::GET, "/v1/runs/nobody-has-it"),
        other("a job that is not there", Method::GET, "/v1/jobs/nobody-has-it/log"),
        other("a limit that is no number", Method::GET, "/v1/runs?limit=many"),
        other("a digest in a path that is none", Method::GET, "/v1/chunks/abc"),
        Request {
            body: b"not a frame".to_vec(),
            ..other("a chunk that is no frame", Method::PUT, "/v1/chunks/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")
        },
        Request {
            body: vec![0; 2 * 1024 * 1024 + 72 * 1024],
            ..other("a chunk that is too large", Method::PUT, "/v1/chunks/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")
        },
        Request { headers: &[("rch-min-seq", "soon")], ..other("a record that is no number", Method::GET, "/v1/farm") },
    ]
}

#[test]
fn bodies_and_paths() {
    let api = Api::of(shared());
    let mut told = Vec::new();
    for Request { name, method, path, headers, body } in requests() {
        let answer = api.send(method.clone(), path, headers, body);
        assert!((400..=499).contains(&answer.status) || answer.status == 503, "{name}: {answer:?}");
        assert_eq!(answer.kind, "application/problem+json", "{name}: {answer:?}");
        let problem = &answer.body;
        assert_eq!(problem["status"], answer.status, "{name}");
        let members = ["detail", "expected", "found", "fix"].map(|name| (name, problem[name].as_str()));
        let message: Vec<String> = members.iter().filter_map(|(name, text)| Some(format!("{name}: {}", (*text)?))).collect();
        let ended = format!("{} {}", answer.status, problem["code"].as_str().unwrap());
        told.push(entry(name, &format!("{method} {path}"), &ended, &message.join("\n"), &[]));
    }
    golden("http", &told.join("\n"));
}

/// What comes back for bytes that are sent as they are.
fn raw(farm: &Farm, bytes: &[u8]) -> String {
    let mut connection = TcpStream::connect(farm.url().strip_prefix("http://").unwrap()).unwrap();
    connection.set_read_timeout(Some(std::time::Duration::from_secs(30))).unwrap();
    connection.write_all(bytes).unwrap();
    connection.shutdown(Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    let _ = connection.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn a_body_that_breaks_off_and_a_head_that_is_none_are_answered_and_harm_nobody() {
    let farm = shared();
    let broken = raw(
        farm,
        b"POST /v1/runs HTTP/1.1\r\nhost: farm\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n{\"request_id\":",
    );
    assert!(broken.is_empty() || broken.starts_with("HTTP/1.1 4"), "{broken}");
    let endless = raw(farm, &[b"GET /v1/farm HTTP/1.1\r\nx: ".as_slice(), &vec![b'x'; 1024 * 1024]].concat());
    assert!(endless.is_empty() || endless.starts_with("HTTP/1.1 4"), "{endless}");
    let nothing = raw(farm, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03");
    assert!(nothing.is_empty() || nothing.starts_with("HTTP/1.1 4"), "{nothing}");
    assert!(Api::of(farm).get("/v1/farm").is_ok());
}
