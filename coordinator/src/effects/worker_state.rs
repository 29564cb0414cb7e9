//! The whole truth for a worker, told on every change and after each of its heartbeats.

use rch_scheduler::Worker;
use rch_schemas::LedgerSeq;
use rch_schemas::wire::agent::{WantedAttempt, WorkerState};
use rch_schemas::wire::http::Intake;
use rch_schemas::wire::{Op, Request, subject};

use crate::clock;
use crate::nats::Connection;
use crate::projection::{ProjectionError, Snapshot};

/// Tells `worker` what is wanted of it, by `snapshot`. A worker that never announced itself, or with which the farm shares no protocol
/// version, is told nothing.
pub(super) async fn tell(connection: &Connection, snapshot: &Snapshot, worker: &Worker) -> Result<(), ProjectionError> {
    let Some(state) = state_of(snapshot, worker)? else { return Ok(()) };
    let farm = snapshot.farm()?.config.protocol;
    let Some(protocol_version) = worker.session.as_ref().and_then(|session| session.version(farm)) else { return Ok(()) };
    let request = Request { protocol_version, op: Op::State, request_id: clock::request_id(), payload: state };
    let payload = serde_json::to_vec(&request).expect("states serialize");
    if let Err(error) = connection.client.publish(subject::state(&worker.name), payload.into()).await {
        tracing::debug!(worker = %worker.name, %error, "state not sent, the next heartbeat brings it");
    }
    Ok(())
}

/// Offered and running attempts are wanted, but for those somebody wants to stop.
fn state_of(snapshot: &Snapshot, worker: &Worker) -> Result<Option<WorkerState>, ProjectionError> {
    let Some(session) = &worker.session else { return Ok(None) };
    let mut wanted = Vec::new();
    for (job_id, attempt) in &worker.held {
        if snapshot.job(job_id)?.is_some_and(|job| !job.cancel_requested) {
            wanted.push(WantedAttempt { job_id: job_id.clone(), attempt: *attempt });
        }
    }
    let ledger_seq: LedgerSeq = snapshot.position()?.seq;
    let draining = match worker.intake {
        Intake::Open => false,
        Intake::Draining | Intake::Quarantined => true,
    };
    let probe_ttl_ms = Some(snapshot.farm()?.config.probe_ttl_ms);
    Ok(Some(WorkerState { session: session.id.clone(), ledger_seq, draining, wanted, probe_ttl_ms }))
}
