//! Who gets the next slot: bands, shares, age.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rch_schemas::document::{Outcome, Priority};
use rch_schemas::wire::http::Intake;
use rch_schemas::{RunId, Sha256, Tick};

use super::farm::{Farm, facts_with, request, worker};
use crate::{CommandBody, Reply};

const MINUTE: u64 = 60_000;

impl Farm {
    /// Submits a build for somebody.
    fn build_for(&mut self, who: &str, id: &str, priority: Priority) -> RunId {
        let mut request = request(id, &["build"]);
        request.request.options.priority = priority;
        request.body_sha256 = Sha256::of_canonical(&request.request).unwrap();
        let reply = self.ask_as(who, CommandBody::Submit(Box::new(request)));
        let Reply::Run(run_id) = reply else { panic!("not accepted: {reply:?}") };
        run_id
    }

    /// What is offered to mac-1 runs for so long and succeeds; whose it was.
    fn build_one(&mut self, millis: u64) -> RunId {
        self.hear("mac-1");
        let (job_id, attempt) = self.claim("mac-1");
        self.tick += millis;
        self.hear("mac-1");
        self.finish("mac-1", &job_id, attempt, Outcome::SUCCESS);
        self.state.jobs[&job_id].run_id.clone()
    }

    /// Time passes for who waits.
    fn pass(&mut self, millis: u64) {
        self.tick += millis;
        self.hear("mac-1");
    }

    /// Everybody whose turn comes, one after the other.
    fn build_all(&mut self) -> Vec<String> {
        let mut turns = Vec::new();
        while !self.offers("mac-1").is_empty() {
            let run_id = self.build_one(1_000);
            turns.push(self.run(&run_id).requester.clone());
        }
        turns
    }
}

/// A farm with one Mac that is busy for a while with somebody else's job.
fn busy() -> Farm {
    let mut farm = Farm::with(&["mac-1"]);
    farm.build_for("somebody", "request-somebody", Priority::Normal);
    farm
}

#[test]
fn a_flood_of_one_requester_costs_nine_others_a_tenth_of_their_time_at_most() {
    const JOB: u64 = 1_000;
    let mut farm = Farm::with(&["mac-1"]);
    for number in 0..10_000 {
        farm.build_for("flood", &format!("request-flood-{number}"), Priority::Normal);
    }
    let others: Vec<_> = (0..9).map(|number| format!("other-{number}")).collect();
    for other in &others {
        for number in 0..10 {
            farm.build_for(other, &format!("request-{number:04}"), Priority::Normal);
        }
    }
    let began = farm.tick;
    let mut done: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    while others.iter().any(|other| done.get(other).is_none_or(|done| done.len() < 10)) {
        let run_id = farm.build_one(JOB);
        let requester = farm.run(&run_id).requester.clone();
        done.entry(requester).or_default().push(farm.tick - began);
    }
    // Alone at its share each would have a tenth of the Mac: its jobs would be done after 10, 20, .. 100 times the time of one.
    let alone: u64 = (1..=10).map(|number| number * 10 * JOB).sum();
    for other in &others {
        let waited: u64 = done[other].iter().sum();
        assert!(waited * 10 <= alone * 11, "{other} waits {waited} ms for its ten jobs, alone at its share {alone} ms");
    }
    assert!(done["flood"].len() >= 10, "the flood gets its share, too");
}

#[test]
fn whoever_has_twice_the_weight_gets_twice_as_much() {
    let mut farm = Farm::with(&["mac-1"]);
    farm.configure(&["mac-1"], |config| config.queue.weights = BTreeMap::from([("heavy".to_owned(), 2)]));
    farm.build_for("somebody", "request-somebody", Priority::Normal);
    for number in 0..30 {
        farm.build_for("light", &format!("request-{number:04}"), Priority::Normal);
        farm.build_for("heavy", &format!("request-{number:04}"), Priority::Normal);
    }
    let turns = farm.build_all();
    for until in (4..=31).step_by(3) {
        let heavy = turns[1..until].iter().filter(|who| *who == "heavy").count();
        assert_eq!(heavy, (until - 1) / 3 * 2, "{turns:?}");
    }
}

