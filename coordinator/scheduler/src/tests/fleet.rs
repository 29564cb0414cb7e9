//! Workers that leave the fleet, and come back.

use std::collections::BTreeMap;

use rch_schemas::document::Outcome;
use rch_schemas::wire::agent::ReportBody;
use rch_schemas::wire::http::{Intake, JobState};
use rch_schemas::{Attempt, Reason};

use super::farm::{Farm, facts, key, worker};
use crate::{AttemptState, CommandBody, Event, IntakeBy, Reply};

fn remove(farm: &mut Farm, name: &str, force: bool) -> Reply {
    farm.ask(CommandBody::RemoveWorker { worker: worker(name), reason: "sold".to_owned(), force })
}

/// Why a removal was refused.
fn refused(reply: &Reply) -> &str {
    let Reply::Refused(problem) = reply else { panic!("not refused: {reply:?}") };
    assert_eq!((problem.status, problem.code), (409, Reason::Conflict));
    problem.found.as_deref().unwrap()
}

#[test]
fn a_change_of_intake_says_who_made_it_and_when() {
    let mut farm = Farm::with(&["mac-1"]);
    farm.drain("mac-1");
    let row = &farm.state.workers[&worker("mac-1")];
    let changed = row.intake_changed.as_ref().unwrap();
    assert_eq!((row.intake_reason.as_str(), changed.by.name()), ("maintenance", "kim"));
    assert_eq!(changed.at, farm.ledger.last().unwrap().stamp.wall);
    let nobody = farm.ask(CommandBody::SetIntake { worker: worker("mac-9"), intake: Intake::Draining, reason: String::new() });
    assert!(matches!(nobody, Reply::Refused(problem) if problem.code == Reason::NotFound));
    farm.assert_recovers();
}

#[test]
fn a_worker_is_removed_only_when_it_is_drained_or_lost_unless_what_it_runs_may_be_given_up() {
    let mut farm = Farm::with(&["mac-1", "mac-2"]);
    assert_eq!(refused(&remove(&mut farm, "mac-1", false)), "it takes jobs");
    let run_id = farm.submit("request-01", &["build", "test"]);
    let (build, attempt) = farm.claim("mac-1");
    farm.drain("mac-1");
    assert_eq!(refused(&remove(&mut farm, "mac-1", false)), "it holds jobs: 1");
    assert_eq!(remove(&mut farm, "mac-1", true), Reply::Done);
    assert_eq!(farm.job(&run_id, 0).attempts[0].state, AttemptState::Lost, "what ran there is fenced");
    assert_eq!(farm.claim("mac-2"), (build.clone(), Attempt(2)));
    let late = farm.finish("mac-1", &build, attempt, Outcome::SUCCESS);
    assert!(matches!(&late, Reply::NotAccepted(error) if error.code == Reason::NotEnrolled), "{late:?}");
    farm.assert_recovers();
}

#[test]
fn a_run_between_two_steps_still_holds_its_draining_worker() {
    let mut farm = Farm::with(&["mac-1"]);
    farm.submit("request-01", &["build", "test"]);
    let (build, attempt) = farm.claim("mac-1");
    farm.drain("mac-1");
    farm.finish("mac-1", &build, attempt, Outcome::SUCCESS);
    let (job_id, attempt) = farm.offers("mac-1").remove(0);
    let detail = "no slot".to_owned();
    let refusal = ReportBody::Refused { job_id, attempt, code: Reason::Busy, detail, retry_after_seconds: Some(30), missing: Vec::new() };
    farm.report("mac-1", refusal);
    assert!(farm.state.workers[&worker("mac-1")].held.is_empty());
    assert_eq!(refused(&remove(&mut farm, "mac-1", false)), "runs that began there are not over: 1");
}

#[test]
fn a_run_that_has_not_started_is_selected_again_when_its_worker_is_removed() {
    let mut farm = Farm::with(&["mac-1", "mac-2"]);
    let run_id = farm.submit("request-01", &["build"]);
    assert_eq!(farm.offers("mac-1").len(), 1);
    remove(&mut farm, "mac-1", true);
    assert!(matches!(farm.job(&run_id, 0).attempts[0].state, AttemptState::Withdrawn { .. }));
    assert_eq!(farm.run(&run_id).selection(0).unwrap().selection.worker.as_str(), "mac-2");
    assert_eq!(farm.offers("mac-2").len(), 1);
    farm.assert_recovers();
}

