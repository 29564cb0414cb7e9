//! One program of a farm as a child process: started until it says that it is ready, ended politely or not, its output in a log file.
//!
//! It does not know what the program does; what "ready" looks like is told by whoever starts it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, PipeReader, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::environment::rch_variables;
use crate::keeper::Keeper;

/// How long a program gets to say that it is ready. It takes well under a second; a loaded machine may take more.
const START_WITHIN: Duration = Duration::from_secs(30);
/// How long a program gets to end by itself after each SIGTERM.
const STOP_GRACE: Duration = Duration::from_secs(4);
/// How often an ending program is looked at.
const GLANCE: Duration = Duration::from_millis(10);
/// How much of a log is shown when a program fails.
const TAIL_LINES: usize = 12;

/// Why a program is not running.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// It could not be started at all.
    #[error("{name} could not be started")]
    NotStarted {
        /// The program.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// It ended before it was ready.
    #[error("{name} ended before it was ready, with {status}; the last lines of {}:\n{tail}", log.display())]
    Ended {
        /// The program.
        name: String,
        /// How.
        status: ExitStatus,
        /// Its log.
        log: PathBuf,
        /// The end of its log.
        tail: String,
    },
    /// It is running but does not become ready.
    #[error("{name} was not ready within {} s; the last lines of {}:\n{tail}", within.as_secs(), log.display())]
    NotReady {
        /// The program.
        name: String,
        /// How long it had.
        within: Duration,
        /// Its log.
        log: PathBuf,
        /// The end of its log.
        tail: String,
    },
}

/// One program of a farm. Dropping it kills what runs.
#[derive(Debug)]
pub struct Service {
    name: String,
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: BTreeMap<OsString, OsString>,
    log: PathBuf,
    keeper: Keeper,
    process: Option<Child>,
}

impl Service {
    /// A program that does not run yet.
    pub(crate) fn new(name: &str, program: &Path, log: PathBuf, keeper: Keeper) -> Self {
        Self {
            name: name.to_owned(),
            program: program.to_owned(),
            arguments: Vec::new(),
            environment: BTreeMap::new(),
            log,
            keeper,
            process: None,
        }
    }

    /// Starts it with these words, too.
    #[must_use]
    pub(crate) fn arguments(mut self, words: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.arguments.extend(words.into_iter().map(|word| word.as_ref().to_owned()));
        self
    }

    /// Starts it with this variable.
    #[must_use]
    pub(crate) fn variable(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.environment.insert(name.into(), value.as_ref().to_owned());
        self
    }

    /// From its next start on it is started with this variable, or without it.
    pub fn set_variable(&mut self, name: &str, value: Option<&str>) {
        match value {
            Some(value) => self.environment.insert(name.into(), value.into()),
            None => self.environment.remove(OsStr::new(name)),
        };
    }

