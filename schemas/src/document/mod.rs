//! Every JSON document that a person or a program outside may keep.
//!
//! A document starts with its header, written as plain members: `schema_version`, `schema_id`, `created_at`, and the ids of its scope. Readers
//! ignore members they do not know and refuse another major version by name.

mod farm;
pub(crate) mod header;
mod job;
mod options;
mod result;
mod run;
mod selection;
mod source;

pub use farm::{CliEvent, CliEventBody, Farm, WorkerKey};
pub use header::{Document, SchemaId, SchemaVersion};
pub use job::{ConfigSource, EffectiveConfig, Invocation, Job, JobDestination, JudgedArgument, RecipeRef, Redaction};
pub use options::{
    ArtifactOptions, ArtifactProfile, Backend, CacheOptions, DerivedDataCache, JobTimeouts, PackageCache, Priority, ResultCache,
    RunOptions, SelectionMode, Timeouts,
};
pub use result::{Destination, FailingTest, FirstError, JobStatus, Metrics, Outcome, PhaseTime, Summary, TestCounts, ToolchainDocument};
pub use run::{PlannedDestination, PlannedJob, PlannedStep, RunPlan, RunState, RunSummary, SummarizedJob};
pub use selection::{CapabilitiesDocument, CapabilitiesSource, ConsideredWorker, Verdict, WorkerSelection};
pub use source::{EntryType, Recipe, RecipeChunk, SourceEntry, SourceManifest};

pub(crate) use header::document;
