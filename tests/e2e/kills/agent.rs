//! The agent, killed at every phase of an attempt.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::thread;

use rch_local::{AgentPlan, Farm, FarmPlan};
use rch_xcode_sim::Machine;

use super::hits;
use super::load::{Closing, Wish, keep_asking};
use super::target::{Target, die_at};
use crate::harness::{Ledger, Outcome, PROGRAM, paths, start_farm, wait_until};

/// A request to the coordinator and back takes a few milliseconds.
const REQUEST_MICROS: u64 = 5_000;
/// Compiling takes a tenth of a second or more.
const BUILD_MICROS: u64 = 100_000;

/// From an offer to the receipt for its report, in order.
const STEPS: [Target; 19] = [
    Target::at("claim.sending"),
    Target::after("claim.sending", REQUEST_MICROS, "claim sent"),
    Target::at("claim.answered"),
    Target::at("go.kept"),
    Target::at("fetch"),
    Target::at("unpack"),
    Target::at("provision"),
    Target::at("execute"),
    Target::at("backend.started"),
    Target::after("backend.recorded", BUILD_MICROS, "executing"),
    Target::at("collect"),
    Target::at("sealing"),
    Target::at("sealed"),
    Target::after("upload", REQUEST_MICROS, "uploading"),
    Target::at("uploaded"),
    Target::at("report.keeping"),
    Target::at("report.kept"),
    Target::after("finished.sending", REQUEST_MICROS, "report sent"),
    Target::at("finished.answered"),
];
const WORKERS: [&str; 2] = ["macmini-01", "macmini-02"];
/// No build gives up because its agent died as often as here.
const ATTEMPTS_MAX: i64 = 1_000;

#[test]
fn an_agent_killed_in_any_phase_of_an_attempt_ends_every_job_once() {
    let agents = WORKERS.map(|name| AgentPlan::simulated(name, Machine::xcode_16_2()).setting("kill_grace_seconds", 1));
    let plan = FarmPlan::new(Path::new(PROGRAM)).coordinator_setting("max_attempts", ATTEMPTS_MAX);
    let (farm, over) = (Mutex::new(start_farm(agents.into_iter().fold(plan, FarmPlan::agent))), AtomicBool::new(false));
    let outcomes: Vec<Outcome> = thread::scope(|scope| {
        let closing = Closing(&over);
        let clients = WORKERS.map(|worker| {
            let (farm, over) = (&farm, &over);
            scope.spawn(move || keep_asking(farm, worker, Wish::Build, over))
        });
        let farm = &farm;
        let killers: Vec<_> = WORKERS.into_iter().enumerate().map(|share| scope.spawn(move || kill_again_and_again(farm, share))).collect();
        for killer in killers {
            killer.join().unwrap();
        }
        drop(closing);
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    let farm = farm.into_inner().unwrap();
    let story = Ledger::read(&farm).story();
    assert_eq!(story.runs.len(), outcomes.len(), "one run for each command");
    let mut attempts = 0;
    for outcome in &outcomes {
        let run = &story.runs[outcome.run_id()];
        assert_eq!(run.exit_code, Some(0));
        for job in run.jobs.iter().map(|job| &story.jobs[job]) {
            assert_eq!(job.finished.len(), 1);
            assert_eq!(job.finished.last(), job.started.last(), "the accepted attempt is the last that was started: {:#?}", job.told);
            attempts += job.started.len();
        }
    }
    println!("{} runs in {attempts} attempts", outcomes.len());
    for folder in WORKERS.iter().flat_map(|worker| ["attempts", "outbox"].map(|folder| farm.agent_data(worker).join(folder))) {
        wait_until(&format!("nothing is left in {}", folder.display()), || paths(&folder).is_empty());
    }
}

/// Kills the worker's agent at its share of the steps, each as often as asked for, in a drawn order, and leaves it running.
fn kill_again_and_again(farm: &Mutex<Farm>, (index, worker): (usize, &str)) {
    let seed = fastrand::u64(..);
    println!("seed {seed} of {worker}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut share: Vec<&Target> = STEPS.iter().skip(index).step_by(WORKERS.len()).collect();
    for _ in 0..hits() {
        random.shuffle(&mut share);
        for step in &share {
            die_at(farm, step, &mut random, |farm| farm.agent(worker), |farm| farm.spawn_agent(worker).unwrap());
        }
    }
    farm.lock().unwrap().spawn_agent(worker).unwrap();
    for step in share {
        println!("{:>3} x {}", hits(), step.step);
    }
}
