//! What xcodebuild refuses to do, in its own words, and the exit code of each.

use crate::exit::Exit;

#[derive(Debug, thiserror::Error)]
pub(crate) enum XcodebuildError {
    #[error("invalid option '-{0}'")]
    InvalidOption(String),
    #[error("option '-{0}' requires an argument")]
    NoValue(String),
    #[error("Unknown build action '{0}'.")]
    UnknownAction(String),
    #[error("SDK \"{0}\" cannot be located.")]
    NoSdk(String),
}

impl XcodebuildError {
    pub(crate) const fn exit(&self) -> Exit {
        match self {
            Self::InvalidOption(_) | Self::NoValue(_) | Self::NoSdk(_) => Exit::USAGE,
            Self::UnknownAction(_) => Exit::DATA,
        }
    }
}
