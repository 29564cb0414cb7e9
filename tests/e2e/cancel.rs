//! A run that nobody wants any more, queued and running.

use std::path::Path;

use rch_local::{AgentPlan, FarmPlan};
use rch_xcode_sim::Machine;

use crate::harness::{Api, PROGRAM, Project, rch, shared, start, start_farm};

const FOR_EVER: [(&str, &str); 1] = [("HANG", "build")];
const BUILD: [&str; 4] = ["xcode", "run", "--action", "build"];

#[test]
fn a_running_job_is_cancelled_by_its_run_and_both_commands_say_so() {
    let (farm, project) = (shared(), Project::sample().simulate(&FOR_EVER));
    let mut running = start(farm, project.path(), &BUILD);
    let run = running.run_id();
    Api::of(farm).wait_for_running(&run);

    rch(farm, project.path(), &["cancel", &run]).expect(0);
    let outcome = running.wait().expect(80);
    assert_eq!(outcome.document("build", "summary.json")["status"], "cancelled");
}

#[test]
fn ctrl_c_cancels_the_run_and_exits_80() {
    let (farm, project) = (shared(), Project::sample().simulate(&FOR_EVER));
    let mut running = start(farm, project.path(), &BUILD);
    let run = running.run_id();
    Api::of(farm).wait_for_running(&run);

    running.interrupt();
    running.wait().expect(80);
    let ended = Api::of(farm).get(&format!("/v1/runs/{run}")).unwrap();
    assert_eq!((&ended["state"], &ended["exit_code"]), (&"CANCELLED".into(), &80.into()));
}

#[test]
fn a_queued_job_is_cancelled_without_ever_having_run() {
    let agent = AgentPlan::simulated("macmini-01", Machine::xcode_16_2()).slots(1).setting("kill_grace_seconds", 1);
    let farm = start_farm(FarmPlan::new(Path::new(PROGRAM)).agent(agent));
    let api = Api::of(&farm);
    let (first, second) = (Project::sample().simulate(&FOR_EVER), Project::sample());
    let mut runs = start(&farm, first.path(), &BUILD);
    let holds_the_slot = runs.run_id();
    api.wait_for_running(&holds_the_slot);

    let mut waits = start(&farm, second.path(), &BUILD);
    let queued = waits.run_id();
    let waiting = api.wait_for_run(&queued, |run| run["jobs"][0]["waiting"]["reason"] == "slot");
    assert_eq!(waiting["jobs"][0]["state"], "QUEUED");
    rch(&farm, second.path(), &["cancel", &queued]).expect(0);
    waits.wait().expect(80);
    let ended = api.get(&format!("/v1/runs/{queued}")).unwrap();
    assert_eq!((&ended["jobs"][0]["state"], &ended["jobs"][0]["attempt"]), (&"CANCELLED".into(), &0.into()));

    // The job that has the slot has not noticed anything.
    assert_eq!(api.get(&format!("/v1/runs/{holds_the_slot}")).unwrap()["state"], "RUNNING");
    rch(&farm, first.path(), &["cancel", &holds_the_slot]).expect(0);
    runs.wait().expect(80);
}
