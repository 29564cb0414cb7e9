//! What other processes do to files and ports.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// No test waits longer.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often it is looked for.
const GLANCE: Duration = Duration::from_millis(20);

/// Waits until a file is there.
pub(crate) fn wait_for_file(path: &Path) {
    wait_until(&format!("{} is there", path.display()), || path.exists());
}

/// Waits for something that nobody tells us of: what another process does to files and ports.
pub(crate) fn wait_until(wanted: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "it never came about that {wanted}");
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
