//! How a command ends.

use rch_schemas::reason::exit;
use rch_schemas::{FailureKind, Reason, RunId};

/// Why a command did not do what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// A reason of the contract's table.
    Reason(Reason),
    /// Usage or configuration.
    Usage,
    /// A bug, or local I/O.
    Internal,
    /// What was recorded is not what is decided now.
    ReplayDiffers,
    /// The user stopped looking on; what he looked on at was not touched.
    Left,
}

impl Why {
    /// The exit code.
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::Reason(reason) => reason.exit_code(),
            Self::Usage => exit::USAGE,
            Self::Internal | Self::ReplayDiffers => exit::INTERNAL,
            Self::Left => FailureKind::Cancelled.exit_code(),
        }
    }

    /// The narrow code, for programs.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Reason(reason) => reason.code(),
            Self::Usage => "USAGE",
            Self::Internal => "INTERNAL",
            Self::ReplayDiffers => "REPLAY_DIFFERS",
            Self::Left => "LEFT",
        }
    }

    /// The kind of failure, for the last line.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Reason(reason) => reason.kind().map_or(reason.code(), FailureKind::as_str),
            Self::Usage | Self::Internal | Self::ReplayDiffers | Self::Left => self.code(),
        }
    }
}

/// How a command ends.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Ending {
    /// The exit code.
    pub(crate) exit_code: u8,
    /// Why it is not 0.
    pub(crate) why: Option<Why>,
    /// One sentence.
    pub(crate) message: String,
    /// The run, when there is one.
    pub(crate) run_id: Option<RunId>,
    /// The document the command was asked for.
    pub(crate) document: Option<serde_json::Value>,
}

impl Ending {
    /// It ends for `why`.
    pub(crate) fn because(why: Why, message: impl Into<String>) -> Self {
        Self { exit_code: why.exit_code(), why: Some(why), message: message.into(), ..Self::default() }
    }

    /// Everything asked for was done.
    pub(crate) fn success(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::default() }
    }

    /// The same with the document that was asked for.
    #[must_use]
    pub(crate) fn with_document(self, document: serde_json::Value) -> Self {
        Self { document: Some(document), ..self }
    }
}
