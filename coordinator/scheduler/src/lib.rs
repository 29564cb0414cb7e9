//! The pure scheduler: everything the farm knows how to decide.
//!
//! [`decide`] maps (state, observed, command) to events and a reply; [`settle`] finds what follows from the state by itself (a step that may
//! start, a worker to choose, a free slot to offer); [`apply`] folds one event into the state and says which rows changed. All three are plain
//! functions of their arguments: no clock, no randomness, no I/O, no `HashMap`, whose order would break replay. So every decision can be
//! read, tested, simulated and replayed without a server.
//!
//! It owns the state of runs, jobs, attempts and workers and the tables of their transitions. It deliberately does not know how an event is
//! made durable, how a message reaches an agent, or what time it is: commands bring farm time, wall time, fresh ids and the ledger position.

mod apply;
mod attempt;
mod cancel;
mod checked;
mod command;
mod config;
mod decide;
mod document;
mod estimate;
mod event;
mod expire;
mod explain;
mod fleet;
mod intake;
mod job;
mod judgement;
mod ledger;
mod negotiate;
mod observed;
mod quarantine;
mod queue;
mod replay;
mod report;
mod run;
mod select;
mod settle;
mod state;
mod submit;
mod worker;

#[cfg(test)]
mod tests;

pub use apply::{Touched, apply};
pub use attempt::{AttemptRecord, AttemptState};
pub use checked::CheckedReport;
pub use command::{Command, CommandBody, Decision, Ids, Reply, Stamp, SubmitRequest};
pub use config::{FarmConfig, InventoryEntry, QueueConfig};
pub use decide::decide;
pub use document::{coordinator_summary, job_document, run_plan, run_summary, worker_selection};
pub use event::{AcceptedJob, AcceptedRun, AcceptedStep, Event, Selection};
pub use expire::silent_together;
pub use explain::{Around, Board, reason, waited, waits};
pub use job::{Job, JobPhase, SetRef, SourceGap};
pub use judgement::{Candidate, Judgement};
pub use ledger::{ChainError, LEDGER_VERSION, Now, Position, Record, RecordedCommand};
pub use negotiate::protocol_problem;
pub use observed::{Observed, ObservedWorker, ReplacedTalk};
pub use quarantine::WorkerFailure;
pub use queue::{Agenda, Share};
pub use replay::{Decided, Difference, Reader, Replayed, replay};
pub use run::{EndedRun, MadeSelection, Run, RunDestination, Step};
pub use select::{DECISION_VERSION, preview};
pub use settle::settle;
pub use state::{State, StateRows};
pub use worker::{IntakeBy, IntakeChange, Session, Worker, liveness};
