//! Every program of a farm in one binary, by the name it is called as, so that the end-to-end tests link once.
//!
//! An agent or coordinator with a `.dialect.json` beside its configuration is one of another time: it speaks what the file says.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use rch_schemas::protocol::Dialect;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    let called = arguments.next().unwrap_or_default();
    let config = arguments.skip_while(|argument| argument != "--config").nth(1).map(PathBuf::from);
    let program = Path::new(&called).file_name().and_then(|name| name.to_str());
    match (program, config.and_then(|config| dialect(&config.with_extension("dialect.json")))) {
        (Some("rch-agent"), Some(dialect)) => rch_agent::main_speaking(dialect),
        (Some("rch-coordinator"), Some(dialect)) => rch_coordinator::main_speaking(dialect.protocol),
        (_, _) => rch_local::main(),
    }
}

fn dialect(path: &Path) -> Option<Dialect> {
    let bytes = std::fs::read(path).ok()?;
    Some(serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}
