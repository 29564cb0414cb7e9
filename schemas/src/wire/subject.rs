//! Names of NATS subjects, streams, consumers and buckets. A worker's name in a subject is its identity: its credentials reach no other.

use crate::id::{Attempt, JobId, RunId, WorkerName};

/// The ledger's stream.
pub const LEDGER_STREAM: &str = "RCH_LEDGER";
/// The ledger's one subject.
pub const LEDGER_SUBJECT: &str = "rch.v1.ledger";
/// The stream of offers.
pub const JOBS_STREAM: &str = "RCH_JOBS";
/// All offers.
pub const JOBS_SUBJECTS: &str = "rch.v1.jobs.>";
/// The stream of output chunks.
pub const OUTPUT_STREAM: &str = "RCH_OUTPUT";
/// All output chunks.
pub const OUTPUT_SUBJECTS: &str = "rch.v1.output.>";
/// The bucket of the leader's lease.
pub const LEADER_BUCKET: &str = "rch_leader";
/// The key of the leader's lease.
pub const LEADER_KEY: &str = "leader";
/// All reports.
pub const REPORTS: &str = "rch.v1.report.*";
/// All heartbeats.
pub const HEARTBEATS: &str = "rch.v1.heartbeat.*";
/// The leader's own heartbeat: proof that it can hear.
pub const LEADER_HEARTBEAT: &str = "rch.v1.heartbeat._leader";
/// The service that tells a server's JetStream configuration, imported from the system account.
pub const SERVER_JETSTREAM: &str = "rch.sys.jsz";

/// Where an attempt is offered.
pub fn offer(worker: &WorkerName, job: &JobId, attempt: Attempt) -> String {
    format!("rch.v1.jobs.{worker}.{job}.{attempt}")
}

/// All offers to a worker.
pub fn offers_to(worker: &WorkerName) -> String {
    format!("rch.v1.jobs.{worker}.>")
}

/// The durable consumer that a worker pulls its offers from.
pub fn offer_consumer(worker: &WorkerName) -> String {
    format!("worker-{worker}")
}

/// Where an attempt's output goes.
pub fn output(worker: &WorkerName, job: &JobId, attempt: Attempt) -> String {
    format!("rch.v1.output.{worker}.{job}.{attempt}")
}

/// The output of all attempts of a job, on whatever worker.
pub fn output_of(job: &JobId) -> String {
    format!("rch.v1.output.*.{job}.*")
}

/// Where a worker reports.
pub fn report(worker: &WorkerName) -> String {
    format!("rch.v1.report.{worker}")
}

/// Where a worker's heartbeats go.
pub fn heartbeat(worker: &WorkerName) -> String {
    format!("rch.v1.heartbeat.{worker}")
}

/// Where a worker is told what is wanted of it.
pub fn state(worker: &WorkerName) -> String {
    format!("rch.v1.state.{worker}")
}

/// Where a worker takes requests that only make things faster.
pub fn control(worker: &WorkerName) -> String {
    format!("rch.v1.control.{worker}")
}

/// Where the evidence of a run is announced.
pub fn evidence(run: &RunId) -> String {
    format!("rch.v1.evidence.{run}")
}

/// The prefix of a worker's reply subjects.
pub fn inbox(worker: &WorkerName) -> String {
    format!("_INBOX_{worker}")
}

/// The attempt that the last two tokens of an offer's subject name.
pub fn attempt_of(subject: &str) -> Option<(JobId, Attempt)> {
    let mut tokens = subject.rsplit('.');
    let attempt = tokens.next()?.parse().ok()?;
    Some((tokens.next()?.parse().ok()?, Attempt(attempt)))
}

/// The worker named by the last token of a report or heartbeat subject.
pub fn worker_of(subject: &str) -> Option<WorkerName> {
    subject.rsplit('.').next()?.parse().ok()
}
