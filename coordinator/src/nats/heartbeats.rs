//! Heartbeats: the workers', and the leader's own, which proves that it can hear.

use std::time::Duration;

use async_nats::Message;
use futures_util::StreamExt as _;
use rch_schemas::protocol::ProtocolRange;
use rch_schemas::wire::agent::Heartbeat;
use rch_schemas::wire::{Request, subject};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::connection::Connection;
use crate::clock;
use crate::dispatcher::{Asks, Heard};
use crate::effects::Hint;
use crate::metrics;
use crate::shared::Shared;

/// As often as the workers'.
const OWN_EVERY: Duration = Duration::from_secs(5);
/// Between two tries to subscribe.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// The subscription of a term, not yet running.
pub(crate) struct Heartbeats {
    asks: Asks,
    connection: Connection,
    hints: mpsc::Sender<Hint>,
    /// What is in this leader's own heartbeat: another's proves nothing.
    own: String,
    /// What this farm speaks.
    protocol: ProtocolRange,
}

impl Heartbeats {
    pub(crate) fn new(shared: &Shared, connection: Connection, hints: mpsc::Sender<Hint>) -> Self {
        let (asks, protocol) = (shared.asks.clone(), shared.config.farm.protocol);
        Self { asks, connection, hints, own: clock::instance(), protocol }
    }

    /// Listens until the term is over.
    pub(crate) async fn run(self, over: CancellationToken) {
        tokio::select! {
            () = over.cancelled() => {}
            () = self.work() => {}
        }
    }

    async fn work(&self) {
        loop {
            match self.connection.client.subscribe(subject::HEARTBEATS).await {
                Ok(subscription) => self.listen(subscription).await,
                Err(error) => tracing::warn!(%error, "cannot subscribe to heartbeats, trying again"),
            }
            tokio::time::sleep(RETRY_AFTER).await;
        }
    }

    async fn listen(&self, mut subscription: async_nats::Subscriber) {
        let mut own = tokio::time::interval(OWN_EVERY);
        loop {
            tokio::select! {
                _ = own.tick() => self.beat().await,
                message = subscription.next() => match message {
                    Some(message) => self.hear(&message),
                    None => return,
                },
            }
        }
    }

    async fn beat(&self) {
        let sent = self.connection.client.publish(subject::LEADER_HEARTBEAT, self.own.clone().into());
        match tokio::time::timeout(OWN_EVERY, sent).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "own heartbeat not sent"),
            Err(_) => tracing::warn!("own heartbeat not sent in time"),
        }
    }

    fn hear(&self, message: &Message) {
        if message.subject.as_str() == subject::LEADER_HEARTBEAT {
            if message.payload == self.own.as_bytes() {
                self.asks.tell(Heard::Own);
            }
            return;
        }
        let heartbeat = serde_json::from_slice::<Request<Heartbeat>>(&message.payload).map_err(|error| error.to_string());
        let heartbeat = heartbeat.and_then(|request| match request.check_version(self.protocol) {
            Ok(()) => Ok(request),
            Err(error) => Err(error.to_string()),
        });
        match (subject::worker_of(&message.subject), heartbeat) {
            (Some(worker), Ok(request)) => {
                self.asks.tell(Heard::Worker(worker.clone(), Box::new(request.payload)));
                if self.hints.try_send(Hint::Heartbeat(worker)).is_err() {
                    tracing::debug!("states are sent slower than heartbeats come");
                }
            }
            (_, unreadable) => {
                ::metrics::counter!(metrics::MESSAGES_DROPPED, "carrier" => "heartbeat").increment(1);
                let error = unreadable.err();
                tracing::warn!(subject = %message.subject, error, "heartbeat dropped: it cannot be read");
            }
        }
    }
}
