//! What is said of texts that are no documents.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use rch_schemas::Sha256;
use serde_json::{Value, json};

use super::*;

fn event(body: &Value) -> Value {
    json!({ "schema_version": 1, "schema_id": "rch-xcode/cli_event@1", "created_at": "2026-03-02T09:30:00.125Z", "event": body })
}

fn progress() -> Value {
    event(&json!({ "type": "progress", "label": "Bundling", "text": "5,012 files" }))
}

fn recipe() -> Value {
    json!({
        "schema_version": 1, "schema_id": "rch-xcode/recipe@1", "created_at": "2026-03-02T09:30:00.125Z", "sha256": Sha256::of("tree"), "size": 7,
        "chunking": "fastcdc2020-1-0-131072-524288-2097152", "chunks": [{ "sha256": Sha256::of("tree"), "size": 7 }],
    })
}

/// Each violation as `pointer: expected; found`.
fn said(text: &str) -> Vec<String> {
    let told = |violation: &Violation| {
        let line = violation.line.map(|line| format!("{line}")).unwrap_or_default();
        format!("{line}#{}: {}; {}", violation.pointer, violation.expected, violation.found)
    };
    check(&mut Catalogue::new(), text).violations.iter().map(told).collect()
}

#[test]
fn a_document_and_a_file_of_lines_are_told_apart_and_accepted() {
    let one = check(&mut Catalogue::new(), &serde_json::to_string_pretty(&recipe()).unwrap());
    assert_eq!((one.documents, one.violations.len(), one.schema_ids), (1, 0, vec!["rch-xcode/recipe@1".to_owned()]));

    let lines = format!("{}\n\n{}\n{}\n", progress(), recipe(), progress());
    let many = check(&mut Catalogue::new(), &lines);
    assert_eq!((many.documents, many.violations), (3, Vec::new()));
    assert_eq!(many.schema_ids, ["rch-xcode/cli_event@1", "rch-xcode/recipe@1"]);
}

#[test]
fn each_mistake_is_named_with_its_place_and_what_was_expected() {
    type Edit = fn(&mut Value);
    let cases: [(Edit, &str); 9] = [
        (|d| d["size"] = json!("7"), "#/size: integer; \"7\""),
        (|d| d["size"] = json!(-7), "#/size: at least 0; -7"),
        (|d| d["sha256"] = json!("ABC"), "#/sha256: text that matches ^[0-9a-f]{64}$; \"ABC\""),
        (|d| d["chunks"][0]["size"] = Value::Null, "#/chunks/0/size: integer; null"),
        (|d| drop(d.as_object_mut().unwrap().remove("chunking")), "#/chunking: a value: this member is always there; nothing"),
        (|d| d["schema_version"] = json!(2), "#/schema_version: 1; 2"),
        (|d| d["schema_id"] = json!("rch-xcode/recipe@2"), "#/schema_id: \"rch-xcode/recipe@1\"; \"rch-xcode/recipe@2\""),
        (|d| d["schema_id"] = Value::Null, "#/schema_id: the schema_id of a document that rch schema list shows; nothing"),
        (|d| d["created_at"] = json!("2026-13-02T09:30:00Z"), "#/created_at: a date-time; \"2026-13-02T09:30:00Z\""),
    ];
    for (edit, expected) in cases {
        let mut document = recipe();
        edit(&mut document);
        assert_eq!(said(&document.to_string()), [expected]);
    }
}

#[test]
fn an_alternative_is_told_by_the_variant_that_was_meant() {
    for (body, expected) in [
        (json!({ "type": "progress", "label": 1, "text": "x" }), vec!["#/event/label: string; 1"]),
        (json!({ "type": "log", "job_id": "job-0000001" }), vec!["#/event/line: a value: this member is always there; nothing"]),
        (json!({ "type": "end" }), vec!["#/event/type: \"progress\", \"log\" or \"result\"; \"end\""]),
        (json!({ "type": "result", "exit_code": 256, "message": "x" }), vec!["#/event/exit_code: at most 255; 256"]),
        (json!("progress"), vec!["#/event: object; \"progress\""]),
        (json!({ "label": "Run" }), vec!["#/event/type: a value: this member is always there; nothing"]),
    ] {
        assert_eq!(said(&event(&body).to_string()), expected);
    }
}

#[test]
fn a_mistake_in_a_line_names_the_line_and_the_others_are_still_read() {
    let lines = format!("{}\n{{\"half\n{}\n", progress(), event(&json!({ "type": "log", "job_id": 7, "line": "" })));
    let said = said(&lines);
    assert!(said[0].starts_with("2#: a JSON document; EOF"), "{said:?}");
    assert_eq!(said[1], "3#/event/job_id: string; 7");
}

#[test]
fn a_text_that_is_no_document_at_all_is_refused_in_a_line() {
    for (text, expected) in [
        ("", "#: a JSON document; EOF while parsing a value"),
        ("build\nfailed\n", "#: a JSON document; expected value at line 1"),
        ("[1]", "#: the schema_id of a document that rch schema list shows; [1]"),
    ] {
        let said = said(text);
        assert!(said.len() == 1 && said[0].starts_with(expected), "{said:?}");
    }
}

#[test]
fn a_file_of_ten_thousand_mistakes_is_told_in_a_hundred() {
    let mut document = recipe();
    document["chunks"] = json!(vec![7; 10_000]);
    assert_eq!(said(&document.to_string()).len(), 100);
}
