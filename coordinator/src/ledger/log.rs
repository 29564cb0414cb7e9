//! What the ledger asks of the stream it lies in.

use std::future::Future;

use bytes::Bytes;
use rch_schemas::LedgerSeq;

/// A log with fenced appends: the stream, or a stand-in for it in tests.
pub(crate) trait Log: Send + Sync {
    /// Appends `bytes` if the log ends at `expected`.
    fn publish(&self, bytes: Bytes, expected: LedgerSeq) -> impl Future<Output = Publish> + Send;

    /// The record at `seq`; `None` when the log ends before it.
    fn read(&self, seq: LedgerSeq) -> impl Future<Output = Result<Option<Bytes>, LogError>> + Send;

    /// The last record's sequence; 0 when there is none.
    fn last(&self) -> impl Future<Output = Result<LedgerSeq, LogError>> + Send;
}

/// What is known after an append was tried.
#[derive(Debug)]
pub(crate) enum Publish {
    /// It is there, durably, at the sequence after the expected one.
    Landed,
    /// The log does not end where it was expected to; this try did nothing, but an earlier one of the same bytes may have.
    WrongSequence,
    /// It may be there or not, now or soon.
    Unknown(LogError),
}

/// The log did not answer, or not in a way that says anything.
#[derive(Debug, thiserror::Error)]
#[error("the stream RCH_LEDGER: {0}")]
pub(crate) struct LogError(pub(crate) String);
