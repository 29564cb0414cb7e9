//! What goes wrong between the farm and its workers.

use std::time::Duration;

use rch_schemas::document::{Outcome, RunState};
use rch_schemas::wire::agent::ReportBody;
use rch_schemas::wire::http::JobState;
use rch_schemas::{Attempt, Reason, Sha256, Tick};

use super::farm::{Farm, facts, facts_with, key, worker};
use crate::{AttemptState, CommandBody, Reply};

const MINUTE: Duration = Duration::from_mins(1);

#[test]
fn the_job_of_a_lost_worker_moves_to_one_with_the_same_key_and_the_old_attempt_is_fenced() {
    let mut farm = Farm::with(&["mac-1", "mac-2"]);
    let run_id = farm.submit("request-01", &["build"]);
    let (job, first) = farm.claim("mac-1");
    let job_key = farm.job(&run_id, 0).job_key;
    farm.wait(MINUTE, &["mac-2"]);
    assert!(farm.state.workers[&worker("mac-1")].lost);

    let (moved, second) = farm.claim("mac-2");
    assert_eq!((moved, second, farm.job(&run_id, 0).job_key), (job.clone(), Attempt(2), job_key));
    farm.hear("mac-1");
    let late = farm.finish("mac-1", &job, first, Outcome::SUCCESS);
    assert!(matches!(&late, Reply::NotAccepted(error) if error.code == Reason::Stale), "{late:?}");

    farm.finish("mac-2", &job, second, Outcome::SUCCESS);
    let late = farm.finish("mac-1", &job, first, Outcome::SUCCESS);
    assert!(matches!(late, Reply::NotAccepted(_)), "a zombie's set is never committed");
    assert_eq!(farm.run(&run_id).state, RunState::Succeeded);
    farm.assert_recovers();
}

#[test]
fn without_a_worker_of_the_same_key_the_job_of_a_lost_worker_fails() {
    let mut farm = Farm::with(&["mac-1", "mac-2"]);
    farm.announce("mac-2", &facts_with("mac-2", "16.4", "16F6", 1));
    let run_id = farm.submit("request-01", &["build"]);
    farm.claim("mac-1");
    farm.wait(MINUTE, &["mac-2"]);
    let outcome = farm.job(&run_id, 0).outcome().unwrap();
    assert_eq!((outcome.exit_code, outcome.failure_subkind), (40, Some(Reason::WorkerLost)));
}

#[test]
fn a_job_that_cost_two_workers_gets_no_third() {
    let mut farm = Farm::with(&["mac-1", "mac-2", "mac-3", "mac-4", "mac-5", "mac-6"]);
    farm.configure(&["mac-1", "mac-2", "mac-3", "mac-4", "mac-5", "mac-6"], |config| config.max_attempts = 5);
    let run_id = farm.submit("request-01", &["build"]);
    farm.claim("mac-1");
    farm.wait(MINUTE, &["mac-2", "mac-3", "mac-4", "mac-5", "mac-6"]);
    farm.claim("mac-2");
    farm.wait(MINUTE, &["mac-3", "mac-4", "mac-5", "mac-6"]);
    assert_eq!(farm.job(&run_id, 0).outcome().unwrap().failure_subkind, Some(Reason::WorkerLost));
}

#[test]
fn a_run_that_has_not_started_is_selected_again_when_its_worker_is_lost() {
    let mut farm = Farm::with(&["mac-1", "mac-2"]);
    farm.announce("mac-2", &facts_with("mac-2", "16.4", "16F6", 1));
    let busy = farm.submit("request-01", &["build"]);
    farm.claim("mac-1");
    let waiting = farm.submit("request-02", &["build"]);
    let key = farm.job(&waiting, 0).job_key;
    farm.wait(MINUTE, &["mac-2"]);
    assert!(farm.run(&busy).ended.is_some());
    assert_eq!(farm.run(&waiting).selection(0).unwrap().selection.worker.as_str(), "mac-2");
    assert_eq!(farm.run(&waiting).revision, 2);
    assert_ne!(farm.job(&waiting, 0).job_key, key, "another Xcode is another key");
    assert_eq!(farm.offers("mac-2").len(), 1);
}

#[test]
fn nobody_is_lost_while_the_leader_is_deaf_or_most_of_the_fleet_is_silent() {
    let mut farm = Farm::with(&["mac-1", "mac-2", "mac-3"]);
    farm.observed.hearing_since = None;
    farm.wait(10 * MINUTE, &[]);
    assert!(farm.state.workers.values().all(|worker| !worker.lost), "a deaf leader loses nobody");
    farm.observed.hearing_since = Some(Tick(farm.tick));
    farm.wait(2 * MINUTE, &[]);
    assert!(farm.state.workers.values().all(|worker| !worker.lost), "three of three at once is more likely our own silence");
}

