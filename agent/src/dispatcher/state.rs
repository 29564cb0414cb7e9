//! The deciding half of the dispatcher: an event in, effects out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use rch_schemas::protocol::Dialect;
use rch_schemas::seal::PublicKey;
use rch_schemas::wire::WireError;
use rch_schemas::wire::agent::{Announce, HeldAttempt, Receipt, ReportBody, WorkerState};
use rch_schemas::{ClaimId, LedgerSeq, Reason, RunId, SessionId, WorkerName};

use super::effect::{Effect, Event};
use super::held::{Held, HeldRun, Holding};
use super::reports::Reports;
use crate::attempt::{AttemptKey, Progress, Stop};
use crate::check::{self, Capacity, NotTaken, Refusal};
use crate::clock::Uptime;
use crate::nats::{Answer, Offered};
use crate::probe::Probe;

/// The wait before a refused announcement is made again; a farm quarantines a name after 15 s of two agents.
const ANNOUNCE_AGAIN: Duration = Duration::from_secs(5);
/// The source of a run is kept this long after its last attempt: its next step may come.
const SOURCE_KEPT: Duration = Duration::from_mins(10);
/// The machine is read this often until the farm has said how old capabilities may be: half of its default.
const PROBE_EVERY: Duration = Duration::from_secs(150);
/// However short a farm's patience is: reading a Mac takes seconds.
const PROBE_EVERY_MIN: Duration = Duration::from_secs(1);
/// A drained agent waits this long for the receipts of reports that are safe on disk.
const LEAVE_WITHOUT_RECEIPT: Duration = Duration::from_secs(10);

/// Who this agent is, for as long as it runs.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) worker: WorkerName,
    pub(crate) session: SessionId,
    pub(crate) public_key: PublicKey,
    pub(crate) slots: u32,
    pub(crate) dialect: Dialect,
}

/// How far the agent is on its way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Leaving {
    No,
    Draining,
    Ending,
}

/// Whether the farm knows this session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// Not yet, or no longer; announce not before this.
    No { not_before: Uptime },
    /// Since this record.
    Since(LedgerSeq),
}

/// Whether the machine is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Probing {
    No,
    Running,
    /// It is, and somebody has asked since it began: it is read again after that.
    RunningAndAgain,
}

/// All state that changes.
#[derive(Debug)]
pub(crate) struct State {
    identity: Identity,
    probe: Probe,
    probed: Uptime,
    probing: Probing,
    probe_every: Duration,
    held: Held,
    reports: Reports,
    known: Known,
    /// The protocol version of what is said beside runs: what the farm answered the last announcement in.
    version: Option<u32>,
    newest: LedgerSeq,
    leaving: Leaving,
    settled_since: Option<Uptime>,
    /// Terminal reports that were answered `STALE` once; a second time is final.
    doubted: BTreeSet<AttemptKey>,
    sources: BTreeMap<RunId, Uptime>,
}

impl State {
    /// The state at start: reports that an earlier process owes are sent after the announcement.
    pub(crate) fn new(identity: Identity, probe: Probe, owed: Vec<(AttemptKey, ReportBody)>, now: Uptime) -> Self {
        let mut state = Self {
            reports: Reports::new(identity.session.clone()),
            identity,
            probe,
            probed: now,
            probing: Probing::No,
            probe_every: PROBE_EVERY,
            held: Held::default(),
            known: Known::No { not_before: now },
            version: None,
            newest: LedgerSeq(0),
            leaving: Leaving::No,
            settled_since: None,
            doubted: BTreeSet::new(),
            sources: BTreeMap::new(),
        };
        for (key, body) in owed {
            let log_offset = log_offset(&body);
            state.held.insert(key, Holding::Reporting { run: None, log_offset });
            state.reports.push(body);
        }
        state
    }

    /// The attempts this agent holds, for heartbeats and `status`.
    pub(crate) fn held(&self) -> Vec<HeldAttempt> {
        self.held.told()
    }

    /// Slots that an offer could take now.
    pub(crate) fn slots_free(&self) -> u32 {
        if self.leaving == Leaving::No { self.identity.slots.saturating_sub(self.held.slots_taken()) } else { 0 }
    }

