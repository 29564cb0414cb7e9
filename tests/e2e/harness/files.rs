//! Files that others write.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// No test waits longer for a file.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often it is looked for: nobody tells us when another process writes a file.
const GLANCE: Duration = Duration::from_millis(20);

/// Waits until a file is there.
pub(crate) fn wait_for_file(path: &Path) {
    let deadline = Instant::now() + PATIENCE;
    while !path.exists() {
        assert!(Instant::now() < deadline, "{} did not appear", path.display());
        thread::sleep(GLANCE);
    }
}

/// Everything beneath a folder, the deepest first; nothing when there is no such folder.
pub(crate) fn paths(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()) {
        if path.is_dir() && !path.is_symlink() {
            found.extend(paths(&path));
        }
        found.push(path);
    }
    found
}