#[test]
fn a_run_with_many_jobs_uses_up_as_much_as_many_runs() {
    let mut farm = busy();
    let both = ["build", "test"];
    for id in ["request-0001", "request-0002"] {
        let reply = farm.ask_as("steps", CommandBody::Submit(Box::new(request(id, &both))));
        assert!(matches!(reply, Reply::Run(_)));
    }
    for number in 0..4 {
        farm.build_for("single", &format!("request-{number:04}"), Priority::Normal);
    }
    // The second step of a run stands at the head: its source and products are there.
    assert_eq!(farm.build_all(), ["somebody", "steps", "steps", "single", "single", "steps", "steps", "single", "single"]);
}

#[test]
fn a_band_goes_before_the_next_until_the_next_has_waited() {
    let mut farm = busy();
    farm.build_for("lee", "request-batch", Priority::Batch);
    farm.build_for("lee", "request-normal", Priority::Normal);
    farm.build_for("lee", "request-person", Priority::Interactive);
    let order = |farm: &mut Farm| -> Vec<_> {
        let line = farm.state.line(&farm.state.workers[&worker("mac-1")], Tick(farm.tick));
        line.map(|(run, _)| run.request_id.to_string()).collect()
    };
    assert_eq!(order(&mut farm), ["request-person", "request-normal", "request-batch"]);
    farm.tick += 10 * MINUTE;
    // Batch counts as normal now, and normal as interactive; among equals the lower tag goes first, and that is the older one's.
    assert_eq!(order(&mut farm), ["request-normal", "request-person", "request-batch"]);
    farm.tick += 10 * MINUTE;
    assert_eq!(order(&mut farm), ["request-batch", "request-normal", "request-person"]);
}

#[test]
fn the_oldest_of_a_band_ages_although_a_newcomer_is_ahead_of_it_by_share() {
    let mut farm = busy();
    farm.build_for("lee", "request-normal-0", Priority::Normal);
    for number in 0..20 {
        farm.build_for("flood", &format!("request-{number:04}"), Priority::Batch);
    }
    farm.pass(20 * MINUTE);
    farm.build_for("ada", "request-newcomer", Priority::Batch);
    for number in 0..3 {
        farm.build_for("lee", &format!("request-later-{number}"), Priority::Normal);
    }
    let turns = farm.build_all();
    let first_of_flood = turns.iter().position(|who| who == "flood").unwrap();
    let newcomer = turns.iter().position(|who| who == "ada").unwrap();
    assert!(first_of_flood < newcomer, "{turns:?}");
}

#[test]
fn what_was_cancelled_before_it_ran_is_not_paid_for() {
    let mut farm = busy();
    for number in 0..50 {
        let run_id = farm.build_for("kim", &format!("request-{number:04}"), Priority::Normal);
        farm.ask(CommandBody::CancelRun { run_id });
    }
    farm.build_for("lee", "request-lee-1", Priority::Normal);
    farm.build_for("lee", "request-lee-2", Priority::Normal);
    farm.build_for("kim", "request-kim-1", Priority::Normal);
    assert_eq!(farm.build_all(), ["somebody", "lee", "kim", "lee"]);
}

#[test]
fn who_was_idle_has_saved_nothing_up() {
    let mut farm = busy();
    for number in 0..40 {
        farm.build_for("kim", &format!("request-{number:04}"), Priority::Normal);
    }
    for _ in 0..20 {
        farm.build_one(1_000);
    }
    for number in 0..10 {
        farm.build_for("idle", &format!("request-{number:04}"), Priority::Normal);
    }
    let turns = farm.build_all();
    let of_idle = turns[..8].iter().filter(|who| *who == "idle").count();
    assert!((3..=5).contains(&of_idle), "{turns:?}");
}

