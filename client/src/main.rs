//! The program `rch`.

use std::process::ExitCode;

fn main() -> ExitCode {
    rch_client::main()
}
