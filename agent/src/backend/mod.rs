//! What drives Xcode: one trait, an implementation for each backend, and no fallback between them.

mod environment;
mod packages;
mod xcodebuild;

use std::path::{Path, PathBuf};

use rch_schemas::document::{Backend as BackendKind, Job};
use rch_schemas::seal::BackendIdentity;

use crate::attempt::{AttemptDirectory, CommandLine};
use crate::tool::{ToolError, Tools};

pub(crate) use packages::are_pinned as are_packages_pinned;
pub(crate) use xcodebuild::Xcodebuild;

/// Everything a backend needs to know about one attempt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan<'a> {
    pub(crate) job: &'a Job,
    pub(crate) directory: &'a AttemptDirectory,
    /// Where the backend runs: the source tree, or the directory of it that the job names.
    pub(crate) working: &'a Path,
    /// Whether the tree pins the versions of its packages.
    pub(crate) packages_pinned: bool,
    pub(crate) derived_data: &'a Path,
    /// The value of `-destination`.
    pub(crate) destination: &'a str,
}

/// Drives Xcode.
pub(crate) trait Backend: Send + Sync {
    /// Its name and version, as the attestation states them.
    fn identity(&self, job: &Job) -> BackendIdentity;

    /// The command that does the job.
    fn command_line(&self, plan: &Plan<'_>) -> Result<CommandLine, ToolError>;
}

/// The backend of a kind; `None` for one that this agent cannot drive, which it says when it is offered a job for it.
pub(crate) fn of(kind: BackendKind, tools: &Tools) -> Option<Box<dyn Backend>> {
    match kind {
        BackendKind::Xcodebuild => Some(Box::new(Xcodebuild::new(tools.clone()))),
        // XcodeBuildMCP over stdio takes its place here.
        BackendKind::Mcp => None,
    }
}

/// A path as an argument.
fn argument(path: &Path) -> String {
    PathBuf::from(path).display().to_string()
}
