//! What the dispatcher decides, event by event.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use rch_schemas::capabilities::{Facts, Limits, Macos, Observed};
use rch_schemas::seal::SigningKey;
use rch_schemas::wire::agent::{Go, Offer, Report, WantedAttempt};
use rch_schemas::{Attempt, Sha256};

use super::*;
use crate::sample;

/// A state, and the report that is on its way.
struct Bench {
    state: State,
    now: u64,
    sent: Option<Report>,
    /// The version it is in, and the one that answers are in.
    version: u32,
    answers_in: u32,
    effects: Vec<Effect>,
}

fn probe() -> Probe {
    let facts = Facts {
        agent_version: "0".to_owned(),
        arch: "arm64".to_owned(),
        macos: Macos { product_name: "macOS".to_owned(), version: "15.3.1".to_owned(), build: "24D60".to_owned() },
        xcodes: Vec::new(),
        runtimes: Vec::new(),
        device_types: Vec::new(),
        devices: Vec::new(),
        tools: BTreeMap::new(),
        backends: BTreeMap::new(),
        limits: Limits { slots: 1, max_upload_bytes: 0 },
        key_fingerprint: Sha256::of("key"),
        problems: Vec::new(),
    };
    Probe { facts: Arc::new(facts), observed: Observed::default() }
}

impl Bench {
    fn new(owed: Vec<(AttemptKey, ReportBody)>) -> Self {
        let identity = Identity {
            worker: "macmini-01".parse().unwrap(),
            session: sample::offer().session,
            public_key: SigningKey::from_seed([7; 32]).public_key(),
            slots: 1,
            dialect: check::dialect(),
        };
        let state = State::new(identity, probe(), owed, Uptime::from_millis(0));
        let mut bench = Self { state, now: 0, sent: None, version: 0, answers_in: 1, effects: Vec::new() };
        bench.event(Event::Tick);
        bench
    }

    /// A state that the farm knows since record 10.
    fn known() -> Self {
        let mut bench = Self::new(Vec::new());
        assert_eq!(bench.kind(), Some("announce"));
        bench.answer(Ok((10, None)));
        bench
    }

    /// A state that runs the sample offer since record 20.
    fn running() -> Self {
        let mut bench = Self::known();
        bench.event(Event::Offer(Offered::Job(Box::new(sample::offer()))));
        bench.answer(Ok((20, Some(go(&sample::offer())))));
        assert!(bench.effects.iter().any(|effect| matches!(effect, Effect::Start { .. })));
        bench
    }

    fn event(&mut self, event: Event) {
        let effects = self.state.handle(event, Uptime::from_millis(self.now), (crate::clock::claim_id(), u64::MAX));
        for effect in &effects {
            if let Effect::Send { report, version } = effect {
                assert!(self.sent.is_none(), "two reports on their way");
                self.sent = Some(report.as_ref().clone());
                self.version = *version;
            }
        }
        self.effects = effects;
    }

    fn answer(&mut self, answer: Result<(u64, Option<Go>), Reason>) {
        let report = self.sent.take().unwrap();
        let answer = answer
            .map(|(seq, go)| Receipt { number: report.number, ledger_seq: LedgerSeq(seq), go })
            .map_err(|code| WireError::new(code, "no"));
        self.event(Event::Answered(Answer { version: self.answers_in, result: answer }));
    }

    fn state(&mut self, seq: u64, wanted: &[AttemptKey]) {
        let wanted = wanted.iter().map(|key| WantedAttempt { job_id: key.job_id.clone(), attempt: key.attempt }).collect();
        let session = sample::offer().session;
        self.event(Event::State(WorkerState { session, ledger_seq: LedgerSeq(seq), draining: false, wanted, probe_ttl_ms: None }));
    }

    fn kind(&self) -> Option<&'static str> {
        self.sent.as_ref().map(|report| report.body.kind())
    }

    fn ends(&self) -> bool {
        self.effects.iter().any(|effect| matches!(effect, Effect::End { .. }))
    }
}

fn key() -> AttemptKey {
    AttemptKey::new(&sample::offer().job.job_id, Attempt(1))
}

fn go(offer: &Offer) -> Go {
    Go { job_id: offer.job.job_id.clone(), attempt: offer.job.attempt, deadline_ms: 1_000 }
}

fn interrupted(key: &AttemptKey) -> ReportBody {
    let (job_id, attempt) = (key.job_id.clone(), key.attempt);
    ReportBody::Interrupted { job_id, attempt, code: Reason::Interrupted, detail: "x".to_owned() }
}

