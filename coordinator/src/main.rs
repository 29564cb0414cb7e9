//! `rch-coordinator`.

use std::process::ExitCode;

fn main() -> ExitCode {
    rch_coordinator::main()
}
