//! Runs told from data, as in the transcripts.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::time::{Duration, Instant};

use rch_schemas::wire::http::RunView;
use rch_schemas::{Attempt, JobId};
use serde_json::{Value, json};

use super::cursor::Piece;
use super::*;
use crate::cli::LogMode;
use crate::output::xcodebuild::TreePaths;
use crate::output::{Captured, Reporter, Style, shown};

/// A run of a build and a test step with these job states, and with members of the jobs replaced.
pub(super) fn run(state: &str, build: &Value, test: &Value) -> RunView {
    let job = |id: &str, step: u32, action: &str, members: &Value| {
        let mut job = json!({"job_id": id, "run_id": "run-0000001", "step": step, "action": action, "destination": 0, "state": "QUEUED", "seq": 1, "attempt": 0, "duration_ms": 0});
        for (name, value) in members.as_object().unwrap() {
            job[name] = value.clone();
        }
        job
    };
    serde_json::from_value(json!({
        "state": state, "seq": 1, "accepted_at": "2026-01-01T00:00:00Z",
        "plan": {
            "schema_version": 1, "schema_id": "rch-xcode/run_plan@1", "created_at": "2026-01-01T00:00:00Z", "run_id": "run-0000001",
            "request_id": "request-001", "requester": "local", "priority": "normal", "project": "SampleApp", "protocol_version": 1,
            "continue_on_failure": false, "revision": 0,
            "destinations": [{"index": 0, "asked": {"asked": "name=iPhone 16"}, "mode": "deterministic", "worker": "macmini-02"}],
            "steps": [
                {"index": 0, "name": "build", "action": "build", "jobs": [{"job_id": "job-0000001", "destination": 0}]},
                {"index": 1, "name": "test", "action": "test", "jobs": [{"job_id": "job-0000002", "destination": 0}]},
            ],
        },
        "jobs": [job("job-0000001", 0, "build", build), job("job-0000002", 1, "test", test)],
    }))
    .unwrap()
}

fn build() -> JobId {
    "job-0000001".parse().unwrap()
}

fn test() -> JobId {
    "job-0000002".parse().unwrap()
}

struct Told {
    story: Story,
    reporter: Reporter,
    captured: Captured,
    now: Instant,
}

impl Told {
    fn new(log: LogMode) -> Self {
        Self::to(Captured::reporter(Style::Human), log)
    }

    fn at_terminal() -> Self {
        Self::to(Captured::at_terminal(), LogMode::Short)
    }

    fn to((reporter, captured): (Reporter, Captured), log: LogMode) -> Self {
        let paths = TreePaths::new(["Sources/Feed/FeedView.swift"].into_iter());
        let (now, queued) = (Instant::now(), run("QUEUED", &json!({}), &json!({})));
        Self { story: Story::new(queued, Telling { log, paths, only: None }, now), reporter, captured, now }
    }

    fn update(&mut self, run: RunView) -> Vec<JobId> {
        self.story.update(run, self.now, &mut self.reporter);
        self.advance()
    }

    fn advance(&mut self) -> Vec<JobId> {
        self.story.advance(self.now, &mut self.reporter).into_iter().map(|wanted| wanted.job_id).collect()
    }

    fn log(&mut self, job: &JobId, text: &str) {
        self.story.piece(job, Piece::Bytes(text.as_bytes().to_vec()), &mut self.reporter);
    }

    fn end(&mut self, job: &JobId, attempt: u32) -> Vec<JobId> {
        self.story.piece(job, Piece::End { attempt: Attempt(attempt) }, &mut self.reporter);
        self.advance()
    }
}

fn running(attempt: u32) -> Value {
    json!({"state": "RUNNING", "attempt": attempt, "worker": "macmini-02"})
}

fn ended(state: &str, milliseconds: u64) -> Value {
    json!({"state": state, "attempt": 1, "worker": "macmini-02", "duration_ms": milliseconds})
}

const COMPILE: &str = "SwiftCompile normal arm64 /w/src/Sources/Feed/FeedView.swift (in target 'SampleApp' from project 'SampleApp')\n";

#[test]
fn a_run_that_succeeds_is_told_as_in_the_transcript() {
    let mut told = Told::new(LogMode::Short);
    assert_eq!(told.update(run("RUNNING", &running(1), &json!({}))), [build()]);
    told.log(&build(), COMPILE);
    told.log(&build(), "/w/src/Sources/Feed/FeedView.swift:88:13: warning: variable 'cell' was never mutated\n  let cell\n      ^\n");
    for line in 1..=3 {
        told.log(&build(), &format!("/w/src/Sources/Feed/FeedView.swift:{line}: warning: more\n"));
    }
    // The state may be known before the log's end, and the next step may run already: the order of telling stays.
    assert_eq!(told.update(run("RUNNING", &ended("SUCCEEDED", 48_200), &running(1))), []);
    assert_eq!(told.end(&build(), 1), [test()]);
    told.log(
        &test(),
        "Test Case '-[SampleAppTests.A testA]' passed (0.1 seconds).\nTest Case '-[SampleAppTests.A testB]' skipped (0.1 seconds).\n",
    );
    told.log(&test(), "Test Case '-[SampleAppUITests.A testA]' passed (0.1 seconds).\n");
    told.end(&test(), 1);
    told.update(run("SUCCEEDED", &ended("SUCCEEDED", 48_200), &ended("SUCCEEDED", 46_900)));
    assert!(told.story.is_over());
    let expected = "       build  SampleApp, 1 file compiled
              Sources/Feed/FeedView.swift:88:13: warning: variable 'cell' was never mutated
              3 more warnings in build.log
   Succeeded  build in 48.2 s
        test  SampleAppTests 1 passed, 1 skipped; SampleAppUITests 1 passed
   Succeeded  test in 46.9 s
";
    assert_eq!(told.captured.err(), expected);
    assert_eq!(told.captured.out(), "");
}

