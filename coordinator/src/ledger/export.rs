//! Reading a part of the ledger for somebody else, byte for byte.

use std::ops::RangeInclusive;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use rch_schemas::LedgerSeq;

use super::log::Log;
use super::tail::{READS_AHEAD, TailError};

/// The records of these sequences in order, each as it was appended. Nothing of them is judged: their reader folds them.
pub(crate) fn records<L: Log + Clone + 'static>(
    log: &L,
    range: RangeInclusive<u64>,
) -> impl Stream<Item = Result<Bytes, TailError>> + use<L> {
    let log = log.clone();
    let read = move |seq| {
        let log = log.clone();
        async move { log.read(LedgerSeq(seq)).await?.ok_or(TailError::Hole { seq: LedgerSeq(seq) }) }
    };
    stream::iter(range).map(read).buffered(READS_AHEAD)
}
