//! What goes wrong in simctl, in its own words, and the exit code of each: CoreSimulator's number, cut to a byte.

use std::io;
use std::path::PathBuf;

use super::SimulatorState;
use crate::exit::Exit;

#[derive(Debug, thiserror::Error)]
pub(crate) enum SimctlError {
    #[error("Usage: {0}")]
    Usage(&'static str),
    #[error("Unrecognized subcommand: {0}\nusage: simctl [--set <path>] [--profiles <path>] <subcommand> ...")]
    Unrecognized(String),
    #[error("Invalid device: {0}")]
    InvalidDevice(String),
    #[error("Invalid device type: {0}")]
    InvalidDeviceType(String),
    #[error("Invalid runtime: {0}")]
    InvalidRuntime(String),
    #[error(
        "An error was encountered processing the command (domain=com.apple.CoreSimulator.SimError, \
         code=403):\nIncompatible device"
    )]
    Incompatible,
    #[error(
        "An error was encountered processing the command (domain=com.apple.CoreSimulator.SimError, \
         code=405):\nUnable to {verb} in current state: {state}"
    )]
    WrongState { verb: &'static str, state: SimulatorState },
    #[error("simulated Xcode: cannot {verb} the simulators' file {}: {reason}", path.display())]
    Store { verb: &'static str, path: PathBuf, reason: String },
}

impl SimctlError {
    pub(crate) fn store(verb: &'static str, path: PathBuf, error: &io::Error) -> Self {
        Self::Store { verb, path, reason: error.to_string() }
    }

    pub(crate) const fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) | Self::Unrecognized(_) => Exit::FAILURE,
            Self::InvalidDevice(_) => Exit(148),
            Self::InvalidDeviceType(_) => Exit(145),
            Self::InvalidRuntime(_) => Exit(146),
            Self::Incompatible => Exit(147),
            Self::WrongState { .. } => Exit(149),
            Self::Store { .. } => Exit::IO,
        }
    }
}
