//! Pulls offers from the worker's durable consumer, which the coordinator makes.

use std::time::Duration;

use async_nats::jetstream::AckKind;
use async_nats::jetstream::consumer::PullConsumer;
use async_nats::jetstream::message::Acker;
use futures_util::StreamExt as _;
use rch_schemas::wire::agent::Offer;
use rch_schemas::wire::{Op, subject};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Link;
use super::envelope::Foreign;
use super::link::REQUEST_TIMEOUT;
use crate::attempt::AttemptKey;
use crate::clock;

/// How long one pull waits at the server; below the consumer's ack wait of 30 s.
const PULL_EXPIRES: Duration = Duration::from_secs(25);
/// The server says this often that a pull still waits.
const IDLE_HEARTBEAT: Duration = Duration::from_secs(5);
/// The wait after a failed pull; it doubles.
const BACKOFF_FIRST: Duration = Duration::from_millis(100);
/// A coordinator that is back makes the consumer within seconds; no longer than this is lost on top.
const BACKOFF_MAX: Duration = Duration::from_secs(2);
/// Tries to acknowledge; then the leader purges the offer by itself.
const ACK_TRIES: u32 = 5;

/// An offer, and the means to say that it was taken.
pub(crate) struct OfferMessage {
    /// What is offered.
    offered: Offered,
    acker: Acker,
}

/// What an offer says.
#[derive(Debug)]
pub(crate) enum Offered {
    /// A job.
    Job(Box<Offer>),
    /// Something in a version that this agent does not speak; its subject names the attempt.
    Foreign { key: AttemptKey, version: u32 },
}

impl Offered {
    /// The attempt that is offered.
    pub(crate) fn key(&self) -> AttemptKey {
        match self {
            Self::Job(offer) => AttemptKey::new(&offer.job.job_id, offer.job.attempt),
            Self::Foreign { key, .. } => key.clone(),
        }
    }
}

impl OfferMessage {
    /// The offer alone, and what acknowledges it.
    pub(crate) fn split(self) -> (Offered, Acknowledge) {
        (self.offered, Acknowledge(self.acker))
    }
}

/// Acknowledges one offer.
pub(crate) struct Acknowledge(Acker);

impl std::fmt::Debug for Acknowledge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Acknowledge")
    }
}

impl Acknowledge {
    /// Says that the offer was taken, and waits until the server has heard; it may be said twice.
    pub(crate) async fn send(self) {
        for _ in 0..ACK_TRIES {
            match tokio::time::timeout(REQUEST_TIMEOUT, self.0.double_ack()).await {
                Ok(Ok(())) => return,
                Ok(Err(error)) => tracing::debug!(%error, "offer not acknowledged"),
                Err(_) => tracing::debug!("offer not acknowledged in time"),
            }
            tokio::time::sleep(BACKOFF_FIRST + clock::jitter(BACKOFF_FIRST)).await;
        }
        tracing::warn!("an offer could not be acknowledged; the leader will purge it");
    }
}

/// Hands every offer to `offers` until told to stop. A consumer or stream that is not there is asked for again.
pub(crate) async fn pull(link: Link, offers: mpsc::Sender<OfferMessage>, stop: CancellationToken) {
    let mut backoff = BACKOFF_FIRST;
    loop {
        let pulled = tokio::select! {
            () = stop.cancelled() => return,
            pulled = pull_until_silent(&link, &offers, &mut backoff) => pulled,
        };
        if let Err(error) = pulled {
            tracing::debug!(error, "no offers can be pulled now");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(backoff / 2 + clock::jitter(backoff / 2)) => {}
        }
        backoff = (backoff * 2).min(BACKOFF_MAX);
    }
}

/// Pulls until an error; silence without heartbeats is one.
async fn pull_until_silent(link: &Link, offers: &mpsc::Sender<OfferMessage>, backoff: &mut Duration) -> Result<(), String> {
    let name = subject::offer_consumer(&link.worker);
    let found = link.jetstream.get_consumer_from_stream::<_, _, _>(name, subject::JOBS_STREAM);
    let found = tokio::time::timeout(REQUEST_TIMEOUT, found).await.map_err(|_| "the consumer was not found in time".to_owned())?;
    let consumer: PullConsumer = found.map_err(|error| error.to_string())?;
    let stream = consumer.stream().max_messages_per_batch(1).heartbeat(IDLE_HEARTBEAT).expires(PULL_EXPIRES);
    let mut messages = stream.messages().await.map_err(|error| error.to_string())?;
    *backoff = BACKOFF_FIRST;
    loop {
        // The stream gives an error when it missed two heartbeats: pulls get lost when a server goes away, and only that reveals it.
        let Some(message) = messages.next().await else { return Err("the pull ended".to_owned()) };
        let message = message.map_err(|error| error.to_string())?;
        let subject = message.subject.to_string();
        let (message, acker) = message.split();
        let Some(offered) = open(link, &subject, &message.payload) else {
            // Delivered again and again otherwise; if the offer is still wanted, the leader publishes it anew.
            let _ = tokio::time::timeout(REQUEST_TIMEOUT, acker.ack_with(AckKind::Term)).await;
            continue;
        };
        if offers.send(OfferMessage { offered, acker }).await.is_err() {
            return Ok(());
        }
    }
}

fn open(link: &Link, subject: &str, payload: &[u8]) -> Option<Offered> {
    match link.dropped.open::<Offer>(subject, payload, &[Op::Submit])? {
        Ok(request) => Some(Offered::Job(Box::new(request.payload))),
        Err(Foreign { version, error, .. }) => {
            let Some((job_id, attempt)) = subject::attempt_of(subject) else {
                link.dropped.drop_one(subject, &error.message);
                return None;
            };
            Some(Offered::Foreign { key: AttemptKey::new(&job_id, attempt), version })
        }
    }
}
