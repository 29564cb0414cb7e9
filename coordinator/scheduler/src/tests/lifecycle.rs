//! A run from acceptance to its end.

use rch_schemas::document::{JobStatus, Outcome, RunState, WorkerSelection};
use rch_schemas::wire::agent::ReportBody;
use rch_schemas::wire::http::JobState;
use rch_schemas::{Attempt, Reason, Sha256};

use super::farm::{Farm, request};
use crate::{CommandBody, Reply, job_document, run_plan, run_summary, worker_selection};

#[test]
fn build_then_test_runs_step_by_step_and_succeeds() {
    let mut farm = Farm::with(&["mac-1"]);
    let run_id = farm.submit("request-01", &["build", "test"]);
    let (build, attempt) = farm.claim("mac-1");
    assert_eq!(farm.job(&run_id, 0).job_id, build);
    assert_eq!(farm.run(&run_id).state, RunState::Running);
    assert!(farm.offers("mac-1").is_empty(), "the test step waits for the build step");

    farm.finish("mac-1", &build, attempt, Outcome::SUCCESS);
    let (test, attempt) = farm.claim("mac-1");
    farm.finish("mac-1", &test, attempt, Outcome::SUCCESS);

    let run = farm.run(&run_id);
    assert_eq!((run.state, run.ended.as_ref().unwrap().exit_code), (RunState::Succeeded, 0));
    let summary = run_summary(&farm.state, run).unwrap();
    assert_eq!((summary.succeeded, summary.jobs.len()), (2, 2));
    farm.assert_recovers();
}

#[test]
fn the_steps_after_a_failed_one_are_skipped_unless_the_run_goes_on() {
    for (goes_on, second) in [(false, JobState::Skipped), (true, JobState::Queued)] {
        let mut farm = Farm::with(&["mac-1"]);
        let mut request = request("request-01", &["build", "test"]);
        request.request.options.continue_on_failure = goes_on;
        let Reply::Run(run_id) = farm.ask(CommandBody::Submit(Box::new(request))) else { panic!("not accepted") };
        let (build, attempt) = farm.claim("mac-1");
        farm.finish("mac-1", &build, attempt, Outcome::because(Reason::Compile));
        assert_eq!(farm.job(&run_id, 1).state(), second);
        let ended = farm.run(&run_id).ended.as_ref().map(|ended| ended.exit_code);
        assert_eq!(ended, (!goes_on).then_some(50));
    }
}

#[test]
fn a_refused_argument_rejects_its_job_and_the_run_at_once() {
    let mut farm = Farm::with(&["mac-1"]);
    let run_id = farm.submit("request-01", &["build -toolchain swift", "test"]);
    assert_eq!(farm.job(&run_id, 0).state(), JobState::Rejected);
    assert_eq!(farm.job(&run_id, 0).job_key, None);
    assert_eq!(farm.job(&run_id, 1).state(), JobState::Skipped);
    let run = farm.run(&run_id);
    assert_eq!((run.state, run.ended.as_ref().unwrap().exit_code), (RunState::Rejected, 10));
    assert_eq!(farm.ledger.last().unwrap().stamp.seq, run.accepted.0, "all of it is in the accepting record");
}

#[test]
fn the_same_request_gives_the_same_run_and_another_body_is_a_conflict() {
    let mut farm = Farm::with(&["mac-1"]);
    let run_id = farm.submit("request-01", &["build"]);
    assert_eq!(farm.submit("request-01", &["build"]), run_id);
    assert_eq!(farm.state.runs.len(), 1);
    let Reply::Refused(problem) = farm.ask(CommandBody::Submit(Box::new(request("request-01", &["test"])))) else { panic!("accepted") };
    assert_eq!((problem.status, problem.code), (409, Reason::Conflict));
}

#[test]
fn nothing_is_recorded_while_chunks_are_missing() {
    let mut farm = Farm::with(&["mac-1"]);
    let mut request = request("request-01", &["build"]);
    request.missing = vec![Sha256::of("chunk")];
    let Reply::Refused(problem) = farm.ask(CommandBody::Submit(Box::new(request))) else { panic!("accepted") };
    assert_eq!((problem.status, problem.code, problem.missing.len()), (424, Reason::SourceMissing, 1));
    assert!(farm.state.runs.is_empty());
}

#[test]
fn the_same_claim_gets_the_same_answer_and_another_one_none() {
    let mut farm = Farm::with(&["mac-1"]);
    farm.submit("request-01", &["build"]);
    let (job, attempt) = farm.claim("mac-1");
    let records = farm.ledger.iter().flat_map(|record| &record.events).count();
    assert!(matches!(farm.claim_as("mac-1", &job, attempt, "claim-00001"), Reply::Receipt(Some(_))));
    assert!(matches!(farm.claim_as("mac-1", &job, attempt, "claim-00002"), Reply::NotAccepted(_)));
    assert_eq!(farm.ledger.iter().flat_map(|record| &record.events).count(), records, "neither starts anything");
}

#[test]
fn a_second_finished_is_answered_as_the_first_was() {
    let mut farm = Farm::with(&["mac-1"]);
    let run_id = farm.submit("request-01", &["build"]);
    let (job, attempt) = farm.claim("mac-1");
    for _ in 0..2 {
        assert_eq!(farm.finish("mac-1", &job, attempt, Outcome::SUCCESS), Reply::Receipt(None));
    }
    assert_eq!(farm.run(&run_id).state, RunState::Succeeded);
}

