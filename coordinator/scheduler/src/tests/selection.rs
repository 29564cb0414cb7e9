//! Which worker, and why.

use std::time::Duration;

use rch_schemas::Reason;
use rch_schemas::document::RunState;
use rch_schemas::job_key::{Provisioning, ResolvedDestination};
use rch_schemas::requirement::DestinationMode;
use rch_schemas::wire::http::Intake;

use super::farm::{Farm, facts_with, request, worker};
use crate::{CommandBody, Reply, SubmitRequest};

fn submit(farm: &mut Farm, change: impl FnOnce(&mut SubmitRequest)) -> rch_schemas::RunId {
    let mut request = request(&format!("request-{:04}", farm.ledger.len()), &["build"]);
    change(&mut request);
    farm.submit_request(request)
}

#[test]
fn the_lower_priority_number_goes_first_and_the_loser_learns_what_it_lacks() {
    let mut farm = Farm::with(&["mac-1", "mac-2", "mac-3"]);
    farm.announce("mac-1", &facts_with("mac-1", "16.1", "16B40", 1));
    let run_id = submit(&mut farm, |request| request.request.options.xcode = Some("16C5032a".parse().unwrap()));
    let evidence = farm.evidence(&run_id);
    assert_eq!((evidence.selected_worker.as_str(), evidence.candidate_count), ("mac-2", 2));
    let judgement = evidence.judgement.unwrap();
    let loser = judgement.row_of(&worker("mac-1")).unwrap();
    assert_eq!(loser.verdicts[0].code, Reason::NoSuchXcode);
    assert_eq!((loser.verdicts[0].required.as_str(), loser.verdicts[0].found.as_str()), ("Xcode 16C5032a", "16.1 (16B40)"));
    assert_eq!(loser.counterfactual.as_deref(), Some("would rank 1 with Xcode 16C5032a"));
}

type Change = fn(&mut SubmitRequest);

