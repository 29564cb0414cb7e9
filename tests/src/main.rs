//! Every program of a farm in one binary, by the name it is called as, so that the end-to-end tests link once.

use std::process::ExitCode;

fn main() -> ExitCode {
    rch_local::main()
}
