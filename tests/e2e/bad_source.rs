//! Source chunks that are damaged or missing in the store.

use std::fs;
use std::path::{Path, PathBuf};

use rch_local::{AgentPlan, Farm, FarmPlan};
use rch_xcode_sim::Machine;

use crate::harness::{PROGRAM, Project, paths, rch, start_farm};

const BUILD: [&str; 4] = ["xcode", "run", "--action", "build"];

/// The chunks in the store.
fn chunks(farm: &Farm) -> Vec<PathBuf> {
    paths(&farm.store().join("chunks")).into_iter().filter(|path| path.is_file()).collect()
}

#[test]
fn a_damaged_chunk_is_uploaded_once_more_and_the_run_goes_on() {
    let agents = ["macmini-01", "macmini-02"].map(|name| AgentPlan::simulated(name, Machine::xcode_16_2()));
    let farm = start_farm(agents.into_iter().fold(FarmPlan::new(Path::new(PROGRAM)), FarmPlan::agent));
    let project = Project::sample();
    rch(&farm, project.path(), &BUILD).expect(0);

    // The first worker has its own copies; the second must read the store.
    let whole: Vec<(PathBuf, Vec<u8>)> = chunks(&farm).into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    for (path, _) in &whole {
        fs::write(path, b"not what its name says").unwrap();
    }
    let words = [&BUILD[..], &["--worker", "macmini-02"]].concat();
    let outcome = rch(&farm, project.path(), &words).expect(0);
    assert_eq!(outcome.document("build", "summary.json")["worker"], "macmini-02");
    assert!(whole.iter().any(|(path, bytes)| fs::read(path).unwrap() == *bytes), "what the source needs is whole again");
}

#[test]
fn chunks_that_stay_away_from_the_worker_end_the_run_with_30() {
    let elsewhere = tempfile::tempdir().unwrap();
    let agent = AgentPlan::simulated("macmini-01", Machine::xcode_16_2());
    // The agent looks into another store than the one that clients upload to.
    let agent = agent.setting("store", format!("file://{}", elsewhere.path().display()));
    let farm = start_farm(FarmPlan::new(Path::new(PROGRAM)).agent(agent));
    let project = Project::sample();
    let outcome = rch(&farm, project.path(), &BUILD).expect(30);
    assert!(["SOURCE_MISSING", "SOURCE_CORRUPT"].contains(&outcome.reason()), "{}", outcome.reason());
}
