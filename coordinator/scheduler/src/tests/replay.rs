//! A ledger read from its first record: what was decided is decided again, and what is not as this build decides is found.

use rch_schemas::Sha256;
use serde_json::json;

use super::farm::{Farm, request, worker};
use crate::{ChainError, DECISION_VERSION, Event, LEDGER_VERSION, Now, Reader, Record, RecordedCommand, Replayed};

/// The ledger of a farm as bytes, each event as `change` leaves it.
fn ledger(farm: &Farm, change: impl Fn(&mut Event)) -> Vec<Vec<u8>> {
    let mut previous_sha256 = None;
    let bytes = |record: &super::farm::Record| {
        let mut events = record.events.clone();
        events.iter_mut().for_each(&change);
        let record = Record {
            ledger_version: LEDGER_VERSION,
            ledger_id: "ledger-00001".parse().unwrap(),
            record_id: format!("record-{:05}", record.stamp.seq.0).parse().unwrap(),
            previous_sha256,
            term: 1,
            build: "test".to_owned(),
            now: Now { tick: record.stamp.tick, wall: record.stamp.wall },
            commands: vec![RecordedCommand { actor: "kim".to_owned(), request_id: None, events }],
        };
        let bytes = record.to_bytes();
        previous_sha256 = Some(Sha256::of(&bytes));
        bytes
    };
    farm.ledger.iter().map(bytes).collect()
}

/// What became of every decision.
fn replayed(records: &[Vec<u8>]) -> Vec<Replayed> {
    let (mut reader, mut all) = (Reader::default(), Vec::new());
    for record in records {
        let visit = |decided: crate::Decided<'_>| {
            let judgement = decided.judgement().and_then(|judgement| crate::Decided { event: &judgement, ..decided }.again());
            all.extend(decided.again().into_iter().chain(judgement));
        };
        reader.read(record, visit).unwrap();
    }
    assert_eq!(reader.position().seq.0, records.len() as u64);
    all
}

fn farm_with_two_runs() -> Farm {
    let mut farm = Farm::with(&["mac-1", "mac-2", "mac-3"]);
    farm.submit_request(request("request-0001", &["build"]));
    // The first of the ranks has not been heard for a while, so the next one is taken.
    farm.tick += 20_000;
    farm.hear("mac-2");
    farm.hear("mac-3");
    farm.submit_request(request("request-0002", &["build", "test"]));
    farm
}

#[test]
fn every_decision_of_a_ledger_is_made_again_byte_for_byte() {
    let farm = farm_with_two_runs();
    let passed = |event: &&Event| matches!(event, Event::WorkerSelected { selection } if !selection.passed_over.is_empty());
    assert_eq!(farm.ledger.iter().flat_map(|record| &record.events).filter(passed).count(), 1, "one choice rests on the moment");
    let all = replayed(&ledger(&farm, |_| {}));
    assert!(all.len() >= 5 && all.iter().all(|again| *again == Replayed::Same), "{all:?}");
}

#[test]
fn a_choice_that_this_build_would_not_make_is_found_with_what_differs_first() {
    let records = ledger(&farm_with_two_runs(), |event| {
        if let Event::WorkerSelected { selection } = event
            && selection.worker == worker("mac-1")
        {
            selection.worker = worker("mac-3");
        }
    });
    let found = replayed(&records).into_iter().find(|again| *again != Replayed::Same);
    let Some(Replayed::Differs(difference)) = found else { panic!("{found:?}") };
    assert_eq!((difference.member.as_str(), difference.recorded, difference.decided), ("worker", json!("mac-3"), json!("mac-1")));
}

#[test]
fn a_decision_by_other_rules_is_said_to_be_and_not_compared() {
    let records = ledger(&farm_with_two_runs(), |event| {
        if let Event::WorkerSelected { selection } = event {
            selection.decision_version = DECISION_VERSION + 1;
        }
    });
    let other = Replayed::OtherVersion { recorded: DECISION_VERSION + 1 };
    assert_eq!(replayed(&records).iter().filter(|again| **again == other).count(), 2);
}

#[test]
fn a_record_that_does_not_follow_is_refused_and_changes_nothing() {
    let records = ledger(&farm_with_two_runs(), |_| {});
    let mut reader = Reader::default();
    reader.read(&records[0], |_| {}).unwrap();
    let refused = reader.read(&records[2], |_| panic!("nothing of it is looked at"));
    assert!(matches!(refused, Err(ChainError::Broken { .. })), "{refused:?}");
    reader.read(&records[1], |_| {}).unwrap();
}