    /// Handles one event. `claim_id` is fresh; `disk_free_bytes` is as of now.
    pub(crate) fn handle(&mut self, event: Event, now: Uptime, (claim_id, disk_free_bytes): (ClaimId, u64)) -> Vec<Effect> {
        let mut effects = match event {
            Event::Offer(Offered::Job(offer)) => {
                let capacity = self.capacity(disk_free_bytes);
                self.offered(offer, &capacity, claim_id)
            }
            Event::Offer(Offered::Foreign { key, version }) => self.offered_foreign(key, version),
            Event::State(state) => self.told(&state, now),
            Event::Cancel { key, ledger_seq } => self.cancel(&key, ledger_seq),
            Event::Answered(answer) => self.answered(answer, now),
            Event::Ended { key, body } => self.ended(key, body),
            Event::ProbeAsked => self.probe().into_iter().collect(),
            Event::Probed(probe) => self.probed(*probe, now),
            Event::Tick => self.tick(now),
            Event::Stop => self.stop(),
        };
        if effects.iter().any(|effect| matches!(effect, Effect::Leave(_))) {
            return effects;
        }
        self.announce_if_unknown(now);
        effects.extend(self.reports.next().map(|report| Effect::Send { version: self.version_of(&report.body), report: Box::new(report) }));
        if self.is_done(now) {
            effects.push(Effect::Leave(None));
        }
        effects
    }

    fn capacity(&self, disk_free_bytes: u64) -> Capacity {
        Capacity {
            worker: self.identity.worker.clone(),
            session: self.identity.session.clone(),
            slots_free: self.slots_free(),
            disk_free_bytes,
            dialect: self.identity.dialect.clone(),
        }
    }

    /// The version of the session; absent until the farm has answered an announcement.
    pub(crate) fn version(&self) -> Option<u32> {
        self.version
    }

    /// Messages about a run carry its version where that is spoken; an announcement the highest, since the farm reads it in any.
    fn version_of(&self, body: &ReportBody) -> u32 {
        let highest = self.identity.dialect.protocol.max;
        let of_session = self.version.unwrap_or(highest);
        let of_run = |job_id, attempt| self.held.version_of(&AttemptKey::new(job_id, attempt)).unwrap_or(of_session);
        match body {
            ReportBody::Announce(_) => highest,
            ReportBody::Capabilities { .. } => of_session,
            ReportBody::Finished(finished) => finished.attestation.protocol_version,
            ReportBody::Claim { job_id, attempt, .. }
            | ReportBody::Interrupted { job_id, attempt, .. }
            | ReportBody::Refused { job_id, attempt, .. } => of_run(job_id, *attempt),
        }
    }

    fn offered(&mut self, offer: Box<rch_schemas::wire::agent::Offer>, capacity: &Capacity, claim_id: ClaimId) -> Vec<Effect> {
        let key = AttemptKey::new(&offer.job.job_id, offer.job.attempt);
        match self.held.get(&key) {
            // Delivered again because the acknowledgement was late or lost.
            Some(Holding::Running { .. } | Holding::Reporting { .. }) => return vec![Effect::Acknowledge(key)],
            Some(Holding::Claiming(_) | Holding::Refusing) => return Vec::new(),
            None => {}
        }
        let (job_id, attempt) = (key.job_id.clone(), key.attempt);
        match check::check(&offer, capacity) {
            Ok(()) => {
                self.held.insert(key, Holding::Claiming(offer));
                self.reports.push(ReportBody::Claim { job_id, attempt, claim_id });
                Vec::new()
            }
            Err(NotTaken::NotOurs) => vec![Effect::Forget(key)],
            Err(NotTaken::Refused(Refusal { code, detail, retry_after_seconds })) => {
                tracing::info!(%job_id, %attempt, %code, detail, "offer refused");
                self.held.insert(key, Holding::Refusing);
                self.reports.push(ReportBody::Refused { job_id, attempt, code, detail, retry_after_seconds, missing: Vec::new() });
                Vec::new()
            }
        }
    }

