//! What a tree has that xcodebuild could open.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};

/// How deep containers are looked for: most lie at the root, nearly all others one or two directories down.
const DEPTH_MAX: usize = 4;
/// Entries looked at, so that a run in a home directory ends.
const ENTRIES_MAX: usize = 20_000;
/// Directories that hold containers of others, or none that anybody wrote.
const SKIPPED: [&str; 8] = ["Pods", "Carthage", "DerivedData", "build", "node_modules", "vendor", "SourcePackages", "fastlane"];
/// Files from which others are made, with what makes them.
const GENERATORS: [(&str, &str); 4] = [
    ("project.yml", "`xcodegen generate` makes the project"),
    ("Project.swift", "`tuist generate` makes the project"),
    ("Podfile", "`pod install` makes the workspace"),
    ("pubspec.yaml", "`flutter build ios --config-only` makes what the project needs"),
];

/// What a container is, in the order in which one is taken before another of the same directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Workspace,
    Project,
    Package,
}

/// One container; the path is from the tree's root, a package's that of its directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Container {
    pub(super) kind: Kind,
    pub(super) path: PathBuf,
    /// Directories between it and where the search began.
    pub(super) depth: usize,
}

impl Container {
    /// The directory it lies in, or is.
    pub(super) fn directory(&self) -> &Path {
        match self.kind {
            Kind::Workspace | Kind::Project => self.path.parent().unwrap_or(Path::new("")),
            Kind::Package => &self.path,
        }
    }

    /// Its name without the ending; a package at the root is named by the caller.
    pub(super) fn name(&self) -> String {
        self.path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
    }
}

/// What was found, the shallowest first.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) containers: Vec<Container>,
    /// What makes containers that may be missing.
    pub(super) generators: Vec<(PathBuf, &'static str)>,
}

/// Looks beneath `start`, a directory of the tree at `root`.
pub(super) fn survey(root: &Path, start: &Path) -> Survey {
    let mut survey = Survey::default();
    let mut waiting = VecDeque::from([(start.to_owned(), 0)]);
    let mut budget = ENTRIES_MAX;
    while let Some((directory, depth)) = waiting.pop_front() {
        for (name, is_directory) in entries(&root.join(&directory)) {
            if budget == 0 {
                return survey;
            }
            budget -= 1;
            let path = directory.join(&name);
            match kind(&name) {
                Some(Kind::Package) => survey.containers.push(Container { kind: Kind::Package, path: directory.clone(), depth }),
                Some(kind) if is_directory => survey.containers.push(Container { kind, path, depth }),
                _ if is_directory => {
                    let is_bundle = Path::new(&name).extension().is_some_and(|ending| ending == "xcassets" || ending == "framework");
                    if depth < DEPTH_MAX && !name.starts_with('.') && !SKIPPED.contains(&name.as_str()) && !is_bundle {
                        waiting.push_back((path, depth + 1));
                    }
                }
                _ => {
                    let made = GENERATORS.iter().find(|(file, _)| *file == name);
                    survey.generators.extend(made.map(|(_, what)| (path, *what)));
                }
            }
        }
    }
    survey
}

fn kind(name: &str) -> Option<Kind> {
    match Path::new(name).extension().and_then(std::ffi::OsStr::to_str) {
        Some("xcworkspace") => Some(Kind::Workspace),
        Some("xcodeproj") => Some(Kind::Project),
        _ if name == "Package.swift" => Some(Kind::Package),
        _ => None,
    }
}

/// Names that a configuration can hold, sorted, and whether each is a directory. Links are not followed: they may lead in circles.
fn entries(directory: &Path) -> Vec<(String, bool)> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let entry = |entry: std::io::Result<fs::DirEntry>| {
        let entry = entry.ok()?;
        let name = entry.file_name().into_string().ok()?;
        let is_nameable = !name.starts_with('-') && !name.contains(char::is_control);
        is_nameable.then(|| (name, entry.file_type().is_ok_and(|kind| kind.is_dir())))
    };
    let mut entries: Vec<(String, bool)> = entries.filter_map(entry).collect();
    entries.sort();
    entries
}

/// A file of a tree that is not larger than any such file is; nothing when it cannot be read.
pub(super) fn read(path: &Path) -> Option<String> {
    const BYTES_MAX: u64 = 64 * 1024 * 1024;
    let metadata = fs::metadata(path).ok()?;
    let bytes = (metadata.is_file() && metadata.len() <= BYTES_MAX).then(|| fs::read(path))?.ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The files of a directory with this ending, by name without it.
pub(super) fn with_ending(directory: &Path, ending: &str) -> Vec<(String, PathBuf)> {
    let entries = entries(directory).into_iter().filter(|(_, is_directory)| !is_directory);
    let named = entries.filter_map(|(name, _)| Some((name.strip_suffix(ending)?.to_owned(), directory.join(&name))));
    named.filter(|(name, _)| !name.is_empty()).collect()
}
