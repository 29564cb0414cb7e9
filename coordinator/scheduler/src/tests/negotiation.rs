//! Protocol versions and features: fixed at submit, kept through an upgrade, drifted from never silently.

use rch_schemas::capabilities::Facts;
use rch_schemas::document::{JobStatus, Outcome, RunState};
use rch_schemas::protocol::{Feature, ProtocolRange};
use rch_schemas::wire::agent::ReportBody;
use rch_schemas::wire::http::Intake;
use rch_schemas::{Reason, RunId};

use super::farm::{Farm, announcement, facts, facts_with, request, worker};
use crate::{CommandBody, Reply};

const MACS: [&str; 3] = ["mac-1", "mac-2", "mac-3"];

fn range(min: u32, max: u32) -> ProtocolRange {
    ProtocolRange { min, max }
}

/// A farm that speaks `farm`, whose workers speak what stands beside them.
fn mixed(farm: ProtocolRange, agents: [ProtocolRange; 3]) -> Farm {
    let mut fleet = Farm::with(&MACS);
    speak(&mut fleet, farm);
    for (name, agent) in MACS.into_iter().zip(agents) {
        upgrade(&mut fleet, name, agent);
    }
    fleet
}

fn speak(farm: &mut Farm, range: ProtocolRange) {
    farm.configure(&MACS, |config| config.protocol = range);
}

/// The agent is started anew in another version; nothing else about the machine changes.
fn upgrade(farm: &mut Farm, name: &str, protocol: ProtocolRange) -> Reply {
    upgrade_with(farm, name, protocol, &facts(name))
}

fn upgrade_with(farm: &mut Farm, name: &str, protocol: ProtocolRange, facts: &Facts) -> Reply {
    let mut announce = announcement(name, facts);
    announce.protocol = protocol;
    farm.hear(name);
    let session = format!("{name}-session-{}", farm.ledger.len());
    farm.report_as(name, session.parse().unwrap(), ReportBody::Announce(Box::new(announce)))
}

fn submit(farm: &mut Farm, client: ProtocolRange) -> RunId {
    let mut request = request(&format!("request-{:04}", farm.ledger.len()), &["build"]);
    request.request.protocol = client;
    farm.submit_request(request)
}

fn chosen(farm: &Farm, run_id: &RunId) -> (u32, Option<String>) {
    let run = farm.run(run_id);
    (run.protocol_version, run.selection(0).map(|made| made.selection.worker.to_string()))
}

#[test]
fn a_run_is_fixed_to_the_highest_version_that_farm_client_and_a_matching_worker_speak() {
    let cases = [
        // Everybody old; one new; everybody new.
        (range(1, 2), range(1, 2), [range(1, 1); 3], (1, "mac-1")),
        (range(1, 2), range(1, 2), [range(1, 1), range(1, 2), range(1, 1)], (2, "mac-2")),
        (range(1, 2), range(1, 2), [range(1, 2); 3], (2, "mac-1")),
        // An old client, an old farm.
        (range(1, 2), range(1, 1), [range(1, 2); 3], (1, "mac-1")),
        (range(1, 1), range(1, 2), [range(2, 3), range(1, 2), range(1, 1)], (1, "mac-2")),
        // The first Mac was upgraded past the farm.
        (range(1, 2), range(1, 5), [range(3, 5), range(1, 1), range(1, 1)], (1, "mac-2")),
    ];
    for (farm, client, agents, (version, name)) in cases {
        let mut farm = mixed(farm, agents);
        let run_id = submit(&mut farm, client);
        assert_eq!(chosen(&farm, &run_id), (version, Some(name.to_owned())), "{agents:?}");
        farm.assert_recovers();
    }
}

#[test]
fn a_version_that_only_an_absent_worker_speaks_holds_nobody_up() {
    let mut farm = mixed(range(1, 2), [range(1, 1), range(1, 2), range(1, 1)]);
    farm.drain("mac-2");
    let run_id = submit(&mut farm, range(1, 2));
    assert_eq!(chosen(&farm, &run_id), (1, Some("mac-1".to_owned())));
    // Where nobody is here, the best that could come is waited for.
    farm.drain("mac-1");
    farm.drain("mac-3");
    let waiting = submit(&mut farm, range(1, 2));
    assert_eq!(chosen(&farm, &waiting), (2, None));
    farm.set_intake("mac-1", Intake::Open);
    assert_eq!(chosen(&farm, &waiting), (2, None), "a run keeps the version it was fixed to");
    farm.set_intake("mac-2", Intake::Open);
    assert_eq!(chosen(&farm, &waiting), (2, Some("mac-2".to_owned())));
}