#[test]
fn on_a_terminal_an_error_is_told_at_once_and_the_line_above_it_follows_the_counts() {
    let mut told = Told::at_terminal();
    told.update(run("RUNNING", &running(1), &json!({})));
    told.log(&build(), COMPILE);
    assert_eq!(shown(&told.captured.err()), ["       build  SampleApp, 1 file compiled"]);
    told.log(&build(), "/w/src/Sources/Feed/FeedView.swift:88:13: error: no\n  x\n  ^\n");
    told.log(&build(), &COMPILE.replace("FeedView", "FeedCell"));
    told.log(&build(), "/w/src/Sources/Feed/FeedView.swift:90:1: error: nor\n  y\n  ^\n");
    let errors = "\nSources/Feed/FeedView.swift:88:13: error: no\n  x\n  ^\nSources/Feed/FeedView.swift:90:1: error: nor\n  y\n  ^\n";
    assert_eq!(shown(&told.captured.err()).join("\n"), format!("       build  SampleApp, 2 files compiled\n{errors}"));
    told.log(&build(), &COMPILE.replace("FeedView", "FeedModel"));
    told.end(&build(), 1);
    told.update(run("FAILED", &ended("FAILED", 9_400), &json!({"state": "SKIPPED"})));
    let expected = format!(
        "       build  SampleApp, 3 files compiled\n{errors}\n      Failed  build in 9.4 s: 2 errors in 1 file\n     Skipped  test, because build failed\n"
    );
    assert_eq!(shown(&told.captured.err()).join("\n"), expected);
}

#[test]
fn a_compile_error_is_told_with_its_source_below_the_counts_and_the_rest_is_skipped() {
    let mut told = Told::new(LogMode::Short);
    told.update(run("RUNNING", &running(1), &json!({})));
    told.log(&build(), COMPILE);
    told.log(&build(), "/w/src/Sources/Feed/FeedView.swift:88:13: error: cannot find 'cel' in scope\n            cel.title = post.title\n            ^~~\n");
    told.log(&build(), "/w/src/Sources/Feed/FeedView.swift:91:20: error: value of type 'Post' has no member 'titel'\n            header = post.titel\n                     ~~~~ ^~~~~\n** BUILD FAILED **\n");
    told.end(&build(), 1);
    told.update(run("FAILED", &ended("FAILED", 9_400), &json!({"state": "SKIPPED"})));
    assert!(told.story.is_over());
    let expected = "       build  SampleApp, 1 file compiled

Sources/Feed/FeedView.swift:88:13: error: cannot find 'cel' in scope
            cel.title = post.title
            ^~~
Sources/Feed/FeedView.swift:91:20: error: value of type 'Post' has no member 'titel'
            header = post.titel
                     ~~~~ ^~~~~

      Failed  build in 9.4 s: 2 errors in 1 file
     Skipped  test, because build failed
";
    assert_eq!(told.captured.err(), expected);
}

#[test]
fn what_is_said_of_the_whole_build_is_said_once() {
    let said = "xcodebuild: error: The project named \"App\" does not contain a scheme named \"Nope\".";
    for (mode, expected) in [
        (LogMode::Short, format!("       build  SampleApp\n\n{said}\n\n      Failed  build in 9.4 s: 1 error\n")),
        (LogMode::Raw, format!("      Failed  build in 9.4 s: {}\n", said.trim_start_matches("xcodebuild: error: "))),
    ] {
        let mut told = Told::new(mode);
        told.update(run("RUNNING", &running(1), &json!({})));
        told.log(&build(), &format!("{said}\n"));
        told.end(&build(), 1);
        told.update(run("FAILED", &ended("FAILED", 9_400), &json!({"state": "SKIPPED"})));
        assert_eq!(told.captured.err(), format!("{expected}     Skipped  test, because build failed\n"));
    }
}

