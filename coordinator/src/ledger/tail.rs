//! Reading the ledger from where it was applied to its end.

use futures_util::{StreamExt as _, stream};
use rch_scheduler::{ChainError, Position, Record};
use rch_schemas::{LedgerSeq, Sha256};

use super::log::{Log, LogError};

/// Reads under way at once: enough to hide the round trip.
pub(super) const READS_AHEAD: usize = 32;
/// Records read at once, so that a rebuild from record 1 does not hold them all.
const PAGE: u64 = 256;

/// Why the tail could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TailError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Chain(#[from] ChainError),
    #[error(
        "the ledger ends at record {last}, but record {applied} was applied here: it was cut or replaced. Restore the stream RCH_LEDGER; or, if this ledger is the one to go on with, move the projection in data_dir aside"
    )]
    Shorter { last: LedgerSeq, applied: LedgerSeq },
    #[error("record {seq} of the ledger is not there although later ones are: restore the stream RCH_LEDGER")]
    Hole { seq: LedgerSeq },
    #[error(
        "the last applied record {seq} has other bytes in the ledger: the ledger is another one. Restore the stream RCH_LEDGER; or, if this ledger is the one to go on with, move the projection in data_dir aside"
    )]
    Replaced { seq: LedgerSeq },
}

impl TailError {
    /// Whether trying again may help.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Log(_) => true,
            Self::Chain(_) | Self::Shorter { .. } | Self::Hole { .. } | Self::Replaced { .. } => false,
        }
    }
}

/// Whether the record at `position` is in the ledger as it was applied: one that was replaced and grew past it must not be taken for it.
pub(crate) async fn check_applied<L: Log>(log: &L, position: &Position) -> Result<(), TailError> {
    let (last, seq) = (log.last().await?, position.seq);
    if last < seq {
        return Err(TailError::Shorter { last, applied: seq });
    }
    if seq.0 == 0 {
        return Ok(());
    }
    let bytes = log.read(seq).await?.ok_or(TailError::Hole { seq })?;
    if Some(Sha256::of(&bytes)) == position.digest { Ok(()) } else { Err(TailError::Replaced { seq }) }
}

/// The next records after `position`, each with the position after it; none at the end of the ledger.
pub(crate) async fn read_page<L: Log>(log: &L, position: &Position) -> Result<Vec<(Record, Position)>, TailError> {
    let last = log.last().await?;
    if last < position.seq {
        return Err(TailError::Shorter { last, applied: position.seq });
    }
    let (first, last) = (position.next().0, last.0.min(position.seq.0 + PAGE));
    let mut reads = stream::iter(first..=last).map(|seq| log.read(LedgerSeq(seq))).buffered(READS_AHEAD);
    let mut page: Vec<(Record, Position)> = Vec::new();
    while let Some(bytes) = reads.next().await {
        let before = page.last().map_or(position, |(_, after)| after);
        let bytes = bytes?.ok_or(TailError::Hole { seq: before.next() })?;
        let record = before.check_next(&bytes)?;
        let after = before.after(&record, Sha256::of(&bytes));
        page.push((record, after));
    }
    Ok(page)
}
