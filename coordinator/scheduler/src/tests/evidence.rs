//! Evidence of a large farm: small, complete, and shared.

use std::collections::BTreeSet;

use rch_schemas::Sha256;
use rch_schemas::document::{ConsideredWorkers, WorkerSelection};
use rch_schemas::wire::http::Intake;

use super::farm::{Farm, facts_with, request, worker};
use crate::Event;

/// What a person reads at once, and a message carries.
const EVIDENCE_BYTES_MAX: usize = 64 * 1024;

/// So many Macs as grew over the years: five builds of Xcode, three of macOS, some drained each for its own reason, some with a tag less.
fn grown(workers: usize) -> (Farm, Vec<String>) {
    const XCODES: [(&str, &str); 5] =
        [("16.2", "16C5032a"), ("16.2", "16C5031b"), ("16.1", "16B40"), ("15.4", "15F31d"), ("26.0", "17A324")];
    let names: Vec<String> = (0..workers).map(|index| format!("macmini-{index:04}")).collect();
    let mut farm = Farm::with(&[]);
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    farm.configure(&all, |config| {
        for (index, entry) in config.inventory.values_mut().enumerate() {
            entry.priority = [10, 10, 20][index % 3];
            if index % 50 == 7 {
                entry.tags = BTreeSet::from(["macos".to_owned()]);
            }
        }
    });
    for (index, name) in names.iter().enumerate() {
        let (version, build) = XCODES[index * index % XCODES.len()];
        let mut facts = facts_with(name, version, build, 2);
        facts.macos.build = ["24D60", "24D70", "24E248"][index / 7 % 3].to_owned();
        farm.announce(name, &facts);
        if index % 40 == 3 {
            farm.ask(crate::CommandBody::SetIntake {
                worker: worker(name),
                intake: Intake::Draining,
                reason: format!("disk {index} is replaced"),
            });
        }
    }
    (farm, names)
}

#[test]
fn the_evidence_of_a_thousand_macs_names_each_of_them_in_64_kib() {
    let (mut farm, names) = grown(1_000);
    let run_id = farm.submit("request-01", &["build"]);
    let evidence = farm.evidence(&run_id);
    let judgement = evidence.judgement.as_ref().unwrap();
    let told: BTreeSet<_> = judgement.workers.iter().flat_map(ConsideredWorkers::names).map(ToString::to_string).collect();
    assert_eq!(told, names.into_iter().collect());
    for row in &judgement.workers {
        assert_eq!((row.capabilities.len(), row.is_candidate()), (row.count(), row.verdicts.is_empty()), "{row:?}");
    }
    let bytes = serde_json::to_vec(&evidence).unwrap();
    assert!(bytes.len() <= EVIDENCE_BYTES_MAX, "{} bytes", bytes.len());
}

#[test]
fn ranks_go_over_all_rows_and_the_first_of_each_says_its_own() {
    let (mut farm, _) = grown(60);
    let run_id = farm.submit("request-01", &["build"]);
    let judgement = farm.evidence(&run_id).judgement.unwrap();
    let ranked = judgement.ranked();
    let places: Vec<_> = ranked.iter().map(|(name, row)| (row.priority, name.as_str())).collect();
    assert!(places.is_sorted() && places.len() > 20, "{places:?}");
    for (rank, (name, row)) in (1..).zip(&ranked) {
        assert!(**name != row.worker || row.rank == Some(rank), "{name} is {rank}, its row says {:?}", row.rank);
    }
}

#[test]
fn a_hundred_runs_that_ask_the_same_share_one_judgement_and_a_changed_one_is_found_out() {
    let (mut farm, _) = grown(60);
    let runs: Vec<_> = (0..100).map(|index| farm.submit(&format!("request-{index:04}"), &["build"])).collect();
    let judged = farm.ledger.iter().flat_map(|record| &record.events).filter(|event| matches!(event, Event::FleetJudged { .. })).count();
    let rested_on: BTreeSet<_> = runs.iter().flat_map(|run_id| farm.run(run_id).judgements()).collect();
    assert_eq!((judged, rested_on.len()), (1, 1));
    let mut received = serde_json::to_value(farm.evidence(&runs[0])).unwrap();
    let digest = |received: &serde_json::Value| WorkerSelection::received_sha256(received);
    assert_eq!(digest(&received), Some(farm.run(&runs[0]).selection(0).unwrap().selection.evidence_sha256));
    received["judgement"]["workers"][0]["priority"] = 1.into();
    assert_eq!(digest(&received), None::<Sha256>);
}

#[test]
fn a_judgement_leaves_with_the_last_run_that_rests_on_it_and_not_before() {
    let mut farm = Farm::with(&["mac-1", "mac-2"]);
    let run_id = farm.submit_request(request("request-01", &["build"]));
    let (job_id, attempt) = farm.claim("mac-1");
    let first: Vec<_> = farm.run(&run_id).judgements().collect();
    farm.drain("mac-2");
    assert!(farm.state.judgement(&first[0]).is_some(), "a run rests on it");
    farm.finish("mac-1", &job_id, attempt, rch_schemas::document::Outcome::SUCCESS);
    assert!(farm.run(&run_id).ended.is_some() && farm.state.judgement(&first[0]).is_none());
    farm.assert_recovers();
}
