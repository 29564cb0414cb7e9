//! The program `rch-local`; by other names it is every program of a farm.

use std::process::ExitCode;

fn main() -> ExitCode {
    rch_local::main()
}
