//! Reports of agents. Idempotent by (job, attempt, kind): a repeat is answered as the first was.

use std::collections::BTreeSet;
use std::time::Duration;

use rch_schemas::document::Outcome;
use rch_schemas::seal::SealError;
use rch_schemas::wire::WireError;
use rch_schemas::wire::agent::{Announce, Finished, Go, ReportBody};
use rch_schemas::{Attempt, ClaimId, JobId, Reason, RetryClass, SessionId, Tick, WorkerName};

use crate::attempt::{AttemptRecord, AttemptState};
use crate::checked::CheckedReport;
use crate::command::{Decision, Reply, Stamp};
use crate::config::InventoryEntry;
use crate::event::Event;
use crate::job::Job;
use crate::negotiate::agent_problem;
use crate::run::Run;
use crate::state::State;
use crate::worker::Worker;

/// How long a refused job stays away from a worker that named no time.
const RETRY_AFTER_DEFAULT: Duration = Duration::from_secs(5);

/// Decides what a report means.
pub(crate) fn report(state: &State, stamp: &Stamp, worker: &WorkerName, report: &CheckedReport) -> Decision {
    let (Some(row), Some(entry)) = (state.workers.get(worker), state.config.inventory.get(worker)) else {
        return refuse(Reason::NotEnrolled, not_enrolled(state, worker));
    };
    let reporter = Reporter { state, stamp, row, entry };
    if let ReportBody::Announce(announce) = &report.body {
        return reporter.announce(&report.session, announce);
    }
    if row.session.as_ref().is_none_or(|session| session.id != report.session) {
        return refuse(Reason::Stale, format!("session {} is not the current one of {worker}; announce first", report.session));
    }
    match &report.body {
        ReportBody::Announce(_) => unreachable!("answered above"),
        ReportBody::Capabilities { facts, .. } => receipt(reporter.changed_facts(facts).into_iter().collect()),
        ReportBody::Claim { job_id, attempt, claim_id } => reporter.claim(&report.session, job_id, *attempt, claim_id),
        ReportBody::Finished(finished) => reporter.finished(finished, report.is_signed_by(&entry.public_key)),
        ReportBody::Interrupted { job_id, attempt, code, detail } => reporter.interrupted(job_id, *attempt, *code, detail),
        ReportBody::Refused { job_id, attempt, code, detail, retry_after_seconds, missing } => {
            let wait = retry_after_seconds.map_or(RETRY_AFTER_DEFAULT, |seconds| Duration::from_secs(seconds.into()));
            let event = Event::AttemptRefused {
                job_id: job_id.clone(),
                attempt: *attempt,
                code: *code,
                detail: detail.clone(),
                not_before: stamp.tick.after(wait),
                missing: missing.clone(),
            };
            reporter.refused(job_id, *attempt, event)
        }
    }
}

fn not_enrolled(state: &State, worker: &WorkerName) -> String {
    if state.config.removed.contains_key(worker) {
        return format!("{worker} was removed from the farm; to enrol it again, take it out of the inventory and then put it in once more");
    }
    format!("{worker} is not in the farm's inventory; add it with its public key")
}

fn refuse(code: Reason, message: String) -> Decision {
    Decision::answer(Reply::NotAccepted(WireError::new(code, message)))
}

fn receipt(events: Vec<Event>) -> Decision {
    Decision { events, reply: Reply::Receipt(None) }
}

struct Reporter<'a> {
    state: &'a State,
    stamp: &'a Stamp,
    row: &'a Worker,
    entry: &'a InventoryEntry,
}