#[test]
fn waiting_is_told_once_per_change_and_the_start_says_how_long_it_took() {
    let mut told = Told::new(LogMode::None);
    let waiting = |ahead: u32, detail: &str| json!({"waiting": {"reason": "slot", "ahead": ahead, "detail": detail}});
    told.update(run("QUEUED", &waiting(2, "macmini-02 is busy"), &json!({})));
    told.update(run("QUEUED", &waiting(2, "macmini-02 is busy"), &json!({})));
    told.update(run("QUEUED", &waiting(0, "macmini-02 is busy"), &json!({"waiting": {"reason": "step", "detail": "after build"}})));
    for seconds in (1..=5).rev() {
        let backoff = json!({"waiting": {"reason": "backoff", "detail": format!("macmini-02 refused, and is asked again in {seconds} s")}});
        told.update(run("QUEUED", &backoff, &json!({})));
    }
    told.now += Duration::from_secs(221);
    told.update(run("RUNNING", &running(1), &json!({})));
    let expected = "     Waiting  3rd: macmini-02 is busy
     Waiting  next: macmini-02 is busy
     Waiting  macmini-02 refused, and is asked again in 5 s
     Started  on macmini-02 after 3m 41s
";
    assert_eq!(told.captured.err(), expected);
    assert_eq!(told.story.waited(), Some(Duration::from_secs(221)));
}

#[test]
fn a_second_attempt_is_told_and_its_log_read_although_the_first_one_s_has_ended() {
    let mut told = Told::new(LogMode::Raw);
    assert_eq!(told.update(run("RUNNING", &running(1), &json!({}))), [build()]);
    told.log(&build(), "half a li");
    assert_eq!(told.end(&build(), 1), []);
    assert_eq!(told.update(run("RUNNING", &json!({"state": "QUEUED", "attempt": 1}), &json!({}))), []);
    assert_eq!(told.update(run("RUNNING", &running(2), &json!({}))), [build()]);
    told.log(&build(), "whole\n");
    assert_eq!(told.captured.out(), "half a li\nwhole\n");
    assert_eq!(told.captured.err(), "    Retrying  build, attempt 2 on macmini-02: the attempt before did not end\n");
}

#[test]
fn a_log_whose_end_never_comes_does_not_keep_the_run_open_for_ever() {
    let mut told = Told::new(LogMode::Raw);
    told.update(run("RUNNING", &running(1), &json!({})));
    told.update(run("FAILED", &ended("FAILED", 1_000), &json!({"state": "SKIPPED"})));
    assert!(!told.story.is_over());
    told.now += Duration::from_secs(20);
    told.advance();
    assert!(told.story.is_over());
    assert!(told.captured.err().contains("Notice  the log of build breaks off here"), "{}", told.captured.err());
}

#[test]
fn missing_bytes_are_marked_where_they_are_missing() {
    let mut told = Told::new(LogMode::Raw);
    told.update(run("RUNNING", &running(1), &json!({})));
    told.log(&build(), "a\nb");
    told.story.piece(&build(), Piece::Gap { bytes: 12 }, &mut told.reporter);
    told.log(&build(), "c\n");
    assert_eq!(told.captured.out(), "a\nb\n[rch: 12 bytes of the log are missing here]\nc\n");
}

#[test]
fn escapes_in_a_log_do_not_reach_the_terminal() {
    let mut told = Told::new(LogMode::Raw);
    told.update(run("RUNNING", &running(1), &json!({})));
    told.log(&build(), "\u{1b}[31mred\u{1b}[0m \u{1b}]0;title\u{7}\n");
    assert_eq!(told.captured.out(), "red \n");
}

#[test]
fn failing_tests_are_counted_above_what_they_say() {
    let mut told = Told::new(LogMode::Short);
    told.update(run("RUNNING", &ended("SUCCEEDED", 500), &running(1)));
    told.end(&build(), 1);
    told.log(&test(), "Test Case '-[AppTests.A testA]' passed (0.1 seconds).\n/w/src/Tests/A.swift:5: error: -[AppTests.A testB] : XCTAssertTrue failed\n");
    told.log(&test(), "Test Case '-[AppTests.A testB]' failed (0.1 seconds).\n");
    told.end(&test(), 1);
    let outcome = json!({"status": "failed", "failure_kind": "XCODEBUILD", "failure_subkind": "TEST_FAILED", "exit_code": 50});
    let mut failed = ended("FAILED", 1_500);
    failed["outcome"] = outcome;
    failed["human_summary"] = json!("test failed: 1 of 2 tests failed");
    told.update(run("FAILED", &ended("SUCCEEDED", 500), &failed));
    let expected = "       build  SampleApp
   Succeeded  build in 0.5 s
        test  AppTests 1 passed, 1 failed

/w/src/Tests/A.swift:5: error: AppTests/A/testB: XCTAssertTrue failed

      Failed  test in 1.5 s: 1 of 2 tests failed
";
    assert_eq!(told.captured.err(), expected);
    assert!(told.story.has_shown(&test(), "A.swift", Some(5)) && !told.story.has_shown(&test(), "A.swift", Some(6)));
}

#[test]
fn a_rejected_job_says_which_argument() {
    let mut told = Told::new(LogMode::Short);
    let mut rejected = run("REJECTED", &json!({"state": "REJECTED"}), &json!({"state": "SKIPPED"}));
    rejected.plan.steps[0].jobs[0].rejected = Some("-xcconfig: the farm's policy does not name it".to_owned());
    told.update(rejected);
    let expected = "    Rejected  build: -xcconfig: the farm's policy does not name it\n     Skipped  test, because build was rejected\n";
    assert_eq!(told.captured.err(), expected);
}