#[test]
fn a_session_begins_with_an_announcement_that_names_what_is_held_and_then_pays_its_debts() {
    let mut bench = Bench::new(vec![(key(), interrupted(&key()))]);
    let Some(Report { number: 1, body: ReportBody::Announce(announce), .. }) = &bench.sent else { panic!("no announcement") };
    assert_eq!(announce.held.len(), 1);
    bench.answer(Ok((10, None)));
    assert_eq!((bench.kind(), bench.sent.as_ref().map(|report| report.number)), (Some("interrupted"), Some(2)));
    bench.answer(Ok((11, None)));
    assert_eq!(bench.effects, [Effect::Settle(key())]);
    assert!(bench.state.held().is_empty());
}

#[test]
fn an_offer_is_claimed_and_starts_on_go_alone() {
    let mut bench = Bench::known();
    bench.event(Event::Offer(Offered::Job(Box::new(sample::offer()))));
    assert_eq!(bench.kind(), Some("claim"));
    assert_eq!((bench.effects.len(), bench.state.held().len(), bench.state.slots_free()), (1, 1, 0));
    // Delivered again before the answer: nothing new.
    bench.event(Event::Offer(Offered::Job(Box::new(sample::offer()))));
    assert!(bench.effects.is_empty());
    bench.answer(Ok((20, Some(go(&sample::offer())))));
    assert!(matches!(bench.effects[..], [Effect::Start { ledger_seq: LedgerSeq(20), .. }]));
    // Delivered again after go: the acknowledgement was lost.
    bench.event(Event::Offer(Offered::Job(Box::new(sample::offer()))));
    assert_eq!(bench.effects, [Effect::Acknowledge(key())]);
}

#[test]
fn a_stale_claim_is_forgotten_without_an_acknowledgement() {
    let mut bench = Bench::known();
    bench.event(Event::Offer(Offered::Job(Box::new(sample::offer()))));
    bench.answer(Err(Reason::Stale));
    assert_eq!(bench.effects, [Effect::Forget(key())]);
    assert_eq!(bench.state.slots_free(), 1);
}

#[test]
fn a_second_offer_is_refused_busy_and_acknowledged_only_after_its_receipt() {
    let mut bench = Bench::running();
    bench.event(Event::Offer(Offered::Job(Box::new(sample::offer_of("job-000002")))));
    let Some(Report { body: ReportBody::Refused { code: Reason::Busy, retry_after_seconds: Some(_), .. }, .. }) = &bench.sent else {
        panic!("not refused")
    };
    bench.answer(Ok((21, None)));
    let other = AttemptKey::new(&"job-000002".parse().unwrap(), Attempt(1));
    assert_eq!(bench.effects, [Effect::Acknowledge(other)]);
}

#[test]
fn what_is_not_wanted_is_ended_unless_the_state_is_older_than_go_or_than_another_state() {
    let mut bench = Bench::running();
    bench.state(19, &[]);
    assert!(!bench.ends(), "older than go");
    bench.state(22, &[key()]);
    assert!(!bench.ends(), "wanted");
    bench.state(21, &[]);
    assert!(!bench.ends(), "older than one seen");
    bench.state(23, &[]);
    assert_eq!(bench.effects, [Effect::End { key: key(), why: Stop::Cancelled }]);
}

#[test]
fn a_cancel_older_than_go_is_ignored() {
    let mut bench = Bench::running();
    bench.event(Event::Cancel { key: key(), ledger_seq: LedgerSeq(19) });
    assert!(!bench.ends());
    bench.event(Event::Cancel { key: key(), ledger_seq: LedgerSeq(20) });
    assert!(bench.ends());
}

#[test]
fn an_attempt_that_ended_is_reported_and_held_until_the_receipt() {
    let mut bench = Bench::running();
    bench.event(Event::Ended { key: key(), body: interrupted(&key()) });
    assert_eq!(bench.kind(), Some("interrupted"));
    assert!(bench.effects.contains(&Effect::Wipe(key())));
    assert_eq!((bench.state.held().len(), bench.state.slots_free()), (1, 1));
    bench.answer(Ok((30, None)));
    assert_eq!(bench.effects, [Effect::Settle(key())]);
}

#[test]
fn a_stale_report_is_sent_once_more_under_a_renewed_announcement_and_then_dropped() {
    let mut bench = Bench::running();
    bench.event(Event::Ended { key: key(), body: interrupted(&key()) });
    bench.answer(Err(Reason::Stale));
    assert_eq!(bench.kind(), Some("announce"));
    bench.answer(Ok((40, None)));
    assert_eq!(bench.kind(), Some("interrupted"));
    bench.answer(Err(Reason::Stale));
    assert_eq!(bench.effects, [Effect::Settle(key())]);
}