#[test]
fn an_impossible_requirement_ends_the_run_at_once_with_the_nearest_miss() {
    let mut farm = Farm::with(&["mac-1"]);
    let cases: [(Change, Reason); 6] = [
        (|request| request.request.options.xcode = Some("26".parse().unwrap()), Reason::NoSuchXcode),
        (|request| request.request.options.tags = ["visionpro".to_owned()].into(), Reason::TagMissing),
        (|request| request.request.options.worker = Some(worker("mac-9")), Reason::NotNamed),
        (|request| request.request.destinations[0].asked = "platform=iOS Simulator,name=iPhone 99".to_owned(), Reason::NoSuchDestination),
        (|request| request.request.destinations[0].asked = "platform=iOS,name=My iPhone".to_owned(), Reason::NoSuchDestination),
        (|request| request.request.options.tools = ["swiftlint".to_owned()].into(), Reason::ToolMissing),
    ];
    for (change, code) in cases {
        let run_id = submit(&mut farm, change);
        let outcome = farm.job(&run_id, 0).outcome().unwrap();
        assert_eq!((outcome.exit_code, outcome.failure_subkind), (91, Some(code)));
        let said = &farm.run(&run_id).ended.as_ref().unwrap().human_summary;
        let expected = if code == Reason::NotNamed { "the farm has no worker mac-9; it has mac-1" } else { "mac-1: required" };
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn a_worker_that_could_is_waited_for_when_it_is_away() {
    let mut farm = Farm::with(&["mac-1"]);
    let intake = |intake, reason: &str| CommandBody::SetIntake { worker: worker("mac-1"), intake, reason: reason.to_owned() };
    farm.ask(intake(Intake::Draining, "Xcode 16.3"));
    let run_id = submit(&mut farm, |_| {});
    assert_eq!(farm.run(&run_id).state, RunState::Queued);
    farm.ask(intake(Intake::Open, ""));
    assert_eq!(farm.offers("mac-1").len(), 1);
}

#[test]
fn waiting_ends_with_the_queue_timeout() {
    let mut farm = Farm::with(&["mac-1"]);
    let first = submit(&mut farm, |_| {});
    farm.claim("mac-1");
    let second = submit(&mut farm, |request| request.request.options.timeouts.queue_seconds = 60);
    farm.wait(Duration::from_mins(1), &["mac-1"]);
    assert_eq!(farm.job(&second, 0).outcome().unwrap().failure_subkind, Some(Reason::TimeoutQueue));
    assert!(farm.run(&first).ended.is_none());
}

#[test]
fn capabilities_that_are_too_old_exclude_the_worker_until_it_is_probed() {
    let mut farm = Farm::with(&["mac-1"]);
    farm.tick += 301_000;
    farm.observed.workers.get_mut(&worker("mac-1")).unwrap().heard_at = Some(rch_schemas::Tick(farm.tick));
    let run_id = submit(&mut farm, |_| {});
    assert_eq!(farm.run(&run_id).state, RunState::Queued);
    assert!(farm.run(&run_id).selection(0).is_none());
    let because = |farm: &Farm| {
        let job = farm.job(&run_id, 0);
        let board = crate::Board::of(&farm.state, &farm.observed, rch_schemas::Tick(farm.tick));
        board.waiting(farm.run(&run_id), &job.job_id).unwrap().detail
    };
    let told = "no worker that matches takes jobs now: mac-1: required capabilities at most 300 s old, found 301 s old";
    assert_eq!(because(&farm), told);
    fail_probe(&mut farm, "mac-1");
    assert_eq!(because(&farm), format!("{told}, and reading them again failed: no agent listens (after 3.0 s)"));
    farm.hear("mac-1");
    farm.ask(CommandBody::Tick);
    assert_eq!(farm.offers("mac-1").len(), 1, "they came after all");
}

/// What the coordinator notes when an agent was asked for its capabilities and they did not come.
fn fail_probe(farm: &mut Farm, name: &str) {
    let failure = rch_schemas::document::ProbeFailure { error: "no agent listens".to_owned(), after_ms: 3_000 };
    farm.observed.workers.get_mut(&worker(name)).unwrap().probe_failure = Some(failure);
}

#[test]
fn a_worker_that_could_not_be_probed_is_passed_over_with_error_and_duration_once_its_capabilities_are_old() {
    let mut farm = Farm::with(&["mac-1", "mac-2"]);
    fail_probe(&mut farm, "mac-1");
    let young = submit(&mut farm, |_| {});
    assert_eq!(farm.run(&young).selection(0).unwrap().selection.worker, worker("mac-1"), "they still count");
    farm.hear("mac-2");
    farm.tick += 301_000;
    farm.hear("mac-2");
    farm.observed.workers.get_mut(&worker("mac-1")).unwrap().heard_at = Some(rch_schemas::Tick(farm.tick));
    let old = submit(&mut farm, |_| {});
    let selection = &farm.run(&old).selection(0).unwrap().selection;
    assert_eq!(selection.worker, worker("mac-2"));
    let [passed] = selection.passed_over.as_slice() else { panic!("{selection:?}") };
    let failure = passed.probe_failure.as_ref().unwrap();
    assert_eq!(
        (passed.workers.as_slice(), failure.error.as_str(), failure.after_ms),
        ([worker("mac-1")].as_slice(), "no agent listens", 3_000)
    );
    farm.assert_recovers();
}

#[test]
fn latest_is_resolved_and_a_pinned_destination_leaves_nothing_open() {
    let mut farm = Farm::with(&["mac-1"]);
    let run_id = submit(&mut farm, |_| {});
    let expected = ResolvedDestination::Simulator {
        platform: "iOS Simulator".to_owned(),
        arch: "arm64".to_owned(),
        os_version: "18.2".to_owned(),
        provisioning: Provisioning::Existing,
        name: "iPhone 16".to_owned(),
        device_type_identifier: "com.apple.CoreSimulator.SimDeviceType.iPhone-16".to_owned(),
        sim_runtime_identifier: "com.apple.CoreSimulator.SimRuntime.iOS-18-2".to_owned(),
        sim_runtime_build: "22C150".to_owned(),
        paired_with: None,
    };
    assert_eq!(farm.state.resolution(farm.run(&run_id).selection(0).unwrap()).unwrap().resolved, expected);
    let pinned = submit(&mut farm, |request| request.request.destinations[0].mode = DestinationMode::Pinned);
    assert_eq!(farm.run(&pinned).ended.as_ref().unwrap().exit_code, 91);
}

#[test]
fn a_generic_device_build_is_not_signed_unless_the_repo_says_so() {
    let mut farm = Farm::with(&["mac-1"]);
    let run_id = submit(&mut farm, |request| request.request.destinations[0].asked = "generic/platform=iOS".to_owned());
    let document = crate::job_document(&farm.state, farm.run(&run_id), farm.job(&run_id, 0), rch_schemas::Attempt(1)).unwrap();
    assert!(document.argv.contains(&"CODE_SIGNING_ALLOWED=NO".to_owned()), "{:?}", document.argv);
    assert_eq!(document.job_key_inputs.key(), document.job_key.unwrap());
}

#[test]
fn a_preview_decides_what_submitting_would_and_records_nothing() {
    let mut farm = Farm::with(&["mac-1", "mac-2"]);
    let records = farm.ledger.iter().flat_map(|record| &record.events).count();
    let Reply::Preview(preview) = farm.ask(CommandBody::Preview(Box::new(request("request-01", &["build", "test"])))) else {
        panic!("no preview")
    };
    assert_eq!(farm.ledger.iter().flat_map(|record| &record.events).count(), records);
    let run_id = farm.submit("request-01", &["build", "test"]);
    assert_eq!(preview.selections[0].selected_worker, farm.run(&run_id).selection(0).unwrap().selection.worker);
    assert_eq!(preview.job_keys[1][0], farm.job(&run_id, 1).job_key);
}

#[test]
fn a_judgement_is_recorded_once_for_a_class_until_the_fleet_changes() {
    let mut farm = Farm::with(&["mac-1"]);
    let count = |farm: &Farm| {
        farm.ledger.iter().flat_map(|record| &record.events).filter(|event| matches!(event, crate::Event::FleetJudged { .. })).count()
    };
    submit(&mut farm, |_| {});
    submit(&mut farm, |_| {});
    assert_eq!(count(&farm), 1);
    farm.announce("mac-1", &facts_with("mac-1", "16.2", "16C5032a", 2));
    submit(&mut farm, |_| {});
    assert!(count(&farm) > 1);
    farm.assert_recovers();
}

#[test]
fn an_sdk_with_a_version_needs_an_xcode_that_has_it() {
    let mut farm = Farm::with(&["mac-1", "mac-2"]);
    let mut newer = facts_with("mac-2", "16.3", "16E140", 1);
    newer.xcodes[0].sdks[0] =
        rch_schemas::capabilities::Sdk { name: "iphoneos18.4".to_owned(), platform: "iphoneos".to_owned(), version: "18.4".to_owned() };
    farm.announce("mac-2", &newer);
    let generic = |sdk: &'static str| {
        move |request: &mut SubmitRequest| {
            request.request.destinations[0].asked = "generic/platform=iOS".to_owned();
            request.request.steps[0].argv.extend(["-sdk".to_owned(), sdk.to_owned()]);
        }
    };
    for (sdk, chosen) in [("iphoneos", "mac-1"), ("iphoneos18.2", "mac-1"), ("iphoneos18.4", "mac-2")] {
        let run_id = submit(&mut farm, generic(sdk));
        assert_eq!(farm.run(&run_id).selection(0).unwrap().selection.worker.as_str(), chosen, "{sdk}");
    }
    let run_id = submit(&mut farm, generic("iphoneos9.3"));
    let outcome = farm.job(&run_id, 0).outcome().unwrap();
    assert_eq!((outcome.exit_code, outcome.failure_subkind), (91, Some(Reason::NoSuchXcode)));
    let said = &farm.run(&run_id).ended.as_ref().unwrap().human_summary;
    assert!(said.contains("an Xcode with the SDK iphoneos9.3") && said.contains("Xcode 16.2 with iphoneos18.2"), "{said}");
    // A step for another platform says nothing about this destination.
    let run_id = submit(&mut farm, |request| {
        generic("iphoneos18.4")(request);
        request.request.destinations[0].asked = "platform=macOS".to_owned();
    });
    assert_eq!(farm.run(&run_id).ended.as_ref().unwrap().exit_code, 10);
}
