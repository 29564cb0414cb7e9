//! What a person reads: facts right-aligned in twelve columns, as `rch` itself prints them.

use std::error::Error;
use std::io::{self, Write};

/// One fact; further lines of the text stand under the first.
pub(crate) fn fact(label: &str, text: &str) {
    let mut out = io::stdout().lock();
    for (index, line) in text.lines().enumerate() {
        let label = if index == 0 { label } else { "" };
        let _ = writeln!(out, "{label:>12}  {line}");
    }
    let _ = out.flush();
}

/// A line that stands by itself: a command, as a shell would show it.
pub(crate) fn command(line: &str) {
    let _ = writeln!(io::stdout(), "\n$ {line}");
}

/// An empty line.
pub(crate) fn gap() {
    let _ = writeln!(io::stdout());
}

/// What went wrong, with every cause.
pub(crate) fn failure(program: &str, error: &dyn Error) {
    let mut err = io::stderr().lock();
    let _ = writeln!(err, "{program}: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = writeln!(err, "  because {error}");
        cause = error.source();
    }
}