#[test]
fn many_that_are_silent_together_are_told_and_waited_for_ten_minutes_longer() {
    let mut farm = Farm::with(&["mac-1", "mac-2", "mac-3", "mac-4"]);
    let lost = |farm: &Farm| farm.state.workers.values().filter(|worker| worker.lost).count();
    let told = |farm: &Farm| crate::silent_together(&farm.state, &farm.observed, Tick(farm.tick)).len();
    farm.wait(MINUTE, &["mac-4"]);
    assert_eq!((lost(&farm), told(&farm)), (0, 3));
    farm.wait(9 * MINUTE, &["mac-3", "mac-4"]);
    assert_eq!((lost(&farm), told(&farm)), (2, 0), "two of four are not many, whoever was silent with them before");
    farm.wait(2 * MINUTE, &["mac-4"]);
    assert_eq!(lost(&farm), 3);

    let mut farm = Farm::with(&["mac-1", "mac-2", "mac-3", "mac-4"]);
    farm.wait(10 * MINUTE, &["mac-4"]);
    assert_eq!((lost(&farm), told(&farm)), (0, 3));
    farm.wait(MINUTE, &["mac-4"]);
    assert_eq!((lost(&farm), told(&farm)), (3, 0), "a dead fleet is dead in the end");
}

#[test]
fn a_suspect_worker_gets_no_offers_and_its_claims_still_count() {
    let mut farm = Farm::with(&["mac-1"]);
    let first = farm.submit("request-01", &["build"]);
    farm.claim("mac-1");
    farm.wait(Duration::from_secs(20), &[]);
    let job = farm.job(&first, 0);
    let (job_id, attempt) = (job.job_id.clone(), job.current().unwrap().number);
    assert_eq!(farm.finish("mac-1", &job_id, attempt, Outcome::SUCCESS), Reply::Receipt(None));
    let second = farm.submit("request-02", &["build"]);
    assert!(farm.offers("mac-1").is_empty() && farm.run(&second).ended.is_none());
    farm.hear("mac-1");
    farm.ask(CommandBody::Tick);
    assert_eq!(farm.offers("mac-1").len(), 1);
}

#[test]
fn an_unclaimed_offer_is_withdrawn_and_its_number_used_up() {
    let mut farm = Farm::with(&["mac-1"]);
    let run_id = farm.submit("request-01", &["build"]);
    farm.wait(MINUTE, &["mac-1"]);
    let job = farm.job(&run_id, 0);
    assert!(matches!(job.attempts[0].state, AttemptState::Withdrawn { .. }));
    assert_eq!((job.next_attempt(), job.started), (Attempt(3), 0), "offered again under the next number");
}

#[test]
fn an_attempt_missing_from_three_heartbeats_is_interrupted_and_tried_again_there() {
    let mut farm = Farm::with(&["mac-1"]);
    let run_id = farm.submit("request-01", &["build"]);
    let (job, attempt) = farm.claim("mac-1");
    farm.wait(Duration::from_secs(15), &["mac-1"]);
    farm.observed.workers.get_mut(&worker("mac-1")).unwrap().missing.insert((job, attempt), 3);
    farm.ask(CommandBody::Tick);
    assert_eq!(farm.job(&run_id, 0).state(), JobState::Queued);
    assert_eq!(farm.claim("mac-1").1, Attempt(2));
}

#[test]
fn heartbeats_from_before_the_claim_that_arrive_after_it_end_nothing() {
    let mut farm = Farm::with(&["mac-1"]);
    let run_id = farm.submit("request-01", &["build"]);
    let (job, attempt) = farm.claim("mac-1");
    farm.observed.workers.get_mut(&worker("mac-1")).unwrap().missing.insert((job.clone(), attempt), 3);
    farm.wait(Duration::from_secs(20), &[]);
    assert_eq!(farm.job(&run_id, 0).state(), JobState::Running, "nothing newer has come");
    farm.observed.workers.get_mut(&worker("mac-1")).unwrap().missing.clear();
    farm.wait(MINUTE, &["mac-1"]);
    assert_eq!(farm.job(&run_id, 0).state(), JobState::Running);
}

