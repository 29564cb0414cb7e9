//! Whoever waits is told behind whom, and afterwards for what it waited.

use std::path::Path;

use rch_local::{AgentPlan, FarmPlan};
use rch_xcode_sim::Machine;

use crate::harness::{Api, PROGRAM, Project, rch, start, start_farm, wait_until};

const BUILD: [&str; 4] = ["xcode", "run", "--action", "build"];

#[test]
fn whoever_waits_is_told_behind_whom_and_afterwards_for_what_it_waited() {
    let agent = AgentPlan::simulated("macmini-01", Machine::xcode_16_2()).slots(1).setting("kill_grace_seconds", 1);
    let farm = start_farm(FarmPlan::new(Path::new(PROGRAM)).agent(agent));
    let api = Api::of(&farm);
    let (first, second) = (Project::sample().simulate(&[("BUILD_SECONDS", "600")]), Project::sample());
    let mut runs = start(&farm, first.path(), &BUILD);
    let holds_the_slot = runs.run_id();
    api.wait_for_running(&holds_the_slot);

    let mut waits = start(&farm, second.path(), &BUILD);
    let queued = waits.run_id();
    let told = "next for macmini-01, no estimate: how long the jobs before it take was never measured";
    assert_eq!(waits.wait_for("Waiting"), told);
    for path in ["/v1/queue", "/v1/queue?worker=macmini-01&limit=1"] {
        let queue = api.get(path).unwrap();
        assert_eq!((&queue["waiting"], &queue["running"]), (&1.into(), &1.into()), "{path}");
        let job = &queue["jobs"][0];
        assert_eq!((&job["run_id"], &job["waiting"]["because"]), (&queued.as_str().into(), &"busy".into()), "{path}");
        assert_eq!(job["waiting"]["slots"][0]["run_id"], holds_the_slot.as_str(), "{path}");
    }
    let why = rch(&farm, second.path(), &["why", &queued]).expect(0);
    let document = &why.result()["document"]["jobs"][0];
    assert_eq!((&document["choice"]["worker"], &document["waiting"]["ahead"]), (&"macmini-01".into(), &0.into()));

    rch(&farm, first.path(), &["cancel", &holds_the_slot]).expect(0);
    runs.wait().expect(80);
    let outcome = waits.wait().expect(0);
    assert!(outcome.said("Started")[0].starts_with("on macmini-01 after "), "{}", outcome.everything());
    let why = rch(&farm, second.path(), &["why", &queued]).expect(0);
    let document = &why.result()["document"]["jobs"][0];
    assert_eq!((&document["waits"][0]["reason"], document.get("waiting")), (&"slot".into(), None));
    assert!(document["waited_ms"].as_u64().unwrap() >= document["waits"][0]["waited_ms"].as_u64().unwrap());
    // What is told of the queue may be a second old.
    wait_until("a queue in which nobody waits and one wait is counted", || {
        let queue = api.get("/v1/queue").unwrap();
        (&queue["waiting"], &queue["waits"]["jobs"]) == (&0.into(), &1.into())
    });
    assert!(api.text("/metrics").contains("rch_queue_wait_seconds_count 2"));
}
