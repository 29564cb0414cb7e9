//! A newer run of a label takes the place of the older ones.

use rch_schemas::document::{JobStatus, Outcome, RunState};
use rch_schemas::wire::http::JobState;
use rch_schemas::{Reason, RunId};

use super::farm::{Farm, request};
use crate::{CommandBody, Event, SubmitRequest, run_summary};

fn labelled(farm: &Farm, label: &str) -> SubmitRequest {
    let mut request = request(&format!("request-{:04}", farm.ledger.len()), &["build", "test"]);
    request.request.options.supersede = Some(label.parse().unwrap());
    request
}

fn submit(farm: &mut Farm, label: &str) -> RunId {
    let request = labelled(farm, label);
    farm.submit_request(request)
}

#[test]
fn the_older_run_of_a_label_is_cancelled_in_the_record_that_accepts_the_newer_one() {
    let mut farm = Farm::with(&["mac-1"]);
    let blocker = farm.submit("request-00001", &["build"]);
    farm.claim("mac-1");
    let (first, other) = (submit(&mut farm, "pr-7"), submit(&mut farm, "pr-8"));
    let second = submit(&mut farm, "pr-7");
    let record = &farm.ledger.last().unwrap().events;
    assert!(matches!(&record[0], Event::RunAccepted { run } if run.supersedes == [first.clone()]), "{record:?}");
    assert!(
        matches!(&record[1], Event::CancelRequested { run_id, superseded_by, .. } if *run_id == first && *superseded_by == Some(second.clone()))
    );
    let outcome = farm.job(&first, 0).outcome().unwrap();
    assert_eq!((outcome.status, outcome.failure_subkind, outcome.exit_code), (JobStatus::Cancelled, Some(Reason::Superseded), 80));
    let summary = run_summary(&farm.state, farm.run(&first)).unwrap();
    assert_eq!((summary.exit_code, summary.human_summary), (80, format!("build was superseded by run {second}")));
    assert_eq!((farm.run(&first).superseded_by.as_ref(), &farm.run(&second).supersedes), (Some(&second), &vec![first]));
    for untouched in [blocker, other, second] {
        assert!(farm.run(&untouched).ended.is_none());
    }
    farm.assert_recovers();
}

#[test]
fn a_running_one_ends_when_its_agent_says_so_and_is_superseded_once() {
    let mut farm = Farm::with(&["mac-1", "mac-2"]);
    let first = submit(&mut farm, "pr-7");
    let (job, attempt) = farm.claim("mac-1");
    let second = submit(&mut farm, "pr-7");
    assert_eq!((farm.job(&first, 0).state(), farm.job(&first, 1).state()), (JobState::Running, JobState::Cancelled));
    let third = submit(&mut farm, "pr-7");
    assert_eq!(farm.run(&third).supersedes, std::slice::from_ref(&second), "the first is being stopped already");
    farm.finish("mac-1", &job, attempt, Outcome::SUCCESS);
    let outcome = farm.job(&first, 0).outcome().unwrap();
    assert_eq!((farm.run(&first).state, outcome.failure_subkind), (RunState::Cancelled, Some(Reason::Superseded)));
    assert_eq!(farm.run(&first).superseded_by, Some(second));
    farm.assert_recovers();
}

#[test]
fn another_project_a_repeat_and_a_run_that_is_over_are_left_alone() {
    let mut farm = Farm::with(&["mac-1"]);
    let over = submit(&mut farm, "pr-7");
    farm.ask(CommandBody::CancelRun { run_id: over.clone() });
    let mut asked = labelled(&farm, "pr-7");
    asked.request.project = "OtherApp".to_owned();
    let other = farm.submit_request(asked);
    let asked = labelled(&farm, "pr-7");
    let run_id = farm.submit_request(asked.clone());
    assert_eq!(farm.submit_request(asked), run_id, "the same request is the same run");
    assert!(farm.run(&run_id).supersedes.is_empty() && farm.run(&run_id).ended.is_none() && farm.run(&other).ended.is_none());
    assert_eq!(farm.job(&over, 0).outcome().unwrap().failure_subkind, Some(Reason::CancelledByUser));
    assert!(farm.state.labelled.len() == 2, "what is over has no say: {:?}", farm.state.labelled);
    farm.assert_recovers();
}