#[test]
fn a_lost_worker_may_be_removed() {
    let mut farm = Farm::with(&["mac-1", "mac-2"]);
    farm.wait(std::time::Duration::from_mins(1), &["mac-2"]);
    assert_eq!(remove(&mut farm, "mac-1", false), Reply::Done);
    let back = farm.announce_as("mac-1", "mac-1-session-new", &facts("mac-1"));
    assert!(matches!(&back, Reply::NotAccepted(error) if error.code == Reason::NotEnrolled && error.message.contains("was removed")), "{back:?}");
}

#[test]
fn a_removed_worker_stays_away_until_the_inventory_names_it_anew() {
    let mut farm = Farm::with(&["mac-1", "mac-2"]);
    farm.drain("mac-1");
    assert_eq!(remove(&mut farm, "mac-1", false), Reply::Done);
    farm.configure(&["mac-1", "mac-2"], |_| {});
    assert!(!farm.state.config.inventory.contains_key(&worker("mac-1")), "the file still says what it said");
    let drained = farm.ask(CommandBody::SetIntake { worker: worker("mac-1"), intake: Intake::Open, reason: String::new() });
    assert!(matches!(drained, Reply::Refused(_)));

    farm.configure(&["mac-2"], |_| {});
    assert!(farm.state.config.removed.is_empty());
    farm.configure(&["mac-1", "mac-2"], |_| {});
    farm.announce("mac-1", &facts("mac-1"));
    farm.submit("request-01", &["build"]);
    assert_eq!(farm.offers("mac-1").len(), 1, "enrolled again, and open");
    farm.assert_recovers();
}

#[test]
fn another_key_for_a_removed_worker_enrols_it_anew() {
    let mut farm = Farm::with(&["mac-1", "mac-2"]);
    remove(&mut farm, "mac-1", true);
    farm.configure(&["mac-1", "mac-2"], |config| {
        config.inventory.get_mut(&worker("mac-1")).unwrap().public_key = key("new").public_key();
    });
    assert!(farm.state.config.inventory.contains_key(&worker("mac-1")));
}

#[test]
fn a_worker_that_the_inventory_no_longer_names_leaves_with_all_it_held() {
    let mut farm = Farm::with(&["mac-1", "mac-2"]);
    let run_id = farm.submit("request-01", &["build"]);
    farm.claim("mac-1");
    farm.configure(&["mac-2"], |_| {});
    assert_eq!(farm.claim("mac-2"), (farm.job(&run_id, 0).job_id.clone(), Attempt(2)));
    assert_eq!(farm.job(&run_id, 0).state(), JobState::Running);
    let by = |event: &Event| if let Event::WorkerRemoved { by, .. } = event { Some(by.clone()) } else { None };
    let removed: Vec<_> = farm.ledger.iter().flat_map(|record| &record.events).filter_map(by).collect();
    assert_eq!((removed, farm.state.config.removed.clone()), (vec![IntakeBy::Inventory], BTreeMap::new()));
    farm.assert_recovers();
}

#[test]
fn a_run_that_waits_for_a_removed_worker_is_not_offered_to_it() {
    let mut farm = Farm::with(&["mac-1", "mac-2"]);
    let busy = farm.submit("request-01", &["build"]);
    farm.submit("request-02", &["build"]);
    let (job_id, attempt) = farm.claim("mac-1");
    farm.drain("mac-2");
    remove(&mut farm, "mac-1", true);
    assert!(farm.offers("mac-1").is_empty() && farm.job(&busy, 0).state() == JobState::Queued);
    assert_eq!((job_id, attempt), (farm.job(&busy, 0).job_id.clone(), Attempt(1)));
    farm.set_intake("mac-2", Intake::Open);
    assert_eq!(farm.offers("mac-2").len(), 1);
}
