//! The connection to the farm's NATS server.

use std::time::Duration;

use async_nats::jetstream::context::ContextBuilder;
use async_nats::{Client, ConnectOptions, Event, jetstream};
use bytes::Bytes;
use rch_schemas::WorkerName;
use rch_schemas::protocol::ProtocolRange;
use rch_schemas::wire::agent::Heartbeat;
use rch_schemas::wire::{Op, subject};
use tokio::sync::watch;

use super::envelope::{Dropped, seal};
use crate::clock;

/// A dead peer is noticed after two missed answers: within half a minute.
const PING_INTERVAL: Duration = Duration::from_secs(15);
/// Every request to JetStream; also for a connection attempt.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a message may wait for room in the client's queue; a heartbeat older than the next one is worth nothing.
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(4);
/// Messages waiting in one subscription: the most a burst of state and control can be.
const SUBSCRIPTION_CAPACITY: usize = 4_096;
/// Reconnecting starts here and doubles, with a random share on top so that a farm does not come back as one.
const RECONNECT_DELAY_FIRST: Duration = Duration::from_millis(100);
/// Reconnecting never waits longer.
const RECONNECT_DELAY_MAX: Duration = Duration::from_secs(8);

/// Why there is no connection, ever.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error("nats_url {url:?} cannot be used")]
    Refused { url: String, source: async_nats::ConnectError },
    #[error("cannot subscribe to {subject}")]
    Subscribe { subject: String, source: async_nats::SubscribeError },
}

/// The agent's connection. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(super) client: Client,
    pub(super) jetstream: jetstream::Context,
    pub(super) worker: WorkerName,
    pub(super) dropped: Dropped,
    connections: watch::Receiver<u64>,
}

impl Link {
    /// Connects, or keeps trying in the background: a server that is away at start is no error.
    pub(crate) async fn connect(url: &str, worker: &WorkerName, protocol: ProtocolRange) -> Result<Self, ConnectError> {
        let (connected, connections) = watch::channel(0);
        let options = ConnectOptions::new()
            .name(format!("rch-agent {worker}"))
            .custom_inbox_prefix(subject::inbox(worker))
            .retry_on_initial_connect()
            .max_reconnects(None)
            .reconnect_delay_callback(reconnect_delay)
            .ping_interval(PING_INTERVAL)
            .connection_timeout(REQUEST_TIMEOUT)
            .request_timeout(Some(REQUEST_TIMEOUT))
            .subscription_capacity(SUBSCRIPTION_CAPACITY)
            .event_callback(move |event| {
                note(&event, &connected);
                std::future::ready(())
            });
        let client = options.connect(url).await.map_err(|source| ConnectError::Refused { url: url.to_owned(), source })?;
        let jetstream = ContextBuilder::new().timeout(REQUEST_TIMEOUT).build(client.clone());
        Ok(Self { client, jetstream, worker: worker.clone(), dropped: Dropped::new(protocol), connections })
    }

    /// Counts up at each new connection.
    pub(crate) fn connections(&self) -> watch::Receiver<u64> {
        self.connections.clone()
    }

    /// Messages that were not what their subject promises.
    pub(crate) fn dropped(&self) -> &Dropped {
        &self.dropped
    }

    /// Says that this agent lives, in the version of its session. Lost without a trace while the server is away: the next one says it again.
    pub(crate) async fn heartbeat(&self, version: u32, heartbeat: &Heartbeat) {
        self.publish(subject::heartbeat(&self.worker), seal(Op::Heartbeat, version, heartbeat)).await;
    }

    /// Answers a request.
    pub(super) async fn publish(&self, subject: String, payload: Bytes) {
        let published = tokio::time::timeout(PUBLISH_TIMEOUT, self.client.publish(subject.clone(), payload)).await;
        if !matches!(published, Ok(Ok(()))) {
            tracing::debug!(subject, "message not sent: the server is away");
        }
    }
}

/// The wait before the `attempt`-th try to connect again.
fn reconnect_delay(attempt: usize) -> Duration {
    let doublings = u32::try_from(attempt.min(10)).unwrap_or(10);
    let delay = RECONNECT_DELAY_FIRST.saturating_mul(1 << doublings).min(RECONNECT_DELAY_MAX);
    delay / 2 + clock::jitter(delay / 2)
}

fn note(event: &Event, connected: &watch::Sender<u64>) {
    match event {
        Event::Connected => {
            tracing::info!("connected to NATS");
            connected.send_modify(|count| *count += 1);
        }
        Event::Disconnected => tracing::warn!("NATS is away; builds go on, reports wait"),
        Event::SlowConsumer(subscription) => tracing::warn!(subscription, "a NATS subscription is full: messages were lost"),
        Event::LameDuckMode | Event::Draining | Event::Closed | Event::ServerError(_) | Event::ClientError(_) => {
            tracing::debug!(%event, "NATS event");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reconnecting_slows_down_to_a_bound_and_never_stops() {
        for attempt in 0..100 {
            assert!(reconnect_delay(attempt) <= RECONNECT_DELAY_MAX);
        }
        assert!(reconnect_delay(50) >= RECONNECT_DELAY_MAX / 2);
        assert!(reconnect_delay(0) <= RECONNECT_DELAY_FIRST);
    }
}
