//! `examples/invalid/<name>-<what>.json`: the example of a document with one mistake, and what is said of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::kind::{Kind, kinds, validator, violations};
use super::{file, hold, text};

/// What the type says of a mistake.
enum Reader {
    /// It refuses, in words that hold these.
    Refuses(&'static str),
    /// It reads on: readers are more patient than the contract of what is written.
    ReadsOn,
}
use Reader::{ReadsOn, Refuses};

/// The document, the mistake, the text in its example with what stands there instead, what the schema says, and what the type says.
type Mistake = (&'static str, &'static str, (&'static str, &'static str), &'static str, Reader);

#[rustfmt::skip]
const MISTAKES: [Mistake; 27] = [
    ("attestation", "unknown_role", (r#""role": "worker""#, r#""role": "guest""#),
        "/signer/role: value is not valid under any of the schemas listed in the 'oneOf' keyword", Refuses("unknown variant `guest`")),
    ("build_summary", "line_from_zero", (r#""line": 88"#, r#""line": 0"#), "/diagnostics/0/line: value is less than the minimum of 1", ReadsOn),
    ("capabilities", "unknown_state", (r#""state": "ready""#, r#""state": "tired""#),
        "/facts/xcodes/0/state: value is not valid under any of the schemas listed in the 'oneOf' keyword", Refuses("unknown variant `tired`")),
    ("cli_event", "exit_code_too_large", (r#""exit_code": 50"#, r#""exit_code": 256"#),
        "/event: value is not valid under any of the schemas listed in the 'oneOf' keyword", Refuses("expected u8")),
    ("destination", "no_created", ("  \"created\": false,\n", ""), ": \"created\" is a required property", Refuses("missing field `created`")),
    ("farm", "key_of_63_digits", (r#""public_key": "8a88"#, r#""public_key": "a88"#),
        "/public_key: value does not match \"^[0-9a-f]{64}$\"", Refuses("expected 64 lower-case hexadecimal digits")),
    ("hang_report", "unknown_reason", ("TIMEOUT_IDLE", "TIMEOUT_BORED"),
        "/reason: value is not valid under any of the schemas listed in the 'oneOf' keyword", Refuses("unknown variant `TIMEOUT_BORED`")),
    ("invocation", "command_as_text", ("\"effective_argv\": [\n", "\"effective_argv\": [\n    \"xcodebuild test\",\n"),
        "/effective_argv/0: value is not of type \"array\"", Refuses("expected a sequence")),
    ("job", "other_major", ("rch-xcode/job@1", "rch-xcode/job@2"),
        "/schema_id: \"rch-xcode/job@1\" was expected", Refuses("expected schema_id rch-xcode/job@1, found rch-xcode/job@2")),
    ("job", "unknown_key_input", (r#""env": {
      "API_HOST""#, r#""mood": "good",
    "env": {
      "API_HOST""#), "/job_key_inputs: Additional properties are not allowed ('mood' was unexpected)", Refuses("unknown field `mood`")),
    ("manifest", "digest_in_upper_case", (r#""sha256": null"#, r#""sha256": "ABC""#), "/entries/8/sha256: value is not valid under any of the schemas listed in the 'anyOf' keyword", Refuses("\"ABC\" is not a valid SHA-256 digest")),
    ("metrics", "negative_time", (r#""duration_ms": 212"#, r#""duration_ms": -212"#), "/phases/1/duration_ms: value is less than the minimum of 0", Refuses("expected u64")),
    ("recipe", "size_as_text", (r#""size": 1736704"#, r#""size": "1736704""#), "/size: value is not of type \"integer\"", Refuses("expected u64")),
    ("run_plan", "worker_in_upper_case", (r#""worker": "macmini-02""#, r#""worker": "MacMini-02""#),
        "/destinations/0/worker: value is not valid under any of the schemas listed in the 'anyOf' keyword", Refuses("is not a valid worker name")),
    ("run_summary", "status_in_lower_case", (r#""status": "FAILED""#, r#""status": "failed""#),
        "/status: value is not valid under any of the schemas listed in the 'oneOf' keyword", Refuses("unknown variant `failed`")),
    ("run_summary", "day_that_is_none", ("2026-03-02T09:31:39.020Z\",\n  \"run_id\"", "2026-02-30T09:31:39.020Z\",\n  \"run_id\""),
        "/created_at: value is not a \"date-time\"", Refuses("is not a valid time")),
    ("source_manifest", "unknown_type", (r#""type": "symlink""#, r#""type": "socket""#),
        "/entries/2/type: value is not valid under any of the schemas listed in the 'oneOf' keyword", Refuses("unknown variant `socket`")),
    ("summary", "no_job_key", ("\"job_key\": \"", "\"job_keys\": \""), ": \"job_key\" is a required property", ReadsOn),
    ("summary", "short_run_id", (r#""run_id": "01KBQ3M5T2Y8ZC4W6N0R7HXA1D""#, r#""run_id": "42""#),
        "/run_id: value does not match \"^[A-Za-z0-9][A-Za-z0-9_-]{9,63}$\"", Refuses("\"42\" is not a valid run id")),
    ("test_summary", "unknown_result", (r#""result": "not_run""#, r#""result": "ok""#),
        "/cases/6/result: value is not valid under any of the schemas listed in the 'oneOf' keyword", Refuses("unknown variant `ok`")),
    ("test_summary", "line_from_zero", (r#""line": 19"#, r#""line": 0"#), "/cases/4/repetitions/0/failures/0/line: value is less than the minimum of 1", ReadsOn),
    ("toolchain", "version_in_words", (r#""xcode_version": "16.2""#, r#""xcode_version": "latest""#), "/xcode_version: value does not match", Refuses("\"latest\" is not a valid version")),
    ("queue", "unknown_reason", (r#""reason": "slot""#, r#""reason": "luck""#),
        "/jobs/0/waiting/reason: value is not valid under any of the schemas listed in the 'oneOf' keyword", Refuses("unknown variant `luck`")),
    ("replay", "unknown_outcome", (r#""outcome": "differs""#, r#""outcome": "sameish""#),
        "/decisions/1/outcome: value is not valid under any of the schemas listed in the 'oneOf' keyword", Refuses("unknown variant `sameish`")),
    ("why", "negative_wait", (r#""waited_ms": 221000"#, r#""waited_ms": -1"#), "/waits/0/waited_ms: value is less than the minimum of 0", Refuses("invalid value: integer `-1`")),
    ("worker_selection", "unknown_code", ("NO_SUCH_XCODE", "TOO_OLD"),
        "/judgement: value is not valid under any of the schemas listed in the 'anyOf' keyword", Refuses("unknown variant `TOO_OLD`")),
    ("worker_selection", "destination_of_no_kind", ("\"resolved\": {\n    \"kind\": \"simulator\"", "\"resolved\": {\n    \"kind\": \"phone\""),
        "/resolved: value is not valid under any of the schemas listed in the 'oneOf' keyword", Refuses("unknown variant `phone`")),
];

#[test]
fn each_mistake_is_found_by_the_schema_in_its_place_and_the_type_says_what_is_listed() {
    let kinds = kinds();
    for (name, what, (good, bad), violation, reader) in MISTAKES {
        let path = format!("examples/invalid/{name}-{what}.json");
        let example = text(&format!("examples/{name}.json"));
        assert!(example.contains(good), "{path}: examples/{name}.json no longer holds {good}");
        hold(&path, &example.replacen(good, bad, 1));
        let found = violations(&validator(name), &serde_json::from_str::<Value>(&text(&path)).unwrap());
        assert!(matches!(found.as_slice(), [one] if one.starts_with(violation)), "{path}: {found:?}");
        let kind: &Kind = kinds.iter().find(|kind| kind.name == name).unwrap();
        match (reader, (kind.rewrite)(&text(&path))) {
            (Refuses(words), Err(error)) => assert!(error.to_string().contains(words), "{path}: {error}"),
            (ReadsOn, Ok(_)) => {}
            (Refuses(_), Ok(_)) => panic!("{path} is read without an error"),
            (ReadsOn, Err(error)) => panic!("{path}: {error}"),
        }
    }
}

#[test]
fn a_line_of_events_without_its_number_is_neither_header_nor_event() {
    let path = "examples/invalid/event-no_seq.jsonl";
    hold(path, &text("examples/event.jsonl").replacen("\"seq\":3,", "", 1));
    let validator = validator("event");
    let found: Vec<usize> = text(path)
        .lines()
        .enumerate()
        .filter(|(_, line)| !violations(&validator, &serde_json::from_str(line).unwrap()).is_empty())
        .map(|(index, _)| index)
        .collect();
    assert_eq!(found, [3]);
    let line: Result<rch_schemas::document::EventLine, _> = serde_json::from_str(text(path).lines().nth(3).unwrap());
    assert_eq!(line.unwrap_err().to_string(), "missing field `seq`");
}

#[test]
fn every_document_has_an_example_with_a_mistake_and_no_file_is_left_over() {
    let mut expected: BTreeSet<String> = MISTAKES.iter().map(|(name, what, ..)| format!("{name}-{what}.json")).collect();
    expected.insert("event-no_seq.jsonl".to_owned());
    let found: BTreeSet<String> = fs::read_dir(file("examples/invalid"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| Path::new(name).extension() != Some("new".as_ref()))
        .collect();
    assert_eq!(found, expected);
    let without: Vec<&str> =
        kinds().iter().map(|kind| kind.name).filter(|name| !expected.iter().any(|file| file.starts_with(&format!("{name}-")))).collect();
    assert_eq!(without, Vec::<&str>::new());
}