    /// An offer that cannot be read is refused by its name, so that the job goes elsewhere at once.
    fn offered_foreign(&mut self, key: AttemptKey, version: u32) -> Vec<Effect> {
        if self.held.get(&key).is_none() {
            let Refusal { code, detail, retry_after_seconds } = check::drift(version, self.identity.dialect.protocol);
            let (job_id, attempt) = (key.job_id.clone(), key.attempt);
            tracing::info!(%job_id, %attempt, %code, detail, "offer refused");
            self.held.insert(key, Holding::Refusing);
            self.reports.push(ReportBody::Refused { job_id, attempt, code, detail, retry_after_seconds, missing: Vec::new() });
        }
        Vec::new()
    }

    /// Takes the whole truth, unless it is older than one that was seen.
    fn told(&mut self, state: &WorkerState, now: Uptime) -> Vec<Effect> {
        let Known::Since(announced) = self.known else { return Vec::new() };
        if state.ledger_seq < self.newest.max(announced) {
            return Vec::new();
        }
        self.newest = state.ledger_seq;
        if let Some(ttl) = state.probe_ttl_ms.map(Duration::from_millis) {
            self.probe_every = (ttl / 2).max(PROBE_EVERY_MIN);
        }
        if state.session != self.identity.session {
            tracing::warn!(found = %state.session, "the farm knows another session of this worker");
            self.known = Known::No { not_before: now };
            return Vec::new();
        }
        let wanted: BTreeSet<AttemptKey> = state.wanted.iter().map(AttemptKey::from).collect();
        let unwanted = self.held.iter().filter(|(key, holding)| {
            !wanted.contains(*key) && matches!(holding, Holding::Running { since, .. } if *since <= state.ledger_seq)
        });
        unwanted.map(|(key, _)| Effect::End { key: key.clone(), why: Stop::Cancelled }).collect()
    }

    fn cancel(&self, key: &AttemptKey, ledger_seq: LedgerSeq) -> Vec<Effect> {
        match self.held.get(key) {
            Some(Holding::Running { since, .. }) if *since <= ledger_seq => vec![Effect::End { key: key.clone(), why: Stop::Cancelled }],
            // Not ours yet, or over: `state` says the rest.
            Some(Holding::Running { .. } | Holding::Claiming(_) | Holding::Refusing | Holding::Reporting { .. }) | None => Vec::new(),
        }
    }

    fn answered(&mut self, answer: Answer, now: Uptime) -> Vec<Effect> {
        let Some(body) = self.reports.answered() else { return Vec::new() };
        match answer.result {
            Ok(receipt) => {
                if matches!(body, ReportBody::Announce(_)) {
                    self.version = Some(answer.version);
                }
                self.received(&body, receipt)
            }
            Err(error) if error.code == Reason::DuplicateWorker => vec![Effect::Leave(Some(error))],
            Err(error) => self.not_received(body, &error, now),
        }
    }

    fn received(&mut self, body: &ReportBody, receipt: Receipt) -> Vec<Effect> {
        match body {
            ReportBody::Announce(_) => {
                tracing::info!(session = %self.identity.session, "the farm knows this session");
                self.known = Known::Since(receipt.ledger_seq);
                Vec::new()
            }
            ReportBody::Capabilities { .. } => Vec::new(),
            ReportBody::Claim { job_id, attempt, .. } => self.claimed(AttemptKey::new(job_id, *attempt), receipt),
            ReportBody::Finished(finished) => self.settled(AttemptKey::new(&finished.job_id, finished.attempt)),
            ReportBody::Interrupted { job_id, attempt, .. } | ReportBody::Refused { job_id, attempt, .. } => {
                self.settled(AttemptKey::new(job_id, *attempt))
            }
        }
    }

