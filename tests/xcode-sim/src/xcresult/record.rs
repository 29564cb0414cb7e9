//! What is recorded of a run.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::swift::{Diagnostic, Severity, TestMethod};

/// Everything `xcresulttool` can be asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Always true: this is no result of a real Xcode.
    pub(crate) simulated: bool,
    /// `Build "SampleApp"`.
    pub(crate) title: String,
    pub(crate) scheme: String,
    /// Seconds since 1970.
    pub(crate) started: f64,
    pub(crate) finished: f64,
    pub(crate) device: Device,
    /// The system it ran on: "15.3.1".
    pub(crate) macos: String,
    pub(crate) status: Status,
    pub(crate) issues: Vec<Issue>,
    pub(crate) tests: Option<Tests>,
}

/// How the action ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Succeeded,
    Failed,
}

/// What it ran on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Device {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) model: String,
    pub(crate) version: String,
    pub(crate) build: String,
    pub(crate) platform: String,
    pub(crate) architecture: String,
}

/// An error or warning of the build.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Issue {
    severity: IssueSeverity,
    pub(crate) message: String,
    pub(crate) target: String,
    pub(crate) place: Option<Place>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum IssueSeverity {
    Error,
    Warning,
}

/// Where an issue is; line and column from 1.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl Issue {
    pub(crate) fn at(target: &str, path: &Path, diagnostic: Diagnostic) -> Self {
        Self {
            severity: match diagnostic.severity {
                Severity::Error => IssueSeverity::Error,
                Severity::Warning | Severity::Note => IssueSeverity::Warning,
            },
            message: diagnostic.message,
            target: target.to_owned(),
            place: Some(Place { path: path.to_owned(), line: diagnostic.line, column: diagnostic.column }),
        }
    }

    /// An error of a target as a whole, or, without a target, of the run.
    pub(crate) fn without_place(target: &str, message: String) -> Self {
        Self { severity: IssueSeverity::Error, message, target: target.to_owned(), place: None }
    }

    pub(crate) fn is_error(&self) -> bool {
        self.severity == IssueSeverity::Error
    }
}

/// What was tested.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Tests {
    /// The test plan's name, or the scheme's.
    pub(crate) name: String,
    pub(crate) bundles: Vec<TestBundleResult>,
}

/// A test bundle and its tests.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TestBundleResult {
    pub(crate) target: String,
    pub(crate) is_ui: bool,
    pub(crate) cases: Vec<CaseResult>,
}

/// A test that was run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CaseResult {
    pub(crate) test: TestMethod,
    pub(crate) seconds: f64,
}