#[test]
fn a_run_that_waits_for_a_closed_mac_does_not_hold_the_time_of_the_others() {
    let mut farm = Farm::with(&["mac-1", "mac-2"]);
    let facts = facts_with("mac-2", "16.4", "16F6", 1);
    farm.announce("mac-2", &facts);
    farm.set_intake("mac-2", Intake::Quarantined);
    let mut stuck = request("request-stuck", &["build"]);
    stuck.request.options.xcode = Some("16.4".parse().unwrap());
    stuck.body_sha256 = Sha256::of_canonical(&stuck.request).unwrap();
    let stuck = farm.submit_request(stuck);
    for number in 0..30 {
        farm.build_for("lee", &format!("request-{number:04}"), Priority::Normal);
    }
    for _ in 0..20 {
        farm.build_one(1_000);
    }
    for number in 0..4 {
        farm.build_for("ada", &format!("request-{number:04}"), Priority::Normal);
    }
    let turns = farm.build_all();
    let of_ada = turns[..6].iter().filter(|who| *who == "ada").count();
    assert!((2..=3).contains(&of_ada), "a newcomer joins the present, not the past: {turns:?}");
    for number in 30..33 {
        farm.build_for("lee", &format!("request-{number:04}"), Priority::Normal);
    }
    farm.hear("mac-2");
    farm.set_intake("mac-2", Intake::Open);
    farm.ask(CommandBody::Tick);
    assert_eq!(farm.offers("mac-2").len(), 1);
    assert!(farm.run(&stuck).share.start > 0, "who was kept away joins where the others wait");
}

fn any_priority() -> impl Strategy<Value = Priority> {
    prop_oneof![Just(Priority::Interactive), Just(Priority::Normal), Just(Priority::Batch)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// The bound: once it counts as interactive, a job sees of each other requester at most what was ahead by share when it came, and one.
    #[test]
    fn nobody_starves(
        before in prop::collection::vec((0..4_usize, any_priority()), 0..12),
        mine in any_priority(),
        during in prop::collection::vec((0..4_usize, any_priority(), 0..3_u64), 0..60),
    ) {
        let who = ["kim", "lee", "ada", "bob"];
        let mut farm = busy();
        let mut id = 0;
        let mut build_for = |farm: &mut Farm, who: &str, priority| {
            id += 1;
            farm.build_for(who, &format!("request-{id:04}"), priority)
        };
        for (requester, priority) in &before {
            build_for(&mut farm, who[*requester], *priority);
        }
        let waits = build_for(&mut farm, "mine", mine);
        let since = farm.tick;
        let mut overtaken = 0;
        for (requester, priority, builds) in &during {
            build_for(&mut farm, who[*requester], *priority);
            for _ in 0..*builds {
                if farm.offers("mac-1").is_empty() {
                    break;
                }
                let run_id = farm.build_one(2 * MINUTE);
                if farm.run(&waits).ended.is_none() && farm.tick - since > 20 * MINUTE {
                    overtaken += usize::from(run_id != waits);
                }
            }
        }
        // One is running when it comes of age; then those that were there before it, and one of each of four requesters.
        prop_assert!(overtaken <= 1 + before.len() + who.len(), "overtaken by {overtaken}, with {} before it", before.len());
    }

    /// Each job once, and without age by band, continuation, tag and arrival.
    #[test]
    fn a_line_has_everybody_once_and_in_order(
        runs in prop::collection::vec((0..4_usize, any_priority(), 0..15_u64), 1..25),
        look_after in 0..30_u64,
    ) {
        let who = ["kim", "lee", "ada", "bob"];
        let mut farm = busy();
        for (number, (requester, priority, minutes)) in (0..).zip(&runs) {
            farm.build_for(who[*requester], &format!("request-{number:04}"), *priority);
            farm.pass(minutes * MINUTE / 10);
        }
        let mac = &farm.state.workers[&worker("mac-1")];
        let line: Vec<_> = farm.state.line(mac, Tick(farm.tick)).collect();
        let young: Vec<_> = line.iter().map(|(run, _)| (run.options.priority, run.share.start, run.accepted)).collect();
        let is_young = runs.iter().map(|(_, _, minutes)| minutes).sum::<u64>() < 100;
        prop_assert!(!is_young || young.is_sorted(), "{young:?}");
        let later: Vec<_> = farm.state.line(mac, Tick(farm.tick + look_after * MINUTE)).map(|(run, _)| run.run_id.clone()).collect();
        prop_assert_eq!(later.len(), runs.len());
        prop_assert_eq!(later.iter().collect::<BTreeSet<_>>().len(), runs.len());
    }
}