    fn claimed(&mut self, key: AttemptKey, receipt: Receipt) -> Vec<Effect> {
        let Some(Holding::Claiming(offer)) = self.held.remove(&key) else { return Vec::new() };
        match receipt.go {
            Some(go) if go.job_id == key.job_id && go.attempt == key.attempt => {
                let (run, since) = (HeldRun::of(&offer), receipt.ledger_seq);
                self.held.insert(key.clone(), Holding::Running { run, since, progress: Arc::new(Progress::default()) });
                let mut effects = vec![Effect::Start { offer, go, ledger_seq: receipt.ledger_seq }];
                effects.extend((self.leaving == Leaving::Ending).then_some(Effect::End { key, why: Stop::Shutdown }));
                effects
            }
            Some(_) | None => vec![Effect::Forget(key)],
        }
    }

    fn settled(&mut self, key: AttemptKey) -> Vec<Effect> {
        self.doubted.remove(&key);
        match self.held.remove(&key) {
            Some(Holding::Refusing) => vec![Effect::Acknowledge(key)],
            Some(Holding::Reporting { .. }) => vec![Effect::Settle(key)],
            Some(Holding::Claiming(_) | Holding::Running { .. }) | None => Vec::new(),
        }
    }

    fn not_received(&mut self, body: ReportBody, error: &WireError, now: Uptime) -> Vec<Effect> {
        match &body {
            ReportBody::Announce(_) => {
                tracing::error!(%error, "the farm does not take this agent's announcement");
                self.known = Known::No { not_before: later(now, ANNOUNCE_AGAIN) };
                self.version = self.version.filter(|_| error.code != Reason::UnsupportedProtocol);
                Vec::new()
            }
            ReportBody::Capabilities { .. } => {
                self.forget_session(error, now);
                Vec::new()
            }
            ReportBody::Claim { job_id, attempt, .. } => {
                tracing::info!(%job_id, %attempt, %error, "the offer no longer counts");
                if error.code == Reason::UnsupportedProtocol {
                    self.forget_session(error, now);
                }
                let key = AttemptKey::new(job_id, *attempt);
                self.held.remove(&key);
                vec![Effect::Forget(key)]
            }
            ReportBody::Finished(finished) => {
                let key = AttemptKey::new(&finished.job_id, finished.attempt);
                self.not_settled(key, body, error, now)
            }
            ReportBody::Interrupted { job_id, attempt, .. } | ReportBody::Refused { job_id, attempt, .. } => {
                let key = AttemptKey::new(job_id, *attempt);
                self.not_settled(key, body, error, now)
            }
        }
    }

    /// `STALE` may mean the attempt or the session, and a farm of another build may no longer speak the session's version. So the session is
    /// announced again and the report sent once more; then it is final.
    fn not_settled(&mut self, key: AttemptKey, body: ReportBody, error: &WireError, now: Uptime) -> Vec<Effect> {
        if forgets_session(error) && self.doubted.insert(key.clone()) {
            self.forget_session(error, now);
            self.reports.push(body);
            return Vec::new();
        }
        tracing::warn!(attempt = %key, %error, kind = body.kind(), "the farm does not take a report; it is dropped");
        self.settled(key)
    }

    fn forget_session(&mut self, error: &WireError, now: Uptime) {
        if forgets_session(error) {
            self.known = Known::No { not_before: now };
        }
    }

    fn ended(&mut self, key: AttemptKey, body: ReportBody) -> Vec<Effect> {
        let run = match self.held.remove(&key) {
            Some(Holding::Running { run, .. }) => Some(run),
            Some(Holding::Claiming(_) | Holding::Refusing | Holding::Reporting { .. }) | None => None,
        };
        let changed = matches!(&body, ReportBody::Refused { code: Reason::ToolchainChanged, .. });
        let log_offset = log_offset(&body);
        self.held.insert(key.clone(), Holding::Reporting { run, log_offset });
        self.reports.push(body);
        let mut effects = vec![Effect::Wipe(key)];
        effects.extend(changed.then(|| self.probe()).flatten());
        effects
    }

    /// Reads the machine, one reading at a time: what was asked during one is answered by the next, which begins after the question.
    fn probe(&mut self) -> Option<Effect> {
        match self.probing {
            Probing::No => {
                self.probing = Probing::Running;
                Some(Effect::Probe)
            }
            Probing::Running | Probing::RunningAndAgain => {
                self.probing = Probing::RunningAndAgain;
                None
            }
        }
    }