#[test]
fn a_duplicate_of_this_worker_ends_the_agent_and_another_refusal_only_delays_it() {
    let mut bench = Bench::new(Vec::new());
    bench.answer(Err(Reason::NotEnrolled));
    assert_eq!(bench.kind(), None);
    bench.now = 6_000;
    bench.event(Event::Tick);
    assert_eq!(bench.kind(), Some("announce"));
    bench.answer(Err(Reason::DuplicateWorker));
    assert!(matches!(&bench.effects[..], [Effect::Leave(Some(error))] if error.code == Reason::DuplicateWorker));
}

#[test]
fn a_state_for_another_session_ends_nothing_and_makes_this_one_announce_itself_again() {
    let mut bench = Bench::running();
    let session = crate::clock::session_id();
    bench.event(Event::State(WorkerState { session, ledger_seq: LedgerSeq(50), draining: false, wanted: Vec::new(), probe_ttl_ms: None }));
    assert!(!bench.ends());
    assert_eq!(bench.kind(), Some("announce"));
}

#[test]
fn told_to_stop_once_drains_twice_ends_and_three_times_leaves() {
    let mut bench = Bench::running();
    bench.event(Event::Stop);
    assert_eq!((bench.effects.as_slice(), bench.state.slots_free()), ([Effect::StopPulling].as_slice(), 0));
    bench.event(Event::Stop);
    assert_eq!(bench.effects, [Effect::End { key: key(), why: Stop::Shutdown }]);
    bench.event(Event::Stop);
    assert_eq!(bench.effects, [Effect::Leave(None)]);
}

#[test]
fn a_drained_agent_leaves_when_nothing_is_owed_or_after_a_while_when_it_is_safe_on_disk() {
    let mut bench = Bench::running();
    bench.event(Event::Stop);
    bench.event(Event::Ended { key: key(), body: interrupted(&key()) });
    assert!(!bench.effects.contains(&Effect::Leave(None)));
    bench.event(Event::Tick);
    bench.now = 11_000;
    bench.event(Event::Tick);
    assert!(bench.effects.contains(&Effect::Leave(None)));

    let mut bench = Bench::running();
    bench.event(Event::Stop);
    bench.event(Event::Ended { key: key(), body: interrupted(&key()) });
    bench.answer(Ok((30, None)));
    assert_eq!(bench.effects, [Effect::Settle(key()), Effect::Leave(None)]);
}

#[test]
fn a_run_s_source_outlives_its_attempts_by_a_while() {
    let mut bench = Bench::running();
    bench.event(Event::Tick);
    bench.event(Event::Ended { key: key(), body: interrupted(&key()) });
    bench.answer(Ok((30, None)));
    bench.now = 599_000;
    bench.event(Event::Tick);
    assert!(!bench.effects.iter().any(|effect| matches!(effect, Effect::RemoveSource(_))));
    bench.now = 601_000;
    bench.event(Event::Tick);
    assert!(bench.effects.contains(&Effect::RemoveSource(sample::offer().job.run_id)));
}

#[test]
fn a_changed_toolchain_makes_the_agent_look_again_and_tell() {
    let mut bench = Bench::running();
    let (job_id, attempt) = (key().job_id, key().attempt);
    let body = ReportBody::Refused {
        job_id,
        attempt,
        code: Reason::ToolchainChanged,
        detail: "x".to_owned(),
        retry_after_seconds: None,
        missing: Vec::new(),
    };
    bench.event(Event::Ended { key: key(), body });
    assert!(bench.effects.contains(&Effect::Probe));
    bench.answer(Ok((30, None)));
    bench.event(Event::Probed(Box::new(probe())));
    assert_eq!(bench.kind(), Some("capabilities"));
}

#[test]
fn the_machine_is_read_once_at_a_time_and_again_for_whoever_asked_meanwhile() {
    let mut bench = Bench::known();
    let probes = |bench: &Bench| bench.effects.contains(&Effect::Probe);
    bench.event(Event::ProbeAsked);
    assert!(probes(&bench));
    bench.event(Event::ProbeAsked);
    assert!(!probes(&bench));
    bench.now = 10_000_000;
    bench.event(Event::Tick);
    assert!(!probes(&bench), "however long it takes");
    bench.event(Event::Probed(Box::new(probe())));
    assert!(probes(&bench), "what was read began before the question");
    bench.answer(Ok((11, None)));
    bench.event(Event::Probed(Box::new(probe())));
    assert!(!probes(&bench));
}

