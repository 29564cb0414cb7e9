//! The command line: configuration, logging, runtime, exit status.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser as _;
use rch_schemas::protocol::ProtocolRange;
use tracing_subscriber::EnvFilter;

use crate::config::{Arguments, Config};
use crate::program;

/// Configuration or usage.
const EXIT_USAGE: u8 = 2;

/// Runs the coordinator as `rch-coordinator` does: until SIGTERM or SIGINT, or until it cannot go on.
pub fn main() -> ExitCode {
    main_speaking(ProtocolRange::OURS)
}

/// [`main`] of a build that speaks these protocol versions: what a coordinator of another time says, as far as this one can.
pub fn main_speaking(protocol: ProtocolRange) -> ExitCode {
    let arguments = Arguments::parse();
    if let Err(error) = log_to_stderr(&arguments.log) {
        eprintln!("rch-coordinator: --log: {error}");
        return ExitCode::from(EXIT_USAGE);
    }
    let config = match Config::of_this_process(arguments) {
        Ok(mut config) => {
            config.farm.protocol = protocol;
            config
        }
        Err(error) => {
            tell(&error);
            return ExitCode::from(EXIT_USAGE);
        }
    };
    // Another program in this process may have chosen a provider already; then that one serves.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tell(&error);
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(program::run(config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&error);
            ExitCode::FAILURE
        }
    }
}

/// An error with its causes, a line each.
fn tell(error: &dyn std::error::Error) {
    eprintln!("rch-coordinator: {error}");
    let mut cause = error.source();
    while let Some(inner) = cause {
        eprintln!("  because: {inner}");
        cause = inner.source();
    }
}

/// Logs for people on a terminal, one JSON object a line elsewhere.
fn log_to_stderr(filter: &str) -> Result<(), tracing_subscriber::filter::ParseError> {
    let filter = EnvFilter::builder().parse(filter)?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let installed = if std::io::stderr().is_terminal() { builder.try_init() } else { builder.json().flatten_event(true).try_init() };
    // A process that has a subscriber already, as in tests, keeps it.
    drop(installed);
    Ok(())
}
