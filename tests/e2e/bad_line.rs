//! A bad line between client and farm: whatever breaks, the run is made once, every line of its log is told once, and it ends as it ended.

use std::fs;
use std::path::Path;
use std::time::Duration;

use fastrand::Rng;
use rch_local::{AgentPlan, FarmPlan};
use rch_xcode_sim::Machine;

use crate::harness::{Api, Fault, Line, Outcome, PROGRAM, Project, rch, rch_at, shared, start, start_farm};

/// Enough of a log to be cut in many places.
const LINES: &str = "1500";
/// More than one chunk of source that no compression makes small.
const NOISE_BYTES: usize = 3 * 1024 * 1024;
/// Connections that may be bad: then the line is good, so that every test ends.
const BAD_MAX: usize = 60;

/// A project with a long log, an upload of several chunks, and all artifacts wanted.
fn project() -> Project {
    let project = Project::sample().simulate(&[("LOG_LINES", LINES), ("BUILD_SECONDS", "1")]).configure("[artifacts]\ndownload = \"all\"");
    let mut rng = Rng::with_seed(7);
    let noise: Vec<u8> = std::iter::repeat_with(|| rng.u8(..)).take(NOISE_BYTES).collect();
    fs::write(project.file("noise.bin"), noise).unwrap();
    project
}

/// Runs `verify` over a line with such faults, and expects what one over a good line gives.
#[track_caller]
fn verified(request_id: &str, fault: impl Fn(usize) -> Fault + Send + 'static) -> usize {
    let (farm, project) = (shared(), project());
    let line = Line::to(farm, move |index| if index < BAD_MAX { fault(index) } else { Fault::None });
    let words = ["xcode", "verify", "--log", "raw", "--request-id", request_id];
    let outcome = rch_at(farm, &line.url(), project.path(), &words).expect(0);
    assert_logs_are_whole(&outcome);
    assert!(outcome.set("test").join("result.xcresult").is_dir(), "everything was fetched, and checked with it");
    let api = Api::of(farm);
    let runs = api.get("/v1/runs?limit=1000").unwrap();
    let of_ours = |run: &&serde_json::Value| {
        let view = api.get(&format!("/v1/runs/{}", run["run_id"].as_str().unwrap())).unwrap();
        view["plan"]["request_id"] == request_id
    };
    assert_eq!(runs.as_array().unwrap().iter().filter(of_ours).count(), 1, "one request is one run");
    line.connections()
}

/// The lines that were told of each job are the lines of its log.
fn assert_logs_are_whole(outcome: &Outcome) {
    for action in ["build", "test"] {
        let log = fs::read_to_string(outcome.set(action).join("build.log")).unwrap();
        let job = outcome.document(action, "summary.json")["job_id"].clone();
        let told = outcome.lines.iter().map(|line| &line["event"]).filter(|event| event["type"] == "log" && event["job_id"] == job);
        let told: Vec<&str> = told.map(|event| event["line"].as_str().unwrap()).collect();
        let written: Vec<&str> = log.lines().collect();
        let differs = written.iter().zip(&told).position(|(written, told)| written != told);
        assert_eq!((told.len(), differs), (written.len(), None), "{action}: a line is lost, told twice or changed");
    }
}

/// Where the connection of this index breaks: early ones soon, so that nothing gets through whole at first.
fn cut(seed: u64, index: usize) -> Fault {
    let mut rng = Rng::with_seed(seed * 1_000 + index as u64);
    let bytes = rng.usize(0..(4 * 1024) << (index / 6).min(10));
    match rng.u8(0..4) {
        0 => Fault::RequestCut(bytes),
        1 => Fault::HalfClosed(bytes),
        _ => Fault::AnswerCut(bytes),
    }
}

#[test]
fn connections_that_break_anywhere_lose_nothing_and_make_one_run() {
    let seed = std::env::var("RCH_SEED").map_or(1, |seed| seed.parse().unwrap());
    println!("RCH_SEED={seed}");
    let connections = verified(&format!("e2e-line-cut-{seed}"), move |index| cut(seed, index));
    println!("{connections} connections");
    assert!(connections > 10, "only {connections} connections: nothing was shown");
}

