//! Which program a multi-call binary was called as.

use std::path::Path;
use std::process::ExitCode;

use crate::{cli, keeper};

/// Runs this process as the program that it was called as (the name of `argv[0]`), and as `rch-local` by any other name.
pub fn main() -> ExitCode {
    let called = std::env::args_os().next().unwrap_or_default();
    match Path::new(&called).file_name().and_then(|name| name.to_str()) {
        Some("rch") => rch_client::main(),
        Some("rch-agent") => rch_agent::main(),
        Some("rch-coordinator") => rch_coordinator::main(),
        Some(keeper::PROGRAM) => keeper::main(),
        Some(_) | None => rch_xcode_sim::run(&called.to_string_lossy()).unwrap_or_else(cli::main),
    }
}
