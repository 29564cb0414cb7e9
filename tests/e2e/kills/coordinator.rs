//! The coordinator, killed at every step of taking a run in and of ending it.

use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::thread;

use rch_local::{AgentPlan, Farm, FarmPlan};
use rch_xcode_sim::Machine;
use serde_json::Value;

use super::hits;
use super::load::{Closing, Wish, keep_asking};
use super::target::{Target, die_at};
use crate::harness::{Api, Ledger, Outcome, PROGRAM, start_farm};

/// An append takes a few milliseconds: the record may have landed or not, unknown to the one who sent it.
const APPEND_MICROS: u64 = 3_000;

/// From a submitted run to a started attempt.
const TO_THE_START: [Target; 16] = [
    Target::at("submit.received"),
    Target::at("submit.decided"),
    Target::after("submit.decided", APPEND_MICROS, "submit, append sent"),
    Target::at("submit.acknowledged"),
    Target::at("submit.handed_on"),
    Target::at("submit.answered"),
    Target::at_one_of(2, "rows.writing"),
    Target::at_one_of(2, "rows.written"),
    Target::at("plan.writing"),
    Target::at("plan.written"),
    Target::at("evidence.writing"),
    Target::at("offer.publishing"),
    Target::at("offer.published"),
    Target::at("claim.decided"),
    Target::at("claim.acknowledged"),
    Target::at("claim.answered"),
];
/// From a report that an attempt finished to a run that can be read.
const TO_THE_END: [Target; 15] = [
    Target::at("finished.received"),
    Target::at("finished.decided"),
    Target::after("finished.decided", APPEND_MICROS, "finished, append sent"),
    Target::at("finished.acknowledged"),
    Target::at("finished.handed_on"),
    Target::at("finished.answered"),
    Target::at_one_of(4, "rows.writing"),
    Target::at_one_of(4, "rows.written"),
    Target::at("evidence.written"),
    Target::at("own_set.writing"),
    Target::at("own_set.written"),
    Target::at("pointer.writing"),
    Target::at("pointer.written"),
    Target::at("summary.writing"),
    Target::at("summary.written"),
];
/// Each client has an agent of its own: an agent reports one thing after another, and waits for an answer that a dead coordinator owes it.
const CLIENTS: [(&str, Wish); 5] = [
    ("macmini-01", Wish::Build),
    ("macmini-02", Wish::Build),
    ("macmini-03", Wish::Broken),
    ("macmini-04", Wish::Cancelled),
    ("macmini-05", Wish::Cancelled),
];

#[test]
fn a_coordinator_killed_at_any_step_of_starting_a_job_starts_it_once() {
    kill_at_each_of(&TO_THE_START);
}

#[test]
fn a_coordinator_killed_at_any_step_of_ending_a_job_ends_it_once() {
    kill_at_each_of(&TO_THE_END);
}

fn kill_at_each_of(steps: &[Target]) {
    let agents = CLIENTS.map(|(name, _)| AgentPlan::simulated(name, Machine::xcode_16_2()).setting("kill_grace_seconds", 1));
    let farm = start_farm(agents.into_iter().fold(FarmPlan::new(Path::new(PROGRAM)), FarmPlan::agent));
    let (farm, over) = (Mutex::new(farm), AtomicBool::new(false));
    let outcomes: Vec<Outcome> = thread::scope(|scope| {
        let closing = Closing(&over);
        let clients = CLIENTS.map(|(worker, wish)| {
            let (farm, over) = (&farm, &over);
            scope.spawn(move || keep_asking(farm, worker, wish, over))
        });
        kill_again_and_again(&farm, steps);
        drop(closing);
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    let mut farm = farm.into_inner().unwrap();
    let told = check(&farm, &outcomes);
    farm.coordinator().kill();
    fs::remove_dir_all(farm.directory().join("coordinator")).unwrap();
    farm.start_coordinator().unwrap();
    assert_eq!(check(&farm, &outcomes), told, "a projection that is rebuilt from the ledger tells the same");
}

/// Kills it at each step as often as asked for, in a drawn order, and leaves it running.
fn kill_again_and_again(farm: &Mutex<Farm>, steps: &[Target]) {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..hits() {
        let mut steps = steps.to_vec();
        random.shuffle(&mut steps);
        for step in &steps {
            die_at(farm, step, &mut random, Farm::coordinator, |farm| {
                // It may die before it is ready.
                let _ = farm.start_coordinator();
            });
        }
    }
    farm.lock().unwrap().start_coordinator().unwrap();
    for step in steps {
        println!("{:>3} x {}", hits(), step.step);
    }
}

/// The ledger keeps its promises and agrees with what every client was told; what the farm says of the runs.
fn check(farm: &Farm, outcomes: &[Outcome]) -> Vec<Value> {
    let story = Ledger::read(farm).story();
    println!("{} runs under {} leaders", story.runs.len(), story.terms);
    assert_eq!(story.runs.len(), outcomes.len(), "one run for each command");
    let api = Api::of(farm);
    let look = |outcome: &Outcome| {
        let run = &story.runs[outcome.run_id()];
        assert_eq!(run.exit_code, Some(outcome.code.into()));
        for job in run.jobs.iter().map(|job| &story.jobs[job]) {
            assert_eq!(job.started.len(), 1, "no build was lost with the coordinator, and none ran twice: {:#?}", job.told);
            assert_eq!(job.finished.len(), usize::from(outcome.code != 80), "only what was cancelled has no set of an agent");
        }
        api.get(&format!("/v1/runs/{}", outcome.run_id())).unwrap()
    };
    outcomes.iter().map(look).collect()
}
