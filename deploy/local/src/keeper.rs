//! The keeper: a process that outlives ours by a moment, so that nothing we started outlives us.
//!
//! A farm's programs run in process groups of their own, out of reach of Ctrl-C and of our own death. The keeper reads from a pipe whose other
//! end only we hold. When we end, in whatever way, the pipe ends, and the keeper ends what is still on its list.

use std::collections::BTreeSet;
use std::io::{self, BufRead, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// The name that makes the multi-call program the keeper.
pub(crate) const PROGRAM: &str = "rch-keeper";
/// How long the programs of a farm get to end by themselves, twice: an agent takes the first SIGTERM as "finish what runs" and the second
/// as "cancel it".
const GRACE: Duration = Duration::from_secs(2);

/// Our end of the pipe. Clones write to the same keeper; it acts when the last one is gone.
#[derive(Clone, Debug)]
pub(crate) struct Keeper {
    pipe: Arc<Mutex<ChildStdin>>,
    _process: Arc<Reaped>,
}

impl Keeper {
    /// Starts a keeper: `program` is the multi-call program under the keeper's name.
    pub(crate) fn start(program: &Path) -> io::Result<Self> {
        let mut command = Command::new(program);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        let mut process = command.spawn()?;
        let pipe = process.stdin.take().expect("stdin was asked for as a pipe");
        Ok(Self { pipe: Arc::new(Mutex::new(pipe)), _process: Arc::new(Reaped(process)) })
    }

    /// The group of `leader` is to be ended when we are gone.
    pub(crate) fn keep(&self, leader: u32) {
        self.say(&format!("keep {leader}"));
    }

    /// The group of `leader` has been ended.
    pub(crate) fn forget(&self, leader: u32) {
        self.say(&format!("forget {leader}"));
    }

    /// The directory or file is to be removed when we are gone.
    pub(crate) fn remove(&self, path: &Path) {
        self.say(&format!("remove {}", path.display()));
    }

    /// A keeper that is gone cannot be told anything; the farm itself is none the worse for it.
    fn say(&self, line: &str) {
        let mut pipe = self.pipe.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = writeln!(pipe, "{line}");
    }
}

/// The keeper's process, which ends by itself once nobody holds its pipe; waiting for it would hold us up.
#[derive(Debug)]
struct Reaped(Child);

impl Drop for Reaped {
    fn drop(&mut self) {
        let _ = self.0.try_wait();
    }
}

/// The keeper's program.
pub(crate) fn main() -> ExitCode {
    let mut groups = BTreeSet::new();
    let mut paths = Vec::new();
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        match line.split_once(' ') {
            Some(("keep", leader)) => groups.extend(leader.parse::<i32>()),
            Some(("forget", leader)) => groups.retain(|group| Ok(*group) != leader.parse()),
            Some(("remove", path)) => paths.push(PathBuf::from(path)),
            Some(_) | None => {}
        }
    }
    let groups: Vec<Pid> = groups.into_iter().map(Pid::from_raw).collect();
    for signal in [Signal::SIGTERM, Signal::SIGTERM, Signal::SIGKILL] {
        end(&groups, signal);
    }
    for path in paths {
        let _ = std::fs::remove_dir_all(&path).or_else(|_| std::fs::remove_file(&path));
    }
    ExitCode::SUCCESS
}

/// Sends `signal` to the groups and waits until they are gone, or for the grace.
fn end(groups: &[Pid], signal: Signal) {
    let alive = |group: &&Pid| killpg(**group, None).is_ok();
    for group in groups.iter().filter(alive) {
        let _ = killpg(*group, signal);
    }
    let deadline = Instant::now() + GRACE;
    while groups.iter().any(|group| alive(&group)) && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(20));
    }
}
