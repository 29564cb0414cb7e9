//! Every JSON document that a person or a program outside may keep.
//!
//! A document starts with its header, written as plain members: `schema_version`, `schema_id`, `created_at`, and the ids of its scope. Readers
//! ignore members they do not know and refuse another major version by name.

mod build_summary;
mod event;
mod farm;
mod hang_report;
pub(crate) mod header;
mod job;
mod judgement;
mod options;
mod queue;
mod replay;
mod result;
mod run;
mod selection;
mod source;
mod test_summary;
mod why;

pub use build_summary::{
    BuildSummary, DIAGNOSTICS_MAX, Diagnostic, DiagnosticCounts, DiagnosticKind, FailedCommand, FailedScript, PackageVersion, ReportSource,
    SCRIPT_LINES_MAX, Severity, SeverityCounts, TargetSummary,
};
pub use event::{Event, EventBody, EventLine, EventsHeader};
pub use farm::{CliEvent, CliEventBody, Farm, WorkerKey};
pub use hang_report::{HangGuess, HangReport, HungProcess, HungSimulator, LastActivity, ProcessSample};
pub use header::{Document, SchemaId, SchemaVersion};
pub use job::{ConfigSource, EffectiveConfig, Invocation, Job, JobDestination, JudgedArgument, RecipeRef, Redaction};
pub use judgement::{CAPABILITIES_DIGITS, ConsideredWorkers, FleetJudgement, Resolution, Verdict};
pub use options::{
    ArtifactOptions, ArtifactProfile, Backend, CacheOptions, DerivedDataCache, JobTimeouts, PackageCache, Priority, ResultCache,
    RunOptions, SelectionMode, TimeoutOutOfBounds, Timeouts,
};
pub use queue::{Queue, WaitingJob, Waits};
pub use replay::{DecisionKind, Replay, ReplayDifference, ReplayOutcome, ReplayedDecision};
pub use result::{Destination, FailingTest, FirstError, JobStatus, Metrics, Outcome, PhaseTime, Summary, TestCounts, ToolchainDocument};
pub use run::{PlannedDestination, PlannedJob, PlannedStep, RunPlan, RunState, RunSummary, SummarizedJob};
pub use selection::{CandidateMetrics, CapabilitiesDocument, CapabilitiesSource, PassedOver, ProbeFailure, WorkerSelection};
pub use source::{EntryType, Recipe, RecipeChunk, SourceEntry, SourceManifest};
pub use test_summary::{
    CaseCounts, Crash, CrashedProcess, PlaceCounts, Repetition, TestAttachment, TestCase, TestDevice, TestFailure, TestResult, TestSummary,
};
pub use why::{Choice, OtherWorkers, WaitSpan, Why};

pub(crate) use header::document;
