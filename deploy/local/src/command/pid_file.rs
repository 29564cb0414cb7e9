//! The file by which `down` finds `up`. Its lock, not its number, says whether a farm runs: a lock ends with its process, a number stays and
//! may come to mean another process.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How often a farm that is ending is looked at.
const GLANCE: Duration = Duration::from_millis(50);

/// The lock on a farm's directory, held by the `up` that runs there.
#[derive(Debug)]
pub(super) struct PidFile {
    _locked: File,
}

/// Who holds a farm's directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    pid: i32,
}

impl PidFile {
    /// Takes the directory for this process; or says who has it.
    pub(super) fn take(directory: &Path) -> io::Result<Result<Self, Holder>> {
        // The farm's directory: nobody else's to read.
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let mut file = open(directory)?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0)?;
                file.rewind()?;
                write!(file, "{}", std::process::id())?;
                Ok(Ok(Self { _locked: file }))
            }
            Err(TryLockError::WouldBlock) => Ok(Err(Holder::read(&mut file)?)),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl Holder {
    /// Who holds `directory`; nobody when there is no farm, or none that runs.
    pub(super) fn of(directory: &Path) -> io::Result<Option<Self>> {
        if !path(directory).exists() {
            return Ok(None);
        }
        let mut file = open(directory)?;
        match file.try_lock() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => Ok(Some(Self::read(&mut file)?)),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn read(file: &mut File) -> io::Result<Self> {
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        let pid = text.trim().parse().map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "expected a process id in up.pid"))?;
        Ok(Self { pid })
    }

    /// The process.
    pub(super) fn pid(self) -> i32 {
        self.pid
    }

    /// Asks it to end and waits until it has given `directory` up; whether it did within `patience`.
    pub(super) fn end(self, directory: &Path, patience: Duration) -> io::Result<bool> {
        kill(Pid::from_raw(self.pid), Signal::SIGTERM)?;
        let deadline = Instant::now() + patience;
        while Self::of(directory)?.is_some() {
            if Instant::now() >= deadline {
                return Ok(false);
            }
            thread::sleep(GLANCE);
        }
        Ok(true)
    }
}

fn path(directory: &Path) -> PathBuf {
    directory.join("up.pid")
}

fn open(directory: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path(directory))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn a_directory_has_one_holder_and_is_free_when_that_is_gone() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(Holder::of(directory.path()).unwrap(), None);
        let held = PidFile::take(directory.path()).unwrap().unwrap();
        let us = Holder { pid: i32::try_from(std::process::id()).unwrap() };
        assert_eq!(Holder::of(directory.path()).unwrap(), Some(us));
        assert_eq!(PidFile::take(directory.path()).unwrap().unwrap_err(), us);
        drop(held);
        assert_eq!(Holder::of(directory.path()).unwrap(), None);
    }
}
