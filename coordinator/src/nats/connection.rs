//! The one connection to NATS, and what is known about it.

use std::time::Duration;

use async_nats::jetstream::{self, Context};
use async_nats::{Client, ConnectOptions, Event};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::clock;

/// A dead peer is noticed after two of these.
const PING_EVERY: Duration = Duration::from_secs(10);
/// For a connection and for a request without a timeout of its own.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// Between two tries to connect, at most.
const RECONNECT_MAX: Duration = Duration::from_secs(4);
/// Messages of a subscription that may wait in this process; the largest fleet sends a hundredth of it in a second.
const SUBSCRIPTION_MAX: usize = 16_384;

/// The connection as it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Link {
    /// Whether there is a connection.
    pub(crate) connected: bool,
    /// Counts connections: another number means that something may have been missed.
    pub(crate) connections: u64,
    /// Counts moments at which messages were lost although connected.
    pub(crate) dropped: u64,
}

/// A connection to NATS that mends itself.
#[derive(Clone)]
pub(crate) struct Connection {
    /// For plain messages.
    pub(crate) client: Client,
    /// For streams.
    pub(crate) jetstream: Context,
    /// What is known about the connection.
    pub(crate) link: watch::Receiver<Link>,
}

impl Connection {
    /// The connection as it is now.
    pub(crate) fn link(&self) -> Link {
        *self.link.borrow()
    }
}

/// Connects, however long that takes; `None` when the process stops before.
pub(crate) async fn connect(url: &str, name: &str, sender: watch::Sender<Link>, shutdown: &CancellationToken) -> Option<Connection> {
    let link = sender.subscribe();
    let mut tries = 0_u32;
    loop {
        let client = tokio::select! {
            client = options(name, sender.clone()).connect(url) => client,
            () = shutdown.cancelled() => return None,
        };
        match client {
            Ok(client) => {
                let jetstream = jetstream::ContextBuilder::new().timeout(ANSWER_WITHIN).ack_timeout(ANSWER_WITHIN).build(client.clone());
                return Some(Connection { client, jetstream, link });
            }
            Err(error) => tracing::warn!(url, %error, "no connection to nats, trying again"),
        }
        tries += 1;
        tokio::select! {
            () = tokio::time::sleep(reconnect_delay(tries)) => {}
            () = shutdown.cancelled() => return None,
        }
    }
}

fn options(name: &str, link: watch::Sender<Link>) -> ConnectOptions {
    ConnectOptions::new()
        .name(name)
        .ping_interval(PING_EVERY)
        .connection_timeout(ANSWER_WITHIN)
        .request_timeout(Some(ANSWER_WITHIN))
        .subscription_capacity(SUBSCRIPTION_MAX)
        .reconnect_delay_callback(|tries| reconnect_delay(u32::try_from(tries).unwrap_or(u32::MAX)))
        .event_callback(move |event| {
            let link = link.clone();
            async move { note(&link, &event) }
        })
}

/// Doubling from 100 ms, with jitter, so that a fleet does not come back as one.
fn reconnect_delay(tries: u32) -> Duration {
    let bound = Duration::from_millis(100 << tries.min(6)).min(RECONNECT_MAX);
    bound / 2 + clock::jitter(bound / 2)
}

fn note(link: &watch::Sender<Link>, event: &Event) {
    match event {
        Event::Connected => {
            link.send_modify(|link| {
                link.connected = true;
                link.connections += 1;
            });
            tracing::info!("connected to nats");
        }
        Event::Disconnected | Event::Closed => {
            link.send_modify(|link| link.connected = false);
            tracing::warn!("connection to nats lost");
        }
        Event::SlowConsumer(subscription) => {
            link.send_modify(|link| link.dropped += 1);
            tracing::warn!(subscription, "messages dropped: this process is too slow for a subscription");
        }
        Event::LameDuckMode => tracing::warn!("the nats server is about to stop"),
        Event::Draining => tracing::debug!("nats connection draining"),
        Event::ServerError(error) => tracing::warn!(%error, "nats server error"),
        Event::ClientError(error) => tracing::warn!(%error, "nats client error"),
    }
}
