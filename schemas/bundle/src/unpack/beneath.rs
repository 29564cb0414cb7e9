//! Makes things beneath one open directory, so that no name and no link in it leads anywhere else.
//!
//! Every step goes from an open directory to one component with `O_NOFOLLOW`, and what is made must not be there yet. So even a directory
//! that someone else exchanges for a link while we work is an error, not a way out.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, fchmod, mkdirat, openat, symlinkat};

use super::error::UnpackError;

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const NEW_FILE: OFlags = OFlags::WRONLY.union(OFlags::CREATE).union(OFlags::EXCL).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// An open directory and the way to where the last thing was made.
#[derive(Debug)]
pub(super) struct Beneath {
    root: OwnedFd,
    /// The open directories from below the root to the last parent: component by component.
    way: Vec<(String, OwnedFd)>,
}

impl Beneath {
    /// Opens `directory`, which must be empty.
    pub(super) fn open(directory: &Path) -> Result<Self, UnpackError> {
        let fail = |source: io::Error| UnpackError::Destination { directory: directory.to_owned(), source };
        if std::fs::read_dir(directory).map_err(fail)?.next().is_some() {
            return Err(UnpackError::NotEmpty { directory: directory.to_owned() });
        }
        // The caller's own path to the destination may lead through links; only what comes after may not.
        let flags = DIRECTORY.difference(OFlags::NOFOLLOW);
        let root = openat(CWD, directory, flags, Mode::empty()).map_err(|error| fail(error.into()))?;
        Ok(Self { root, way: Vec::new() })
    }

    /// Makes a directory with mode 0755.
    pub(super) fn directory(&mut self, path: &str) -> Result<(), UnpackError> {
        let (parent, name) = self.parent(path)?;
        let made = mkdirat(parent, name, Mode::from_raw_mode(0o755)).and_then(|()| openat(parent, name, DIRECTORY, Mode::empty()));
        // Again, whatever the umask is.
        made.and_then(|made| fchmod(made, Mode::from_raw_mode(0o755))).map_err(|error| failed(path, error))
    }

    /// Makes a file with mode 0644 or 0755, open for writing.
    pub(super) fn file(&mut self, path: &str, executable: bool) -> Result<File, UnpackError> {
        let (parent, name) = self.parent(path)?;
        let mode = Mode::from_raw_mode(if executable { 0o755 } else { 0o644 });
        let file = openat(parent, name, NEW_FILE, mode).map_err(|error| failed(path, error))?;
        fchmod(&file, mode).map_err(|error| failed(path, error))?;
        Ok(File::from(file))
    }

    /// Makes a symbolic link.
    pub(super) fn symlink(&mut self, path: &str, target: &str) -> Result<(), UnpackError> {
        let (parent, name) = self.parent(path)?;
        symlinkat(target, parent, name).map_err(|error| failed(path, error))
    }

    /// The open parent of `path`, and its last component.
    fn parent<'p>(&mut self, path: &'p str) -> Result<(&OwnedFd, &'p str), UnpackError> {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let components: Vec<&str> = parent.split('/').filter(|component| !component.is_empty()).collect();
        let shared = self.way.iter().zip(&components).take_while(|((open, _), wanted)| open == *wanted).count();
        self.way.truncate(shared);
        for component in &components[shared..] {
            let last = self.way.last().map_or(&self.root, |(_, open)| open);
            let open = openat(last, *component, DIRECTORY, Mode::empty()).map_err(|error| failed(path, error))?;
            self.way.push(((*component).to_owned(), open));
        }
        Ok((self.way.last().map_or(&self.root, |(_, open)| open), name))
    }
}

fn failed(path: &str, error: rustix::io::Errno) -> UnpackError {
    UnpackError::Io { path: path.to_owned(), source: error.into() }
}
