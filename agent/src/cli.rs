//! The program's edge: arguments, logging, exit code.

use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use crate::config::{Arguments, Config};
use crate::probe::Prober;
use crate::tool::Tools;

/// Runs the agent with this process's arguments and environment; returns when it was told to stop, or cannot go on.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => error.exit(),
    };
    let filter = EnvFilter::try_new(&arguments.log).unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rch-agent: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::of_this_process(arguments)?;
    let key = crate::identity::read(&config.key_file)?;
    let runtime = tokio::runtime::Runtime::new()?;
    let prober = Prober::new(&config, Tools::new(&config), key.public_key().fingerprint());
    let probe = runtime.block_on(prober.probe());
    println!("{:#?}", probe.facts);
    Ok(())
}
