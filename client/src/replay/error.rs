//! Why a ledger cannot be read.

use std::io;
use std::path::PathBuf;

use rch_scheduler::ChainError;
use rch_schemas::Reason;

use crate::farm::FarmError;
use crate::output::Why;

/// Why records are not to be had, or are no ledger.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplayError {
    /// The farm.
    #[error(transparent)]
    Farm(#[from] FarmError),
    /// The file that was named.
    #[error("cannot read {}", path.display())]
    Read {
        /// As it was named.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file to keep the records in.
    #[error("cannot write {}", path.display())]
    Write {
        /// As it was named.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is nothing in it that could be one.
    #[error("{place} is no export of a ledger: {found}; `rch replay --export FILE` makes one")]
    NoLedger {
        /// What was read.
        place: String,
        /// What is wrong with it.
        found: String,
    },
    /// Its first record is not the ledger's.
    #[error(
        "{place} begins in the middle of a ledger; a decision is made from everything before it: `rch replay --export FILE` keeps all records"
    )]
    NoBeginning {
        /// What was read.
        place: String,
    },
    /// A record is not what those before it ask for.
    #[error("{place}: {source}")]
    Chain {
        /// What was read.
        place: String,
        /// The record, and what is wrong with it.
        source: ChainError,
    },
    /// What a record says cannot have happened.
    #[error("{place}: record {seq} cannot follow from those before it ({why}): it was changed, or a build with other rules wrote it")]
    Impossible {
        /// What was read.
        place: String,
        /// The record.
        seq: u64,
        /// What the scheduler said of it.
        why: String,
    },
}

impl ReplayError {
    /// Code and exit code.
    pub(crate) fn why(&self) -> Why {
        match self {
            Self::Farm(error) => error.why(),
            Self::Read { .. } | Self::NoLedger { .. } | Self::NoBeginning { .. } => Why::Usage,
            Self::Write { .. } => Why::Internal,
            Self::Chain { source, .. } => match source {
                ChainError::Newer { .. } | ChainError::Unreadable { .. } => Why::Reason(Reason::UnsupportedProtocol),
                ChainError::OtherLedger { .. } | ChainError::Broken { .. } => Why::Reason(Reason::IntegrityMismatch),
            },
            Self::Impossible { .. } => Why::Reason(Reason::IntegrityMismatch),
        }
    }
}
