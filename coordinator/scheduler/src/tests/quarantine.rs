//! Workers that the farm closes by itself.

use std::time::Duration;

use rch_schemas::document::Outcome;
use rch_schemas::wire::agent::ReportBody;
use rch_schemas::wire::http::Intake;
use rch_schemas::{Reason, Tick};

use super::farm::{Farm, facts, request, worker};
use crate::{CommandBody, IntakeBy, ReplacedTalk};

/// A run of its own source, and so of a key of its own.
fn submit(farm: &mut Farm, number: usize) -> rch_schemas::RunId {
    let mut submitted = request(&format!("request-{number:02}"), &["build"]);
    submitted.recipe.sha256 = rch_schemas::Sha256::of(format!("tree {number}"));
    farm.submit_request(submitted)
}

/// Has the next attempt on a worker end so.
fn fail(farm: &mut Farm, name: &str, code: Reason) {
    let (job_id, attempt) = farm.claim(name);
    let detail = "did not boot".to_owned();
    farm.report(name, ReportBody::Interrupted { job_id, attempt, code, detail });
}

fn intake(farm: &Farm, name: &str) -> (Intake, String) {
    let row = &farm.state.workers[&worker(name)];
    (row.intake, row.intake_reason.clone())
}

/// A farm in which no job is tried again, so that each failure is another job's.
fn farm_of(workers: &[&str]) -> Farm {
    let mut farm = Farm::with(workers);
    farm.configure(workers, |config| config.max_attempts = 1);
    farm
}

#[test]
fn three_jobs_in_a_row_that_fail_for_no_fault_of_their_own_close_a_worker_until_a_person_opens_it() {
    let mut farm = farm_of(&["mac-1"]);
    for number in 0..3 {
        assert_eq!(intake(&farm, "mac-1").0, Intake::Open);
        submit(&mut farm, number);
        fail(&mut farm, "mac-1", Reason::SimulatorBoot);
    }
    assert_eq!(intake(&farm, "mac-1"), (Intake::Quarantined, "3 different jobs failed to boot a simulator".to_owned()));
    assert_eq!(farm.state.workers[&worker("mac-1")].intake_changed.as_ref().unwrap().by, IntakeBy::Failures);
    farm.announce("mac-1", &facts("mac-1"));
    farm.wait(Duration::from_mins(30), &["mac-1"]);
    assert_eq!(intake(&farm, "mac-1").0, Intake::Quarantined, "neither time nor a restart opens it");
    farm.set_intake("mac-1", Intake::Open);
    submit(&mut farm, 9);
    fail(&mut farm, "mac-1", Reason::SimulatorBoot);
    assert_eq!(intake(&farm, "mac-1").0, Intake::Open, "the row begins anew");
    farm.assert_recovers();
}

#[test]
fn a_verdict_between_breaks_the_row_even_when_it_is_a_compilers_error() {
    for outcome in [Outcome::SUCCESS, Outcome::because(Reason::Compile)] {
        let mut farm = farm_of(&["mac-1"]);
        for number in 0..5 {
            submit(&mut farm, number);
            if number == 2 {
                let (job_id, attempt) = farm.claim("mac-1");
                farm.finish("mac-1", &job_id, attempt, outcome);
            } else {
                fail(&mut farm, "mac-1", Reason::SimulatorBoot);
            }
        }
        assert_eq!(intake(&farm, "mac-1").0, Intake::Open);
    }
}

#[test]
fn the_same_job_that_fails_again_and_again_counts_once() {
    let mut farm = farm_of(&["mac-1"]);
    for number in 0..5 {
        farm.submit(&format!("request-{number:02}"), &["build"]);
        fail(&mut farm, "mac-1", Reason::PackageResolution);
    }
    assert_eq!(intake(&farm, "mac-1").0, Intake::Open);
}

#[test]
fn a_reason_of_several_failures_counts_each() {
    let mut farm = farm_of(&["mac-1"]);
    for (number, code) in [Reason::SimulatorBoot, Reason::RunnerLaunch, Reason::SimulatorBoot].into_iter().enumerate() {
        submit(&mut farm, number);
        fail(&mut farm, "mac-1", code);
    }
    let expected = "3 different jobs failed: 2 failed to boot a simulator, 1 failed to launch the test runner";
    assert_eq!(intake(&farm, "mac-1").1, expected);
}

