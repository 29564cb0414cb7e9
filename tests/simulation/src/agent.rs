//! An agent as the protocol wants it: claim before start, report until answered, kill what is not wanted.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rch_scheduler::Reply;
use rch_schemas::document::{Job, Outcome};
use rch_schemas::protocol::{Feature, ProtocolRange};
use rch_schemas::wire::agent::{Announce, HeldAttempt, Offer, Phase, Report, ReportBody, WorkerState};
use rch_schemas::{LedgerSeq, Reason, SessionId, WorkerName};

use crate::checker::Execution;
use crate::fixture::{facts, finished, signing_key, worker_name};
use crate::message::{AgentIndex, AgentTimer, AttemptId, Happening, ToAgent, ToLeader};
use crate::world::World;

/// Between two heartbeats, in milliseconds.
const HEARTBEAT_MS: u64 = 5_000;
/// Between two readings of the machine: half of the time after which capabilities count as stale.
const PROBE_MS: u64 = 150_000;
/// Before the first repeat of a report that was not answered; doubled up to the most.
const RESEND_MS: u64 = 2_000;
const RESEND_MAX_MS: u64 = 120_000;

pub(crate) struct Agent {
    pub(crate) name: WorkerName,
    pub(crate) up: bool,
    /// Counts starts; what belongs to an earlier one is void.
    pub(crate) start: u64,
    pub(crate) paused_until: u64,
    slots: u32,
    newer_xcode: bool,
    disk: Disk,
    memory: Memory,
}

/// What survives a crash.
#[derive(Default)]
struct Disk {
    /// Reports that were not answered, oldest first.
    outbox: VecDeque<ReportBody>,
    /// Attempts whose go was written down and whose report is not in the outbox yet.
    going: BTreeSet<AttemptId>,
}

/// What does not.
#[derive(Default)]
struct Memory {
    session: Option<SessionId>,
    announced: bool,
    number: u64,
    /// The report under way: the announcement, or the oldest of the outbox.
    under_way: Option<u64>,
    claims: BTreeMap<AttemptId, (u64, Box<Offer>)>,
    running: BTreeMap<AttemptId, Running>,
    seen: LedgerSeq,
}

struct Running {
    go_seq: LedgerSeq,
    job: Box<Job>,
}

impl Agent {
    pub(crate) fn new(index: AgentIndex, slots: u32, newer_xcode: bool) -> Self {
        Self {
            name: worker_name(index),
            up: false,
            start: 0,
            paused_until: 0,
            slots,
            newer_xcode,
            disk: Disk::default(),
            memory: Memory::default(),
        }
    }

    pub(crate) fn crash(&mut self) {
        self.up = false;
        self.start += 1;
        self.memory = Memory::default();
    }

    pub(crate) fn begin(world: &mut World, index: AgentIndex) {
        let start = {
            let agent = &mut world.agents[index];
            if agent.up {
                return;
            }
            agent.up = true;
            agent.start += 1;
            agent.paused_until = 0;
            let session = format!("{}-session-{:04}", agent.name, agent.start).parse().expect("an id");
            agent.memory = Memory { session: Some(session), ..Memory::default() };
            for (job_id, attempt) in std::mem::take(&mut agent.disk.going) {
                let (code, detail) = (Reason::Interrupted, "the agent died".to_owned());
                agent.disk.outbox.push_back(ReportBody::Interrupted { job_id, attempt, code, detail });
            }
            agent.start
        };
        world.after(1, Happening::AgentTimer { agent: index, start, timer: AgentTimer::Heartbeat });
        world.after(PROBE_MS, Happening::AgentTimer { agent: index, start, timer: AgentTimer::Probe });
        Self::send_next(world, index, 0);
    }

    pub(crate) fn timer(world: &mut World, index: AgentIndex, timer: AgentTimer) {
        let start = world.agents[index].start;
        match timer {
            AgentTimer::Heartbeat => {
                let agent = &world.agents[index];
                if let (Some(session), true) = (agent.memory.session.clone(), agent.memory.announced) {
                    let held = agent.held();
                    world.send_to_leader(index, ToLeader::Heartbeat { agent: index, session, held });
                }
                world.after(HEARTBEAT_MS, Happening::AgentTimer { agent: index, start, timer });
            }
            AgentTimer::Probe => {
                let agent = &mut world.agents[index];
                if let (Some(session), true) = (agent.memory.session.clone(), agent.memory.announced) {
                    agent.memory.number += 1;
                    let facts = Box::new(facts(&agent.name, agent.newer_xcode, agent.slots));
                    let body = ReportBody::Capabilities { facts, observed: Box::default() };
                    let report = Box::new(Report { session, number: agent.memory.number, body });
                    world.send_to_leader(index, ToLeader::Report { agent: index, start, report });
                }
                world.after(PROBE_MS, Happening::AgentTimer { agent: index, start, timer });
            }
            AgentTimer::Resend { number, tries } => {
                if world.agents[index].memory.under_way == Some(number) {
                    Self::send_next(world, index, tries + 1);
                }
            }
            AgentTimer::ReClaim(attempt) => {
                if world.agents[index].memory.claims.contains_key(&attempt) {
                    Self::send_claim(world, index, &attempt);
                }
            }
            AgentTimer::BackendEnds(attempt) => Self::backend_ends(world, index, &attempt),
        }
    }

