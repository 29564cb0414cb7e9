//! What xcodebuild refuses to do, in its own words, and the exit code of each.

use std::io;
use std::path::{Path, PathBuf};

use super::destination::DestinationError;
use crate::exit::Exit;
use crate::project::{ContainerError, PlanError};
use crate::simctl::SimctlError;

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
    #[error("If you specify a workspace then you must also specify a scheme.  Use -list to see the schemes in this workspace.")]
    SchemeNeeded,
    #[error(transparent)]
    Container(#[from] ContainerError),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Destination(#[from] DestinationError),
    #[error(transparent)]
    Simulators(#[from] SimctlError),
    #[error("Failed to build {kind} {container} with scheme {scheme}.: {reason}")]
    Failed { kind: String, container: String, scheme: String, reason: String },
    #[error("There are no test bundles available to test at {}.", .0.display())]
    NoTestProducts(PathBuf),
    #[error("Existing file at -resultBundlePath \"{}\"", .0.display())]
    BundleExists(PathBuf),
    #[error("Couldn't write the result bundle at '{}': {reason}", path.display())]
    Bundle { path: PathBuf, reason: String },
    #[error("Couldn't create workspace arena folder: {0}")]
    DerivedData(String),
    #[error(
        "Could not resolve package dependencies:\n  a resolved file is required when automatic dependency resolution is \
         disabled and should be placed at {}.",
        .0.display()
    )]
    Packages(PathBuf),
}

impl XcodebuildError {
    #[expect(clippy::needless_pass_by_value, reason = "it is what map_err gives")]
    pub(crate) fn derived_data(error: io::Error) -> Self {
        Self::DerivedData(error.to_string())
    }

    pub(crate) fn bundle(path: &Path, error: &io::Error) -> Self {
        Self::Bundle { path: path.to_owned(), reason: error.to_string() }
    }

    pub(crate) const fn exit(&self) -> Exit {
        match self {
            Self::InvalidOption(_) | Self::NoValue(_) | Self::NoSdk(_) | Self::BundleExists(_) => Exit::USAGE,
            Self::UnknownAction(_) | Self::SchemeNeeded => Exit::DATA,
            Self::Container(error) => error.exit(),
            Self::Plan(error) => error.exit(),
            Self::Destination(error) => error.exit(),
            Self::Simulators(error) => error.exit(),
            Self::Failed { .. } | Self::NoTestProducts(_) => Exit::SOFTWARE,
            Self::Bundle { .. } | Self::DerivedData(_) | Self::Packages(_) => Exit::IO,
        }
    }
}
