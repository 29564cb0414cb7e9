//! Finding source files under a folder.

use std::fs;
use std::path::{Path, PathBuf};

use super::target::Source;

/// Folders that never hold a target's own sources.
const SKIPPED: &[&str] = &[".git", ".build", "DerivedData", "Pods", "Carthage", "node_modules", "build"];

/// How many files are looked at; a tree beyond that is cut, not refused.
const FILES_MAX: usize = 200_000;

/// Every source under `folder`, in the order of their paths.
pub(super) fn sources_under(folder: &Path) -> Vec<Source> {
    let mut waiting = vec![folder.to_owned()];
    let mut sources = Vec::new();
    let mut seen = 0_usize;
    while let Some(folder) = waiting.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries.flatten() {
            seen += 1;
            let path: PathBuf = entry.path();
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder && !is_skipped(&path) {
                waiting.push(path);
            } else if !is_folder {
                sources.extend(Source::of(path));
            }
        }
        if seen > FILES_MAX {
            break;
        }
    }
    sources.sort();
    sources
}

fn is_skipped(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    SKIPPED.contains(&name.as_ref()) || name.ends_with(".xcodeproj") || name.ends_with(".xcassets")
}
