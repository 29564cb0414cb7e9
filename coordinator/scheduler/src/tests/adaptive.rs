//! Adaptive selection: a worker is chosen when one has a slot, by what is seen then.

use proptest::prelude::*;
use rch_schemas::document::{Outcome, Priority, SelectionMode};
use rch_schemas::wire::agent::ReportBody;
use rch_schemas::wire::http::Because;
use rch_schemas::{Reason, RunId, Sha256};

use super::farm::{Farm, facts_with, request, worker};
use crate::{Board, CommandBody, Event, JobPhase, Reply, SubmitRequest};

const TWELVE: [&str; 12] =
    ["mac-01", "mac-02", "mac-03", "mac-04", "mac-05", "mac-06", "mac-07", "mac-08", "mac-09", "mac-10", "mac-11", "mac-12"];

fn adaptive(id: &str, steps: &[&str]) -> SubmitRequest {
    let mut request = request(id, steps);
    request.request.options.selection = SelectionMode::Adaptive;
    request.body_sha256 = Sha256::of_canonical(&request.request).unwrap();
    request
}

/// A farm of Macs that are equal: priority 1, one slot.
fn equals(workers: &[&str]) -> Farm {
    let mut farm = Farm::with(workers);
    farm.configure(workers, |config| config.inventory.values_mut().for_each(|entry| entry.priority = 1));
    farm
}

impl Farm {
    fn submit_adaptive(&mut self, id: &str) -> RunId {
        self.submit_request(adaptive(id, &["build"]))
    }

    /// Where a run's first job is offered or runs.
    fn place_of(&self, run_id: &RunId) -> Option<String> {
        self.job(run_id, 0).live().map(|attempt| attempt.worker.to_string())
    }

    fn finish_one(&mut self, name: &str) {
        let (job_id, attempt) = self.claim(name);
        self.finish(name, &job_id, attempt, Outcome::SUCCESS);
    }
}