    fn probed(&mut self, probe: Probe, now: Uptime) -> Vec<Effect> {
        self.probe = probe;
        self.probed = now;
        let again = self.probing == Probing::RunningAndAgain;
        self.probing = Probing::No;
        if matches!(self.known, Known::Since(_)) && !self.reports.holds("capabilities") {
            let (facts, observed) = (Box::new(self.probe.facts.as_ref().clone()), Box::new(self.probe.observed.clone()));
            self.reports.push(ReportBody::Capabilities { facts, observed });
        }
        again.then(|| self.probe()).flatten().into_iter().collect()
    }

    fn tick(&mut self, now: Uptime) -> Vec<Effect> {
        for run in self.held.runs() {
            self.sources.insert(run.clone(), now);
        }
        let unused = |(_, used): &(&RunId, &Uptime)| now.since(**used) >= SOURCE_KEPT;
        let unused: Vec<RunId> = self.sources.iter().filter(unused).map(|(run, _)| run.clone()).collect();
        let mut effects = Vec::new();
        for run in unused {
            self.sources.remove(&run);
            effects.push(Effect::RemoveSource(run));
        }
        if self.probing == Probing::No && now.since(self.probed) >= self.probe_every {
            effects.extend(self.probe());
        }
        if self.leaving != Leaving::No && self.held.iter().all(|(_, holding)| matches!(holding, Holding::Reporting { .. })) {
            self.settled_since.get_or_insert(now);
        }
        effects
    }

    fn stop(&mut self) -> Vec<Effect> {
        match self.leaving {
            Leaving::No => {
                tracing::info!("draining: no more offers are taken; stop again to end what runs");
                self.leaving = Leaving::Draining;
                vec![Effect::StopPulling]
            }
            Leaving::Draining => {
                tracing::info!("ending what runs; stop again to leave at once");
                self.leaving = Leaving::Ending;
                let running = self.held.iter().filter(|(_, holding)| matches!(holding, Holding::Running { .. }));
                running.map(|(key, _)| Effect::End { key: key.clone(), why: Stop::Shutdown }).collect()
            }
            Leaving::Ending => vec![Effect::Leave(None)],
        }
    }

    /// Drained, and nothing is left that would be lost.
    fn is_done(&self, now: Uptime) -> bool {
        let without_receipt = self.settled_since.is_some_and(|since| now.since(since) >= LEAVE_WITHOUT_RECEIPT);
        self.leaving != Leaving::No && (self.held.is_empty() || without_receipt)
    }

    fn announce_if_unknown(&mut self, now: Uptime) {
        let Known::No { not_before } = self.known else { return };
        if now < not_before || self.reports.holds("announce") {
            return;
        }
        let announce = Announce {
            rch_xcode_lane_version: env!("CARGO_PKG_VERSION").to_owned(),
            protocol: self.identity.dialect.protocol,
            features: self.identity.dialect.features.clone(),
            public_key: self.identity.public_key.clone(),
            slots: self.identity.slots,
            held: self.held.told(),
            facts: self.probe.facts.as_ref().clone(),
            observed: self.probe.observed.clone(),
        };
        self.reports.push_first(ReportBody::Announce(Box::new(announce)));
    }

    /// How far a running attempt is: shared with its task, which writes it.
    pub(crate) fn progress(&self, key: &AttemptKey) -> Option<Arc<Progress>> {
        match self.held.get(key) {
            Some(Holding::Running { progress, .. }) => Some(Arc::clone(progress)),
            Some(Holding::Claiming(_) | Holding::Refusing | Holding::Reporting { .. }) | None => None,
        }
    }
}

/// Whether the answer may be about the session rather than about what was said in it.
fn forgets_session(error: &WireError) -> bool {
    matches!(error.code, Reason::Stale | Reason::UnsupportedProtocol)
}

fn later(now: Uptime, wait: Duration) -> Uptime {
    Uptime::from_millis(now.millis().saturating_add(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)))
}

fn log_offset(body: &ReportBody) -> u64 {
    if let ReportBody::Finished(finished) = body { finished.log_bytes } else { 0 }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
