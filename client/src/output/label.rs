//! The words before facts.

use anstyle::AnsiColor;

/// The word before a fact: a noun for what is, a past participle for what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Label {
    /// The tree became a bundle.
    Bundling,
    /// A file that git does not know and that is sent all the same.
    Untracked,
    /// Who runs it.
    Worker,
    /// With which tools.
    Toolchain,
    /// Where the product runs.
    Destination,
    /// What the farm lacked.
    Uploading,
    /// The run's id.
    Run,
    /// What a job would be, in a dry run.
    Job,
    /// Why a job does not run yet.
    Waiting,
    /// How long it waited, and for what.
    Wait,
    /// A decision was made again.
    Replay,
    /// It runs now, after a wait.
    Started,
    /// A job is tried once more.
    Retrying,
    /// The coordinator is out of reach, or back.
    Connection,
    /// Something that is not as a person may expect.
    Notice,
    /// A job or a run did what was asked.
    Succeeded,
    /// It did not.
    Failed,
    /// It was not tried.
    Skipped,
    /// It was asked to be cancelled, and has not ended yet.
    Cancelling,
    /// It was cancelled.
    Cancelled,
    /// Its invocation was refused.
    Rejected,
    /// The user looks on no longer.
    Left,
    /// What to write in its place.
    Instead,
    /// A line would run.
    Accepted,
    /// What would run.
    Runs,
    /// What the configuration adds.
    Config,
    /// What is left out of a line.
    Dropped,
    /// Variables.
    Environment,
    /// What is not said anywhere.
    Missing,
    /// The rules that judge a line.
    Policy,
    /// The artifacts are what was signed.
    Verified,
    /// They are what somebody signed who is not known here.
    Intact,
    /// Where they are.
    Artifacts,
    /// Where the manual pages are.
    Manual,
    /// Why the command ends here.
    Error,
    /// The exit code and its kind.
    Exit,
    /// What xcodebuild opens.
    Project,
    /// What it builds and tests.
    Scheme,
    /// What `verify` does.
    Actions,
    /// A farm, by its name.
    Farm,
    /// A farm's key.
    Key,
    /// What becomes of a token.
    Token,
    /// A file that was written.
    Written,
    /// A worker finishes what began there.
    Draining,
    /// It has.
    Drained,
    /// A worker takes jobs again.
    Resumed,
    /// A worker left the fleet.
    Removed,
    /// A worker read its machine again.
    Probed,
    /// A step, by its name in the configuration.
    Step(String),
}

impl Label {
    pub(super) fn word(&self) -> &str {
        match self {
            Self::Bundling => "Bundling",
            Self::Untracked => "Untracked",
            Self::Worker => "Worker",
            Self::Toolchain => "Toolchain",
            Self::Destination => "Destination",
            Self::Uploading => "Uploading",
            Self::Run => "Run",
            Self::Job => "Job",
            Self::Waiting => "Waiting",
            Self::Wait => "Wait",
            Self::Replay => "Replay",
            Self::Started => "Started",
            Self::Retrying => "Retrying",
            Self::Connection => "Connection",
            Self::Notice => "Notice",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Skipped => "Skipped",
            Self::Cancelling => "Cancelling",
            Self::Cancelled => "Cancelled",
            Self::Rejected => "Rejected",
            Self::Left => "Left",
            Self::Instead => "Instead",
            Self::Accepted => "Accepted",
            Self::Runs => "Runs",
            Self::Config => "Config",
            Self::Dropped => "Dropped",
            Self::Environment => "Environment",
            Self::Missing => "Missing",
            Self::Policy => "Policy",
            Self::Verified => "Verified",
            Self::Intact => "Intact",
            Self::Artifacts => "Artifacts",
            Self::Manual => "Manual",
            Self::Error => "Error",
            Self::Exit => "Exit",
            Self::Project => "Project",
            Self::Scheme => "Scheme",
            Self::Actions => "Actions",
            Self::Farm => "Farm",
            Self::Key => "Key",
            Self::Token => "Token",
            Self::Written => "Written",
            Self::Draining => "Draining",
            Self::Drained => "Drained",
            Self::Resumed => "Resumed",
            Self::Removed => "Removed",
            Self::Probed => "Probed",
            Self::Step(name) => name,
        }
    }

    pub(super) fn colour(&self) -> Option<AnsiColor> {
        match self {
            Self::Succeeded | Self::Verified | Self::Accepted => Some(AnsiColor::Green),
            Self::Failed | Self::Rejected | Self::Error => Some(AnsiColor::Red),
            Self::Missing
            | Self::Skipped
            | Self::Cancelling
            | Self::Cancelled
            | Self::Left
            | Self::Intact
            | Self::Waiting
            | Self::Retrying
            | Self::Connection
            | Self::Notice => Some(AnsiColor::Yellow),
            Self::Bundling
            | Self::Untracked
            | Self::Worker
            | Self::Toolchain
            | Self::Destination
            | Self::Uploading
            | Self::Run
            | Self::Job
            | Self::Started
            | Self::Wait
            | Self::Replay
            | Self::Artifacts
            | Self::Manual
            | Self::Exit
            | Self::Project
            | Self::Scheme
            | Self::Actions
            | Self::Farm
            | Self::Key
            | Self::Token
            | Self::Written
            | Self::Instead
            | Self::Runs
            | Self::Config
            | Self::Dropped
            | Self::Environment
            | Self::Policy
            | Self::Draining
            | Self::Drained
            | Self::Resumed
            | Self::Removed
            | Self::Probed
            | Self::Step(_) => None,
        }
    }
}