    /// What it holds: running, or ended and not yet told.
    fn held(&self) -> Vec<AttemptId> {
        let reported = self.disk.outbox.iter().filter_map(attempt_of);
        self.memory.running.keys().cloned().chain(reported).collect()
    }

    /// Sends the announcement or the oldest report; one at a time, until it is answered.
    fn send_next(world: &mut World, index: AgentIndex, tries: u32) {
        let agent = &mut world.agents[index];
        let Some(session) = agent.memory.session.clone() else { return };
        let next = if agent.memory.announced { agent.disk.outbox.front().cloned() } else { Some(agent.announcement()) };
        let Some(body) = next else {
            agent.memory.under_way = None;
            return;
        };
        agent.memory.number += 1;
        let (number, start) = (agent.memory.number, agent.start);
        agent.memory.under_way = Some(number);
        world.send_to_leader(index, ToLeader::Report { agent: index, start, report: Box::new(Report { session, number, body }) });
        let delay = (RESEND_MS << tries.min(6)).min(RESEND_MAX_MS);
        world.after(delay, Happening::AgentTimer { agent: index, start, timer: AgentTimer::Resend { number, tries } });
    }

    fn announcement(&self) -> ReportBody {
        let held = self.held().into_iter().map(|(job_id, attempt)| HeldAttempt { job_id, attempt, phase: Phase::Upload, log_offset: 0 });
        let facts = facts(&self.name, self.newer_xcode, self.slots);
        ReportBody::Announce(Box::new(Announce {
            rch_xcode_lane_version: "simulated".to_owned(),
            protocol: ProtocolRange::OURS,
            features: [Feature::named(Feature::ATTESTATION_SIGNING)].into(),
            public_key: signing_key(&self.name).public_key(),
            slots: self.slots,
            held: held.collect(),
            facts,
            observed: rch_schemas::capabilities::Observed::default(),
        }))
    }

    pub(crate) fn receive(world: &mut World, index: AgentIndex, message: ToAgent) {
        match message {
            ToAgent::Offer(offer) => Self::offered(world, index, offer),
            ToAgent::Answer { start, number, ledger_seq, reply } => {
                if start == world.agents[index].start {
                    Self::answered(world, index, number, ledger_seq, &reply);
                }
            }
            ToAgent::State(state) => Self::state(world, index, &state),
        }
    }

    fn offered(world: &mut World, index: AgentIndex, offer: Box<Offer>) {
        let agent = &mut world.agents[index];
        let attempt = (offer.job.job_id.clone(), offer.job.attempt);
        let known = agent.memory.claims.contains_key(&attempt) || agent.held().contains(&attempt);
        let full = agent.memory.running.len() + agent.memory.claims.len() >= agent.slots as usize;
        if agent.memory.session.as_ref() != Some(&offer.session) || !agent.memory.announced || known || full {
            return;
        }
        agent.memory.claims.insert(attempt.clone(), (0, offer));
        Self::send_claim(world, index, &attempt);
    }

    /// Claims with the same claim id until there is an answer.
    fn send_claim(world: &mut World, index: AgentIndex, attempt: &AttemptId) {
        let agent = &mut world.agents[index];
        let Some(session) = agent.memory.session.clone() else { return };
        agent.memory.number += 1;
        let (number, start) = (agent.memory.number, agent.start);
        if let Some((asked, _)) = agent.memory.claims.get_mut(attempt) {
            *asked = number;
        }
        let claim_id = format!("claim-{session}").parse().expect("an id");
        let body = ReportBody::Claim { job_id: attempt.0.clone(), attempt: attempt.1, claim_id };
        world.send_to_leader(index, ToLeader::Report { agent: index, start, report: Box::new(Report { session, number, body }) });
        world.after(RESEND_MS, Happening::AgentTimer { agent: index, start, timer: AgentTimer::ReClaim(attempt.clone()) });
    }

