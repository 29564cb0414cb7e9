//! One directory on the disk: its names, and what each of them is, without following links.
//!
//! Everything is asked relative to the open directory: no long path is looked up a second time, and nobody can exchange a parent meanwhile.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat, openat, readlinkat, statat};
use rustix::io::Errno;

use super::WalkError;
use super::error::NameRule;
use crate::name::{self, InvalidName};
use crate::stamp::Stamp;
use crate::tar::Kind;

/// An open directory whose names were read.
pub(crate) struct OpenDirectory {
    disk: PathBuf,
    directory: Dir,
    names: Vec<Name>,
}

/// One name in a directory.
#[derive(Debug, Clone)]
pub(crate) struct Name {
    pub(crate) text: OsString,
    /// As the directory says; `Unknown` on file systems that do not keep it there.
    file_type: FileType,
}

impl OpenDirectory {
    /// Opens the directory at `disk` and reads its names, sorted by their bytes; `None` when it is gone.
    pub(crate) fn read(disk: PathBuf) -> Result<Option<Self>, WalkError> {
        match read_names(&disk) {
            Ok((directory, names)) => Ok(Some(Self { disk, directory, names })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            // Deeper than this system can name: no archive could hold what is in it.
            Err(error) if error.kind() == io::ErrorKind::InvalidFilename => {
                Err(WalkError::Name { path: disk.to_string_lossy().into_owned(), rule: InvalidName::TooLong.into() })
            }
            Err(source) => Err(WalkError::Unreadable { path: disk, source }),
        }
    }

    /// Where it is.
    pub(crate) fn disk(&self) -> &Path {
        &self.disk
    }

    /// Its names, sorted by their bytes.
    pub(crate) fn names(&self) -> &[Name] {
        &self.names
    }

    /// Whether it has this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.names.binary_search_by(|found| found.text.as_bytes().cmp(name.as_bytes())).is_ok()
    }

    /// Whether `name` is a directory, which most file systems say without a look at it.
    pub(crate) fn is_directory(&self, name: &Name) -> Result<bool, WalkError> {
        if name.file_type != FileType::Unknown {
            return Ok(name.file_type == FileType::Directory);
        }
        Ok(self.stat(&name.text)?.is_some_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory))
    }

    /// What stands at `name`, which is no directory, and would stand at `path` in the bundle; `None` when it is gone.
    pub(crate) fn leaf(&self, name: &OsStr, path: &str) -> Result<Option<(Kind, Stamp)>, WalkError> {
        let Some(stat) = self.stat(name)? else { return Ok(None) };
        let unsupported = |kind| Err(WalkError::Unsupported { path: path.to_owned(), kind });
        let stamp = Stamp::of(&stat);
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => {
                let executable = Mode::from_raw_mode(stat.st_mode).contains(Mode::XUSR);
                Ok(Some((Kind::File { size: stamp.size, executable }, stamp)))
            }
            FileType::Symlink => Ok(self.link(name, path)?.map(|target| (Kind::Symlink { target }, stamp))),
            FileType::Socket => unsupported("socket"),
            FileType::Fifo => unsupported("FIFO"),
            FileType::BlockDevice => unsupported("block device"),
            FileType::CharacterDevice => unsupported("character device"),
            FileType::Directory => unsupported("directory where there was none a moment ago"),
            FileType::Unknown => unsupported("file of an unknown kind"),
        }
    }

    fn link(&self, name: &OsStr, path: &str) -> Result<Option<String>, WalkError> {
        let refused = |target: &str, rule| Err(WalkError::Name { path: format!("{path} -> {target}"), rule });
        let Some(target) = self.ask(name, |directory| readlinkat(directory, name, Vec::new()))? else { return Ok(None) };
        match target.to_str() {
            Err(_) => refused(&target.to_string_lossy(), NameRule::NotUnicode),
            Ok(target) if target.len() > name::PATH_BYTES_MAX => refused(target, InvalidName::TooLong.into()),
            Ok(target) if target.chars().any(char::is_control) => refused(target, InvalidName::Control.into()),
            Ok(target) => Ok(Some(name::nfc(target).into_owned())),
        }
    }

    fn stat(&self, name: &OsStr) -> Result<Option<Stat>, WalkError> {
        self.ask(name, |directory| statat(directory, name, AtFlags::SYMLINK_NOFOLLOW))
    }

    /// What the system says of `name`; `None` when it is gone.
    fn ask<T>(&self, name: &OsStr, ask: impl Fn(BorrowedFd<'_>) -> rustix::io::Result<T>) -> Result<Option<T>, WalkError> {
        match self.directory.fd().and_then(ask) {
            Ok(answer) => Ok(Some(answer)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(WalkError::Unreadable { path: self.disk.join(name), source: error.into() }),
        }
    }
}

fn read_names(disk: &Path) -> io::Result<(Dir, Vec<Name>)> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut directory = Dir::new(openat(CWD, disk, flags, Mode::empty())?)?;
    let mut names = Vec::new();
    while let Some(entry) = directory.read() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push(Name { text: OsString::from_vec(name.to_vec()), file_type: entry.file_type() });
        }
    }
    names.sort_unstable_by(|a, b| a.text.as_bytes().cmp(b.text.as_bytes()));
    Ok((directory, names))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::fs;

    use super::*;

    #[test]
    fn what_vanishes_while_it_is_looked_at_is_not_there() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("a"), "text").unwrap();
        std::os::unix::fs::symlink("a", root.path().join("l")).unwrap();
        let open = OpenDirectory::read(root.path().to_owned()).unwrap().unwrap();
        assert!(matches!(open.leaf(OsStr::new("a"), "a").unwrap(), Some((Kind::File { size: 4, .. }, _))));
        fs::remove_file(root.path().join("a")).unwrap();
        fs::remove_file(root.path().join("l")).unwrap();
        assert!(open.leaf(OsStr::new("a"), "a").unwrap().is_none());
        assert!(open.leaf(OsStr::new("l"), "l").unwrap().is_none());
        assert!(OpenDirectory::read(root.path().join("gone")).unwrap().is_none());
    }

    #[test]
    fn a_directory_exchanged_for_a_link_is_not_followed() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("real")).unwrap();
        std::os::unix::fs::symlink("real", root.path().join("link")).unwrap();
        assert!(matches!(OpenDirectory::read(root.path().join("link")), Err(WalkError::Unreadable { .. })));
    }

    #[test]
    fn a_file_that_became_a_directory_is_refused_by_name() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("a")).unwrap();
        let open = OpenDirectory::read(root.path().to_owned()).unwrap().unwrap();
        let error = open.leaf(OsStr::new("a"), "a").unwrap_err().to_string();
        assert!(error.starts_with("a is a directory where there was none a moment ago"), "{error}");
    }
}
