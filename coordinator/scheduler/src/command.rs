//! What the scheduler is asked, and what it answers.

use rch_schemas::document::RecipeRef;
use rch_schemas::wire::WireError;
use rch_schemas::wire::agent::Go;
use rch_schemas::wire::http::{Intake, Problem, SelectionPreview, SubmitRun};
use rch_schemas::{JobId, LedgerSeq, RunId, Sha256, Tick, Timestamp, WorkerName};

use crate::checked::CheckedReport;
use crate::config::FarmConfig;
use crate::event::Event;

/// When and where in the ledger something is decided: a part of every record, so that replay sees the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The record that will hold, or holds, the events.
    pub seq: LedgerSeq,
    /// Farm time: for every deadline.
    pub tick: Tick,
    /// Wall time: for display.
    pub wall: Timestamp,
}

/// Fresh ids, derived from one random ULID so that a command needs only one from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ids {
    base: u128,
}

impl Ids {
    /// Ids counted up from `base`, which must be a fresh ULID: its random part leaves room for as many as a command can want.
    pub fn from_ulid(base: u128) -> Self {
        Self { base }
    }

    /// The `index`-th id as a run id.
    pub fn run(&self, index: u32) -> RunId {
        self.text(index).parse().expect("a ULID is a valid id")
    }

    /// The `index`-th id as a job id.
    pub fn job(&self, index: u32) -> JobId {
        self.text(index).parse().expect("a ULID is a valid id")
    }

    /// Crockford base 32, 26 digits: the text form of a ULID.
    fn text(&self, index: u32) -> String {
        const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        let value = self.base.wrapping_add(u128::from(index));
        (0..26).rev().map(|place| char::from(DIGITS[((value >> (5 * place)) & 31) as usize])).collect()
    }
}

/// One thing the scheduler is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// When and where it is decided.
    pub stamp: Stamp,
    /// Fresh ids for what it makes.
    pub ids: Ids,
    /// Who asks: a token's name, `local`, `worker:<name>`, or `coordinator`.
    pub actor: String,
    /// What is asked.
    pub body: CommandBody,
}

/// What can be asked.
#[derive(Debug, Clone, PartialEq)]
pub enum CommandBody {
    /// A coordinator takes the lead. On an empty ledger it also names it.
    Lead {
        /// The name for a new ledger.
        ledger_id: rch_schemas::LedgerId,
        /// Version of the coordinator.
        build: String,
    },
    /// The farm's configuration as it now is.
    Configure(Box<FarmConfig>),
    /// A run.
    Submit(Box<SubmitRequest>),
    /// What would happen to a run; decides nothing.
    Preview(Box<SubmitRequest>),
    /// A report of a worker. The subject it came on names the worker.
    Report {
        /// The worker.
        worker: WorkerName,
        /// What it reports.
        report: Box<CheckedReport>,
    },
    /// Cancel every job of a run.
    CancelRun {
        /// The run.
        run_id: RunId,
    },
    /// Cancel one job.
    CancelJob {
        /// The job.
        job_id: JobId,
    },
    /// Open or close a worker's intake.
    SetIntake {
        /// The worker.
        worker: WorkerName,
        /// What it shall be.
        intake: Intake,
        /// Why, in the operator's words.
        reason: String,
    },
    /// Take a worker out of the fleet, until it is enrolled again.
    RemoveWorker {
        /// The worker.
        worker: WorkerName,
        /// Why, in the operator's words.
        reason: String,
        /// Whether what it runs may be given up.
        force: bool,
    },
    /// The chunks a run waits for are in the store again.
    SourceRestored {
        /// The run.
        run_id: RunId,
    },
    /// Time passes: every deadline is looked at.
    Tick,
}

/// A run as it is submitted, with what the edge found out about it.
#[derive(Debug, Clone, PartialEq)]
pub struct SubmitRequest {
    /// The request.
    pub request: SubmitRun,
    /// Digest of the canonical request: the same id with another body is a conflict.
    pub body_sha256: Sha256,
    /// The stored recipe.
    pub recipe: RecipeRef,
    /// Chunks that the store lacks; a run is recorded only when there are none.
    pub missing: Vec<Sha256>,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// What happened, in order; nothing is true before the ledger holds it.
    pub events: Vec<Event>,
    /// The answer, to be given after the ledger holds the events.
    pub reply: Reply,
}

impl Decision {
    /// Nothing happened; only an answer.
    pub(crate) fn answer(reply: Reply) -> Self {
        Self { events: Vec::new(), reply }
    }

    /// Events without a particular answer.
    pub(crate) fn events(events: Vec<Event>) -> Self {
        Self { events, reply: Reply::Done }
    }
}

/// The answer to a command.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// It is done, or there was nothing to do.
    Done,
    /// The run of this request; it may be older than the request, when it is a repeat.
    Run(RunId),
    /// What would happen.
    Preview(Box<SelectionPreview>),
    /// The request is not valid, or names something that is not there: for HTTP.
    Refused(Box<Problem>),
    /// The report is in the ledger; a granted claim comes with `go`.
    Receipt(Option<Go>),
    /// The report is not accepted.
    NotAccepted(WireError),
}
