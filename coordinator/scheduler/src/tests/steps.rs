//! Steps that differ: in their destinations, in where they run, in what an empty test run means.

use rch_schemas::document::{JobStatus, Outcome, RunState};
use rch_schemas::protocol::Feature;
use rch_schemas::requirement::DestinationRequest;
use rch_schemas::wire::agent::ReportBody;
use rch_schemas::wire::http::{JobState, SubmitStep};
use rch_schemas::{Reason, TreeDirectory};

use super::farm::{Farm, announcement, facts_with, request};
use crate::{CommandBody, Reply, SubmitRequest, job_document, run_plan, run_summary};

const PHONE: &str = "platform=iOS Simulator,name=iPhone 16,OS=latest";
const DEVICES: &str = "generic/platform=iOS";
const MAC: &str = "platform=macOS";

#[test]
fn a_request_of_many_steps_and_destinations_is_counted_and_not_multiplied() {
    let mut farm = Farm::with(&["mac-1"]);
    let mut submitted = request("request-01", &["build"]);
    // A body of 17 MiB; all pairs of them would be 140 GB.
    submitted.request.steps = vec![SubmitStep::new("", Vec::new()); 350_000];
    submitted.request.destinations = vec![DestinationRequest::default(); 100_000];
    let detail = refusal(&mut farm, submitted);
    assert!(detail.ends_with("this one 350000 and 100000: make several runs of it"), "{detail}");
    let all = [PHONE; 256];
    let detail = refusal(&mut farm, matrix(&[("build", &[0; 300]), ("build", &[0; 300])], &all));
    assert!(detail.starts_with("a run has 1 to 256 jobs") && detail.ends_with("this one 600"), "{detail}");
}

/// A request of these steps, each with the destinations at these indices.
fn matrix(steps: &[(&str, &[u32])], destinations: &[&str]) -> SubmitRequest {
    let lines: Vec<&str> = steps.iter().map(|(line, _)| *line).collect();
    let mut submitted = request("request-01", &lines);
    let asked = |asked: &&str| DestinationRequest { asked: (*asked).to_owned(), ..DestinationRequest::default() };
    submitted.request.destinations = destinations.iter().map(asked).collect();
    for (step, (_, own)) in submitted.request.steps.iter_mut().zip(steps) {
        step.destinations = Some(own.to_vec());
    }
    submitted
}

fn refusal(farm: &mut Farm, submitted: SubmitRequest) -> String {
    let previewed = farm.ask(CommandBody::Preview(Box::new(submitted.clone())));
    let Reply::Refused(problem) = farm.ask(CommandBody::Submit(Box::new(submitted))) else { panic!("accepted") };
    assert_eq!((problem.status, problem.code), (422, Reason::InvalidRequest));
    assert_eq!(previewed, Reply::Refused(problem.clone()), "a preview refuses what submitting would");
    problem.detail
}

fn states(farm: &Farm, run_id: &rch_schemas::RunId) -> Vec<JobState> {
    farm.state.jobs_of(farm.run(run_id)).map(crate::Job::state).collect()
}

#[test]
fn a_step_has_a_job_for_each_of_its_own_destinations_and_no_other() {
    let mut farm = Farm::with(&["mac-1"]);
    let run_id = farm.submit_request(matrix(&[("build", &[1]), ("test", &[0, 2])], &[PHONE, DEVICES, MAC]));
    let plan = run_plan(&farm.state, farm.run(&run_id));
    let planned: Vec<Vec<u32>> = plan.steps.iter().map(|step| step.jobs.iter().map(|job| job.destination).collect()).collect();
    assert_eq!(planned, [vec![1], vec![0, 2]]);
    for index in 0..3 {
        let document = job_document(&farm.state, farm.run(&run_id), farm.job(&run_id, index), rch_schemas::Attempt(1)).unwrap();
        let job = farm.job(&run_id, index);
        assert_eq!((job.job_key, document.destination.index), (Some(document.job_key_inputs.key()), job.destination));
    }
    assert_eq!(plan.destinations.iter().filter(|destination| destination.worker.is_some()).count(), 3);

    let (build, attempt) = farm.claim("mac-1");
    farm.finish("mac-1", &build, attempt, Outcome::SUCCESS);
    for _ in 0..2 {
        let (job, attempt) = farm.claim("mac-1");
        farm.finish("mac-1", &job, attempt, Outcome::SUCCESS);
    }
    assert_eq!(run_summary(&farm.state, farm.run(&run_id)).unwrap().succeeded, 3);
    farm.assert_recovers();
}

#[test]
fn an_old_client_s_steps_have_a_job_for_every_destination() {
    let mut farm = Farm::with(&["mac-1"]);
    let mut submitted = matrix(&[("build", &[]), ("build", &[])], &[PHONE, MAC]);
    for step in &mut submitted.request.steps {
        step.destinations = None;
    }
    let run_id = farm.submit_request(submitted);
    assert_eq!(states(&farm, &run_id).len(), 4);
}

