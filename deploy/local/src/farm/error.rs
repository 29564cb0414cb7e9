//! Why a farm is not running.

use std::io;
use std::path::PathBuf;

use crate::key::KeyError;
use crate::service::ServiceError;
use crate::tool::ToolError;

/// Why a farm is not running.
#[derive(Debug, thiserror::Error)]
pub enum FarmError {
    /// There is no NATS server.
    #[error("the farm has no NATS server")]
    NatsServer(#[from] ToolError),
    /// A program of the farm is not running.
    #[error("the farm did not start")]
    Service(#[from] ServiceError),
    /// A key is missing.
    #[error("the farm has no keys")]
    Key(#[from] KeyError),
    /// The process that cleans up after us could not be started.
    #[error("the program that ends the farm with us could not be started")]
    Keeper {
        /// Why.
        source: io::Error,
    },
    /// A simulated Mac could not be laid out.
    #[error("the simulated Mac of {agent} could not be laid out")]
    Mac {
        /// The agent.
        agent: String,
        /// Why.
        source: rch_xcode_sim::InstallError,
    },
    /// A file of the farm could not be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}
