//! Files that must survive a power cut: on the disk, not only in its caches, when the call returns.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

/// Puts `bytes` into the file at `path`, whole or not at all. On Apple systems the standard library's sync is `F_FULLFSYNC`.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let parent = path.parent().ok_or_else(|| io::Error::other("a file needs a directory"))?;
    let name = path.file_name().ok_or_else(|| io::Error::other("a file needs a name"))?;
    let partial = parent.join(format!(".{}.partial", name.to_string_lossy()));
    let mut file = File::create(&partial)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&partial, path)?;
    File::open(parent)?.sync_all()
}

/// Makes a directory and its parents, each of which then survives. Sources and results are nobody else's to read, so what is made is the
/// agent's alone; what was there keeps its mode.
pub(crate) fn create_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    match path.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

/// Removes a directory with all that is in it; one that is not there is removed already.
pub(crate) fn remove_dir(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_directory_that_is_made_is_its_owner_s_alone() {
        let dir = tempfile::tempdir().unwrap();
        create_dir(&dir.path().join("data/outbox")).unwrap();
        let mode = |path: &str| fs::metadata(dir.path().join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("data"), mode("data/outbox")), (0o700, 0o700));
        fs::set_permissions(dir.path().join("data"), fs::Permissions::from_mode(0o750)).unwrap();
        create_dir(&dir.path().join("data")).unwrap();
        assert_eq!(mode("data"), 0o750);
    }

    #[test]
    fn a_file_is_replaced_whole_and_leaves_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("report.json");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        remove_dir(&dir.path().join("not-there")).unwrap();
    }
}
