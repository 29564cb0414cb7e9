//! A run of `rch`, with what it says as it says it.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rch_local::Farm;
use serde_json::Value;

use super::{audit, schemas};

/// No test needs longer for one command: what takes longer hangs.
const PATIENCE: Duration = Duration::from_mins(3);

/// An `rch --json` that runs.
#[derive(Debug)]
pub(crate) struct Running {
    command: String,
    process: Child,
    directory: PathBuf,
    farm: PathBuf,
    farm_key: String,
    lines: Receiver<Value>,
    seen: Vec<Value>,
    talk: Option<JoinHandle<String>>,
    deadline: Instant,
}

/// An `rch --json` that has ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The exit code.
    pub(crate) code: i32,
    /// Every line of standard output.
    pub(crate) lines: Vec<Value>,
    /// Standard error.
    pub(crate) talk: String,
    /// Where it ran.
    pub(crate) directory: PathBuf,
    farm: PathBuf,
}

/// Runs `rch --json WORDS` in `directory` to its end. Every document and every artifact set it leaves is checked.
pub(crate) fn rch(farm: &Farm, directory: &Path, words: &[&str]) -> Outcome {
    start(farm, directory, words).wait()
}

/// The same with a coordinator at another URL: a [`super::Double`] of the farm, or a [`super::Line`] to it.
pub(crate) fn rch_at(farm: &Farm, url: &str, directory: &Path, words: &[&str]) -> Outcome {
    start(farm, directory, &[&["--coordinator", url], words].concat()).wait()
}

/// Starts `rch --json WORDS` in `directory`.
pub(crate) fn start(farm: &Farm, directory: &Path, words: &[&str]) -> Running {
    let mut command = farm.rch(directory);
    command.arg("--json").args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    let (sender, lines) = channel();
    let out = BufReader::new(process.stdout.take().unwrap());
    thread::spawn(move || {
        for line in out.lines().map_while(Result::ok) {
            let value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in the line {line:?}"));
            if sender.send(value).is_err() {
                break;
            }
        }
    });
    let mut err = process.stderr.take().unwrap();
    let talk = thread::spawn(move || {
        let mut text = Vec::new();
        let _ = err.read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    });
    Running {
        command: format!("rch {}", words.join(" ")),
        process,
        directory: directory.to_owned(),
        farm: farm.directory().to_owned(),
        farm_key: audit::farm_key(farm),
        lines,
        seen: Vec::new(),
        talk: Some(talk),
        deadline: Instant::now() + PATIENCE,
    }
}

impl Running {
    /// Waits until a line says `label`, and returns its text.
    pub(crate) fn wait_for(&mut self, label: &str) -> String {
        loop {
            if let Some(text) = self.seen.iter().find_map(|line| progress(line, label)) {
                return text.to_owned();
            }
            let line = self.lines.recv_timeout(self.deadline.saturating_duration_since(Instant::now()));
            let line = line.unwrap_or_else(|_| panic!("`{}` never said {label}; it said {:#?}", self.command, self.seen));
            self.seen.push(line);
        }
    }

    /// Waits until the run is accepted, and returns its id.
    pub(crate) fn run_id(&mut self) -> String {
        let text = self.wait_for("Run");
        text.split(' ').next().unwrap().to_owned()
    }

    /// Ctrl-C.
    pub(crate) fn interrupt(&self) {
        self.signal(Signal::SIGINT);
    }

    /// Another signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.process.id()).unwrap()), signal).unwrap();
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Outcome {
        while let Ok(line) = self.lines.recv_timeout(self.deadline.saturating_duration_since(Instant::now())) {
            self.seen.push(line);
        }
        if Instant::now() >= self.deadline {
            let _ = self.process.kill();
        }
        let status = self.process.wait().unwrap();
        let talk = self.talk.take().unwrap().join().unwrap();
        let code = status.code().unwrap_or_else(|| panic!("`{}` ended with {status}: {talk}\n{:#?}", self.command, self.seen));
        let outcome =
            Outcome { code, lines: std::mem::take(&mut self.seen), talk, directory: self.directory.clone(), farm: self.farm.clone() };
        for line in &outcome.lines {
            schemas::check_document(line, &self.command);
        }
        if outcome.has_run() {
            schemas::check_folder(&outcome.artifacts());
        }
        for set in outcome.sets() {
            audit::check(&set, &self.farm_key, &self.farm.join("inventory.toml"));
        }
        outcome
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Outcome {
    /// The same, when it ended with `code`.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{:#?}\n{}", self.talk, self.lines, super::farm::tails(&self.farm));
        self
    }

    /// The last line: how the command ended.
    pub(crate) fn result(&self) -> &Value {
        let last = self.lines.last().unwrap_or_else(|| panic!("it said nothing on standard output: {}", self.talk));
        assert_eq!(last["event"]["type"], "result", "the last line is always the result: {last}");
        &last["event"]
    }

    /// The code of the result.
    pub(crate) fn reason(&self) -> &str {
        self.result()["code"].as_str().unwrap_or_default()
    }

    /// The run.
    pub(crate) fn run_id(&self) -> &str {
        self.result()["run_id"].as_str().unwrap_or_else(|| panic!("there is no run: {:#?}", self.lines))
    }

    /// The texts of all lines with this label.
    pub(crate) fn said(&self, label: &str) -> Vec<&str> {
        self.lines.iter().filter_map(|line| progress(line, label)).collect()
    }

    /// Everything it said, for looking for a word.
    pub(crate) fn everything(&self) -> String {
        self.lines.iter().map(ToString::to_string).chain([self.talk.clone()]).collect::<Vec<_>>().join("\n")
    }

    /// Where the run's artifacts are.
    pub(crate) fn artifacts(&self) -> PathBuf {
        self.directory.join(".rch/artifacts").join(self.run_id())
    }

    fn has_run(&self) -> bool {
        self.lines.last().is_some_and(|line| !line["event"]["run_id"].is_null())
    }

    /// The artifact sets on disk: a folder with a manifest each, `<action>/<job>`, sorted.
    pub(crate) fn sets(&self) -> Vec<PathBuf> {
        if !self.has_run() {
            return Vec::new();
        }
        let jobs = folders(&self.artifacts()).into_iter().flat_map(|action| folders(&action));
        jobs.filter(|folder| folder.join("manifest.json").exists()).collect()
    }

    /// The set of an action that has one job.
    pub(crate) fn set(&self, action: &str) -> PathBuf {
        let sets: Vec<PathBuf> = self.sets().into_iter().filter(|set| set.parent().unwrap().ends_with(action)).collect();
        assert_eq!(sets.len(), 1, "expected one set of {action}, found {sets:?}");
        sets.into_iter().next().unwrap()
    }

    /// A document of an action that has one job.
    pub(crate) fn document(&self, action: &str, name: &str) -> Value {
        read_json(&self.set(action).join(name))
    }
}

/// Reads a JSON file.
pub(crate) fn read_json(path: &Path) -> Value {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn progress<'a>(line: &'a Value, label: &str) -> Option<&'a str> {
    let event = &line["event"];
    (event["type"] == "progress" && event["label"] == label).then(|| event["text"].as_str()).flatten()
}

fn folders(parent: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(parent).into_iter().flatten().map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}