#[test]
fn jobs_of_a_step_run_side_by_side_where_each_destination_is() {
    let mut farm = Farm::with(&["mac-1", "mac-2"]);
    let mut other = facts_with("mac-2", "16.2", "16C5032a", 1);
    other.runtimes[0].version = "18.4".parse().unwrap();
    farm.announce("mac-2", &other);
    let run_id = farm.submit_request(matrix(&[("test", &[0, 1])], &["name=iPhone 16,OS=18.2", "name=iPhone 16,OS=18.4"]));
    let (first, one) = farm.claim("mac-1");
    let (second, two) = farm.claim("mac-2");
    assert_eq!(states(&farm, &run_id), [JobState::Running, JobState::Running]);
    farm.finish("mac-2", &second, two, Outcome::because(Reason::TestFailed));
    assert_eq!(farm.run(&run_id).state, RunState::Running, "the other one goes on");
    farm.finish("mac-1", &first, one, Outcome::because(Reason::TimeoutOverall));
    let ended = farm.run(&run_id).ended.as_ref().unwrap();
    assert_eq!(ended.exit_code, Reason::TimeoutOverall.exit_code(), "the first in plan order decides, not the first in time");
}

#[test]
fn what_a_step_says_of_its_destinations_must_make_sense() {
    let mut farm = Farm::with(&["mac-1"]);
    let cases: [(&[u32], &str); 4] = [
        (&[], "a run has 1 to 256 jobs"),
        (&[0, 2], "step 0 names destination 2, and the run has 2, counted from 0"),
        (&[1, 1], "step 0 names destination 1 twice"),
        (&[1], "no step has a job for destination 0 (platform=iOS Simulator,name=iPhone 16,OS=latest)"),
    ];
    for (own, expected) in cases {
        let detail = refusal(&mut farm, matrix(&[("build", own)], &[PHONE, MAC]));
        assert!(detail.starts_with(expected), "{detail}");
    }
    let detail = refusal(&mut farm, matrix(&[("build", &[0, 1]), ("test", &[])], &[PHONE, MAC]));
    assert!(detail.starts_with("step 1 names no destination"), "{detail}");
}

#[test]
fn tests_without_building_need_products_of_their_own_destination() {
    let mut farm = Farm::with(&["mac-1"]);
    let detail = refusal(&mut farm, matrix(&[("build-for-testing", &[1]), ("test-without-building", &[0])], &[PHONE, MAC]));
    assert!(detail.contains("no earlier step of the run has build-for-testing with that destination in that directory"), "{detail}");
    farm.submit_request(matrix(&[("build-for-testing", &[1, 0]), ("test-without-building", &[0])], &[PHONE, MAC]));
}

#[test]
fn tests_without_building_need_products_of_their_own_directory() {
    let mut farm = Farm::with(&["mac-1", "mac-2"]);
    let kit: Option<TreeDirectory> = Some("Packages/Kit".parse().unwrap());
    let mut submitted = matrix(&[("build-for-testing -scheme Kit", &[0]), ("test-without-building -scheme Kit", &[0])], &[PHONE]);
    for step in &mut submitted.request.steps {
        step.argv.truncate(3);
    }
    submitted.request.steps[0].directory.clone_from(&kit);
    let detail = refusal(&mut farm, submitted.clone());
    assert!(detail.contains("in the root of the tree, and no earlier step"), "{detail}");
    submitted.request.steps[1].directory = kit;
    farm.submit_request(submitted);
}

#[test]
fn tests_without_building_run_where_their_products_lie_or_nowhere() {
    let mut farm = Farm::with(&["mac-1", "mac-2"]);
    let run_id = farm.submit_request(matrix(&[("build-for-testing", &[0]), ("test-without-building", &[0])], &[PHONE]));
    let (build, attempt) = farm.claim("mac-1");
    farm.finish("mac-1", &build, attempt, Outcome::SUCCESS);
    let (job_id, attempt) = farm.offers("mac-1").remove(0);
    let refused = ReportBody::Refused {
        job_id,
        attempt,
        code: Reason::DiskFull,
        detail: "full".to_owned(),
        retry_after_seconds: Some(60),
        missing: Vec::new(),
    };
    farm.report("mac-1", refused);
    assert!(farm.offers("mac-2").is_empty(), "mac-2 gives the same key, and has nothing to test");
    assert_eq!(farm.job(&run_id, 1).state(), JobState::Queued);
    farm.wait(std::time::Duration::from_secs(65), &["mac-1", "mac-2"]);
    assert_eq!(farm.offers("mac-1").len(), 1, "it is asked again");

    farm.configure(&["mac-2"], |_| {});
    farm.wait(std::time::Duration::from_secs(65), &["mac-2"]);
    assert_eq!(farm.job(&run_id, 1).outcome().and_then(|outcome| outcome.failure_subkind), Some(Reason::ProductsElsewhere));
    farm.assert_recovers();
}

