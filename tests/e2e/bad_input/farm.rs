//! Requests that the farm refuses, cannot serve, or ends for a reason.

use std::path::Path;

use rch_local::{AgentPlan, FarmPlan};
use rch_xcode_sim::Machine;

use super::table::{Row, check};
use crate::harness::{Api, Double, PROGRAM, Project, rch, shared, start, start_farm};

const BUILD: &[&str] = &["xcode", "run", "--action", "build"];

fn add(project: &Project, tables: &str) {
    project.append(".rch/xcode.toml", tables);
}

#[test]
fn requests() {
    let rows = [
        Row { name: "an Xcode that nobody has", words: &["xcode", "run", "--action", "build", "--xcode", "15.0"], prepare: |_| () },
        Row {
            name: "an Xcode build that nobody has",
            words: &["xcode", "run", "--action", "build", "--xcode", "16A242d"],
            prepare: |_| (),
        },
        Row {
            name: "a device that nobody has",
            words: &["xcode", "run", "--action", "build", "--destination", "platform=iOS Simulator,name=iPhone 4,OS=latest"],
            prepare: |_| (),
        },
        Row {
            name: "an OS that nobody has",
            words: &["xcode", "run", "--action", "build", "--destination", "platform=iOS Simulator,name=iPhone 16,OS=12.0"],
            prepare: |_| (),
        },
        Row {
            name: "a worker that is not in the inventory",
            words: &["xcode", "run", "--action", "build", "--worker", "macmini-99"],
            prepare: |_| (),
        },
        Row { name: "a tag that nobody carries", words: BUILD, prepare: |project| add(project, "[worker_selection]\ntags = [\"gpu\"]") },
        Row { name: "a tool that nobody has", words: BUILD, prepare: |project| add(project, "[requires]\ntools = [\"swiftlint\"]") },
        Row {
            name: "a dry run of what nobody can do",
            words: &["xcode", "run", "--action", "build", "--xcode", "15.0", "--dry-run"],
            prepare: |_| (),
        },
        Row {
            name: "a tree that does not compile",
            words: BUILD,
            prepare: |project| {
                project.append("Sources/Feed/FeedView.swift", "struct Unbalanced {");
            },
        },
        Row {
            name: "a job that takes too long",
            words: BUILD,
            prepare: |project| add(project, "[env.set]\nRCH_XCODE_SIM_HANG = \"build\"\n[timeouts]\noverall_seconds = 1"),
        },
        Row {
            name: "a job that says nothing for too long",
            words: BUILD,
            prepare: |project| add(project, "[env.set]\nRCH_XCODE_SIM_HANG = \"build,silent\"\n[timeouts]\nidle_log_seconds = 1"),
        },
        Row { name: "a run that is not there", words: &["wait", "01AAAAAAAAAAAAAAAAAAAAAAAB"], prepare: |_| () },
        Row { name: "an id that is none", words: &["tail", "../../etc/passwd"], prepare: |_| () },
        Row { name: "a worker that is not there", words: &["xcode", "verify", "--worker", "macmini-98", "--dry-run"], prepare: |_| () },
    ];
    check("farm", Some(shared()), &rows);
}

#[test]
fn a_job_that_nobody_had_time_for_exits_90() {
    let agent = AgentPlan::simulated("macmini-01", Machine::xcode_16_2()).slots(1).setting("kill_grace_seconds", 1);
    let farm = start_farm(FarmPlan::new(Path::new(PROGRAM)).agent(agent));
    let busy = Project::sample().simulate(&[("HANG", "build")]);
    let mut running = start(&farm, busy.path(), BUILD);
    let run = running.run_id();
    Api::of(&farm).wait_for_running(&run);
    let rows = [Row { name: "no slot in time", words: BUILD, prepare: |project| add(project, "[timeouts]\nqueue_seconds = 1") }];
    check("queue", Some(&farm), &rows);
    rch(&farm, busy.path(), &["cancel", &run]).expect(0);
    running.wait().expect(80);
}

#[test]
fn a_token_that_the_farm_does_not_accept_exits_20() {
    let double = Double::of(shared(), |answer| {
        answer.status = 401;
        answer.body = b"<html>who are you?</html>".to_vec();
    });
    let project = Project::sample();
    let outcome = crate::harness::rch_at(shared(), double.url(), project.path(), BUILD).expect(20);
    assert_eq!(outcome.reason(), "UNAUTHORIZED");
}
