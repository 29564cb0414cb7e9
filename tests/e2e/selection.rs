//! Two agents with different Xcodes: who runs it, and why the other does not.

use crate::harness::{Api, Project, rch, read_json, shared};

/// The verdict of a worker in a run's evidence.
fn evidence(outcome: &crate::harness::Outcome) -> serde_json::Value {
    read_json(&outcome.set("build").join("worker_selection.json"))
}

#[test]
fn the_first_of_two_equal_workers_runs_it_and_the_evidence_names_the_other() {
    let project = Project::sample();
    let outcome = rch(shared(), project.path(), &["xcode", "run", "--action", "build"]).expect(0);
    let evidence = evidence(&outcome);
    assert_eq!((&evidence["selected_worker"], &evidence["mode"]), (&"macmini-01".into(), &"deterministic".into()));
    assert!(evidence.to_string().contains("macmini-02"), "{evidence}");
    assert_eq!(outcome.document("build", "summary.json")["worker"], "macmini-01");
}

#[test]
fn the_xcode_that_is_asked_for_chooses_the_worker() {
    let project = Project::sample();
    let outcome = rch(shared(), project.path(), &["xcode", "run", "--action", "build", "--xcode", "16.4"]).expect(0);
    let evidence = evidence(&outcome);
    assert_eq!(evidence["selected_worker"], "macmini-02");
    assert_eq!(outcome.document("build", "toolchain.json")["xcode_version"], "16.4");
    // The loser is told apart by what it has and what was asked for.
    let text = evidence.to_string();
    assert!(text.contains("macmini-01") && text.contains("16.2") && text.contains("16.4"), "{text}");
}

#[test]
fn the_set_holds_the_facts_the_worker_was_chosen_by() {
    let (farm, project) = (shared(), Project::sample());
    let outcome = rch(farm, project.path(), &["xcode", "run", "--action", "build"]).expect(0);
    let facts = outcome.document("build", "capabilities.json");
    let attestation = outcome.document("build", "attestation.json");
    let workers = Api::of(farm).get("/v1/workers").unwrap();
    let worker = workers.as_array().unwrap().iter().find(|worker| worker["worker"] == "macmini-01").unwrap();
    assert_eq!(attestation["capabilities_sha256"], worker["capabilities_sha256"]);
    assert_eq!(facts["facts"]["xcodes"][0]["build"], "16C5032a");
}
