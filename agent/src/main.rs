//! The agent's own program; everything is in the library, so that a multi-call binary can hold it too.

use std::process::ExitCode;

fn main() -> ExitCode {
    rch_agent::main()
}
