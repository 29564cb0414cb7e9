//! The log of a job: every byte once, from any offset, while it runs and after.

use std::fs;

use data_encoding::BASE64;
use serde_json::Value;

use crate::harness::{Api, Project, rch, shared, start};

/// Three chunks of output and a piece, so that offsets fall inside, between and onto their ends.
const LINES: &str = "4000";
const BUILD: [&str; 4] = ["xcode", "run", "--action", "build"];

/// The log from an offset on, by the events of the stream; whoever resumes must get the bytes behind the cursor and no others.
fn log_from(api: &Api, job: &str, offset: usize) -> Vec<u8> {
    let mut log = Vec::new();
    api.follow(&format!("/v1/jobs/{job}/log?cursor=1:{offset}"), |event| match event["type"].as_str() {
        Some("log") => {
            assert_eq!(event["offset"], offset + log.len(), "no byte twice and none left out");
            log.extend(BASE64.decode(event["data"].as_str().unwrap().as_bytes()).unwrap());
            None
        }
        Some("end") => Some(event["bytes"].clone()),
        Some("attempt") => None,
        other => panic!("{other:?} in the log of a job that ran once: {event}"),
    });
    log
}

#[test]
fn a_finished_log_can_be_read_from_any_offset() {
    let (farm, project) = (shared(), Project::sample().simulate(&[("LOG_LINES", LINES)]));
    let outcome = rch(farm, project.path(), &BUILD).expect(0);
    let whole = fs::read(outcome.set("build").join("build.log")).unwrap();
    assert!(whole.len() > 3 * 64 * 1024, "{} bytes are too few to show anything", whole.len());
    let job = outcome.document("build", "summary.json")["job_id"].as_str().unwrap().to_owned();

    let api = Api::of(farm);
    let ends = [0, 1, 65_535, 65_536, 65_537, whole.len() - 1, whole.len()];
    for offset in (0..whole.len()).step_by(4_999).chain(ends) {
        assert!(log_from(&api, &job, offset) == whole[offset..], "the events from byte {offset} on differ");
        let bytes = api.bytes(&format!("/v1/jobs/{job}/log?cursor=1:{offset}")).unwrap();
        assert!(bytes == whole[offset..], "the bytes from byte {offset} on differ");
    }
}

#[test]
fn a_running_log_resumed_after_every_piece_is_the_log_byte_for_byte() {
    let (farm, project) = (shared(), Project::sample().simulate(&[("LOG_LINES", LINES), ("BUILD_SECONDS", "2")]));
    let mut running = start(farm, project.path(), &BUILD);
    let run = running.run_id();
    let api = Api::of(farm);
    let job = api.wait_for_running(&run)["job_id"].as_str().unwrap().to_owned();

    let mut log = Vec::new();
    loop {
        // One event, then a new connection: the most that a bad line can do.
        let event =
            api.follow(&format!("/v1/jobs/{job}/log?cursor=1:{}", log.len()), |event| (event["type"] != "attempt").then(|| event.clone()));
        match event["type"].as_str() {
            Some("log") => {
                assert_eq!(event["offset"], log.len());
                log.extend(BASE64.decode(event["data"].as_str().unwrap().as_bytes()).unwrap());
            }
            Some("end") => break,
            other => panic!("{other:?} in the log of a job that ran once: {event}"),
        }
    }
    let outcome = running.wait().expect(0);
    assert!(log == fs::read(outcome.set("build").join("build.log")).unwrap());
}

#[test]
fn rch_tail_shows_the_log_of_a_run_that_has_ended() {
    let (farm, project) = (shared(), Project::sample());
    let outcome = rch(farm, project.path(), &BUILD).expect(0);
    let log = fs::read_to_string(outcome.set("build").join("build.log")).unwrap();
    let tailed = farm.rch(project.path()).args(["tail", outcome.run_id()]).output().unwrap();
    let out = String::from_utf8_lossy(&tailed.stdout).into_owned();
    let lines = |text: &str| text.lines().map(str::trim_end).filter(|line| !line.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(&out), lines(&log));
    assert!(!log.is_empty() && Value::from(tailed.status.code()) == 0);
}