impl<'a> Reporter<'a> {
    fn announce(&self, session: &SessionId, announce: &Announce) -> Decision {
        let name = &self.row.name;
        if self.row.replaced.contains(session) {
            return refuse(Reason::DuplicateWorker, format!("session {session} of {name} was replaced by another agent of the same name"));
        }
        if announce.public_key != self.entry.public_key {
            let (pinned, found) = (self.entry.public_key.fingerprint(), announce.public_key.fingerprint());
            return refuse(Reason::NotEnrolled, format!("{name} announced key {found}, the inventory pins {pinned}"));
        }
        let mut events = Vec::new();
        if self.row.session.as_ref().is_none_or(|current| current.id != *session) {
            events.extend(self.left_behind(announce));
            events.push(Event::SessionStarted {
                worker: name.clone(),
                session: session.clone(),
                agent_version: announce.rch_xcode_lane_version.clone(),
                protocol: announce.protocol,
                features: announce.features.clone(),
                slots: announce.slots,
            });
        } else if self.row.lost {
            events.push(Event::WorkerReturned { worker: name.clone() });
        }
        events.extend(self.changed_facts(&announce.facts));
        // It is recorded all the same, so that evidence and lists can say why this worker gets nothing.
        let agent = (announce.rch_xcode_lane_version.as_str(), announce.protocol);
        match agent_problem(name, agent, self.state.config.protocol) {
            Some(problem) => Decision { events, reply: Reply::NotAccepted(problem) },
            None => receipt(events),
        }
    }

    /// What the session before held and this one does not know of: it will never be reported.
    fn left_behind(&self, announce: &Announce) -> Vec<Event> {
        let known: BTreeSet<_> = announce.held.iter().map(|held| (&held.job_id, held.attempt)).collect();
        let forgotten = self.row.held.iter().filter(|(job_id, attempt)| !known.contains(&(job_id, *attempt)));
        forgotten
            .filter_map(|(job_id, attempt)| {
                let job = self.state.jobs.get(job_id)?;
                match &job.current_numbered(*attempt)?.state {
                    AttemptState::Offered => crate::cancel::withdrawal(job, "the agent was started anew"),
                    AttemptState::Running { .. } => Some(interruption(
                        job_id,
                        *attempt,
                        Reason::Interrupted,
                        "the agent was started anew and no longer holds the attempt",
                    )),
                    AttemptState::Finished { .. }
                    | AttemptState::Interrupted { .. }
                    | AttemptState::Lost
                    | AttemptState::Refused { .. }
                    | AttemptState::Withdrawn { .. } => None,
                }
            })
            .collect()
    }

    fn changed_facts(&self, facts: &rch_schemas::capabilities::Facts) -> Option<Event> {
        let known = self.row.facts.as_ref().is_some_and(|(digest, _)| *digest == facts.digest());
        (!known).then(|| Event::CapabilitiesChanged { worker: self.row.name.clone(), facts: Box::new(facts.clone()) })
    }

    fn claim(&self, session: &SessionId, job_id: &JobId, attempt: Attempt, claim_id: &ClaimId) -> Decision {
        let (job, run, record) = match self.current(job_id, attempt) {
            Ok(found) => found,
            Err(stale) => return stale,
        };
        match &record.state {
            AttemptState::Offered if record.session == *session && !self.speaks(run) => self.drifted(run, job_id, attempt),
            AttemptState::Offered if record.session == *session => {
                let allowed = Duration::from_secs(run.options.timeouts.overall_seconds.into())
                    + Duration::from_millis(self.state.config.attempt_slack_ms);
                let deadline = self.stamp.tick.after(allowed);
                let event = Event::AttemptStarted { job_id: job.job_id.clone(), attempt, claim_id: claim_id.clone(), deadline };
                Decision { events: vec![event], reply: self.go(job_id, attempt, deadline) }
            }
            AttemptState::Running { claim_id: granted, deadline, .. } if granted == claim_id && record.session == *session => {
                Decision::answer(self.go(job_id, attempt, *deadline))
            }
            AttemptState::Offered
            | AttemptState::Running { .. }
            | AttemptState::Finished { .. }
            | AttemptState::Interrupted { .. }
            | AttemptState::Lost
            | AttemptState::Refused { .. }
            | AttemptState::Withdrawn { .. } => stale(job_id, attempt, record),
        }
    }

    fn speaks(&self, run: &Run) -> bool {
        self.row.session.as_ref().is_some_and(|session| run.is_spoken(&self.state.config, session))
    }