#[test]
fn a_job_that_lost_its_worker_runs_again_when_the_only_other_one_is_closed_for_now() {
    let mut farm = Farm::with(&["mac-1", "mac-2"]);
    let run_id = farm.submit("request-01", &["build"]);
    farm.claim("mac-1");
    farm.drain("mac-2");
    farm.wait(MINUTE, &["mac-2"]);
    assert_eq!(farm.job(&run_id, 0).state(), JobState::Queued, "mac-2 may be opened again");
    farm.announce("mac-1", &facts("mac-1"));
    assert_eq!(farm.job(&run_id, 0).outcome(), None, "the return of a worker fails no job");
    assert_eq!(farm.offers("mac-1").len(), 1);
}

#[test]
fn a_new_session_ends_what_the_old_one_left_behind() {
    let mut farm = Farm::with(&["mac-1"]);
    let run_id = farm.submit("request-01", &["build"]);
    farm.claim("mac-1");
    let old = farm.state.workers[&worker("mac-1")].session.as_ref().unwrap().id.clone();
    farm.announce("mac-1", &facts("mac-1"));
    assert!(matches!(farm.job(&run_id, 0).attempts[0].state, AttemptState::Interrupted { .. }));
    assert_eq!(farm.offers("mac-1").len(), 1);
    let stale = farm.announce_as("mac-1", old.as_str(), &facts("mac-1"));
    assert!(matches!(stale, Reply::NotAccepted(error) if error.code == Reason::DuplicateWorker));
}

#[test]
fn a_refusal_does_not_use_up_attempts_and_keeps_its_distance() {
    let mut farm = Farm::with(&["mac-1"]);
    let run_id = farm.submit("request-01", &["build"]);
    for _ in 0..3 {
        let (job_id, attempt) = farm.offers("mac-1").remove(0);
        let detail = "no slot".to_owned();
        let retry_after_seconds = Some(30);
        let body = ReportBody::Refused { job_id, attempt, code: Reason::Busy, detail, retry_after_seconds, missing: Vec::new() };
        farm.report("mac-1", body);
        assert!(farm.offers("mac-1").is_empty());
        farm.wait(Duration::from_secs(30), &["mac-1"]);
    }
    assert_eq!((farm.job(&run_id, 0).started, farm.offers("mac-1").len()), (0, 1));
}

#[test]
fn what_one_worker_cannot_do_another_of_the_same_key_does() {
    let mut farm = Farm::with(&["mac-1", "mac-2"]);
    let run_id = farm.submit("request-01", &["build"]);
    let (job_id, attempt) = farm.claim("mac-1");
    let (code, detail) = (Reason::DiskFull, "1 GiB free".to_owned());
    farm.report("mac-1", ReportBody::Refused { job_id, attempt, code, detail, retry_after_seconds: None, missing: Vec::new() });
    assert_eq!(farm.run(&run_id).selection(0).unwrap().selection.worker.as_str(), "mac-2");
    assert_eq!(farm.claim("mac-2").1, Attempt(2));
    farm.assert_recovers();
}

#[test]
fn a_later_step_does_not_time_out_while_an_earlier_one_runs() {
    let mut farm = Farm::with(&["mac-1"]);
    let mut request = super::farm::request("request-01", &["build", "test"]);
    request.request.options.timeouts.queue_seconds = 60;
    let run_id = farm.submit_request(request);
    let (build, attempt) = farm.claim("mac-1");
    farm.wait(5 * MINUTE, &["mac-1"]);
    assert_eq!(farm.job(&run_id, 1).state(), JobState::Queued);
    farm.finish("mac-1", &build, attempt, Outcome::SUCCESS);
    farm.claim("mac-1");
}

#[test]
fn the_time_that_a_cancelled_job_ran_is_told() {
    let mut farm = Farm::with(&["mac-1"]);
    let run_id = farm.submit("request-01", &["build"]);
    let (job_id, attempt) = farm.claim("mac-1");
    farm.wait(MINUTE, &["mac-1"]);
    farm.ask(CommandBody::CancelRun { run_id: run_id.clone() });
    let (code, detail) = (Reason::CancelledByUser, "killed".to_owned());
    farm.report("mac-1", ReportBody::Interrupted { job_id, attempt, code, detail });
    let crate::JobPhase::Ended { duration_ms, .. } = farm.job(&run_id, 0).phase else { panic!("not ended") };
    assert_eq!(duration_ms, 60_000);
}

