//! Programs that stand still for longer than anybody waits for them, and then go on as if nothing had happened (SIGSTOP and SIGCONT): a laptop that
//! slept, a machine that swapped. All times are the product's own; nothing is shortened.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rch_crash_point::VARIABLE;
use rch_local::{AgentPlan, Farm, FarmPlan};
use rch_xcode_sim::Machine;
use serde_json::Value;

use crate::harness::{Api, Ledger, PROGRAM, Project, Running, Standby, paths, rch, start, start_farm, wait_for_file, wait_until};

const BUILD: [&str; 4] = ["xcode", "run", "--action", "build"];
/// Longer than a worker's silence until it is lost, 60 s.
const LONG: Duration = Duration::from_secs(70);
/// How many workers are busy while their leader stands still.
const MANY: usize = 20;
/// How soon after waking an agent has ended what nobody wants any more.
const GONE_WITHIN: Duration = Duration::from_secs(15);

fn agent(name: &str) -> AgentPlan {
    AgentPlan::simulated(name, Machine::xcode_16_2()).setting("kill_grace_seconds", 1)
}

/// The process of a job's backend, by what its agent wrote down for a sweep.
fn backend(farm: &Farm, worker: &str, job: &str) -> Pid {
    let path = farm.agent_data(worker).join("attempts").join(format!("{job}.1/process.json"));
    wait_for_file(&path);
    let process: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    Pid::from_raw(i32::try_from(process["pid"].as_i64().unwrap()).unwrap())
}

/// One test for all: each mostly waits, and the test runner has no more places than there are cores.
#[test]
fn what_stood_still_and_goes_on_changes_nothing_that_was_decided_meanwhile() {
    thread::scope(|scope| {
        scope.spawn(an_agent_that_was_stopped_past_lost_ends_what_moved_on_and_its_result_is_refused);
        scope.spawn(a_leader_that_stood_still_past_lost_loses_none_of_many_busy_workers);
        for point in ["submit.decided", "claim.acknowledged", "finished.decided", "offer.publishing"] {
            scope.spawn(move || a_leader_that_stops_at(point));
        }
    });
}

fn an_agent_that_was_stopped_past_lost_ends_what_moved_on_and_its_result_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap();
    let mac = root.join("agents/macmini-01/mac");
    let path = |path: &Path| vec![path.to_str().unwrap().to_owned()];
    let second = agent("macmini-02").setting("tool_path", path(&mac.join("bin"))).setting("xcode_search", path(&mac));
    let plan = FarmPlan::new(Path::new(PROGRAM)).at(&root).agent(agent("macmini-01").slots(2)).agent(second.slots(2));
    let mut farm = start_farm(plan);
    let api = Api::of(&farm);
    // One build never ends, whatever asks it to. The other ends while its agent is stopped, which wakes with a result.
    let endless = Project::sample().simulate(&[("HANG", "build"), ("IGNORE_SIGNALS", "1")]);
    let slow = Project::sample().simulate(&[("BUILD_SECONDS", "10")]);
    let mut runs = [&endless, &slow].map(|project| start(&farm, project.path(), &BUILD));
    let ids = runs.each_mut().map(Running::run_id);
    let [job, other] = ids.each_ref().map(|run| api.wait_for_running(run)["job_id"].as_str().unwrap().to_owned());
    let child = backend(&farm, "macmini-01", &job);

    farm.agent("macmini-01").signal(Signal::SIGSTOP);
    for run in &ids {
        api.wait_for_run(run, |run| run["jobs"][0]["attempt"] == 2 && run["jobs"][0]["state"] == "RUNNING");
    }
    assert!(kill(child, None).is_ok(), "the stopped agent's backend goes on");
    farm.agent("macmini-01").signal(Signal::SIGCONT);
    let woken = Instant::now();
    wait_until("the backend of the attempt that moved on is gone", || kill(child, None).is_err());
    // The promise is one about time.
    assert!(woken.elapsed() < GONE_WITHIN, "it took {:?}", woken.elapsed());
    println!("gone {:?} after waking", woken.elapsed());
    for folder in ["attempts", "outbox"].map(|folder| farm.agent_data("macmini-01").join(folder)) {
        wait_until(&format!("its late reports were answered and nothing is left in {}", folder.display()), || paths(&folder).is_empty());
    }

    rch(&farm, endless.path(), &["cancel", &ids[0]]).expect(0);
    let [cancelled, built] = runs.map(Running::wait);
    cancelled.expect(80);
    assert_eq!(built.expect(0).document("build", "summary.json")["worker"], "macmini-02");
    let story = Ledger::read(&farm).story();
    let of = |job: &String| (&story.jobs[job].started[..], &story.jobs[job].finished[..]);
    assert_eq!((of(&job), of(&other)), ((&[1, 2][..], &[][..]), (&[1, 2][..], &[2][..])));
}