#[test]
fn rubbish_and_bad_gateways_in_between_are_tried_again() {
    const RUBBISH: [&str; 4] = [
        "HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\ncontent-length: 13\r\nconnection: close\r\n\r\n<h1>502</h1>\r\n",
        "\u{16}\u{3}\u{1} no http at all\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 500\r\nconnection: close\r\n\r\n{\"cut\":",
        "HTTP/1.1 503 Service Unavailable\r\nretry-after: 0\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    ];
    verified("e2e-rubbish-line", |index| match index % 3 {
        0 => Fault::Says(RUBBISH[index / 3 % RUBBISH.len()]),
        1 => Fault::AnswerCut(20 * 1024),
        _ => Fault::None,
    });
}

#[test]
fn a_run_can_be_waited_for_shown_and_fetched_over_a_bad_line() {
    let (farm, project) = (shared(), project());
    let run = rch(farm, project.path(), &["xcode", "verify"]).expect(0).run_id().to_owned();
    fs::remove_dir_all(project.file(".rch/artifacts")).unwrap();
    for (words, seed) in [(&["wait", &run][..], 11), (&["tail", &run, "--log", "raw"], 12), (&["fetch", &run], 13)] {
        let line = Line::to(farm, move |index| if index < 8 { cut(seed, index) } else { Fault::None });
        let outcome = rch_at(farm, &line.url(), project.path(), words).expect(0);
        assert_eq!(outcome.run_id(), run);
    }
}

#[test]
fn a_slow_line_is_only_slow() {
    verified("e2e-slow-line", |_| Fault::Slow(Duration::from_millis(1)));
}

#[test]
fn a_log_that_is_followed_goes_on_after_the_coordinator_came_back() {
    let agent = AgentPlan::simulated("macmini-01", Machine::xcode_16_2());
    let mut farm = start_farm(FarmPlan::new(Path::new(PROGRAM)).agent(agent));
    let project = Project::sample().simulate(&[("LOG_LINES", LINES), ("BUILD_SECONDS", "3")]);
    let detached = rch(&farm, project.path(), &["xcode", "run", "--action", "build", "--detach"]).expect(0);
    let run = detached.run_id().to_owned();
    let tail = start(&farm, project.path(), &["tail", "last", "--log", "raw"]);
    Api::of(&farm).wait_for_running(&run);
    farm.coordinator().kill();
    farm.start_coordinator().unwrap();

    let told = tail.wait().expect(0);
    let fetched = rch(&farm, project.path(), &["fetch", "last"]).expect(0);
    let log = fs::read_to_string(fetched.set("build").join("build.log")).unwrap();
    let lines: Vec<&str> = told.lines.iter().filter_map(|line| line["event"]["line"].as_str()).collect();
    assert!(lines == log.lines().collect::<Vec<_>>(), "{} lines of {} were told", lines.len(), log.lines().count());
}

#[test]
fn a_run_that_was_left_alone_is_found_by_last_and_by_the_beginning_of_its_id() {
    let (farm, project) = (shared(), Project::sample().simulate(&[("BUILD_SECONDS", "1")]));
    let detached = rch(farm, project.path(), &["xcode", "run", "--action", "build", "--detach"]).expect(0);
    let run = detached.run_id().to_owned();
    assert!(!detached.artifacts().join("run_summary.json").exists(), "it was not waited for");
    let job = Api::of(farm).get(&format!("/v1/runs/{run}")).unwrap()["jobs"][0]["job_id"].as_str().unwrap().to_owned();

    let beginning = &run[..run.len() - 2];
    for name in ["last", beginning, &run, &job] {
        let waited = rch(farm, project.path(), &["wait", name]).expect(0);
        assert_eq!(waited.run_id(), run, "{name}");
        let tailed = rch(farm, project.path(), &["tail", name, "--log", "raw"]).expect(0);
        assert!(tailed.lines.iter().any(|line| line["event"]["type"] == "log"), "{name}");
        let fetched = rch(farm, project.path(), &["fetch", name]).expect(0);
        assert_eq!(fetched.document("build", "summary.json")["status"], "success", "{name}");
    }
}

#[test]
fn an_id_that_was_used_for_another_request_is_a_conflict_in_words() {
    let (farm, project) = (shared(), Project::sample());
    let words = ["xcode", "run", "--action", "build", "--request-id", "e2e-used-twice", "--detach"];
    let first = rch(farm, project.path(), &words).expect(0);
    assert_eq!(rch(farm, project.path(), &words).expect(0).run_id(), first.run_id());

    project.append("Sources/Feed/FeedView.swift", "// another tree");
    let other = rch(farm, project.path(), &words).expect(2);
    let said = format!(
        "request id e2e-used-twice was used for another request, which made run {}; give this request an id of its own",
        first.run_id()
    );
    assert_eq!((other.reason(), other.result()["message"].as_str()), ("CONFLICT", Some(said.as_str())));
}
