//! What an agent ran: the truth that the ledger is held against.

use rch_schemas::{Reason, SessionId, WorkerName};

use crate::happening::{AgentIndex, AttemptId};

/// Something an agent ran.
#[derive(Debug, Clone)]
pub(crate) struct Execution {
    pub(crate) attempt: AttemptId,
    pub(crate) worker: WorkerName,
    pub(crate) agent: AgentIndex,
    pub(crate) session: SessionId,
    /// The Xcode of the job's key.
    pub(crate) key_build: String,
    /// The Xcode it really ran with, once the backend began.
    pub(crate) began_with: Option<String>,
    pub(crate) began_ms: u64,
    pub(crate) ended: Option<(u64, Ending)>,
    /// The failure that its report names.
    pub(crate) said: Option<Reason>,
    /// Whether the report was lost with its disk.
    pub(crate) report_lost: bool,
    /// How many its agent ran then, this one among them.
    pub(crate) running: usize,
    pub(crate) slots: u32,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Finished,
    Refused,
    Killed,
    /// Its process died.
    Died,
}
