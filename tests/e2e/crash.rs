//! SIGKILL in mid-job, for each program of the farm in turn.

use std::path::Path;

use rch_local::{AgentPlan, Farm, FarmPlan};
use rch_xcode_sim::Machine;

use crate::harness::{Api, Objects, PROGRAM, Project, start, start_farm, wait_until};

/// Long enough for something to be killed and started again in the middle.
const SLOW: [(&str, &str); 1] = [("BUILD_SECONDS", "3")];
const BUILD: [&str; 4] = ["xcode", "run", "--action", "build"];

fn agent(name: &str) -> AgentPlan {
    AgentPlan::simulated(name, Machine::xcode_16_2()).setting("kill_grace_seconds", 1)
}

/// A farm with one agent.
fn farm() -> Farm {
    start_farm(FarmPlan::new(Path::new(PROGRAM)).agent(agent("macmini-01")))
}

/// A farm in `directory` with two agents of one simulated Mac: as on two real ones, Xcode lies at the same place, and so the keys are the same.
fn farm_of_equals(directory: &Path) -> Farm {
    let mac = directory.join("agents/macmini-01/mac");
    let path = |path: &Path| vec![path.to_str().unwrap().to_owned()];
    let second = agent("macmini-02").setting("tool_path", path(&mac.join("bin"))).setting("xcode_search", path(&mac));
    start_farm(FarmPlan::new(Path::new(PROGRAM)).at(directory).agent(agent("macmini-01")).agent(second))
}

#[test]
fn an_agent_that_is_killed_and_comes_back_runs_the_job_again() {
    let mut farm = farm();
    let project = Project::sample().simulate(&SLOW);
    let mut running = start(&farm, project.path(), &BUILD);
    let run = running.run_id();
    Api::of(&farm).wait_for_running(&run);

    farm.agent("macmini-01").kill();
    farm.start_agent("macmini-01").unwrap();
    let outcome = running.wait().expect(0);
    assert_eq!(outcome.document("build", "summary.json")["attempt"], 2, "the first attempt died with its agent");
}

#[test]
fn the_job_of_an_agent_that_stays_away_moves_to_a_worker_with_the_same_key() {
    let directory = tempfile::tempdir().unwrap();
    let mut farm = farm_of_equals(&directory.path().canonicalize().unwrap());
    let project = Project::sample().simulate(&SLOW);
    let mut running = start(&farm, project.path(), &BUILD);
    let run = running.run_id();
    let before = Api::of(&farm).wait_for_running(&run);
    assert_eq!(before["worker"], "macmini-01");

    farm.agent("macmini-01").kill();
    let outcome = running.wait().expect(0);
    let summary = outcome.document("build", "summary.json");
    assert_eq!((&summary["attempt"], &summary["worker"]), (&2.into(), &"macmini-02".into()));
    assert_eq!(summary["job_key"], before["job_key"], "only a worker that gives the same key may go on");
    assert_eq!(Api::of(&farm).get("/v1/workers").unwrap()[0]["liveness"], "lost");
}

#[test]
fn a_coordinator_that_is_killed_in_mid_job_goes_on_where_it_was() {
    let mut farm = farm();
    let project = Project::sample().simulate(&SLOW);
    let mut running = start(&farm, project.path(), &BUILD);
    let run = running.run_id();
    Api::of(&farm).wait_for_running(&run);

    farm.coordinator().kill();
    farm.start_coordinator().unwrap();
    let outcome = running.wait().expect(0);
    assert_eq!(outcome.document("build", "summary.json")["attempt"], 1, "no build was lost with the coordinator");
}

#[test]
fn a_coordinator_that_was_away_while_the_job_finished_learns_of_it() {
    let mut farm = farm();
    let project = Project::sample().simulate(&[("BUILD_SECONDS", "1")]);
    let mut running = start(&farm, project.path(), &BUILD);
    let run = running.run_id();
    let job = Api::of(&farm).wait_for_running(&run);

    farm.coordinator().kill();
    // The agent has stored the set when its attestation is there, and has nobody to tell.
    let attestation = format!("attempts/{}/1/set/attestation.json", job["job_id"].as_str().unwrap());
    let objects = Objects::of(&farm);
    wait_until("the set is stored", || objects.has(&attestation));
    farm.start_coordinator().unwrap();
    let outcome = running.wait().expect(0);
    assert_eq!(outcome.document("build", "summary.json")["attempt"], 1);
}

#[test]
fn a_nats_server_that_is_killed_in_mid_run_loses_nothing_that_was_promised() {
    let mut farm = farm();
    let project = Project::sample().simulate(&SLOW);
    let mut running = start(&farm, project.path(), &["xcode", "verify"]);
    let run = running.run_id();
    Api::of(&farm).wait_for_running(&run);

    // The stream of offers lives in memory and is gone; the second step is offered after it.
    farm.nats().kill();
    farm.start_nats().unwrap();
    let outcome = running.wait().expect(0);
    assert_eq!(outcome.document("build", "summary.json")["attempt"], 1);
    assert_eq!(outcome.document("test", "summary.json")["status"], "success");
}