    /// The run's version was spoken at selection and is not any more: a refusal, as if the agent itself had noticed.
    fn drifted(&self, run: &Run, job_id: &JobId, attempt: Attempt) -> Decision {
        let (version, farm) = (run.protocol_version, self.state.config.protocol);
        let agent = self.row.session.as_ref().map_or_else(|| "nothing".to_owned(), |session| session.protocol.to_string());
        let detail = format!("the run speaks protocol {version}, the agent {agent}, the farm {farm}");
        let refused = Event::AttemptRefused {
            job_id: job_id.clone(),
            attempt,
            code: Reason::ProtocolDrift,
            detail: detail.clone(),
            not_before: self.stamp.tick.after(RETRY_AFTER_DEFAULT),
            missing: Vec::new(),
        };
        Decision { events: vec![refused], reply: Reply::NotAccepted(WireError::new(Reason::ProtocolDrift, detail)) }
    }

    fn go(&self, job_id: &JobId, attempt: Attempt, deadline: Tick) -> Reply {
        let deadline_ms = u64::try_from(deadline.since(self.stamp.tick).as_millis()).unwrap_or(u64::MAX);
        Reply::Receipt(Some(Go { job_id: job_id.clone(), attempt, deadline_ms }))
    }

    fn finished(&self, finished: &Finished, signed: Result<(), SealError>) -> Decision {
        let (job, run, record) = match self.current(&finished.job_id, finished.attempt) {
            Ok(found) => found,
            Err(stale) => return stale,
        };
        match &record.state {
            AttemptState::Running { .. } => receipt(self.finish((job, run), finished, signed)),
            AttemptState::Finished { finished: known } if known.manifest_sha256 == finished.manifest_sha256 => receipt(Vec::new()),
            AttemptState::Offered
            | AttemptState::Finished { .. }
            | AttemptState::Interrupted { .. }
            | AttemptState::Lost
            | AttemptState::Refused { .. }
            | AttemptState::Withdrawn { .. } => stale(&finished.job_id, finished.attempt, record),
        }
    }

    fn finish(&self, (job, run): (&Job, &Run), finished: &Finished, signed: Result<(), SealError>) -> Vec<Event> {
        let interrupted = |code, detail: &str| vec![interruption(&job.job_id, finished.attempt, code, detail)];
        if job.cancel_requested {
            return interrupted(Reason::CancelledByUser, "cancelled before it finished");
        }
        if let Err(error) = signed.and_then(|()| self.check_seal(job, run, finished)) {
            let code = match &error {
                SealError::KeyNotPinned { .. } => Reason::KeyNotPinned,
                SealError::Unsigned { .. } | SealError::SignatureInvalid { .. } => Reason::SignatureInvalid,
                SealError::Mismatch { .. } => Reason::ProtocolError,
            };
            return interrupted(code, &error.to_string());
        }
        if !finished.outcome.is_consistent() || finished.outcome == Outcome::SKIPPED {
            return interrupted(Reason::ProtocolError, "the reported outcome contradicts itself");
        }
        let again = finished.outcome.failure_subkind.filter(|reason| reason.retry_class() == RetryClass::Again);
        if let Some(reason) = again.filter(|_| job.started < self.state.config.max_attempts) {
            return interrupted(reason, &finished.human_summary);
        }
        vec![
            Event::AttemptFinished { finished: Box::new(finished.clone()) },
            Event::JobEnded { job_id: job.job_id.clone(), outcome: finished.outcome, human_summary: finished.human_summary.clone() },
        ]
    }

