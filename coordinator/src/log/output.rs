//! The output stream of one job, from its beginning, in order.

use std::collections::BTreeMap;

use async_nats::jetstream::Context;
use async_nats::jetstream::consumer::{DeliverPolicy, pull};
use bytes::Bytes;
use futures_util::StreamExt as _;
use rch_schemas::JobId;
use rch_schemas::wire::output::OutputHeader;
use rch_schemas::wire::subject;

use crate::metrics;

/// The stream of output does not answer.
#[derive(Debug, thiserror::Error)]
#[error("the stream of output does not answer: {0}")]
pub(crate) struct OutputError(String);

/// One message of it.
#[derive(Debug)]
pub(crate) struct OutputMessage {
    /// What it is.
    pub(crate) header: OutputHeader,
    /// Its bytes.
    pub(crate) body: Bytes,
    /// Messages behind it that the server has already.
    pub(crate) pending: u64,
}

/// Everything a job printed, attempt by attempt, as far as the stream still has it.
pub(crate) struct OutputStream {
    messages: pull::Ordered,
    /// Messages the server had when the stream was opened.
    waiting: u64,
}

impl OutputStream {
    /// Opens the output of a job from its beginning.
    pub(crate) async fn open(jetstream: &Context, job_id: &JobId) -> Result<Self, OutputError> {
        let failed = |error: &dyn std::fmt::Display| OutputError(error.to_string());
        let config = pull::OrderedConfig {
            filter_subject: subject::output_of(job_id),
            deliver_policy: DeliverPolicy::All,
            ..pull::OrderedConfig::default()
        };
        let consumer = jetstream.create_consumer_on_stream(config, subject::OUTPUT_STREAM).await.map_err(|error| failed(&error))?;
        let waiting = consumer.cached_info().num_pending;
        let messages = consumer.messages().await.map_err(|error| failed(&error))?;
        Ok(Self { messages, waiting })
    }

    /// Whether the server had nothing when the stream was opened.
    pub(crate) fn was_empty(&self) -> bool {
        self.waiting == 0
    }

    /// The next message; one that is not ours is passed over.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn next(&mut self) -> Result<OutputMessage, OutputError> {
        loop {
            let message = match self.messages.next().await {
                Some(Ok(message)) => message,
                Some(Err(error)) => return Err(OutputError(error.to_string())),
                None => return Err(OutputError("the subscription ended".to_owned())),
            };
            let pairs: BTreeMap<String, String> = message
                .headers
                .iter()
                .flat_map(|headers| headers.iter())
                .filter_map(|(name, values)| Some((name.to_string(), values.first()?.to_string())))
                .collect();
            let pending = message.info().map_or(0, |info| info.pending);
            match OutputHeader::parse(&pairs) {
                Ok(header) => return Ok(OutputMessage { header, body: message.payload.clone(), pending }),
                Err(error) => {
                    ::metrics::counter!(metrics::MESSAGES_DROPPED, "carrier" => "output").increment(1);
                    tracing::warn!(subject = %message.subject, %error, "output message dropped: it cannot be read");
                }
            }
        }
    }
}