#[test]
fn what_does_not_go_with_one_destination_rejects_that_job_alone() {
    for (goes_on, other) in [(false, JobState::Skipped), (true, JobState::Queued)] {
        let mut farm = Farm::with(&["mac-1"]);
        let mut submitted = matrix(&[("build", &[0, 1]), ("test", &[0, 1])], &[PHONE, DEVICES]);
        submitted.request.options.continue_on_failure = goes_on;
        let run_id = farm.submit_request(submitted);
        assert_eq!(states(&farm, &run_id)[3], JobState::Rejected);
        assert_eq!(states(&farm, &run_id)[2], other);
        let plan = run_plan(&farm.state, farm.run(&run_id));
        let rejected = plan.steps[1].jobs[1].rejected.as_ref().unwrap();
        assert!(rejected.starts_with("-destination generic/platform=iOS: a generic destination has no device"), "{rejected}");
        assert_eq!(plan.steps[1].jobs[0].rejected, None);
        while let Some((job, attempt)) = farm.offers("mac-1").first().cloned() {
            farm.claim_as("mac-1", &job, attempt, "claim-00001");
            farm.finish("mac-1", &job, attempt, Outcome::SUCCESS);
        }
        let run = farm.run(&run_id);
        assert_eq!((run.state, run.ended.as_ref().unwrap().exit_code), (RunState::Rejected, 10), "either way");
        let succeeded = run_summary(&farm.state, run).unwrap().succeeded;
        assert_eq!(succeeded, if goes_on { 3 } else { 0 });
        farm.assert_recovers();
    }
}

#[test]
fn a_skipped_sibling_says_which_job_was_refused() {
    let mut farm = Farm::with(&["mac-1"]);
    let run_id = farm.submit_request(matrix(&[("test", &[0, 1])], &[PHONE, DEVICES]));
    let summary = crate::coordinator_summary(farm.run(&run_id), farm.job(&run_id, 0)).unwrap();
    assert_eq!(summary.status, JobStatus::Skipped);
    assert_eq!(summary.human_summary, "test was skipped, because test on generic/platform=iOS was refused");
}

#[test]
fn a_directory_is_part_of_the_key_and_needs_a_step_without_container() {
    let mut farm = Farm::with(&["mac-1"]);
    let kit: TreeDirectory = "Packages/Kit".parse().unwrap();
    let mut submitted = matrix(&[("build", &[0]), ("build", &[0])], &[PHONE]);
    submitted.request.steps[1].directory = Some(kit.clone());
    let detail = refusal(&mut farm, submitted.clone());
    assert!(detail.starts_with("step 1 runs in Packages/Kit, as Swift packages do, and opens a workspace"), "{detail}");

    for step in &mut submitted.request.steps {
        step.argv = ["build", "-scheme", "Kit"].map(str::to_owned).to_vec();
    }
    let run_id = farm.submit_request(submitted);
    let (root, kits) = (farm.job(&run_id, 0).job_key, farm.job(&run_id, 1).job_key);
    assert!(root.is_some() && kits.is_some() && root != kits);
    let document = job_document(&farm.state, farm.run(&run_id), farm.job(&run_id, 1), rch_schemas::Attempt(1)).unwrap();
    assert_eq!((document.job_key_inputs.directory, document.job_key), (Some(kit), kits));
    farm.assert_recovers();
}

#[test]
fn allow_empty_is_part_of_the_key_of_tests_and_of_nothing_else() {
    let mut farm = Farm::with(&["mac-1"]);
    let mut submitted = matrix(&[("build", &[0]), ("test", &[0]), ("build", &[0]), ("test", &[0])], &[PHONE]);
    for step in &mut submitted.request.steps[2..] {
        step.allow_empty = true;
    }
    let run_id = farm.submit_request(submitted);
    let key = |index| farm.job(&run_id, index).job_key.unwrap();
    assert_eq!(key(0), key(2));
    assert_ne!(key(1), key(3));
}

#[test]
fn an_agent_that_does_not_know_what_a_step_asks_is_no_candidate() {
    let mut farm = Farm::with(&["mac-1"]);
    let session = "mac-1-older-session".parse().unwrap();
    let mut announce = announcement("mac-1", &facts_with("mac-1", "16.2", "16C5032a", 1));
    announce.features.remove(&Feature::named(Feature::ALLOW_EMPTY));
    farm.report_as("mac-1", session, ReportBody::Announce(Box::new(announce)));
    let mut submitted = matrix(&[("test", &[0])], &[PHONE]);
    submitted.request.steps[0].allow_empty = true;
    let run_id = farm.submit_request(submitted);
    assert_eq!(farm.job(&run_id, 0).outcome().unwrap().failure_subkind, Some(Reason::FeatureMissing));
}
