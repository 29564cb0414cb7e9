//! How an attempt that will not finish is reported.

use rch_schemas::wire::agent::ReportBody;
use rch_schemas::{Reason, RetryClass, Sha256};

use super::AttemptKey;
use super::destination::ProvisionError;
use super::documents::DocumentError;
use super::process::ProcessError;
use super::watchdog::Stop;
use super::working_directory::WorkingDirectoryError;
use super::workspace::{SourceError, io_reason};
use crate::error_line::error_line;
use crate::tool::ToolError;

/// Why an attempt will not finish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GivenUp {
    pub(crate) reason: Reason,
    detail: String,
    missing: Vec<Sha256>,
}

impl GivenUp {
    /// For this reason, with one line.
    pub(crate) fn new(reason: Reason, detail: impl Into<String>) -> Self {
        let detail = detail.into().replace('\n', " ");
        Self { reason, detail, missing: Vec::new() }
    }

    /// An error of the agent's own.
    pub(crate) fn internal(error: &dyn std::error::Error) -> Self {
        Self::new(Reason::Internal, error_line(error))
    }

    /// The attempt was told to end before its backend ran, or while its results were read.
    pub(crate) fn stopped(why: Stop) -> Self {
        let reason = match why {
            Stop::Overall => Reason::TimeoutOverall,
            Stop::Idle => Reason::TimeoutIdle,
            Stop::Cancelled => Reason::CancelledByUser,
            Stop::Shutdown => Reason::Interrupted,
        };
        let detail = match why {
            Stop::Shutdown => "the agent was told to stop",
            Stop::Overall | Stop::Idle | Stop::Cancelled => reason.sentence(),
        };
        Self::new(reason, detail)
    }

    /// The report: what another worker may do better is refused, the rest is interrupted.
    pub(crate) fn report(self, key: &AttemptKey) -> ReportBody {
        let Self { reason: code, detail, missing } = self;
        let (job_id, attempt) = (key.job_id.clone(), key.attempt);
        if code.retry_class() == RetryClass::Elsewhere || code == Reason::SourceMissing {
            ReportBody::Refused { job_id, attempt, code, detail, retry_after_seconds: None, missing }
        } else {
            ReportBody::Interrupted { job_id, attempt, code, detail }
        }
    }
}

impl From<SourceError> for GivenUp {
    fn from(error: SourceError) -> Self {
        Self { missing: error.missing.clone(), ..Self::new(error.reason, error.to_string()) }
    }
}

impl From<ProvisionError> for GivenUp {
    fn from(error: ProvisionError) -> Self {
        Self::new(error.reason, error.to_string())
    }
}

/// A tool that stopped answering is a machine that is no longer what it was.
impl From<ToolError> for GivenUp {
    fn from(error: ToolError) -> Self {
        Self::new(Reason::ToolchainChanged, error_line(&error))
    }
}

impl From<ProcessError> for GivenUp {
    fn from(error: ProcessError) -> Self {
        let reason = match &error {
            ProcessError::Spawn { .. } => Reason::DeveloperDir,
            ProcessError::Log { source, .. } => io_reason(source),
            ProcessError::Unkillable => Reason::Internal,
        };
        Self::new(reason, error_line(&error))
    }
}

impl From<WorkingDirectoryError> for GivenUp {
    fn from(error: WorkingDirectoryError) -> Self {
        Self::new(error.reason(), error_line(&error))
    }
}

impl From<DocumentError> for GivenUp {
    fn from(error: DocumentError) -> Self {
        let reason = match &error {
            DocumentError::Write { source, .. } => io_reason(source),
            DocumentError::List(_) | DocumentError::Junit(_) => Reason::Internal,
        };
        Self::new(reason, error_line(&error))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use rch_schemas::Attempt;

    use super::*;

    fn kind(reason: Reason) -> &'static str {
        GivenUp::new(reason, "x").report(&AttemptKey::new(&"job-000001".parse().unwrap(), Attempt(1))).kind()
    }

    #[test]
    fn what_another_worker_may_do_better_is_refused_and_the_rest_is_interrupted() {
        for reason in [Reason::ToolchainChanged, Reason::DiskFull, Reason::DeveloperDir, Reason::SourceMissing, Reason::License] {
            assert_eq!(kind(reason), "refused", "{reason}");
        }
        for reason in [Reason::SimulatorBoot, Reason::CancelledByUser, Reason::Interrupted, Reason::Internal, Reason::SourceCorrupt] {
            assert_eq!(kind(reason), "interrupted", "{reason}");
        }
    }
}
