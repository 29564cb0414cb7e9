//! The documents as files: examples of each, good and bad, what a release promised, and what the README says of arguments.
//!
//! Whatever is generated here is written anew by `RCH_UPDATE_SCHEMAS=1 cargo test -p rch-schemas`; the diff is the review.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod example_set;
mod invalid;
mod kind;
mod pattern;
mod published;
mod released;
mod valid;

use std::fs;
use std::path::{Path, PathBuf};

/// A file of this crate.
fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The text of a file of this crate.
fn text(path: &str) -> String {
    fs::read_to_string(file(path)).unwrap_or_else(|error| panic!("schemas/{path}: {error}"))
}

/// Holds a file against what it must be, or writes it when the update was asked for.
fn hold(path: &str, expected: &str) {
    if std::env::var_os("RCH_UPDATE_SCHEMAS").is_some() {
        // Another test may read it meanwhile: it sees the old file or the new one.
        let new = file(&format!("{path}.new"));
        fs::write(&new, expected).unwrap();
        fs::rename(new, file(path)).unwrap();
    }
    let found = fs::read_to_string(file(path)).unwrap_or_default();
    assert!(found == expected, "schemas/{path} has drifted; RCH_UPDATE_SCHEMAS=1 cargo test -p rch-schemas writes it anew");
}