    /// The attestation must be of this very attempt: an older one, or one of another job, is a replay.
    fn check_seal(&self, job: &Job, run: &Run, finished: &Finished) -> Result<(), SealError> {
        let attestation = &finished.attestation;
        let evidence = run.selection(job.destination).map(|made| &made.selection.evidence_sha256);
        same("run_id", Some(&attestation.run_id), Some(&run.run_id))?;
        same("job_id", Some(&attestation.job_id), Some(&job.job_id))?;
        same("attempt", Some(&attestation.attempt), Some(&finished.attempt))?;
        same("protocol_version", Some(&attestation.protocol_version), Some(&run.protocol_version))?;
        same("job_key", attestation.job_key.as_ref(), job.job_key.as_ref())?;
        same("worker", attestation.worker.as_ref().map(|worker| &worker.name), Some(&self.row.name))?;
        same("manifest_sha256", Some(&attestation.manifest_sha256), Some(&finished.manifest_sha256))?;
        same("evidence_sha256", attestation.evidence_sha256.as_ref(), evidence)
    }

    fn interrupted(&self, job_id: &JobId, attempt: Attempt, code: Reason, detail: &str) -> Decision {
        let (job, _, record) = match self.current(job_id, attempt) {
            Ok(found) => found,
            Err(stale) => return stale,
        };
        match &record.state {
            AttemptState::Running { .. } => receipt(vec![interruption(job_id, attempt, code, detail)]),
            AttemptState::Offered => receipt(crate::cancel::withdrawal(job, detail).into_iter().collect()),
            AttemptState::Interrupted { .. } | AttemptState::Withdrawn { .. } | AttemptState::Refused { .. } => receipt(Vec::new()),
            AttemptState::Finished { .. } | AttemptState::Lost => stale(job_id, attempt, record),
        }
    }

    fn refused(&self, job_id: &JobId, attempt: Attempt, event: Event) -> Decision {
        let record = match self.current(job_id, attempt) {
            Ok((_, _, record)) => record,
            Err(stale) => return stale,
        };
        match &record.state {
            AttemptState::Offered | AttemptState::Running { .. } => receipt(vec![event]),
            AttemptState::Refused { .. } | AttemptState::Withdrawn { .. } | AttemptState::Interrupted { .. } => receipt(Vec::new()),
            AttemptState::Finished { .. } | AttemptState::Lost => stale(job_id, attempt, record),
        }
    }

    /// The job, its run and the attempt, if that is the current one and this worker's.
    fn current(&self, job_id: &JobId, attempt: Attempt) -> Result<(&'a Job, &'a Run, &'a AttemptRecord), Decision> {
        let Some((job, run)) = self.state.job_and_run(job_id) else {
            return Err(refuse(Reason::Stale, format!("there is no job {job_id} any more")));
        };
        let record = job.current_numbered(attempt).filter(|record| record.worker == self.row.name);
        record.map(|record| (job, run, record)).ok_or_else(|| {
            let current = job.current().map_or(Attempt::NONE, |record| record.number);
            refuse(Reason::Stale, format!("{job_id} is at attempt {current}, not at attempt {attempt} on {}", self.row.name))
        })
    }
}

fn same<T: PartialEq + ToString>(field: &'static str, found: Option<&T>, expected: Option<&T>) -> Result<(), SealError> {
    let text = |value: Option<&T>| value.map_or_else(|| "absent".to_owned(), ToString::to_string);
    if found == expected { Ok(()) } else { Err(SealError::Mismatch { field, found: text(found), expected: text(expected) }) }
}

fn interruption(job_id: &JobId, attempt: Attempt, code: Reason, detail: &str) -> Event {
    Event::AttemptInterrupted { job_id: job_id.clone(), attempt, code, detail: detail.to_owned() }
}

fn stale(job_id: &JobId, attempt: Attempt, record: &AttemptRecord) -> Decision {
    let state = match &record.state {
        AttemptState::Offered => "offered to another session",
        AttemptState::Running { .. } => "running under another claim",
        AttemptState::Finished { .. } => "finished",
        AttemptState::Interrupted { .. } => "interrupted",
        AttemptState::Lost => "lost",
        AttemptState::Refused { .. } => "refused",
        AttemptState::Withdrawn { .. } => "withdrawn",
    };
    refuse(Reason::Stale, format!("attempt {attempt} of {job_id} is {state}"))
}
