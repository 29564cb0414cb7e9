//! The program's edge: arguments, logging, exit code.

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;
use rch_schemas::protocol::Dialect;
use tracing_subscriber::EnvFilter;

use crate::agent;
use crate::check;
use crate::config::{Arguments, Config};
use crate::dispatcher::StopReason;
use crate::error_line::error_line;

/// What still blocks after the agent is over (an unpacking thread, a file being removed) is not waited for longer.
const RUNTIME_GRACE: Duration = Duration::from_secs(2);
/// The arguments or the configuration are wrong.
const EXIT_USAGE: u8 = 2;
/// The agent cannot go on.
const EXIT_FAILURE: u8 = 1;

/// Runs the agent with this process's arguments and environment; returns when it was told to stop, or cannot go on.
pub fn main() -> ExitCode {
    main_speaking(check::dialect())
}

/// [`main`] of a build that speaks `dialect`: what an agent of another time says, as far as this one can.
pub fn main_speaking(dialect: Dialect) -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => error.exit(),
    };
    let filter = match EnvFilter::try_new(&arguments.log) {
        Ok(filter) => filter,
        Err(error) => return fail(EXIT_USAGE, &format!("--log: {error}")),
    };
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr).init();
    let config = match Config::of_this_process(arguments) {
        Ok(config) => config,
        Err(error) => return fail(EXIT_USAGE, &error_line(&error)),
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(EXIT_FAILURE, &error_line(&error)),
    };
    let served = runtime.block_on(agent::serve(config, dialect));
    runtime.shutdown_timeout(RUNTIME_GRACE);
    match served {
        Ok(StopReason::Told) => ExitCode::SUCCESS,
        Ok(StopReason::Refused(error)) => fail(EXIT_FAILURE, &error.to_string()),
        Ok(StopReason::Broken(error)) => fail(EXIT_FAILURE, &error),
        Err(error) => fail(EXIT_USAGE, &error_line(&error)),
    }
}

fn fail(code: u8, message: &str) -> ExitCode {
    eprintln!("rch-agent: {message}");
    ExitCode::from(code)
}
