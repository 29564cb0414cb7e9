//! Runs the backend: a process group of its own, one pipe for all it prints, and an end that always comes.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use rch_schemas::Sha256;
use rch_schemas::digest::Hasher;
use rch_schemas::wire::output::OUTPUT_CHUNK_MAX;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::unix::pipe;
use tokio::sync::watch;

use super::progress::Progress;
use super::watchdog::{Ladder, Limits, Stop};
use crate::clock::{self, Uptime};
use crate::nats::LogProgress;
use crate::process_group::ProcessGroup;
use crate::results::Timeline;

/// How often limits are looked at; a limit is never noticed later than this.
const LOOK: Duration = Duration::from_millis(100);
/// A grandchild may hold the pipe after the backend has exited (spec 4.2).
const PIPE_GRACE: Duration = Duration::from_secs(5);
/// A process that SIGKILL does not end hangs in the kernel; waiting for ever would hold the slot for ever.
const KILL_PATIENCE: Duration = Duration::from_secs(30);

/// What is run.
#[derive(Debug, Clone)]
pub(crate) struct CommandLine {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    /// The whole environment.
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) directory: PathBuf,
}

impl CommandLine {
    /// Program and arguments, as `invocation.json` lists them.
    pub(crate) fn words(&self) -> Vec<String> {
        std::iter::once(self.program.display().to_string()).chain(self.arguments.iter().cloned()).collect()
    }
}

/// How a backend ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exit {
    /// Its exit code, when it left by itself.
    pub(crate) code: Option<i32>,
    /// The signal that ended it.
    pub(crate) signal: Option<i32>,
    /// Why we ended it, when we did.
    pub(crate) stopped: Option<Stop>,
}

/// Why a backend did not run to an end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProcessError {
    #[error("cannot start {}", program.display())]
    Spawn { program: PathBuf, source: std::io::Error },
    #[error("cannot write the log {}", path.display())]
    Log { path: PathBuf, source: std::io::Error },
    #[error("the backend did not end within {} s of SIGKILL", KILL_PATIENCE.as_secs())]
    Unkillable,
}

/// The log of an attempt: the file, which is the authority, and how far it has grown.
pub(crate) struct LogWriter {
    path: PathBuf,
    file: File,
    hasher: Hasher,
    grown: watch::Sender<LogProgress>,
    timeline: Timeline,
}

impl LogWriter {
    /// A new, empty log.
    pub(crate) async fn create(path: &Path) -> Result<(Self, watch::Receiver<LogProgress>), ProcessError> {
        let file = File::create(path).await.map_err(|source| ProcessError::Log { path: path.to_owned(), source })?;
        let (grown, progress) = watch::channel(LogProgress::default());
        Ok((Self { path: path.to_owned(), file, hasher: Hasher::new(), grown, timeline: Timeline::default() }, progress))
    }

    /// Bytes so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.grown.borrow().bytes
    }

    /// Digest of the bytes so far.
    pub(crate) fn sha256(&self) -> Sha256 {
        self.hasher.current()
    }

    /// When each part of it was printed.
    pub(crate) fn into_timeline(self) -> Timeline {
        self.timeline
    }

    async fn append(&mut self, bytes: &[u8]) -> Result<(), ProcessError> {
        let failed = |source| ProcessError::Log { path: self.path.clone(), source };
        self.file.write_all(bytes).await.map_err(failed)?;
        self.file.flush().await.map_err(failed)?;
        self.hasher.update(bytes);
        self.grown.send_modify(|grown| grown.bytes += bytes.len() as u64);
        let end = self.bytes();
        self.timeline.reached(end, clock::wall());
        Ok(())
    }

    /// No more will come.
    pub(crate) fn end(&self) {
        self.grown.send_modify(|grown| grown.ended = true);
    }
}

/// Everything around a run that is not its command line.
pub(crate) struct Surroundings<'a> {
    pub(crate) log: &'a mut LogWriter,
    pub(crate) limits: Limits,
    pub(crate) progress: &'a Progress,
    /// Set when the attempt is to end.
    pub(crate) stop: watch::Receiver<Option<Stop>>,
}

