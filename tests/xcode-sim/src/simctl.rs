//! `simctl`: simulators, their kinds and their runtimes.
//!
//! It owns which simulators exist and whether they are booted, in one file beside the machine document (or in the
//! folder `--set` names), changed under a lock and replaced whole. Nothing boots: a simulator is a row in that file.

mod error;
mod lifecycle;
mod list;
mod runtimes;
mod store;

use crate::console::Console;
use crate::developer::Installation;
use crate::exit::Exit;
use crate::invocation::Invocation;

pub(crate) use error::SimctlError;
pub(crate) use lifecycle::mark_booted;
pub(crate) use store::{Simulator, SimulatorState, Store};

/// The simulators' file, beside the machine document.
pub(crate) const STATE_FILE: &str = "simulators.json";

pub(crate) fn main(invocation: &Invocation, installation: &Installation, console: &mut Console) -> Exit {
    if let Err(error) = installation.developer(invocation, "simctl") {
        console.error(error.to_string());
        return error.exit();
    }
    let (store, words) = chosen_set(invocation, installation);
    let result = match words.first().map(String::as_str) {
        Some("list") => list::main(&words[1..], &store, console),
        Some("runtime") => runtimes::main(&words[1..], invocation, installation, console),
        Some("create") => lifecycle::create(&words[1..], &store, console),
        Some("clone") => lifecycle::clone(&words[1..], &store, console),
        Some("boot") => lifecycle::boot(&words[1..], &store, console),
        Some("bootstatus") => lifecycle::boot_status(&words[1..], &store, console),
        Some("shutdown") => lifecycle::shutdown(&words[1..], &store),
        Some("erase") => lifecycle::erase(&words[1..], &store),
        Some("delete") => lifecycle::delete(&words[1..], &store),
        Some("getenv") => lifecycle::getenv(&words[1..], &store, console),
        Some(other) => Err(SimctlError::Unrecognized(other.to_owned())),
        None => Err(SimctlError::Usage("simctl [--set <path>] [--profiles <path>] <subcommand> ...")),
    };
    match result {
        Ok(()) => Exit::OK,
        Err(error) => {
            console.error(error.to_string());
            error.exit()
        }
    }
}

/// The set of simulators in force, and the words behind `--set`.
fn chosen_set<'a>(invocation: &'a Invocation, installation: &'a Installation) -> (Store<'a>, &'a [String]) {
    let usual = Store::new(&installation.machine, installation.state.clone());
    match invocation.arguments.as_slice() {
        [option, folder, words @ ..] if option == "--set" => {
            let path = invocation.absolute(folder).join(STATE_FILE);
            (Store::empty_at_first(&installation.machine, path), words)
        }
        words => (usual, words),
    }
}
