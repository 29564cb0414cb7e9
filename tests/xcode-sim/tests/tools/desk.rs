//! A machine, a copy of the sample project, and a DerivedData folder: what a test of the tools works with.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rch_xcode_sim::{Machine, install};
use tempfile::TempDir;

/// The destination of the sample project.
pub(crate) const IPHONE: &str = "platform=iOS Simulator,name=iPhone 16,OS=latest";

/// What a test works with; gone with it.
pub(crate) struct Desk {
    folder: TempDir,
    bin: PathBuf,
}

impl Desk {
    pub(crate) fn new(machine: &Machine) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bin = install(&folder.path().join("mac"), machine, Path::new(env!("CARGO_BIN_EXE_rch-xcode-sim"))).unwrap();
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/SampleApp");
        copy(&sample, &folder.path().join("tree"));
        Self { folder, bin }
    }

    /// With Xcode 16.2.
    pub(crate) fn usual() -> Self {
        Self::new(&Machine::xcode_16_2())
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    /// Changes a file of the tree.
    pub(crate) fn edit(&self, file: &str, change: impl FnOnce(String) -> String) {
        let path = self.path("tree").join(file);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, change(text)).unwrap();
    }

    /// A tool, to be run in the tree with an environment as narrow as the agent's.
    pub(crate) fn tool(&self, name: &str, words: &[&str]) -> Command {
        let mut command = Command::new(self.bin.join(name));
        command.args(words).current_dir(self.path("tree")).env_clear();
        command.env("HOME", self.folder.path()).env("PATH", &self.bin).env("NSUnbufferedIO", "YES");
        command
    }

    pub(crate) fn run(&self, name: &str, words: &[&str]) -> Answer {
        Answer::of(&self.tool(name, words).output().unwrap())
    }

    /// `xcodebuild` for the sample's scheme, with the test's own DerivedData.
    pub(crate) fn xcodebuild(&self, action: &str, more: &[&str]) -> Command {
        let derived = self.path("derived");
        let mut words = vec![action, "-workspace", "SampleApp.xcworkspace", "-scheme", "SampleApp"];
        words.extend(["-derivedDataPath", derived.to_str().unwrap()]);
        words.extend(more);
        self.tool("xcodebuild", &words)
    }

    pub(crate) fn build(&self, action: &str, more: &[&str]) -> Answer {
        let words: Vec<&str> = ["-destination", IPHONE].into_iter().chain(more.iter().copied()).collect();
        Answer::of(&self.xcodebuild(action, &words).output().unwrap())
    }
}

/// What a tool said.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) out: String,
    pub(crate) err: String,
    /// `None` when a signal ended it.
    pub(crate) code: Option<i32>,
}

impl Answer {
    pub(crate) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self { out: text(&output.stdout), err: text(&output.stderr), code: output.status.code() }
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap()
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
