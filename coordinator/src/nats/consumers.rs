//! One durable pull consumer a worker, made by the coordinator alone: an agent may not create any.

use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::stream::ConsumerErrorKind;
use rch_scheduler::Worker;
use rch_schemas::WorkerName;
use rch_schemas::wire::subject;

use super::streams::StreamError;

/// An offer that was pulled and not acknowledged comes again after this.
pub(crate) const ACK_WAIT: Duration = Duration::from_secs(30);

/// Deletes the consumer of a worker, if there is one.
pub(crate) async fn remove_consumer(jetstream: &Context, worker: &WorkerName) -> Result<(), StreamError> {
    let silent = |error: &dyn std::fmt::Display| StreamError::Silent {
        stream: subject::JOBS_STREAM.to_owned(),
        reason: format!("{worker}: {error}"),
    };
    let stream = jetstream.get_stream_no_info(subject::JOBS_STREAM).await.map_err(|error| silent(&error))?;
    match stream.delete_consumer(&subject::offer_consumer(worker)).await {
        Ok(_) => {
            tracing::info!(%worker, "consumer of a worker that left the fleet deleted");
            Ok(())
        }
        Err(error) => match error.kind() {
            ConsumerErrorKind::JetStream(refusal) if refusal.error_code() == ErrorCode::CONSUMER_NOT_FOUND => Ok(()),
            ConsumerErrorKind::JetStream(_)
            | ConsumerErrorKind::TimedOut
            | ConsumerErrorKind::Request
            | ConsumerErrorKind::InvalidConsumerType
            | ConsumerErrorKind::InvalidName
            | ConsumerErrorKind::Other => Err(silent(&error)),
        },
    }
}

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
