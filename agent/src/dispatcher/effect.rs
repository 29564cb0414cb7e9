//! What happens to the dispatcher, and what it does about it.

use rch_schemas::wire::WireError;
use rch_schemas::wire::agent::{Go, Offer, Report, ReportBody, WorkerState};
use rch_schemas::{LedgerSeq, RunId};

use crate::attempt::{AttemptKey, Stop};
use crate::nats::{Answer, Offered};
use crate::probe::Probe;

/// What happened.
#[derive(Debug)]
pub(crate) enum Event {
    /// An attempt is offered.
    Offer(Offered),
    /// What is wanted of this worker.
    State(WorkerState),
    /// The farm asks to end an attempt sooner than `state` would.
    Cancel { key: AttemptKey, ledger_seq: LedgerSeq },
    /// The report on its way was answered for good.
    Answered(Answer),
    /// An attempt is over; its report is in the outbox.
    Ended { key: AttemptKey, body: ReportBody },
    /// The farm asks for what the machine can do.
    ProbeAsked,
    /// The machine was read.
    Probed(Box<Probe>),
    /// Time passed.
    Tick,
    /// The agent is told to stop: once to drain, twice to end what runs, three times to go.
    Stop,
}

/// What is to be done about it.
#[derive(Debug, PartialEq)]
pub(crate) enum Effect {
    /// Send a report in this version, and wait for its answer.
    Send { report: Box<Report>, version: u32 },
    /// Start a granted attempt.
    Start { offer: Box<Offer>, go: Go, ledger_seq: LedgerSeq },
    /// Say that an offer was dealt with.
    Acknowledge(AttemptKey),
    /// Leave an offer unacknowledged: the farm deals with it.
    Forget(AttemptKey),
    /// End a running attempt.
    End { key: AttemptKey, why: Stop },
    /// Remove what is left of an attempt whose report is in the outbox.
    Wipe(AttemptKey),
    /// Remove a report that was answered.
    Settle(AttemptKey),
    /// Remove the source of a run.
    RemoveSource(RunId),
    /// Read the machine.
    Probe,
    /// Take no more offers.
    StopPulling,
    /// Leave; with an error when there is one.
    Leave(Option<WireError>),
}
