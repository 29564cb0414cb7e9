//! The command line of `rch-local`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::command::{self, StoreKind};

/// A whole farm on this machine: NATS server, coordinator and two agents, in one command.
#[derive(Debug, Parser)]
#[command(name = "rch-local", version, after_help = "Example: rch-local up, then in a project: rch xcode verify")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the whole story on a sample project, then end the farm.
    Demo {
        /// Where to lay the farm and its artifacts out; a new temporary directory, which stays, if not given.
        #[arg(long, value_name = "DIR")]
        directory: Option<PathBuf>,
    },
    /// Keep a farm running until Ctrl-C or `rch-local down`.
    Up {
        /// Where the farm lies; it is taken up again by the next `up`.
        #[arg(long, value_name = "DIR")]
        directory: Option<PathBuf>,
        /// Keep the store in a bucket of an S3 server on this machine (SeaweedFS, fetched if need be), instead of in a directory.
        #[arg(long)]
        s3: bool,
    },
    /// End a farm that `up` left running elsewhere.
    Down {
        /// Where the farm lies.
        #[arg(long, value_name = "DIR")]
        directory: Option<PathBuf>,
    },
}

/// Runs this process as `rch-local`.
pub(crate) fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Demo { directory } => command::demo(directory.as_deref()),
        Command::Up { directory, s3 } => command::up(directory.as_deref(), if s3 { StoreKind::Bucket } else { StoreKind::Directory }),
        Command::Down { directory } => command::down(directory.as_deref()),
    }
}