#[test]
fn each_destination_of_a_matrix_has_a_say_unless_nobody_can_do_it() {
    let mut farm = mixed(range(1, 3), [range(1, 1), range(1, 3), range(1, 3)]);
    let mut other = facts("mac-1");
    other.device_types[0].name = "iPhone SE".to_owned();
    other.devices[0].name = "iPhone SE".to_owned();
    upgrade_with(&mut farm, "mac-1", range(1, 1), &other);
    let matrix = |farm: &mut Farm, second: &str| {
        let mut request = request(&format!("request-{:04}", farm.ledger.len()), &["build"]);
        request.request.protocol = range(1, 3);
        let mut other = request.request.destinations[0].clone();
        other.asked = second.to_owned();
        request.request.destinations.push(other);
        farm.submit_request(request)
    };
    let run_id = matrix(&mut farm, "platform=macOS");
    assert_eq!(chosen(&farm, &run_id), (3, Some("mac-2".to_owned())));
    let bound = matrix(&mut farm, "platform=iOS Simulator,name=iPhone SE");
    assert_eq!(farm.run(&bound).protocol_version, 1, "only the old Mac has an iPhone SE");
    let workers: Vec<_> = (0..2).map(|index| farm.run(&bound).selection(index).unwrap().selection.worker.to_string()).collect();
    assert_eq!(workers, ["mac-2", "mac-1"]);
    let hopeless = matrix(&mut farm, "platform=iOS Simulator,name=iPhone 99");
    assert_eq!(farm.run(&hopeless).protocol_version, 3, "what nobody can do has no say");
    assert_eq!(farm.job(&hopeless, 1).outcome().unwrap().failure_subkind, Some(Reason::NoSuchDestination));
}

#[test]
fn without_a_common_version_the_run_ends_at_once_and_says_so_of_each_worker() {
    let mut farm = mixed(range(1, 1), [range(2, 3), range(2, 2), range(4, 4)]);
    let run_id = submit(&mut farm, range(1, 1));
    let outcome = farm.job(&run_id, 0).outcome().unwrap();
    assert_eq!((outcome.exit_code, outcome.failure_subkind), (91, Some(Reason::ProtocolDrift)));
    let said = &farm.run(&run_id).ended.as_ref().unwrap().human_summary;
    assert!(said.contains("mac-1: required protocol 1, found protocol 2 to 3"), "{said}");
    farm.assert_recovers();
}

#[test]
fn an_agent_that_shares_no_version_is_known_told_and_healed_by_an_upgrade_of_the_farm() {
    let mut farm = Farm::with(&MACS);
    let Reply::NotAccepted(told) = upgrade(&mut farm, "mac-1", range(2, 3)) else { panic!("it was taken") };
    assert_eq!(told.code, Reason::UnsupportedProtocol);
    assert!(
        told.message.ends_with("of mac-1 speaks protocol 2 to 3, the farm speaks 1; upgrade the farm's coordinator, or use an older agent"),
        "{told}"
    );
    let run_id = submit(&mut farm, range(1, 2));
    let seen = farm.evidence(&run_id).judgement.unwrap();
    let considered = seen.row_of(&worker("mac-1")).unwrap();
    assert_eq!(
        (considered.protocol, considered.verdicts.len(), considered.verdicts[0].code),
        (Some(range(2, 3)), 1, Reason::ProtocolDrift)
    );
    speak(&mut farm, range(1, 2));
    let run_id = submit(&mut farm, range(1, 2));
    assert_eq!(chosen(&farm, &run_id), (2, Some("mac-1".to_owned())));
    let Reply::NotAccepted(told) = upgrade(&mut farm, "mac-2", range(0, 0)) else { panic!("it was taken") };
    assert!(told.message.ends_with("; upgrade the agent"), "{told}");
}

