//! Workers that are closed, and opened again.

use rch_schemas::Attempt;
use rch_schemas::document::Outcome;
use rch_schemas::wire::http::{Intake, JobState};

use super::farm::{Farm, facts_with};
use crate::{AttemptState, Reply};

#[test]
fn a_draining_worker_finishes_the_run_it_has_started_and_begins_no_other() {
    let mut farm = Farm::with(&["mac-1"]);
    let started = farm.submit("request-01", &["build", "test"]);
    let waiting = farm.submit("request-02", &["build"]);
    let (job, attempt) = farm.claim("mac-1");
    farm.drain("mac-1");
    farm.finish("mac-1", &job, attempt, Outcome::SUCCESS);
    let (job, attempt) = farm.claim("mac-1");
    assert_eq!(job, farm.job(&started, 1).job_id, "the next step of the run that runs there");
    farm.finish("mac-1", &job, attempt, Outcome::SUCCESS);
    assert!(farm.offers("mac-1").is_empty() && farm.run(&waiting).ended.is_none());
    farm.set_intake("mac-1", Intake::Open);
    assert_eq!(farm.claim("mac-1").0, farm.job(&waiting, 0).job_id);
    farm.assert_recovers();
}

#[test]
fn a_run_that_started_elsewhere_is_new_to_a_draining_worker() {
    let mut farm = Farm::with(&["mac-1", "mac-2"]);
    let run_id = farm.submit("request-01", &["build", "test"]);
    let (job, attempt) = farm.claim("mac-1");
    farm.finish("mac-1", &job, attempt, Outcome::SUCCESS);
    farm.set_intake("mac-1", Intake::Quarantined);
    assert_eq!(farm.offers("mac-2").len(), 1, "the same key");
    farm.drain("mac-2");
    assert!(farm.offers("mac-2").is_empty());
    assert_eq!(farm.job(&run_id, 1).state(), JobState::Queued);
}

#[test]
fn an_offer_that_was_not_claimed_is_taken_back_when_its_worker_is_closed() {
    for intake in [Intake::Draining, Intake::Quarantined] {
        let mut farm = Farm::with(&["mac-1"]);
        farm.announce("mac-1", &facts_with("mac-1", "16.2", "16C5032a", 2));
        let running = farm.submit("request-01", &["build"]);
        farm.claim("mac-1");
        let offered = farm.submit("request-02", &["build"]);
        let (job, attempt) = farm.offers("mac-1")[0].clone();
        farm.set_intake("mac-1", intake);
        let claimed = farm.claim_as("mac-1", &job, attempt, "claim-00002");
        assert!(matches!(claimed, Reply::NotAccepted(_)), "{claimed:?}");
        assert!(matches!(farm.job(&offered, 0).attempts[0].state, AttemptState::Withdrawn { .. }));
        assert_eq!(farm.job(&running, 0).state(), JobState::Running, "what runs there goes on");
        farm.set_intake("mac-1", Intake::Open);
        assert_eq!(farm.claim("mac-1"), (job, Attempt(2)));
        farm.assert_recovers();
    }
}