#[test]
fn a_waiting_job_is_cancelled_at_once_and_a_running_one_when_its_agent_says_so() {
    let mut farm = Farm::with(&["mac-1"]);
    let running = farm.submit("request-01", &["build"]);
    let waiting = farm.submit("request-02", &["build"]);
    let (job_id, attempt) = farm.claim("mac-1");
    for run_id in [&running, &waiting] {
        farm.ask(CommandBody::CancelRun { run_id: run_id.clone() });
    }
    assert_eq!(farm.run(&waiting).state, RunState::Cancelled);
    assert_eq!(farm.run(&running).state, RunState::Running);
    let detail = "killed".to_owned();
    farm.report("mac-1", ReportBody::Interrupted { job_id, attempt, code: Reason::CancelledByUser, detail });
    let run = farm.run(&running);
    assert_eq!((run.state, run.ended.as_ref().unwrap().exit_code), (RunState::Cancelled, 80));
    farm.assert_recovers();
}

#[test]
fn a_cancelled_job_is_not_yet_a_cancelled_run() {
    let mut farm = Farm::with(&["mac-1"]);
    let run_id = farm.submit("request-01", &["build", "test"]);
    let test = farm.job(&run_id, 1).job_id.clone();
    farm.ask(CommandBody::CancelJob { job_id: test });
    assert_eq!(farm.job(&run_id, 1).outcome().unwrap().status, JobStatus::Cancelled);
    assert!(!farm.run(&run_id).cancel_requested && !farm.job(&run_id, 0).cancel_requested);
    let build = farm.job(&run_id, 0).job_id.clone();
    farm.ask(CommandBody::CancelJob { job_id: build });
    assert!(farm.run(&run_id).cancel_requested);
}

#[test]
fn an_offered_job_that_is_cancelled_cannot_be_claimed_any_more() {
    let mut farm = Farm::with(&["mac-1"]);
    let run_id = farm.submit("request-01", &["build"]);
    let (job_id, attempt) = farm.offers("mac-1").remove(0);
    farm.ask(CommandBody::CancelRun { run_id });
    assert!(matches!(farm.claim_as("mac-1", &job_id, attempt, "claim-00001"), Reply::NotAccepted(error) if error.code == Reason::Stale));
}

#[test]
fn a_finished_that_comes_after_the_cancel_does_not_undo_it() {
    let mut farm = Farm::with(&["mac-1"]);
    let run_id = farm.submit("request-01", &["build"]);
    let (job, attempt) = farm.claim("mac-1");
    farm.ask(CommandBody::CancelRun { run_id: run_id.clone() });
    farm.finish("mac-1", &job, attempt, Outcome::SUCCESS);
    assert_eq!(farm.job(&run_id, 0).outcome().unwrap().status, JobStatus::Cancelled);
}

#[test]
fn slots_are_offered_first_come_first_served() {
    let mut farm = Farm::with(&["mac-1"]);
    let first = farm.submit("request-01", &["build", "test"]);
    let second = farm.submit("request-02", &["build"]);
    let (build, attempt) = farm.claim("mac-1");
    farm.finish("mac-1", &build, attempt, Outcome::SUCCESS);
    let (test, attempt) = farm.claim("mac-1");
    assert_eq!(farm.job(&first, 1).job_id, test, "the next step of the older run goes before the newer run");
    farm.finish("mac-1", &test, attempt, Outcome::SUCCESS);
    let (claimed, _) = farm.claim("mac-1");
    assert_eq!(farm.job(&second, 0).job_id, claimed);
}

#[test]
fn documents_are_functions_of_the_state_and_agree_with_each_other() {
    let mut farm = Farm::with(&["mac-1", "mac-2"]);
    let run_id = farm.submit("request-01", &["build", "test"]);
    let run = farm.run(&run_id);
    let job = farm.job(&run_id, 0);
    let document = job_document(&farm.state, run, job, Attempt(1)).unwrap();
    assert_eq!(document.job_key_inputs.key(), document.job_key.unwrap());
    let made = run.selection(0).unwrap();
    let evidence = worker_selection(&farm.state, made).unwrap();
    let received = serde_json::to_value(&evidence).unwrap();
    assert_eq!(WorkerSelection::received_sha256(&received), Some(document.evidence_sha256));
    assert_eq!((evidence.selected_worker.as_str(), evidence.candidate_count), ("mac-1", 2));
    let plan = run_plan(&farm.state, run);
    assert_eq!(plan.steps[0].jobs[0].job_key, document.job_key);
    assert_eq!(plan.destinations[0].group.len(), 2);
}

#[test]
fn a_run_is_forgotten_after_its_time_and_not_before() {
    let mut farm = Farm::with(&["mac-1"]);
    let run_id = farm.submit("request-01", &["build -toolchain swift"]);
    farm.tick += 14 * 24 * 3_600_000 - 1;
    farm.ask(CommandBody::Tick);
    assert!(farm.state.runs.contains_key(&run_id));
    farm.tick += 1;
    farm.ask(CommandBody::Tick);
    assert!(farm.state.runs.is_empty() && farm.state.jobs.is_empty());
    farm.assert_recovers();
}
