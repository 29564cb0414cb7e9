//! Requests to an agent that only make things faster than its state would.

use std::time::Duration;

use rch_scheduler::Worker;
use rch_schemas::protocol::ProtocolRange;
use rch_schemas::wire::agent::{Control, ControlAnswer};
use rch_schemas::wire::{Op, Request, Response, WireError, subject};

use crate::clock;
use crate::nats::Connection;

/// How long an agent may take to answer; it answers before it does what is asked.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// Why an agent did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ControlError {
    #[error("{worker} has no agent that listens")]
    NoAgent { worker: rch_schemas::WorkerName },
    #[error("the agent of {worker} did not answer within {} s", ANSWER_WITHIN.as_secs())]
    Silent { worker: rch_schemas::WorkerName },
    #[error("the agent refused")]
    Refused(#[from] WireError),
    #[error("the agent's answer cannot be read")]
    Unreadable(#[from] serde_json::Error),
}

/// Asks the agent of `worker` and waits for its answer.
pub(crate) async fn control(
    connection: &Connection,
    farm: ProtocolRange,
    worker: &Worker,
    control: Control,
) -> Result<ControlAnswer, ControlError> {
    let payload = message(farm, worker, control);
    let asked = connection.client.request(subject::control(&worker.name), payload.into());
    match tokio::time::timeout(ANSWER_WITHIN, asked).await {
        Ok(Ok(answer)) => {
            let answer: Response<ControlAnswer> = serde_json::from_slice(&answer.payload)?;
            Ok(answer.into_result()?)
        }
        Ok(Err(error)) if error.kind() == async_nats::RequestErrorKind::NoResponders => {
            Err(ControlError::NoAgent { worker: worker.name.clone() })
        }
        Ok(Err(_)) | Err(_) => Err(ControlError::Silent { worker: worker.name.clone() }),
    }
}

/// Tells the agent of `worker` without waiting: if it does not arrive, the worker's state says the same.
pub(super) async fn tell(connection: &Connection, farm: ProtocolRange, worker: &Worker, control: Control) {
    let payload = message(farm, worker, control);
    if let Err(error) = connection.client.publish(subject::control(&worker.name), payload.into()).await {
        tracing::debug!(worker = %worker.name, %error, "control message not sent");
    }
}

/// The message in the version of the agent's session. A probe is in version 0, which every agent reads; nothing else is, so that an agent
/// with which the farm shares no version answers that it does not speak ours.
fn message(farm: ProtocolRange, worker: &Worker, control: Control) -> Vec<u8> {
    let shared = worker.session.as_ref().and_then(|session| session.version(farm)).unwrap_or(farm.max);
    let protocol_version = if control == Control::Probe { 0 } else { shared };
    let op = match &control {
        Control::Probe => Op::Probe,
        Control::Status => Op::Status,
        Control::Tail { .. } => Op::Tail,
        Control::Cancel { .. } => Op::Cancel,
        Control::Drain { .. } => Op::Drain,
    };
    let request = Request { protocol_version, op, request_id: clock::request_id(), payload: control };
    serde_json::to_vec(&request).expect("control messages serialize")
}
