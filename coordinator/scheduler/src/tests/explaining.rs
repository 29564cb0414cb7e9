//! What those who wait are told: why, behind whom, for how long.

use std::time::Duration;

use rch_schemas::document::{Outcome, WaitSpan};
use rch_schemas::wire::agent::ReportBody;
use rch_schemas::wire::http::{Because, EstimateBasis, Waiting, WaitingReason};
use rch_schemas::{Reason, RunId, Tick};

use super::farm::{Farm, request, worker};
use crate::{Board, CommandBody, waited, waits};

const MINUTE: Duration = Duration::from_mins(1);

fn board(farm: &Farm) -> Board {
    Board::of(&farm.state, &farm.observed, Tick(farm.tick))
}

fn waiting(farm: &Farm, run_id: &RunId, index: usize) -> Option<Waiting> {
    board(farm).waiting(farm.run(run_id), &farm.job(run_id, index).job_id)
}

/// Runs one job that takes so long, from its offer to its end.
fn measure(farm: &mut Farm, name: &str, request_id: &str, took: Duration) {
    farm.submit(request_id, &["build"]);
    let (job, attempt) = farm.claim(name);
    farm.wait(took, &[name]);
    farm.finish(name, &job, attempt, Outcome::SUCCESS);
}

#[test]
fn a_job_in_line_is_told_its_place_who_is_before_it_what_runs_and_when_it_will_start() {
    let mut farm = Farm::with(&["mac-1"]);
    for (index, took) in [MINUTE, 4 * MINUTE, 10 * MINUTE].into_iter().enumerate() {
        measure(&mut farm, "mac-1", &format!("measured-{index:02}"), took);
    }
    let runs: Vec<RunId> = (0..3).map(|index| farm.submit(&format!("request-{index:02}"), &["build", "test"])).collect();
    farm.claim("mac-1");
    farm.wait(MINUTE, &["mac-1"]);

    let last = waiting(&farm, &runs[2], 0).unwrap();
    assert_eq!((last.reason, last.because, last.ahead), (WaitingReason::Slot, Some(Because::Busy), Some(1)));
    assert_eq!(last.worker, Some(worker("mac-1")));
    assert_eq!(last.jobs_ahead[0].job_id, farm.job(&runs[1], 0).job_id);
    assert_eq!(last.jobs_ahead[0].waited_ms, 60_000);
    assert_eq!(last.slots[0].running_ms, 60_000);
    assert_eq!(last.slots[0].left_ms, Some(3 * 60_000), "of those that took longer than a minute, half took four");
    let estimate = last.estimate.unwrap();
    assert_eq!((estimate.wait_ms, estimate.samples, estimate.basis), (7 * 60_000, 3, EstimateBasis::OwnScheme));
    let next = waiting(&farm, &runs[1], 0).unwrap();
    assert_eq!((next.ahead, next.estimate.unwrap().wait_ms), (Some(0), 3 * 60_000));
    assert_eq!(waiting(&farm, &runs[2], 1), None, "a step waits for the one before it, in no line");
    farm.assert_recovers();
}

#[test]
fn an_estimate_says_when_it_rests_on_other_schemes_and_there_is_none_without_a_measure() {
    let mut farm = Farm::with(&["mac-1"]);
    let first = farm.submit("request-01", &["build"]);
    let second = farm.submit("request-02", &["test"]);
    let (job, attempt) = farm.claim("mac-1");
    assert_eq!(waiting(&farm, &second, 0).unwrap().estimate, None, "nothing was ever measured");
    farm.wait(2 * MINUTE, &["mac-1"]);
    farm.finish("mac-1", &job, attempt, Outcome::because(Reason::Compile));
    assert_eq!(farm.job(&first, 0).outcome(), Some(Outcome::because(Reason::Compile)));
    farm.claim("mac-1");

    // Of another project, so only the action tells; it stands before nobody yet.
    let mut other = request("request-03", &["build"]);
    other.request.project = "PhotoApp".to_owned();
    let other = farm.submit_request(other);
    assert_eq!(waiting(&farm, &other, 0).unwrap().estimate, None, "no test was ever measured, and one runs");
    let (job, attempt) = farm.state.workers[&worker("mac-1")].held.first().unwrap().clone();
    farm.wait(MINUTE, &["mac-1"]);
    farm.finish("mac-1", &job, attempt, Outcome::SUCCESS);
    let third = farm.submit("request-04", &["build"]);
    let estimate = waiting(&farm, &third, 0).unwrap().estimate.unwrap();
    assert_eq!((estimate.wait_ms, estimate.basis, estimate.samples), (2 * 60_000, EstimateBasis::Actions, 1));
    farm.assert_recovers();
}

