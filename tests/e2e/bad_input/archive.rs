//! Source archives that no client of ours packs: the agent refuses to unpack them, and says what is wrong with them.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::table::{entry, golden};
use crate::harness::{Api, shared};

const RELEASED: &str = include_str!("../../fixtures/releases/0.1/post_runs.json");

/// One member of an archive, made by hand: tools refuse to write most of these.
fn member(path: &str, kind: u8, link: &str, content: &[u8]) -> Vec<u8> {
    let mut head = [0_u8; 512];
    head[..path.len()].copy_from_slice(path.as_bytes());
    head[100..108].copy_from_slice(b"0000644\0");
    head[108..116].copy_from_slice(b"0000000\0");
    head[116..124].copy_from_slice(b"0000000\0");
    head[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
    head[136..148].copy_from_slice(b"00000000000\0");
    head[148..156].copy_from_slice(b"        ");
    head[156] = kind;
    head[157..157 + link.len()].copy_from_slice(link.as_bytes());
    head[257..265].copy_from_slice(b"ustar\x0000");
    head[329..345].copy_from_slice(b"0000000\x000000000\0");
    let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
    head[148..156].copy_from_slice(format!("{sum:07o}\0").as_bytes());
    let padding = content.len().next_multiple_of(512) - content.len();
    [&head[..], content, &vec![0; padding]].concat()
}

/// A zstd frame of one raw block, by the format's text: magic, single segment with a four-byte size, block.
fn frame(content: &[u8]) -> Vec<u8> {
    let size = u32::try_from(content.len()).unwrap();
    let block = (size << 3) | 1;
    [&[0x28, 0xb5, 0x2f, 0xfd, 0xa0][..], &size.to_le_bytes(), &block.to_le_bytes()[..3], content].concat()
}

fn digest(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(bytes))
}

fn archives() -> Vec<(&'static str, Vec<u8>)> {
    let file = |path| member(path, b'0', "", b"let evil = true\n");
    vec![
        ("a path that leaves the tree", file("../evil.swift")),
        ("an absolute path", file("/tmp/evil.swift")),
        ("a path with an empty part", file("Sources//evil.swift")),
        ("a link that leaves the tree", member("link", b'2', "../../evil", b"")),
        ("a file through a link", [member("a", b'2', "b", b""), file("a/evil.swift")].concat()),
        ("a hard link", [file("a.swift"), member("b.swift", b'1', "a.swift", b"")].concat()),
        ("a device", member("disk", b'3', "", b"")),
        ("one path twice", [file("a.swift"), file("a.swift")].concat()),
        ("two names that are one on a Mac", [file("A.swift"), file("a.swift")].concat()),
        ("no archive at all", vec![b'x'; 2_048]),
        ("an archive that is cut off", file("a.swift")[..600].to_vec()),
    ]
}

/// Submits a tree of this archive, and returns the run when it has ended.
fn run_of(api: &Api, index: usize, archive: &[u8]) -> Value {
    let whole = [archive, &[0; 1_024]].concat();
    let whole = if archive.len().is_multiple_of(512) { whole } else { archive.to_vec() };
    let sha256 = digest(&whole);
    let put = api.send(reqwest::Method::PUT, &format!("/v1/chunks/{sha256}"), &[], frame(&whole));
    assert_eq!(put.status, 204, "{put:?}");
    let mut body: Value = serde_json::from_str(RELEASED).unwrap();
    body["request_id"] = format!("e2e-bad-archive-{index}").into();
    body["recipe"] = json!({
        "schema_version": 1, "schema_id": "rch-xcode/recipe@1", "created_at": "2026-01-02T03:04:05Z", "sha256": sha256,
        "size": whole.len(), "chunking": "fastcdc2020-1-0-131072-524288-2097152", "chunks": [{ "sha256": sha256, "size": whole.len() }],
    });
    let accepted = api.post("/v1/runs", &body);
    assert_eq!(accepted.status, 202, "{accepted:?}");
    api.wait_for_run(accepted.body["run_id"].as_str().unwrap(), |run| !run["exit_code"].is_null())
}

#[test]
fn archives_are_refused_by_name() {
    let api = Api::of(shared());
    let mut told = Vec::new();
    for (index, (name, archive)) in archives().into_iter().enumerate() {
        let run = run_of(&api, index, &archive);
        let job = &run["jobs"][0];
        let ended = format!("exit {} {}", run["exit_code"], job["outcome"]["failure_subkind"].as_str().unwrap_or("-"));
        assert_ne!(run["exit_code"], 0, "{name}: {run}");
        told.push(entry(name, "POST /v1/runs", &ended, job["human_summary"].as_str().unwrap(), &[]));
    }
    golden("archive", &told.join("\n"));
}
