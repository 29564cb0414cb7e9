//! The options of a run: what the merged configuration says, as types.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{CacheNamespace, RunLabel, WorkerName};
use crate::requirement::XcodeRequirement;

/// Everything about a run that is not its source, its steps or its destinations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunOptions {
    /// Which backend drives Xcode.
    pub backend: Backend,
    /// The least that each artifact set must hold.
    pub artifact_profile: ArtifactProfile,
    /// Which Xcode; absent means the highest that is ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xcode: Option<XcodeRequirement>,
    /// Tools whose versions enter the job key.
    #[serde(default)]
    pub tools: BTreeSet<String>,
    /// Variables passed to build and tests, name to value.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// How a worker is chosen.
    pub selection: SelectionMode,
    /// Tags a worker must carry beside `macos` and `xcode`.
    #[serde(default)]
    pub tags: BTreeSet<String>,
    /// The only worker that will do, when one is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<WorkerName>,
    /// How long what may take.
    pub timeouts: Timeouts,
    /// What may be reused.
    pub cache: CacheOptions,
    /// What is kept beside the minimum.
    pub artifacts: ArtifactOptions,
    /// The band the run waits in.
    pub priority: Priority,
    /// Whether later steps run after one failed.
    #[serde(default)]
    pub continue_on_failure: bool,
    /// The label under which this run takes the place of its requester's older runs of the project; not in the job key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersede: Option<RunLabel>,
}

/// What drives Xcode on the worker.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Backend {
    /// Apple's own command-line tool.
    #[default]
    Xcodebuild,
    /// XcodeBuildMCP over stdio.
    Mcp,
}

impl Backend {
    /// The name in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Xcodebuild => "xcodebuild",
            Self::Mcp => "mcp",
        }
    }
}

/// How much an artifact set holds; a request is a floor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ArtifactProfile {
    /// Log, summary, documents, and the result bundle of tests.
    #[default]
    Minimal,
    /// Also events, build and test summaries, and JUnit.
    Rich,
}

/// What decides among workers that would all do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SelectionMode {
    /// Only stable fields: inventory priority, then name.
    #[default]
    Deterministic,
    /// Also recorded dynamic values, among equal priority.
    Adaptive,
}

/// The band a job waits in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// A person waits for it.
    Interactive,
    /// The default.
    #[default]
    Normal,
    /// Whenever there is room.
    Batch,
}

/// All timeouts of a run, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Timeouts {
    /// For one job, from go to finished; 1 to 86,400.
    pub overall_seconds: u32,
    /// Without output and without a change of phase.
    pub idle_log_seconds: u32,
    /// In the queue.
    pub queue_seconds: u32,
    /// To reach the coordinator; 1 to 300.
    pub connect_seconds: u32,
}

/// A timeout that no run may have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("timeouts.{name} is {found}, expected {} to {} seconds", bounds.start(), bounds.end())]
pub struct TimeoutOutOfBounds {
    /// The member.
    pub name: &'static str,
    /// Its value, in seconds.
    pub found: u32,
    /// What it may be, in seconds.
    pub bounds: RangeInclusive<u32>,
}

impl Timeouts {
    /// A day: no job of a team takes longer.
    pub const OVERALL_SECONDS: RangeInclusive<u32> = 1..=86_400;
    /// As long as the job itself may be silent.
    pub const IDLE_LOG_SECONDS: RangeInclusive<u32> = 1..=86_400;
    /// A week: nobody waits longer for a worker.
    pub const QUEUE_SECONDS: RangeInclusive<u32> = 0..=7 * 86_400;
    /// Five minutes: a coordinator that is restarted answers earlier.
    pub const CONNECT_SECONDS: RangeInclusive<u32> = 1..=300;

    /// Whether every timeout is within its bounds.
    ///
    /// # Errors
    /// The first that is not.
    pub fn check(&self) -> Result<(), TimeoutOutOfBounds> {
        let all = [
            ("overall_seconds", self.overall_seconds, Self::OVERALL_SECONDS),
            ("idle_log_seconds", self.idle_log_seconds, Self::IDLE_LOG_SECONDS),
            ("queue_seconds", self.queue_seconds, Self::QUEUE_SECONDS),
            ("connect_seconds", self.connect_seconds, Self::CONNECT_SECONDS),
        ];
        match all.into_iter().find(|(_, found, bounds)| !bounds.contains(found)) {
            None => Ok(()),
            Some((name, found, bounds)) => Err(TimeoutOutOfBounds { name, found, bounds }),
        }
    }
}

impl Default for Timeouts {
    /// The defaults of the configuration: 30 min, 5 min, 1 h, 30 s.
    fn default() -> Self {
        Self { overall_seconds: 1_800, idle_log_seconds: 300, queue_seconds: 3_600, connect_seconds: 30 }
    }
}

/// The timeouts that travel with a job, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobTimeouts {
    /// From go to finished.
    pub overall_seconds: u32,
    /// Without output and without a change of phase.
    pub idle_log_seconds: u32,
}

/// What may be reused, and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CacheOptions {
    /// Separates caches on a worker.
    pub namespace: CacheNamespace,
    /// Whether results are served from and kept in the result cache.
    pub results: ResultCache,
    /// How far DerivedData is shared.
    pub derived_data: DerivedDataCache,
    /// How far downloaded packages are shared.
    pub spm: PackageCache,
    /// Whether `clean` was said: fresh DerivedData.
    #[serde(default)]
    pub clean: bool,
}

/// Whether the result cache is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResultCache {
    /// Read and written.
    #[default]
    On,
    /// Neither.
    Off,
}

/// How far DerivedData is shared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DerivedDataCache {
    /// Fresh for each job.
    Off,
    /// Shared by the steps of one run on one worker.
    #[default]
    Run,
    /// Kept on the worker; results are marked incremental.
    Shared,
}

/// How far downloaded packages are shared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PackageCache {
    /// Fresh for each job.
    Off,
    /// Kept on the worker.
    #[default]
    Shared,
}

/// What is kept beside the minimum.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ArtifactOptions {
    /// Globs, relative to the tree, of files to collect.
    #[serde(default)]
    pub collect: Vec<String>,
    /// Whether coverage is exported.
    #[serde(default)]
    pub coverage: bool,
    /// Whether test attachments are exported.
    #[serde(default)]
    pub attachments: bool,
}
