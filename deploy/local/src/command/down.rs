//! `rch-local down`: ends a farm that `up` left running.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use super::pid_file::Holder;
use crate::environment::Environment;
use crate::report;

/// Five programs end one after the other, each with its grace.
const PATIENCE: Duration = Duration::from_mins(1);

/// Runs it. No farm to end is no failure: afterwards none runs, as was asked.
pub(crate) fn down(directory: Option<&Path>) -> ExitCode {
    let directory = directory.map_or_else(|| Environment::of_this_process().farm_directory(), Path::to_owned);
    let place = directory.display();
    let ended = Holder::of(&directory).and_then(|holder| holder.map(|holder| holder.end(&directory, PATIENCE)).transpose());
    match ended {
        Ok(None) => report::fact("Stopped", &format!("nothing: no farm is running in {place}")),
        Ok(Some(true)) => report::fact("Stopped", &format!("the farm in {place}")),
        Ok(Some(false)) => {
            eprintln!("rch-local down: the farm in {place} is still running after {} s; see its logs there", PATIENCE.as_secs());
            return ExitCode::FAILURE;
        }
        Err(error) => {
            eprintln!("rch-local down: cannot end the farm in {place}: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