#[test]
fn twelve_jobs_on_twelve_equal_macs_keep_all_of_them_busy() {
    let mut farm = equals(&TWELVE);
    for number in 0..12 {
        farm.submit_adaptive(&format!("request-{number:02}"));
    }
    assert_eq!(TWELVE.map(|name| farm.offers(name).len()), [1; 12]);
    farm.assert_recovers();
    let mut alone = equals(&TWELVE);
    for number in 0..12 {
        alone.submit(&format!("request-{number:02}"), &["build"]);
    }
    assert_eq!(TWELVE.map(|name| alone.offers(name).len()), [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "the other mode waits for the first");
}

#[test]
fn a_job_for_which_nobody_has_a_slot_goes_to_whoever_is_free_first() {
    let mut farm = equals(&["mac-1", "mac-2"]);
    let runs = ["request-01", "request-02", "request-03", "request-04"].map(|id| farm.submit_adaptive(id));
    let places = |farm: &Farm| [0, 1, 2, 3].map(|index: usize| farm.place_of(&runs[index]));
    let at = |name: &str| Some(name.to_owned());
    assert_eq!(places(&farm), [at("mac-1"), at("mac-2"), None, None]);
    assert_eq!(farm.run(&runs[2]).selection(0), None, "nobody is chosen ahead");
    farm.finish_one("mac-2");
    assert_eq!(places(&farm), [at("mac-1"), None, at("mac-2"), None]);
    farm.assert_recovers();
}

#[test]
fn priority_goes_before_everything_that_is_seen() {
    let mut farm = Farm::with(&["mac-1", "mac-2"]);
    farm.observed.workers.get_mut(&worker("mac-2")).unwrap().disk_free_bytes = 1 << 40;
    let runs = ["request-01", "request-02"].map(|id| farm.submit_adaptive(id));
    assert_eq!(runs.map(|run_id| farm.place_of(&run_id).unwrap()), ["mac-1", "mac-2"], "but a slot is taken where there is one");
}

/// Makes something of one worker better.
type Improve = fn(&mut Farm, &str);

#[test]
fn equals_are_told_apart_by_warmth_then_load_then_disk_then_name() {
    let disk: Improve = |farm, name| farm.observed.workers.get_mut(&worker(name)).unwrap().disk_free_bytes = 1 << 40;
    let load: Improve = |farm, name| farm.announce(name, &facts_with(name, "16.2", "16C5032a", 8));
    let warm: Improve = |farm, name| {
        farm.observed.workers.get_mut(&worker(name)).unwrap().warm_namespaces = ["SampleApp".parse().unwrap()].into();
    };
    // Everybody runs something, so that slots make a difference.
    let chosen = |better: &[(Improve, &str)]| {
        let names = ["mac-1", "mac-2", "mac-3"];
        let mut farm = equals(&names);
        for name in names {
            farm.announce(name, &facts_with(name, "16.2", "16C5032a", 4));
            let mut filler = adaptive(&format!("request-{name}"), &["build"]);
            filler.request.options.worker = Some(worker(name));
            farm.submit_request(filler);
        }
        for (improve, name) in better {
            improve(&mut farm, name);
        }
        let run_id = farm.submit_adaptive("request-01");
        farm.assert_recovers();
        farm.place_of(&run_id).unwrap()
    };
    assert_eq!(chosen(&[]), "mac-1");
    assert_eq!(chosen(&[(disk, "mac-3")]), "mac-3");
    assert_eq!(chosen(&[(load, "mac-2"), (disk, "mac-3")]), "mac-2");
    assert_eq!(chosen(&[(load, "mac-2"), (disk, "mac-2"), (warm, "mac-3")]), "mac-3");
}

#[test]
fn the_evidence_has_what_was_seen_and_a_digest_over_it() {
    let mut farm = equals(&["mac-1", "mac-2", "mac-3"]);
    for (name, disk) in [("mac-1", 1_000), ("mac-2", 3_000), ("mac-3", 2_000)] {
        farm.observed.workers.get_mut(&worker(name)).unwrap().disk_free_bytes = disk;
    }
    let busy = farm.submit_adaptive("request-01");
    let run_id = farm.submit_adaptive("request-02");
    assert_eq!((farm.place_of(&busy).as_deref(), farm.place_of(&run_id).as_deref()), (Some("mac-2"), Some("mac-3")));
    let evidence = farm.evidence(&run_id);
    assert_eq!(evidence.mode, SelectionMode::Adaptive);
    let seen: Vec<_> = evidence.metrics.iter().map(|seen| (seen.worker.as_str(), seen.free_slots, seen.disk_free_bytes)).collect();
    assert_eq!(seen, [("mac-1", 1, 1_000), ("mac-3", 1, 2_000)], "mac-2 had no slot");
    let announced = farm.run(&run_id).selection(0).unwrap().selection.evidence_sha256;
    let mut value = serde_json::to_value(&evidence).unwrap();
    assert_eq!(rch_schemas::document::WorkerSelection::received_sha256(&value), Some(announced));
    value["metrics"][1]["disk_free_bytes"] = 2_001.into();
    assert_ne!(rch_schemas::document::WorkerSelection::received_sha256(&value), Some(announced));
}

#[test]
fn the_steps_after_the_first_stay_where_it_ran() {
    let mut farm = equals(&["mac-1", "mac-2"]);
    let first = farm.submit_request(adaptive("request-01", &["build", "test"]));
    let (job_id, attempt) = farm.claim("mac-1");
    let waiting = farm.submit_adaptive("request-02");
    farm.submit_adaptive("request-03");
    assert_eq!(farm.place_of(&waiting).as_deref(), Some("mac-2"));
    farm.finish("mac-1", &job_id, attempt, Outcome::SUCCESS);
    let test = farm.job(&first, 1);
    assert_eq!(test.live().map(|attempt| attempt.worker.as_str()), Some("mac-1"), "it goes on before who came later");
    farm.assert_recovers();
}

#[test]
fn a_worker_that_drains_or_is_silent_gets_nothing_of_its_classes() {
    let mut farm = equals(&["mac-1", "mac-2", "mac-3"]);
    farm.drain("mac-1");
    farm.tick += 20_000;
    farm.hear("mac-1");
    farm.hear("mac-3");
    farm.ask(CommandBody::Tick);
    let runs = ["request-01", "request-02"].map(|id| farm.submit_adaptive(id));
    assert_eq!([0, 1].map(|index: usize| farm.place_of(&runs[index])), [Some("mac-3".to_owned()), None]);
    farm.hear("mac-2");
    farm.ask(CommandBody::Tick);
    assert_eq!(farm.place_of(&runs[1]).as_deref(), Some("mac-2"), "it is heard again");
    farm.assert_recovers();
}

#[test]
fn a_worker_that_refuses_is_left_alone_and_another_takes_the_job() {
    let mut farm = equals(&["mac-1", "mac-2"]);
    let run_id = farm.submit_adaptive("request-01");
    let (job_id, attempt) = farm.offers("mac-1")[0].clone();
    let (code, detail) = (Reason::Busy, "updating".to_owned());
    farm.report("mac-1", ReportBody::Refused { job_id, attempt, code, detail, retry_after_seconds: Some(30), missing: Vec::new() });
    assert_eq!(farm.place_of(&run_id).as_deref(), Some("mac-2"));
    assert_eq!(farm.evidence(&run_id).passed_over[0].verdicts[0].code, Reason::Busy);
    farm.assert_recovers();
}

#[test]
fn what_nobody_can_do_fails_at_once_also_when_it_becomes_so_while_it_waits() {
    let mut farm = equals(&["mac-1", "mac-2"]);
    let mut impossible = adaptive("request-01", &["build"]);
    impossible.request.options.xcode = Some("99".parse().unwrap());
    let run_id = farm.submit_request(impossible);
    let failed = |farm: &Farm, run_id: &RunId| matches!(&farm.job(run_id, 0).phase, JobPhase::Ended { outcome, .. } if outcome.failure_subkind.is_some());
    assert!(failed(&farm, &run_id));
    let waiting = ["request-02", "request-03", "request-04", "request-05"].map(|id| {
        let mut exact = adaptive(id, &["build"]);
        exact.request.options.xcode = Some("16C5032a".parse().unwrap());
        farm.submit_request(exact)
    });
    farm.announce("mac-2", &facts_with("mac-2", "16.4", "16F6", 1));
    assert!(!failed(&farm, &waiting[2]) && !failed(&farm, &waiting[3]), "mac-1 can");
    farm.announce("mac-1", &facts_with("mac-1", "16.4", "16F6", 1));
    assert!(failed(&farm, &waiting[2]) && failed(&farm, &waiting[3]), "nobody can any more");
    farm.assert_recovers();
}

#[test]
fn jobs_wait_while_every_worker_of_their_class_is_closed_and_start_when_one_opens() {
    let mut farm = equals(&["mac-1"]);
    farm.drain("mac-1");
    let run_id = farm.submit_adaptive("request-01");
    assert_eq!(farm.place_of(&run_id), None);
    let told = Board::of(&farm.state, &farm.observed, farm.stamp().tick).waiting(farm.run(&run_id), &farm.job(&run_id, 0).job_id);
    assert_eq!(told.and_then(|waiting| waiting.because), Some(Because::NoWorker));
    farm.set_intake("mac-1", rch_schemas::wire::http::Intake::Open);
    assert_eq!(farm.place_of(&run_id).as_deref(), Some("mac-1"));
    farm.assert_recovers();
}

#[test]
fn who_was_chosen_for_goes_before_a_later_one_that_could_go_elsewhere_and_after_an_earlier_one() {
    let mut farm = equals(&["mac-1"]);
    farm.submit("request-00", &["build"]);
    let order = [farm.submit_adaptive("request-01"), farm.submit("request-02", &["build"]), farm.submit_adaptive("request-03")];
    let mut turns = Vec::new();
    farm.finish_one("mac-1");
    for _ in 0..3 {
        let (job_id, _) = farm.offers("mac-1")[0].clone();
        turns.push(farm.state.jobs[&job_id].run_id.clone());
        farm.finish_one("mac-1");
    }
    assert_eq!(turns, order);
    farm.assert_recovers();
}

#[test]
fn a_flood_of_one_requester_leaves_the_others_their_share_in_the_line_of_a_class() {
    let mut farm = equals(&["mac-1", "mac-2"]);
    for number in 0..40 {
        let flood = adaptive(&format!("request-flood-{number}"), &["build"]);
        farm.ask_as("flood", CommandBody::Submit(Box::new(flood)));
    }
    let Reply::Run(other) = farm.ask_as("other", CommandBody::Submit(Box::new(adaptive("request-01", &["build"])))) else {
        panic!("not accepted")
    };
    for name in ["mac-1", "mac-2", "mac-1", "mac-2"] {
        farm.finish_one(name);
    }
    assert!(farm.place_of(&other).is_some() || farm.job(&other, 0).outcome().is_some(), "forty came before it, of one requester");
}

#[test]
fn who_waits_is_told_its_place_in_the_line_of_its_class_and_who_could_take_it() {
    let mut farm = equals(&["mac-1", "mac-2"]);
    let runs = ["request-01", "request-02", "request-03", "request-04"].map(|id| farm.submit_adaptive(id));
    let board = Board::of(&farm.state, &farm.observed, farm.stamp().tick);
    let told = |index: usize| board.waiting(farm.run(&runs[index]), &farm.job(&runs[index], 0).job_id).unwrap();
    let (third, fourth) = (told(2), told(3));
    assert_eq!((third.because, third.ahead, third.worker), (Some(Because::Busy), Some(0), None));
    assert_eq!((fourth.ahead, fourth.jobs_ahead[0].run_id.clone()), (Some(1), runs[2].clone()));
    assert_eq!(fourth.detail, "waits for a free slot of any of mac-1, mac-2");
}

#[test]
fn a_thousand_idle_equals_fit_into_the_evidence() {
    let names: Vec<String> = (0..1_000).map(|number| format!("macmini-{number:04}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut farm = equals(&names);
    for (name, disk) in names.iter().zip(1_u64..) {
        farm.observed.workers.get_mut(&worker(name)).unwrap().disk_free_bytes = disk * 1_234_567_891;
    }
    let run_id = farm.submit_adaptive("request-01");
    let bytes = serde_json::to_vec(&farm.evidence(&run_id)).unwrap().len();
    assert!(bytes <= 64 * 1024, "{bytes} bytes");
}

fn selections(farm: &Farm) -> Vec<Event> {
    let events = farm.ledger.iter().flat_map(|record| &record.events);
    events.filter(|event| matches!(event, Event::WorkerSelected { .. })).cloned().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is seen: all that is seen of equals is recorded, so that the record alone gives every choice again (`assert_recovers`
    /// replays each), no slot is left free while somebody waits who could have it, and the same is decided from the same.
    #[test]
    fn what_is_seen_decides_alone_and_no_slot_stays_free(
        rows in prop::collection::vec((0..3_u64, any::<bool>(), 1..3_u32), 4),
        jobs in prop::collection::vec((any::<bool>(), 0..3_u8), 1..9),
        ends in prop::collection::vec(0..4_usize, 0..6),
    ) {
        let names = ["mac-1", "mac-2", "mac-3", "mac-4"];
        let play = || {
            let mut farm = equals(&names);
            for (name, (disk, warm, slots)) in names.iter().zip(&rows) {
                farm.announce(name, &facts_with(name, "16.2", "16C5032a", *slots));
                let row = farm.observed.workers.get_mut(&worker(name)).unwrap();
                row.disk_free_bytes = *disk;
                row.warm_namespaces.extend(warm.then(|| "SampleApp".parse().unwrap()));
            }
            for (number, (is_adaptive, band)) in jobs.iter().enumerate() {
                let mut request = request(&format!("request-{number:02}"), &["build"]);
                request.request.options.selection = if *is_adaptive { SelectionMode::Adaptive } else { SelectionMode::Deterministic };
                request.request.options.priority = [Priority::Interactive, Priority::Normal, Priority::Batch][usize::from(*band)];
                farm.submit_request(request);
            }
            for place in &ends {
                if !farm.offers(names[*place]).is_empty() {
                    farm.finish_one(names[*place]);
                }
            }
            farm
        };
        let farm = play();
        farm.assert_recovers();
        prop_assert_eq!(selections(&farm), selections(&play()));
        let waits = farm.state.waiting_jobs().any(|(run, _)| run.line_class(0).is_some());
        let free = farm.state.workers.values().any(|worker| worker.free_slots() > 0);
        prop_assert!(!(waits && free), "somebody waits who could go anywhere, and there is a free slot");
    }
}
