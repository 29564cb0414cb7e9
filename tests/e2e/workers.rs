//! Workers that an operator closes, opens and sends away, while others do their work.

use std::path::Path;

use rch_local::{AgentPlan, FarmPlan};
use rch_xcode_sim::Machine;
use serde_json::{Value, json};

use crate::harness::{Api, Nats, PROGRAM, Project, rch, start, start_farm};

const FIRST: &str = "macmini-01";
const SECOND: &str = "macmini-02";

/// The worker as the farm lists it.
fn worker(api: &Api, name: &str) -> Option<Value> {
    let workers = api.get("/v1/workers").unwrap();
    workers.as_array().unwrap().iter().find(|worker| worker["worker"] == name).cloned()
}

#[test]
fn a_drained_worker_ends_what_it_began_begins_nothing_and_can_be_removed() {
    let agent = |name| AgentPlan::simulated(name, Machine::xcode_16_2()).setting("kill_grace_seconds", 1);
    let farm = start_farm(FarmPlan::new(Path::new(PROGRAM)).agent(agent(FIRST)).agent(agent(SECOND)));
    let (api, nats) = (Api::of(&farm), Nats::of(&farm));
    let project = Project::sample().simulate(&[("BUILD_SECONDS", "2")]);
    let words = |words: &[&str]| rch(&farm, project.path(), &[&["workers"], words].concat());
    let mut running = start(&farm, project.path(), &["xcode", "run", "--action", "build", "--action", "test"]);
    api.wait_for_running(&running.run_id());

    words(&["remove", FIRST]).expect(2);
    words(&["drain", FIRST, "--reason", "Xcode 16.3", "--wait"]).expect(0);
    let outcome = running.wait().expect(0);
    assert_eq!(outcome.document("test", "summary.json")["worker"], FIRST, "the step that was still to come ran there, too");
    let drained = worker(&api, FIRST).unwrap();
    let closed = (&drained["intake"], &drained["intake_reason"], &drained["intake_actor"]);
    assert_eq!(closed, (&"draining".into(), &"Xcode 16.3".into(), &"local".into()));
    let listed = words(&["list"]).expect(0).everything();
    assert!(listed.contains(r#""intake_reason":"Xcode 16.3""#), "{listed}");

    words(&["remove", FIRST]).expect(0);
    assert_eq!(worker(&api, FIRST), None);
    words(&["show", FIRST]).expect(3);
    let again = rch(&farm, project.path(), &["xcode", "run", "--action", "build"]).expect(0);
    assert_eq!(again.document("build", "summary.json")["worker"], SECOND);
    // The same task took the consumer away before it offered the run.
    let consumers = nats.request("$JS.API.CONSUMER.NAMES.RCH_JOBS", &json!({}));
    assert_eq!(consumers["consumers"], json!([format!("worker-{SECOND}")]));
}
