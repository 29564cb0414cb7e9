//! Recorded outputs of Apple's tools, for tests, where they are present.

use std::path::{Path, PathBuf};

/// The folder of recorded outputs of one kind; says so and gives `None` where there is none.
pub(crate) fn recorded(kind: &str) -> Option<PathBuf> {
    let sibling = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/fixtures");
    let folder = std::env::var_os("RCH_FIXTURES").map_or(sibling, PathBuf::from).join(kind);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: no recorded data (RCH_FIXTURES)");
    None
}
