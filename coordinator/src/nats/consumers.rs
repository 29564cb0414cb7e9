//! One durable pull consumer a worker, made by the coordinator alone: an agent may not create any.

use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use rch_scheduler::Worker;
use rch_schemas::wire::subject;

use super::streams::StreamError;

/// An offer that was pulled and not acknowledged comes again after this.
pub(crate) const ACK_WAIT: Duration = Duration::from_secs(30);

/// Makes sure of the consumer of each worker that has announced itself.
pub(crate) async fn ensure_consumers(jetstream: &Context, workers: &[Worker]) -> Result<(), StreamError> {
    for worker in workers {
        let slots = worker.session.as_ref().map_or(1, |session| session.slots);
        let config = pull::Config {
            durable_name: Some(subject::offer_consumer(&worker.name)),
            filter_subject: subject::offers_to(&worker.name),
            deliver_policy: DeliverPolicy::All,
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            max_deliver: -1,
            max_ack_pending: i64::from(slots) + 1,
            ..pull::Config::default()
        };
        let made = jetstream.create_consumer_on_stream(config, subject::JOBS_STREAM).await;
        made.map_err(|error| StreamError::Silent { stream: subject::JOBS_STREAM.to_owned(), reason: format!("{}: {error}", worker.name) })?;
    }
    Ok(())
}
