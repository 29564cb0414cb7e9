//! What a build came to; `build_summary.json` of the rich profile.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::document;
use super::result::{FirstError, JobStatus, PhaseTime};

/// The most diagnostics that are listed; the rest is counted.
pub const DIAGNOSTICS_MAX: usize = 10_000;
/// The most lines of a failed script that are kept: its last.
pub const SCRIPT_LINES_MAX: usize = 20;

document! {
    /// What a build came to: its diagnostics, each once, its targets and what failed.
    job BuildSummary = "build_summary" @ 1 {
        /// How the job ended.
        pub status: JobStatus,
        /// Where this was read from.
        pub source: ReportSource,
        /// From the start of the build to its end, in milliseconds.
        pub duration_ms: u64,
        /// Time in each phase of the build, in order.
        pub phases: Vec<PhaseTime>,
        /// The targets, in the order they were first named.
        pub targets: Vec<TargetSummary>,
        /// Unique diagnostics in the order they were first reported; at most 10,000.
        pub diagnostics: Vec<Diagnostic>,
        /// Unique diagnostics that are not listed, being beyond the first 10,000.
        pub diagnostics_omitted: u32,
        /// The first error with a place that is not a consequence of another; absent when there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub first_error: Option<FirstError>,
        /// What xcodebuild lists under "The following build commands failed".
        pub failed_commands: Vec<FailedCommand>,
        /// Script phases that failed.
        pub failed_scripts: Vec<FailedScript>,
        /// The packages that were resolved, by name.
        pub packages: Vec<PackageVersion>,
        /// How many diagnostics there were.
        pub counts: DiagnosticCounts,
    }
}

/// Where a summary was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReportSource {
    /// The result bundle.
    Xcresult,
    /// The log, because there was no readable result bundle.
    Log,
}

/// What was done for one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TargetSummary {
    /// The target's name.
    pub target: String,
    /// The project it belongs to; absent when the tool does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Files that were compiled.
    pub compiled_files: u32,
    /// Unique errors in it.
    pub errors: u32,
    /// Unique warnings in it.
    pub warnings: u32,
}

/// One message of a tool, however often it was printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The tool's message, without place and severity.
    pub message: String,
    /// What reported it.
    pub kind: DiagnosticKind,
    /// Relative to the tree; absolute when `external`; absent when it has no place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Whether the file lies outside the tree, such as in an SDK or a package.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub external: bool,
    /// From 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub line: Option<u32>,
    /// From 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub column: Option<u32>,
    /// The targets it was reported for, sorted.
    pub targets: Vec<String>,
    /// How often it was reported, at least 1.
    #[schemars(range(min = 1))]
    pub occurrences: u32,
    /// Offset of its first line in the log as printed, in bytes; absent when the log does not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_offset: Option<u64>,
}

/// How bad a diagnostic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The build failed for it.
    Error,
    /// A warning of a compiler or another tool.
    Warning,
    /// A warning of the static analyzer.
    AnalyzerWarning,
    /// It explains another diagnostic.
    Note,
}

/// What reported a diagnostic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DiagnosticKind {
    /// A compiler.
    Compile,
    /// The linker.
    Link,
    /// A script phase.
    ScriptPhase,
    /// Code signing.
    Signing,
    /// Package resolution.
    Package,
    /// Asset catalogs, storyboards and other resources.
    Resource,
    /// The project and its settings, by the build system.
    Project,
    /// Something else.
    Other,
}

/// One command that failed, as xcodebuild lists it at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailedCommand {
    /// The command's first words, such as `SwiftCompile normal arm64 Compiling FeedView.swift`; cut to 1,000 characters.
    pub command: String,
    /// The target; absent when the tool does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The project; absent when the tool does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
}

/// A script phase that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailedScript {
    /// The phase's name, such as `Run SwiftLint`.
    pub name: String,
    /// The target; absent when the tool does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The script's exit code; absent when the tool does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The last lines it printed, at most 20.
    pub last_lines: Vec<String>,
}

/// A package as it was resolved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PackageVersion {
    /// The package's identity, such as `swift-log`.
    pub name: String,
    /// Where it comes from; absent for packages in the tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// A version, a branch, a revision or `local`, as the tool names it.
    pub version: String,
}

/// How many diagnostics there were, by both ways of counting.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiagnosticCounts {
    /// As often as they were reported: a result bundle lists an issue of two targets twice.
    pub raw: SeverityCounts,
    /// Each once.
    pub unique: SeverityCounts,
}

/// Diagnostics by severity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SeverityCounts {
    /// Errors.
    pub errors: u32,
    /// Warnings.
    pub warnings: u32,
    /// Warnings of the static analyzer.
    pub analyzer_warnings: u32,
}
