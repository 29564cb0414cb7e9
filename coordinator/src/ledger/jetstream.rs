//! The log in JetStream.

use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{RawMessageErrorKind, Stream};
use bytes::Bytes;
use rch_schemas::LedgerSeq;
use rch_schemas::wire::subject::{LEDGER_STREAM, LEDGER_SUBJECT};

use super::log::{Log, LogError, Publish};

/// How long one request may take: a synced write to a slow disk takes tens of milliseconds.
const REQUEST_MAX: Duration = Duration::from_secs(2);

/// The stream `RCH_LEDGER`.
#[derive(Clone)]
pub(crate) struct JetStreamLog {
    jetstream: Context,
    stream: Stream<()>,
}

impl JetStreamLog {
    /// The ledger's stream, which must be there.
    pub(crate) async fn open(jetstream: Context) -> Result<Self, LogError> {
        let stream = jetstream.get_stream_no_info(LEDGER_STREAM).await.map_err(|error| LogError(error.to_string()))?;
        Ok(Self { jetstream, stream })
    }

    async fn send(&self, bytes: Bytes, expected: LedgerSeq) -> Publish {
        let message = PublishMessage::build().payload(bytes).expected_last_sequence(expected.0).expected_stream(LEDGER_STREAM);
        let acknowledged = match self.jetstream.send_publish(LEDGER_SUBJECT, message).await {
            Ok(acknowledgement) => acknowledgement.await,
            Err(error) => Err(error),
        };
        match acknowledged {
            Ok(landed) if landed.sequence == expected.0 + 1 => Publish::Landed,
            Ok(elsewhere) => Publish::Unknown(LogError(format!("acknowledged at {}, expected {}", elsewhere.sequence, expected.0 + 1))),
            Err(error) if error.kind() == PublishErrorKind::WrongLastSequence => Publish::WrongSequence,
            Err(error) => Publish::Unknown(LogError(error.to_string())),
        }
    }
}

impl Log for JetStreamLog {
    async fn publish(&self, bytes: Bytes, expected: LedgerSeq) -> Publish {
        let timed_out = |_| Publish::Unknown(LogError(format!("no acknowledgement within {} s", REQUEST_MAX.as_secs())));
        tokio::time::timeout(REQUEST_MAX, self.send(bytes, expected)).await.unwrap_or_else(timed_out)
    }

    async fn read(&self, seq: LedgerSeq) -> Result<Option<Bytes>, LogError> {
        match timely(self.stream.get_raw_message(seq.0)).await? {
            Ok(message) => Ok(Some(message.payload)),
            Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(LogError(error.to_string())),
        }
    }

    async fn last(&self) -> Result<LedgerSeq, LogError> {
        let info = timely(self.stream.get_info()).await?.map_err(|error| LogError(error.to_string()))?;
        Ok(LedgerSeq(info.state.last_sequence))
    }
}

async fn timely<T>(request: impl Future<Output = T>) -> Result<T, LogError> {
    tokio::time::timeout(REQUEST_MAX, request).await.map_err(|_| LogError(format!("no answer within {} s", REQUEST_MAX.as_secs())))
}