fn a_leader_that_stood_still_past_lost_loses_none_of_many_busy_workers() {
    let names: Vec<String> = (1..=MANY).map(|number| format!("macmini-{number:02}")).collect();
    let plan = names.iter().fold(FarmPlan::new(Path::new(PROGRAM)), |plan, name| plan.agent(agent(name)));
    let mut farm = start_farm(plan);
    let api = Api::of(&farm);
    // The builds outlast the pause, so that every worker is busy before, while and after.
    let project = Project::sample().simulate(&[("BUILD_SECONDS", "90")]);
    let runs: Vec<_> = names.iter().map(|name| start(&farm, project.path(), &[&BUILD[..], &["--worker", name]].concat())).collect();
    let runs: Vec<_> = runs.into_iter().map(|mut run| (run.run_id(), run)).collect();
    for (run, _) in &runs {
        api.wait_for_running(run);
    }

    farm.coordinator().signal(Signal::SIGSTOP);
    // What is tested is that time passes and nothing else happens: there is nothing to wait for.
    thread::sleep(LONG);
    farm.coordinator().signal(Signal::SIGCONT);
    for (_, run) in runs {
        let outcome = run.wait().expect(0);
        assert_eq!(outcome.document("build", "summary.json")["attempt"], 1);
    }
    let ledger = Ledger::read(&farm);
    assert_eq!(ledger.count("WorkerLost") + ledger.count("AttemptLost") + ledger.count("AttemptInterrupted"), 0);
    assert!(ledger.story().jobs.values().all(|job| job.started == [1]));
}

/// Has the leader stop itself at `point` of a run's way, lets a standby take the lead, and wakes the old leader in the middle of what it was doing: its
/// append is refused, its answer promises nothing that is not recorded, its offer does no harm. The run is there once, is started once, ends once, and
/// nothing of the old term comes after the new one began.
fn a_leader_that_stops_at(point: &str) {
    let mut farm = start_farm(FarmPlan::new(Path::new(PROGRAM)).agent(agent("macmini-01")));
    farm.coordinator().kill();
    farm.coordinator().set_variable(VARIABLE, Some(&format!("{point}:1:stop")));
    farm.start_coordinator().unwrap();
    let standby = Standby::of(&farm);
    let project = Project::sample();
    let running = start(&farm, project.path(), &BUILD);

    standby.wait_until_leading();
    farm.coordinator().signal(Signal::SIGCONT);
    wait_until("the old leader knows", || farm_log(&farm).contains("no longer leading"));
    // It has the lead again once the other is gone, and with it the client its coordinator; or the run has ended before that.
    drop(standby);
    let outcome = running.wait().expect(0);
    let story = Ledger::read(&farm).story();
    assert_eq!(story.runs.len(), 1, "one run, however often it was submitted");
    let run = &story.runs[outcome.run_id()];
    assert_eq!((run.exit_code, &story.jobs[&run.jobs[0]].started[..]), (Some(0), &[1][..]));
    assert!(story.terms >= 3, "the farm's, the stopped one's, the standby's: {}", story.terms);
}

fn farm_log(farm: &Farm) -> String {
    fs::read_to_string(farm.directory().join("logs/coordinator.log")).unwrap()
}
