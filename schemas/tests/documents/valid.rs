//! `examples/<name>.json`: one document of each kind, as the programs write it.

use rch_schemas::document::EventLine;
use serde_json::Value;

use super::example_set::ExampleSet;
use super::kind::{kinds, validator, violations};
use super::{hold, text};

/// The one document that is a line among others.
const BY_LINE: &str = "event";

#[test]
fn every_example_is_accepted_by_its_schema_and_is_what_its_type_writes() {
    let of_the_run: Vec<String> = ExampleSet::read().files().into_iter().map(|(path, _)| path).collect();
    for kind in kinds().into_iter().filter(|kind| kind.name != BY_LINE) {
        let path = format!("examples/{}.json", kind.name);
        let example = text(&path);
        let document: Value = serde_json::from_str(&example).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(violations(&validator(kind.name), &document), Vec::<String>::new(), "{path}");
        // The same bytes: the type knows every member of the example, and lacks none. Those of the run are held below, with their digests.
        if !of_the_run.contains(&path) {
            hold(&path, &(kind.rewrite)(&example).unwrap_or_else(|error| panic!("{path}: {error}")));
        }
    }
}

#[test]
fn the_example_of_events_is_one_header_and_events_without_a_gap() {
    let (mut rewritten, mut last) = (String::new(), None);
    for (index, line) in text("examples/event.jsonl").lines().enumerate() {
        let document: Value = serde_json::from_str(line).unwrap();
        assert_eq!(violations(&validator(BY_LINE), &document), Vec::<String>::new(), "line {}", index + 1);
        let event: EventLine = serde_json::from_str(line).unwrap();
        let seq = match &event {
            EventLine::Header(_) => 0,
            EventLine::Event(event) => event.seq,
        };
        assert_eq!(seq, index as u64, "line {}", index + 1);
        rewritten += &(serde_json::to_string(&event).unwrap() + "\n");
        last = Some(document);
    }
    assert_eq!(rewritten, text("examples/event.jsonl"));
    assert_eq!(last.unwrap()["event"]["type"], "ended");
}

#[test]
fn the_examples_are_of_one_run_and_every_digest_and_signature_in_them_is_true() {
    let mut examples = ExampleSet::read();
    examples.make_true();
    for (path, expected) in examples.files() {
        hold(&path, &expected);
    }
    examples.verify();
}