#[test]
fn what_ends_with_its_session_is_one_incident_however_many_jobs_it_took() {
    let mut farm = Farm::with(&["mac-1"]);
    farm.announce("mac-1", &super::farm::facts_with("mac-1", "16.2", "16C5032a", 4));
    for number in 0..4 {
        submit(&mut farm, number);
        farm.claim("mac-1");
    }
    farm.announce("mac-1", &facts("mac-1"));
    assert_eq!((farm.state.workers[&worker("mac-1")].failures.len(), intake(&farm, "mac-1").0), (4, Intake::Open));
}

#[test]
fn a_job_that_fails_on_two_workers_is_to_blame_itself_and_lifts_the_quarantine_it_brought_about() {
    let mut farm = farm_of(&["mac-1", "mac-2"]);
    for number in 0..3 {
        submit(&mut farm, number);
        fail(&mut farm, "mac-1", Reason::PackageResolution);
    }
    assert_eq!(intake(&farm, "mac-1").0, Intake::Quarantined);
    let mut again = request("request-10", &["build"]);
    again.recipe.sha256 = rch_schemas::Sha256::of("tree 1");
    farm.submit_request(again);
    fail(&mut farm, "mac-2", Reason::PackageResolution);
    assert_eq!(intake(&farm, "mac-1"), (Intake::Open, "2 of its failures are its own, the other jobs failed elsewhere, too".to_owned()));
    for number in 20..22 {
        farm.drain("mac-1");
        submit(&mut farm, number);
        fail(&mut farm, "mac-2", Reason::PackageResolution);
    }
    assert_eq!(intake(&farm, "mac-2").0, Intake::Open, "one of the three is the job's fault");
    farm.assert_recovers();
}

#[test]
fn a_worker_that_a_person_closed_is_not_opened_by_the_farm() {
    let mut farm = farm_of(&["mac-1", "mac-2"]);
    for number in 0..2 {
        submit(&mut farm, number);
        fail(&mut farm, "mac-1", Reason::SimulatorBoot);
    }
    farm.set_intake("mac-1", Intake::Quarantined);
    submit(&mut farm, 5);
    fail(&mut farm, "mac-2", Reason::SimulatorBoot);
    assert_eq!(intake(&farm, "mac-1"), (Intake::Quarantined, "maintenance".to_owned()));
}

#[test]
fn a_replaced_agent_that_goes_on_talking_closes_the_name() {
    let mut farm = Farm::with(&["mac-1"]);
    farm.announce("mac-1", &facts("mac-1"));
    farm.submit("request-01", &["build"]);
    let says = |farm: &mut Farm| {
        let row = farm.observed.workers.get_mut(&worker("mac-1")).unwrap();
        row.replaced_talk = Some(ReplacedTalk::heard(row.replaced_talk, Tick(farm.tick)));
    };
    says(&mut farm);
    farm.wait(Duration::from_secs(10), &["mac-1"]);
    says(&mut farm);
    farm.ask(CommandBody::Tick);
    assert_eq!(intake(&farm, "mac-1").0, Intake::Open, "not for fifteen seconds yet");
    farm.wait(Duration::from_secs(5), &["mac-1"]);
    says(&mut farm);
    farm.ask(CommandBody::Tick);
    let (closed, reason) = intake(&farm, "mac-1");
    assert!(closed == Intake::Quarantined && reason.contains("two machines use the name mac-1"), "{closed:?} {reason}");
    assert!(farm.offers("mac-1").is_empty(), "what was offered there is taken back");

    farm.set_intake("mac-1", Intake::Open);
    farm.ask(CommandBody::Tick);
    assert_eq!(intake(&farm, "mac-1").0, Intake::Open, "what was said before a person decided is forgiven");
    farm.assert_recovers();
}

#[test]
fn talk_with_a_long_pause_is_new_talk() {
    let talk = [0, 10_000, 30_000, 40_000].into_iter().fold(None, |talk, tick| Some(ReplacedTalk::heard(talk, Tick(tick))));
    assert_eq!(talk, Some(ReplacedTalk { since: Tick(30_000), last: Tick(40_000) }));
}