    /// Its name in messages and of its log.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where its output goes.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The process, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// How it ended, when it has ended by itself since it was started.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.process.as_mut()?.try_wait().ok().flatten()
    }

    /// The last lines of its log.
    pub fn tail(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }

    /// Starts it and waits until a line of its output makes it ready; `ready` reads each line and says what it found.
    ///
    /// # Errors
    ///
    /// It does not start, ends before it is ready, or takes longer than 30 s.
    pub(crate) fn start<T>(&mut self, mut ready: impl FnMut(&str) -> Option<T>) -> Result<T, ServiceError> {
        let lines = self.spawn().map_err(|source| ServiceError::NotStarted { name: self.name.clone(), source })?;
        let deadline = Instant::now() + START_WITHIN;
        loop {
            match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    if let Some(found) = ready(&line) {
                        return Ok(found);
                    }
                }
                Err(RecvTimeoutError::Timeout) => return Err(self.not_ready(START_WITHIN)),
                Err(RecvTimeoutError::Disconnected) => return Err(self.ended_early()),
            }
        }
    }

    /// What to say of a program that runs and does not become ready; it is killed.
    pub(crate) fn not_ready(&mut self, within: Duration) -> ServiceError {
        self.kill();
        ServiceError::NotReady { name: self.name.clone(), within, log: self.log.clone(), tail: self.tail() }
    }

    /// What to say of a program that ended before it was ready.
    pub(crate) fn ended_early(&mut self) -> ServiceError {
        let status = self.wait(Instant::now() + STOP_GRACE).unwrap_or_else(|| ExitStatus::from_raw(0));
        self.kill();
        ServiceError::Ended { name: self.name.clone(), status, log: self.log.clone(), tail: self.tail() }
    }

    fn spawn(&mut self) -> io::Result<Receiver<String>> {
        assert!(self.process.is_none(), "{} is started only when it does not run", self.name);
        let (reader, writer) = io::pipe()?;
        let log = OpenOptions::new().create(true).append(true).open(&self.log)?;
        let mut command = Command::new(&self.program);
        for variable in rch_variables() {
            command.env_remove(variable);
        }
        command.args(&self.arguments).envs(&self.environment).process_group(0);
        command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
        let process = command.spawn()?;
        self.keeper.keep(process.id());
        self.process = Some(process);
        let (sender, receiver) = channel();
        thread::Builder::new().name(format!("log of {}", self.name)).spawn(move || copy_lines(reader, log, sender))?;
        Ok(receiver)
    }

    /// Ends it: SIGTERM, after a while a second one, which an agent takes as "do not wait for what runs", and then SIGKILL.
    pub fn stop(&mut self) {
        for _ in 0..2 {
            self.signal(Signal::SIGTERM);
            if self.wait(Instant::now() + STOP_GRACE).is_some() {
                break;
            }
        }
        self.kill();
    }

    /// Asks it to end, without waiting; [`Service::stop`] waits.
    pub fn ask_to_stop(&self) {
        self.signal(Signal::SIGTERM);
    }

    /// SIGKILL, as a crash would be; no program can prepare for it. What it started in other process groups lives on.
    pub fn kill(&mut self) {
        self.signal(Signal::SIGKILL);
        if let Some(mut process) = self.process.take() {
            let _ = process.wait();
            self.keeper.forget(process.id());
        }
    }

    /// Sends a signal to its process group.
    pub fn signal(&self, signal: Signal) {
        if let Some(pid) = self.pid().and_then(|pid| i32::try_from(pid).ok()) {
            let _ = killpg(Pid::from_raw(pid), signal);
        }
    }

    fn wait(&mut self, deadline: Instant) -> Option<ExitStatus> {
        loop {
            let status = self.process.as_mut()?.try_wait().ok()?;
            if status.is_some() || Instant::now() >= deadline {
                return status;
            }
            thread::sleep(GLANCE);
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Copies a program's output into its log until it ends, and to whoever waits for it to be ready.
fn copy_lines(reader: PipeReader, mut log: File, waiting: Sender<String>) {
    let mut reader = BufReader::new(reader);
    let mut waiting = Some(waiting);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
        // A full disk must not stop the program whose pipe this is.
        let _ = log.write_all(&line);
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        waiting = waiting.filter(|waiting| waiting.send(text).is_ok());
        line.clear();
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    /// A shell script as a service, without a keeper's process: `cat` reads what a keeper would.
    fn script(folder: &Path, text: &str) -> Service {
        let keeper = Keeper::start(Path::new("cat")).unwrap();
        Service::new("script", Path::new("/bin/sh"), folder.join("script.log"), keeper).arguments(["-c", text])
    }

    #[test]
    fn it_is_ready_when_a_line_says_so_and_the_log_holds_both_streams() {
        let folder = tempfile::tempdir().unwrap();
        let mut service = script(folder.path(), "echo one >&2; echo port 7; exec sleep 60");
        let port = service.start(|line| line.strip_prefix("port ").map(str::to_owned)).unwrap();
        assert_eq!(port, "7");
        assert_eq!(service.tail(), "one\nport 7");
        service.stop();
        assert_eq!(service.pid(), None);
    }

    #[test]
    fn a_program_that_ends_early_shows_its_last_lines() {
        let folder = tempfile::tempdir().unwrap();
        let mut service = script(folder.path(), "echo no such setting >&2; exit 3");
        let error = service.start(|_| None::<()>).unwrap_err().to_string();
        assert!(error.contains("exit status: 3") && error.contains("no such setting"), "{error}");
    }

    #[test]
    fn a_killed_program_is_gone_whatever_it_ignores() {
        let folder = tempfile::tempdir().unwrap();
        let mut service = script(folder.path(), "trap '' TERM; echo ready; exec sleep 60");
        service.start(|line| (line == "ready").then_some(())).unwrap();
        let group = Pid::from_raw(i32::try_from(service.pid().unwrap()).unwrap());
        service.kill();
        assert!(killpg(group, None).is_err());
    }
}
