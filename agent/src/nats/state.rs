//! Hears what is wanted of this worker, and requests that make it faster.

use futures_util::StreamExt as _;
use rch_schemas::wire::agent::WorkerState;
use rch_schemas::wire::{Op, subject};
use tokio::sync::mpsc;

use super::control::ControlRequest;
use super::{ConnectError, Heard, Link};

/// Subscribes, then hands everything heard to `heard` until the connection is given up. The client subscribes again after each reconnect.
pub(crate) async fn listen(link: Link, heard: mpsc::Sender<Heard>) -> Result<(), ConnectError> {
    let subscribe = |subject: String| {
        let client = link.client.clone();
        async move { client.subscribe(subject.clone()).await.map_err(|source| ConnectError::Subscribe { subject, source }) }
    };
    let mut state = subscribe(subject::state(&link.worker)).await?;
    let mut control = subscribe(subject::control(&link.worker)).await?;
    loop {
        let message = tokio::select! {
            Some(message) = state.next() => {
                match link.dropped.open::<WorkerState>(&message.subject, &message.payload, &[Op::State]) {
                    Some(Ok(request)) => Some(Heard::State(request.payload)),
                    Some(Err(foreign)) => {
                        link.dropped.drop_one(&message.subject, &foreign.error.message);
                        None
                    }
                    None => None,
                }
            }
            Some(message) = control.next() => ControlRequest::open(&link, message).await.map(Heard::Control),
            else => return Ok(()),
        };
        if let Some(message) = message
            && heard.send(message).await.is_err()
        {
            return Ok(());
        }
    }
}
