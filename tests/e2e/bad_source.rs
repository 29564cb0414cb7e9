//! Source chunks that are damaged or missing in the store.

use std::path::Path;

use nix::sys::signal::Signal;
use rch_local::{AgentPlan, FarmPlan};
use rch_xcode_sim::Machine;

use crate::harness::{Api, Objects, PROGRAM, Project, rch, start, start_farm};

const BUILD: [&str; 4] = ["xcode", "run", "--action", "build"];

/// The chunks in the store, with what they hold.
fn whole_chunks(objects: &Objects) -> Vec<(String, Vec<u8>)> {
    objects.keys("chunks").into_iter().map(|key| (key.clone(), objects.get(&key))).collect()
}

fn damage(objects: &Objects, chunks: &[(String, Vec<u8>)]) {
    for (key, _) in chunks {
        objects.put(key, b"not what its name says".to_vec());
    }
}

fn is_one_whole(objects: &Objects, whole: &[(String, Vec<u8>)]) -> bool {
    whole.iter().any(|(key, bytes)| objects.get(key) == *bytes)
}

#[test]
fn a_damaged_chunk_is_uploaded_once_more_and_the_run_goes_on() {
    let agents = ["macmini-01", "macmini-02"].map(|name| AgentPlan::simulated(name, Machine::xcode_16_2()));
    let farm = start_farm(agents.into_iter().fold(FarmPlan::new(Path::new(PROGRAM)), FarmPlan::agent));
    let project = Project::sample();
    rch(&farm, project.path(), &BUILD).expect(0);

    // The first worker has its own copies; the second must read the store.
    let objects = Objects::of(&farm);
    let whole = whole_chunks(&objects);
    damage(&objects, &whole);
    let words = [&BUILD[..], &["--worker", "macmini-02"]].concat();
    let outcome = rch(&farm, project.path(), &words).expect(0);
    assert_eq!(outcome.document("build", "summary.json")["worker"], "macmini-02");
    assert!(is_one_whole(&objects, &whole), "what the source needs is whole again");
}

#[test]
fn a_chunk_that_is_damaged_again_ends_the_run_with_30() {
    let agents = ["macmini-01", "macmini-02"].map(|name| AgentPlan::simulated(name, Machine::xcode_16_2()));
    let mut farm = start_farm(agents.into_iter().fold(FarmPlan::new(Path::new(PROGRAM)), FarmPlan::agent));
    let api = Api::of(&farm);
    let project = Project::sample();
    rch(&farm, project.path(), &BUILD).expect(0);
    let objects = Objects::of(&farm);
    let whole = whole_chunks(&objects);
    damage(&objects, &whole);

    // Whoever is not to act is stopped, so that each step happens before the next: the offer waits for the agent, ...
    farm.agent("macmini-02").signal(Signal::SIGSTOP);
    let mut running = start(&farm, project.path(), &[&BUILD[..], &["--worker", "macmini-02"]].concat());
    let run = running.run_id();
    running.signal(Signal::SIGSTOP);
    // ... the upload for the client, ...
    farm.agent("macmini-02").signal(Signal::SIGCONT);
    api.follow(&format!("/v1/runs/{run}/events"), |event| (event["change"]["type"] == "source_missing").then_some(()));
    farm.agent("macmini-02").signal(Signal::SIGSTOP);
    running.signal(Signal::SIGCONT);
    api.wait_for_run(&run, |run| run["jobs"][0]["waiting"]["reason"] == "claim");
    assert!(is_one_whole(&objects, &whole), "what the source needs is whole again");
    // ... and the second look for the damage.
    damage(&objects, &whole);
    farm.agent("macmini-02").signal(Signal::SIGCONT);

    let outcome = running.wait().expect(30);
    assert!(["SOURCE_MISSING", "SOURCE_CORRUPT"].contains(&outcome.reason()), "{}", outcome.reason());
}