#[test]
fn what_is_forgotten_is_no_longer_measured_and_what_never_ran_never_was() {
    let mut farm = Farm::with(&["mac-1"]);
    measure(&mut farm, "mac-1", "request-01", MINUTE);
    let cancelled = farm.submit("request-02", &["build"]);
    farm.ask(CommandBody::CancelRun { run_id: cancelled });
    farm.assert_recovers();
    assert_eq!(board(&farm).waits().unwrap().jobs, 1);
    farm.tick += farm.state.config.keep_ended_ms;
    farm.ask(CommandBody::Tick);
    assert!(farm.state.runs.is_empty());
    assert_eq!(farm.state.durations, crate::estimate::Durations::default());
    farm.assert_recovers();
}

#[test]
fn idle_equals_are_named_and_workers_of_another_priority_are_not() {
    let mut farm = Farm::with(&["mac-1", "mac-2", "mac-3"]);
    farm.configure(&["mac-1", "mac-2", "mac-3"], |config| {
        for (name, priority) in [("mac-1", 1), ("mac-2", 1), ("mac-3", 9)] {
            config.inventory.get_mut(&worker(name)).unwrap().priority = priority;
        }
    });
    farm.submit("request-01", &["build"]);
    let second = farm.submit("request-02", &["build"]);
    assert_eq!(waiting(&farm, &second, 0).unwrap().idle, [worker("mac-2")]);
    farm.set_intake("mac-2", rch_schemas::wire::http::Intake::Draining);
    assert!(waiting(&farm, &second, 0).unwrap().idle.is_empty());
}

#[test]
fn a_job_that_stands_in_no_line_says_why() {
    let mut farm = Farm::with(&["mac-1"]);
    farm.set_intake("mac-1", rch_schemas::wire::http::Intake::Quarantined);
    let run = farm.submit("request-01", &["build"]);
    let told = waiting(&farm, &run, 0).unwrap();
    assert_eq!((told.because, told.ahead, told.estimate), (Some(Because::NoWorker), None, None));
    let jobs = board(&farm).jobs(None, 10);
    assert_eq!((jobs.len(), jobs[0].run_id.clone()), (1, run));
    assert_eq!(board(&farm).jobs(None, 0).len(), 0);
    assert_eq!((board(&farm).waiting_count(), board(&farm).running_count()), (1, 0));
}

#[test]
fn the_history_of_a_wait_names_each_thing_that_was_waited_for() {
    let mut farm = Farm::with(&["mac-1"]);
    farm.submit("request-01", &["build"]);
    let run_id = farm.submit("request-02", &["build"]);
    let (job, attempt) = farm.claim("mac-1");
    farm.wait(3 * MINUTE, &["mac-1"]);
    farm.finish("mac-1", &job, attempt, Outcome::SUCCESS);
    let (job, attempt) = farm.offers("mac-1")[0].clone();
    farm.wait(Duration::from_secs(5), &["mac-1"]);
    let busy = ReportBody::Refused {
        job_id: job,
        attempt,
        code: Reason::Busy,
        detail: "another build runs".to_owned(),
        retry_after_seconds: Some(30),
        missing: Vec::new(),
    };
    farm.report("mac-1", busy);
    farm.wait(MINUTE, &["mac-1"]);
    farm.claim("mac-1");
    let told: Vec<(WaitingReason, u64, String)> = waits(farm.run(&run_id), farm.job(&run_id, 0))
        .into_iter()
        .map(|WaitSpan { reason, waited_ms, detail }| (reason, waited_ms / 1_000, detail))
        .collect();
    let expected = [
        (WaitingReason::Slot, 180, "until mac-1 had a slot for it"),
        (WaitingReason::Backoff, 5, "mac-1 refused it: BUSY, another build runs"),
        (WaitingReason::Slot, 30, "until mac-1 had a slot for it"),
        (WaitingReason::Claim, 30, "until mac-1 claimed it"),
    ];
    assert_eq!(told, expected.map(|(reason, seconds, text)| (reason, seconds, text.to_owned())));
    assert_eq!(waited(farm.job(&run_id, 0), Tick(farm.tick)), Duration::from_secs(245));
}