    fn answered(world: &mut World, index: AgentIndex, number: u64, ledger_seq: LedgerSeq, reply: &Reply) {
        let agent = &mut world.agents[index];
        if agent.memory.under_way == Some(number) {
            if agent.memory.announced {
                agent.disk.outbox.pop_front();
            } else {
                agent.memory.announced = matches!(reply, Reply::Receipt(_));
            }
            Self::send_next(world, index, 0);
            return;
        }
        let claimed = agent.memory.claims.iter().find(|(_, (asked, _))| *asked == number).map(|(attempt, _)| attempt.clone());
        let Some((attempt, (_, offer))) = claimed.and_then(|attempt| agent.memory.claims.remove_entry(&attempt)) else { return };
        if matches!(reply, Reply::Receipt(Some(go)) if go.job_id == attempt.0 && go.attempt == attempt.1) {
            Self::go(world, index, attempt, ledger_seq, offer);
        }
    }

    fn go(world: &mut World, index: AgentIndex, attempt: AttemptId, go_seq: LedgerSeq, offer: Box<Offer>) {
        let agent = &mut world.agents[index];
        agent.disk.going.insert(attempt.clone());
        agent.memory.running.insert(attempt.clone(), Running { go_seq, job: Box::new(offer.job) });
        let (start, name, running) = (agent.start, agent.name.clone(), agent.memory.running.len());
        world.executions.push(Execution { attempt: attempt.clone(), worker: name, started_ms: world.now, running, slots: agent.slots });
        let takes = if world.rng.u8(0..8) == 0 { world.rng.u64(60_000..600_000) } else { world.rng.u64(100..60_000) };
        world.after(takes, Happening::AgentTimer { agent: index, start, timer: AgentTimer::BackendEnds(attempt) });
    }

    fn backend_ends(world: &mut World, index: AgentIndex, attempt: &AttemptId) {
        let outcome = match world.rng.u8(0..10) {
            0 => Outcome::because(Reason::Compile),
            1 => Outcome::because(Reason::SimulatorBoot),
            _ => Outcome::SUCCESS,
        };
        let agent = &mut world.agents[index];
        let Some(running) = agent.memory.running.remove(attempt) else { return };
        let report = finished(&agent.name, &running.job, outcome);
        agent.tell(attempt, ReportBody::Finished(Box::new(report)));
        Self::nudge(world, index);
    }

    /// A report into the outbox, after which the attempt's directory may go.
    fn tell(&mut self, attempt: &AttemptId, body: ReportBody) {
        self.disk.outbox.push_back(body);
        self.disk.going.remove(attempt);
    }

    fn nudge(world: &mut World, index: AgentIndex) {
        let memory = &world.agents[index].memory;
        if memory.announced && memory.under_way.is_none() {
            Self::send_next(world, index, 0);
        }
    }

    /// Kills what is not wanted; a state older than one it has seen, or than an attempt's go, says nothing.
    fn state(world: &mut World, index: AgentIndex, state: &WorkerState) {
        let agent = &mut world.agents[index];
        if agent.memory.session.as_ref() != Some(&state.session) || state.ledger_seq < agent.memory.seen {
            return;
        }
        agent.memory.seen = state.ledger_seq;
        let wanted: BTreeSet<_> = state.wanted.iter().map(|wanted| (wanted.job_id.clone(), wanted.attempt)).collect();
        let unwanted = |(attempt, running): (&AttemptId, &Running)| {
            (running.go_seq <= state.ledger_seq && !wanted.contains(attempt)).then(|| attempt.clone())
        };
        for attempt in agent.memory.running.iter().filter_map(unwanted).collect::<Vec<_>>() {
            agent.memory.running.remove(&attempt);
            let (code, detail) = (Reason::CancelledByUser, "not wanted any more".to_owned());
            let body = ReportBody::Interrupted { job_id: attempt.0.clone(), attempt: attempt.1, code, detail };
            agent.tell(&attempt, body);
        }
        Self::nudge(world, index);
    }
}

fn attempt_of(body: &ReportBody) -> Option<AttemptId> {
    match body {
        ReportBody::Finished(finished) => Some((finished.job_id.clone(), finished.attempt)),
        ReportBody::Interrupted { job_id, attempt, .. } | ReportBody::Refused { job_id, attempt, .. } => Some((job_id.clone(), *attempt)),
        ReportBody::Announce(_) | ReportBody::Capabilities { .. } | ReportBody::Claim { .. } => None,
    }
}