#[test]
fn missing_chunks_are_waited_for_once() {
    let mut farm = Farm::with(&["mac-1"]);
    let run_id = farm.submit("request-01", &["build"]);
    for round in 0..2 {
        let (job_id, attempt) = farm.offers("mac-1").remove(0);
        let missing = vec![Sha256::of("chunk")];
        let (code, detail) = (Reason::SourceMissing, "1 chunk".to_owned());
        farm.report("mac-1", ReportBody::Refused { job_id, attempt, code, detail, retry_after_seconds: Some(0), missing });
        if round == 0 {
            assert!(farm.run(&run_id).source_gap.is_some() && farm.offers("mac-1").is_empty());
            farm.ask(CommandBody::SourceRestored { run_id: run_id.clone() });
        }
    }
    let outcome = farm.job(&run_id, 0).outcome().unwrap();
    assert_eq!((outcome.exit_code, outcome.failure_subkind), (30, Some(Reason::SourceMissing)));
}

#[test]
fn a_source_that_only_the_worker_misses_does_not_keep_the_job_for_ever() {
    let mut farm = Farm::with(&["mac-1"]);
    let run_id = farm.submit("request-01", &["build"]);
    while farm.run(&run_id).ended.is_none() {
        let (job_id, attempt) = farm.offers("mac-1").remove(0);
        assert!(attempt.0 <= 10, "refused more than ten times");
        let (code, detail) = (Reason::SourceMissing, "1 chunk".to_owned());
        let missing = Vec::new();
        farm.report("mac-1", ReportBody::Refused { job_id, attempt, code, detail, retry_after_seconds: Some(0), missing });
    }
    assert_eq!(farm.run(&run_id).ended.as_ref().unwrap().exit_code, 30);
}

#[test]
fn missing_chunks_that_nobody_uploads_end_the_job_after_two_minutes() {
    let mut farm = Farm::with(&["mac-1"]);
    let run_id = farm.submit("request-01", &["build"]);
    let (job_id, attempt) = farm.offers("mac-1").remove(0);
    let (code, detail, missing) = (Reason::SourceMissing, "1 chunk".to_owned(), vec![Sha256::of("chunk")]);
    farm.report("mac-1", ReportBody::Refused { job_id, attempt, code, detail, retry_after_seconds: None, missing });
    farm.wait(2 * MINUTE, &["mac-1"]);
    assert_eq!(farm.run(&run_id).ended.as_ref().unwrap().exit_code, 30);
}

#[test]
fn a_set_that_is_not_signed_by_the_pinned_key_is_never_committed() {
    let mut farm = Farm::with(&["mac-1"]);
    let run_id = farm.submit("request-01", &["build"]);
    let (job, attempt) = farm.claim("mac-1");
    let mut finished = farm.finished("mac-1", &job, attempt, Outcome::SUCCESS);
    finished.attestation = finished.attestation.signed(&key("mac-2"));
    farm.report("mac-1", ReportBody::Finished(Box::new(finished)));
    assert_eq!(farm.run(&run_id).ended.as_ref().unwrap().exit_code, 93);
}

#[test]
fn what_was_changed_after_it_was_signed_is_never_committed() {
    let mut farm = Farm::with(&["mac-1"]);
    let run_id = farm.submit("request-01", &["build"]);
    let (job, attempt) = farm.claim("mac-1");
    let mut finished = farm.finished("mac-1", &job, attempt, Outcome::SUCCESS);
    finished.attestation.source_sha256 = Some(Sha256::of("another tree"));
    farm.report("mac-1", ReportBody::Finished(Box::new(finished)));
    assert_eq!(farm.job(&run_id, 0).outcome().unwrap().failure_subkind, Some(Reason::SignatureInvalid));
}

#[test]
fn an_attestation_of_another_attempt_is_a_replay_and_refused() {
    let mut farm = Farm::with(&["mac-1"]);
    let run_id = farm.submit("request-01", &["build"]);
    let (job, attempt) = farm.claim("mac-1");
    let mut finished = farm.finished("mac-1", &job, attempt, Outcome::SUCCESS);
    finished.attestation = farm.finished("mac-1", &job, Attempt(9), Outcome::SUCCESS).attestation;
    farm.report("mac-1", ReportBody::Finished(Box::new(finished)));
    assert_eq!(farm.job(&run_id, 0).outcome().unwrap().failure_subkind, Some(Reason::ProtocolError));
}

#[test]
fn the_coordinator_has_a_last_deadline_of_its_own() {
    let mut farm = Farm::with(&["mac-1"]);
    let run_id = farm.submit("request-01", &["build"]);
    farm.claim("mac-1");
    farm.wait(75 * MINUTE, &["mac-1"]);
    assert_eq!(farm.job(&run_id, 0).outcome().unwrap().failure_subkind, Some(Reason::TimeoutDeadline));
}