#[test]
fn a_waiting_run_leaves_a_worker_that_drifted_and_a_claim_of_a_drifted_farm_is_refused() {
    let mut farm = mixed(range(1, 1), [range(1, 1); 3]);
    let blocker = submit(&mut farm, range(1, 1));
    let (job, attempt) = farm.claim("mac-1");
    let waiting = submit(&mut farm, range(1, 1));
    assert_eq!(chosen(&farm, &waiting), (1, Some("mac-1".to_owned())));
    farm.finish("mac-1", &job, attempt, Outcome::SUCCESS);
    assert_eq!(farm.run(&blocker).state, RunState::Succeeded);
    // Offered, and then the agent is another one with the very same facts.
    assert_eq!(farm.offers("mac-1").len(), 1);
    upgrade(&mut farm, "mac-1", range(2, 2));
    assert_eq!(chosen(&farm, &waiting), (1, Some("mac-2".to_owned())));
    assert_eq!((farm.offers("mac-1").len(), farm.offers("mac-2").len()), (0, 1));
    // Now the farm is the one that drifts, between the offer and the claim.
    let (job, attempt) = farm.offers("mac-2").remove(0);
    speak(&mut farm, range(2, 2));
    let Reply::NotAccepted(told) = farm.claim_as("mac-2", &job, attempt, "claim-00009") else { panic!("it may run") };
    assert_eq!(told.code, Reason::ProtocolDrift);
    let outcome = farm.job(&waiting, 0).outcome().unwrap();
    assert_eq!((outcome.status, outcome.failure_subkind), (JobStatus::Failed, Some(Reason::ProtocolDrift)));
    farm.assert_recovers();
}

#[test]
fn a_required_feature_excludes_and_an_optional_one_degrades_and_says_so() {
    let mut farm = Farm::with(&MACS);
    let mut bare = announcement("mac-1", &facts_with("mac-1", "16.2", "16C5032a", 2));
    bare.features = [Feature::named(Feature::ATTESTATION_SIGNING)].into();
    farm.report_as("mac-1", "mac-1-session-bare".parse().unwrap(), ReportBody::Announce(Box::new(bare)));
    let run_id = submit(&mut farm, range(1, 1));
    let made = farm.run(&run_id).selection(0).unwrap();
    assert_eq!(&made.selection.worker, &worker("mac-1"));
    let notices = farm.evidence(&run_id).notices;
    assert!(notices.iter().any(|notice| notice.contains("has no feature tail")), "{notices:?}");
    let ephemeral = |farm: &mut Farm, named: Option<&str>| {
        let mut request = request(&format!("request-{:04}", farm.ledger.len()), &["build"]);
        request.request.destinations[0].provisioning = rch_schemas::job_key::Provisioning::Ephemeral;
        request.request.options.worker = named.map(worker);
        farm.submit_request(request)
    };
    let elsewhere = ephemeral(&mut farm, None);
    assert_eq!(chosen(&farm, &elsewhere).1.as_deref(), Some("mac-2"));
    let judgement = farm.evidence(&elsewhere).judgement.unwrap();
    let bare = judgement.row_of(&worker("mac-1")).unwrap();
    assert_eq!((bare.verdicts[0].code, bare.verdicts[0].required.as_str()), (Reason::FeatureMissing, "ephemeral_simulators"));
    farm.configure(&["mac-1"], |_| {});
    let nobody = ephemeral(&mut farm, Some("mac-1"));
    let outcome = farm.job(&nobody, 0).outcome().unwrap();
    assert_eq!((outcome.exit_code, outcome.failure_subkind), (91, Some(Reason::FeatureMissing)));
}

#[test]
fn a_preview_is_fixed_to_the_version_that_a_run_would_be() {
    let mut farm = mixed(range(1, 2), [range(1, 1), range(1, 2), range(1, 1)]);
    let mut asked = request("request-00001", &["build"]);
    asked.request.protocol = range(1, 2);
    let Reply::Preview(preview) = farm.ask(CommandBody::Preview(Box::new(asked))) else { panic!("no preview") };
    assert_eq!((preview.selections[0].protocol_version, preview.selections[0].selected_worker.as_str()), (2, "mac-2"));
}