#[test]
fn the_machine_is_read_twice_as_often_as_the_farm_forgets() {
    let mut bench = Bench::known();
    let reads_at = |bench: &mut Bench, now| {
        bench.now = now;
        bench.event(Event::Tick);
        bench.effects.contains(&Effect::Probe)
    };
    assert!(!reads_at(&mut bench, 149_000));
    let state = |ttl_ms| {
        let session = sample::offer().session;
        WorkerState { session, ledger_seq: LedgerSeq(20), draining: false, wanted: Vec::new(), probe_ttl_ms: Some(ttl_ms) }
    };
    bench.event(Event::State(state(900_000)));
    assert!(!reads_at(&mut bench, 449_000));
    assert!(reads_at(&mut bench, 450_000));
    bench.event(Event::Probed(Box::new(probe())));
    bench.event(Event::State(state(60_000)));
    assert!(!reads_at(&mut bench, 479_000));
    assert!(reads_at(&mut bench, 480_000));
}

#[test]
fn an_announcement_is_in_our_highest_version_and_everything_after_in_the_one_the_farm_answers_in_or_the_run_s() {
    let mut bench = Bench::new(Vec::new());
    bench.state.identity.dialect.protocol = rch_schemas::protocol::ProtocolRange { min: 1, max: 3 };
    bench.answers_in = 2;
    bench.answer(Err(Reason::NotEnrolled));
    bench.now = 6_000;
    bench.event(Event::Tick);
    assert_eq!((bench.kind(), bench.version, bench.state.version()), (Some("announce"), 3, None));
    bench.answer(Ok((10, None)));
    assert_eq!(bench.state.version(), Some(2));
    bench.event(Event::Probed(Box::new(probe())));
    assert_eq!((bench.kind(), bench.version), (Some("capabilities"), 2));
    bench.answer(Ok((11, None)));
    let mut offer = sample::offer();
    offer.job.protocol_version = 3;
    bench.event(Event::Offer(Offered::Job(Box::new(offer.clone()))));
    assert_eq!((bench.kind(), bench.version), (Some("claim"), 3));
    bench.answer(Ok((20, Some(go(&offer)))));
    bench.event(Event::Ended { key: key(), body: interrupted(&key()) });
    assert_eq!((bench.kind(), bench.version), (Some("interrupted"), 3));
}

#[test]
fn a_farm_that_no_longer_speaks_the_session_s_version_is_announced_to_anew_before_a_report_is_given_up() {
    let mut bench = Bench::running();
    bench.event(Event::Ended { key: key(), body: interrupted(&key()) });
    bench.answer(Err(Reason::UnsupportedProtocol));
    assert_eq!(bench.kind(), Some("announce"));
    bench.answer(Ok((40, None)));
    assert_eq!(bench.kind(), Some("interrupted"));
    bench.answer(Ok((41, None)));
    assert_eq!(bench.effects, [Effect::Settle(key())]);
}

#[test]
fn a_farm_that_shares_no_version_is_asked_again_and_hears_no_heartbeats_until_it_does() {
    let mut bench = Bench::known();
    assert_eq!(bench.state.version(), Some(1));
    bench.event(Event::Probed(Box::new(probe())));
    bench.answer(Err(Reason::UnsupportedProtocol));
    assert_eq!(bench.kind(), Some("announce"));
    bench.answer(Err(Reason::UnsupportedProtocol));
    assert_eq!((bench.kind(), bench.state.version()), (None, None));
    bench.now = 6_000;
    bench.event(Event::Tick);
    assert_eq!(bench.kind(), Some("announce"));
}

#[test]
fn an_offer_in_a_version_that_is_not_spoken_is_refused_by_its_name() {
    let mut bench = Bench::known();
    bench.event(Event::Offer(Offered::Foreign { key: key(), version: 7 }));
    let Some(Report { body: ReportBody::Refused { code: Reason::ProtocolDrift, detail, .. }, .. }) = &bench.sent else {
        panic!("not refused")
    };
    assert_eq!((detail.as_str(), bench.version), ("the run speaks protocol 7, this agent 1", 1));
    bench.event(Event::Offer(Offered::Foreign { key: key(), version: 7 }));
    bench.answer(Ok((20, None)));
    assert_eq!(bench.effects, [Effect::Acknowledge(key())]);
}