/// A started backend.
pub(crate) struct Running {
    child: tokio::process::Child,
    group: GroupGuard,
    output: pipe::Receiver,
}

impl Running {
    /// Starts a backend as the leader of its own group, with nothing on its standard input.
    pub(crate) fn start(line: &CommandLine) -> Result<Self, ProcessError> {
        let failed = |source| ProcessError::Spawn { program: line.program.clone(), source };
        // One pipe for both streams, so that the log has the order in which the lines were printed.
        let (reader, writer) = std::io::pipe().map_err(failed)?;
        let mut command = tokio::process::Command::new(&line.program);
        command.args(&line.arguments).env_clear().envs(&line.environment).current_dir(&line.directory);
        command.stdin(Stdio::null()).stdout(writer.try_clone().map_err(failed)?).stderr(writer);
        command.process_group(0).kill_on_drop(true);
        let child = command.spawn().map_err(failed)?;
        // Our copies of the writing end go with the command; otherwise the pipe would never end.
        drop(command);
        let group = GroupGuard(child.id().and_then(ProcessGroup::led_by));
        let output = pipe::Receiver::from_owned_fd(reader.into()).map_err(failed)?;
        Ok(Self { child, group, output })
    }

    /// The number of its group.
    pub(crate) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Reads what it prints until it ends, or is made to.
    ///
    /// # Cancel safety
    /// Dropping the future kills the group.
    pub(crate) async fn finish(mut self, around: Surroundings<'_>) -> Result<Exit, ProcessError> {
        let Surroundings { log, limits, progress, mut stop } = around;
        let mut buffer = vec![0; OUTPUT_CHUNK_MAX];
        let mut look = tokio::time::interval(LOOK);
        let mut ladder: Option<Ladder> = None;
        let mut status: Option<(ExitStatus, Uptime)> = None;
        let mut open = true;
        while open || status.is_none() {
            let event = tokio::select! {
                read = self.output.read(&mut buffer), if open => Event::Read(read.unwrap_or(0)),
                exited = self.child.wait(), if status.is_none() => Event::Exited(exited),
                _ = look.tick() => Event::Look,
            };
            let now = Uptime::now();
            match event {
                Event::Read(0) => open = false,
                Event::Read(length) => {
                    log.append(&buffer[..length]).await?;
                    progress.printed(log.bytes(), now);
                }
                Event::Exited(exited) => {
                    let exited = exited.map_err(|source| ProcessError::Spawn { program: PathBuf::from("the backend"), source })?;
                    status = Some((exited, now));
                }
                Event::Look => {}
            }
            if status.is_none() && ladder.is_none() {
                let asked = *stop.borrow_and_update();
                ladder = asked.or_else(|| limits.passed(now, progress.last_active())).map(|why| Ladder::new(why, limits.grace, now));
            }
            self.climb(&mut ladder, status.is_some(), now)?;
            if status.is_some_and(|(_, exited)| now.since(exited) >= PIPE_GRACE) {
                open = false;
            }
        }
        let (status, _) = status.expect("the loop ends after the exit");
        Ok(Exit { code: status.code(), signal: status.signal(), stopped: ladder.map(|ladder| ladder.why) })
    }

    fn climb(&self, ladder: &mut Option<Ladder>, exited: bool, now: Uptime) -> Result<(), ProcessError> {
        let Some(ladder) = ladder.as_mut().filter(|_| !exited) else { return Ok(()) };
        if let (Some(signal), Some(group)) = (ladder.due(now), self.group.0) {
            tracing::info!(%signal, why = ?ladder.why, "ending the backend");
            group.signal(signal);
        }
        if ladder.is_exhausted(now, KILL_PATIENCE) { Err(ProcessError::Unkillable) } else { Ok(()) }
    }
}

enum Event {
    Read(usize),
    Exited(std::io::Result<ExitStatus>),
    Look,
}

/// Kills what is left of a group when its run is over, or its task was dropped.
struct GroupGuard(Option<ProcessGroup>);

impl Drop for GroupGuard {
    fn drop(&mut self) {
        if let Some(group) = self.0.filter(|group| group.is_alive()) {
            group.signal(Signal::SIGKILL);
        }
    }
}

#[cfg(test)]
#[path = "process_tests.rs"]
mod tests;
