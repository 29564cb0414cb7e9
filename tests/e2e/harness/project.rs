//! A copy of the sample project, to be changed.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// The sample project of the checkout.
const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/SampleApp");

/// A copy of the sample project in a directory of its own.
#[derive(Debug)]
pub(crate) struct Project {
    _folder: TempDir,
    path: PathBuf,
}

impl Project {
    /// A fresh copy. A line of its own in one file makes it another tree than every other test's, so that no chunk or key is shared by accident.
    pub(crate) fn sample() -> Self {
        let project = Self::verbatim();
        project.append("Sources/Model/Post.swift", &format!("// {}", project.path.display()));
        project
    }

    /// A fresh copy, byte for byte.
    pub(crate) fn verbatim() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap().join("SampleApp");
        copy(Path::new(SAMPLE), &path);
        Self { _folder: folder, path }
    }

    /// Its root.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A file of it.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Adds a line to a file, and returns its number.
    pub(crate) fn append(&self, name: &str, line: &str) -> usize {
        let path = self.file(name);
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        writeln!(OpenOptions::new().append(true).open(&path).unwrap(), "{line}").unwrap();
        lines + 1
    }

    /// Writes a file, and the folders it lies in.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.file(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Adds tables to `.rch/xcode.toml`.
    pub(crate) fn configure(self, tables: &str) -> Self {
        self.append(".rch/xcode.toml", tables);
        self
    }

    /// Asks for everything that the rich profile adds.
    pub(crate) fn rich(self) -> Self {
        let path = self.file(".rch/xcode.toml");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, format!("artifact_profile = \"rich\"\n{text}")).unwrap();
        self
    }

    /// Sets variables of the simulated Xcode for this project's jobs: `BUILD_SECONDS`, `HANG` and their like.
    pub(crate) fn simulate(self, variables: &[(&str, &str)]) -> Self {
        let lines: Vec<String> = variables.iter().map(|(name, value)| format!("RCH_XCODE_SIM_{name} = \"{value}\"")).collect();
        self.configure(&format!("[env.set]\n{}", lines.join("\n")))
    }
}

/// Copies a folder of folders and files.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
