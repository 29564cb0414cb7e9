//! What the last pass over each tree has found, kept between two commands, so that a tree nobody touched is not read again.
//!
//! One file for each root, named by the root's digest, in `$XDG_CACHE_HOME/rch/stat`. It owns where the files are, how they are replaced and
//! how many there may be. What is in them, and when it may be believed, is [`rch_bundle::pack`]'s: a file that is cut short, damaged or of
//! another version is none, and the next pass over that tree replaces it. Files are replaced whole, so two commands at once leave one of the
//! two. Nothing here is needed: without it, or when it cannot be written, every tree is read.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rch_bundle::pack::Earlier;
use rch_schemas::Sha256;
use tempfile::NamedTempFile;

use crate::environment::Environment;

/// The largest file, in bytes: a tree of some 400,000 files.
const FILE_BYTES_MAX: u64 = 64 << 20;
/// How many bytes all of them may have: a hundred large trees.
const TOTAL_BYTES_MAX: u64 = 256 << 20;
/// How many trees are kept. Those that were written longest ago go first.
const FILES_MAX: usize = 64;

/// The directory of kept passes; nothing is kept without one.
#[derive(Debug, Clone)]
pub(crate) struct StatCache {
    directory: Option<PathBuf>,
}

impl StatCache {
    /// The cache of whoever runs this.
    pub(crate) fn of(environment: &Environment) -> Self {
        Self { directory: environment.user_cache().map(|cache| cache.join("stat")) }
    }

    /// What the last pass over the tree at `root` has found, if that is known and whole.
    pub(crate) fn load(&self, root: &Path) -> Option<Earlier> {
        let mut bytes = Vec::new();
        File::open(self.file(root)?).ok()?.take(FILE_BYTES_MAX).read_to_end(&mut bytes).ok()?;
        Earlier::decode(&bytes).ok()
    }

    /// Keeps what a pass over the tree at `root` has found.
    pub(crate) fn keep(&self, root: &Path, found: &Earlier) -> io::Result<()> {
        let (Some(directory), Some(file)) = (&self.directory, self.file(root)) else { return Ok(()) };
        let bytes = found.encode();
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Ok(());
        }
        // Names and digests of a private tree are nobody else's business.
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let mut new = NamedTempFile::new_in(directory)?;
        new.write_all(&bytes)?;
        new.persist(file)?;
        forget_oldest(directory, FILES_MAX, TOTAL_BYTES_MAX)
    }

    fn file(&self, root: &Path) -> Option<PathBuf> {
        Some(self.directory.as_ref()?.join(Sha256::of(root.as_os_str().as_bytes()).to_string()))
    }
}

/// Removes files until both limits hold, what an interrupted write has left behind included.
fn forget_oldest(directory: &Path, files_max: usize, bytes_max: u64) -> io::Result<()> {
    let mut files: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        // Another command may remove the same files now.
        if let Ok(metadata) = entry.metadata() {
            files.push((metadata.modified()?, metadata.len(), entry.path()));
        }
    }
    files.sort();
    let mut total: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
    let mut count = files.len();
    for (_, bytes, path) in files {
        if count <= files_max && total <= bytes_max {
            break;
        }
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => (count, total) = (count - 1, total - bytes),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::os::unix::fs::PermissionsExt as _;
    use std::thread;
    use std::time::Duration;

    use rch_bundle::pack::{Packed, pack, pack_since};
    use rch_bundle::tree::{Options, walk};
    use rch_schemas::Timestamp;
    use tempfile::TempDir;

    use super::*;
    use crate::source::Source;

    fn cache(home: &TempDir) -> StatCache {
        StatCache { directory: Some(home.path().join("cache/rch/stat")) }
    }

    /// A tree of one file, packed as if it had been left alone for long.
    fn packed(content: &str) -> (TempDir, Packed) {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("a"), content).unwrap();
        let packed = pack(&walk(root.path(), &Options::default()).unwrap()).unwrap();
        (root, packed)
    }

    fn found(packed: &Packed) -> Earlier {
        packed.remember(Timestamp::from_unix_ms(i64::MAX)).unwrap()
    }

    #[test]
    fn what_was_kept_of_a_tree_is_there_the_next_time_and_for_no_other_tree() {
        let home = tempfile::tempdir().unwrap();
        let (root, packed) = packed("text");
        let cache = cache(&home);
        assert_eq!(cache.load(packed.tree().root()), None);
        cache.keep(packed.tree().root(), &found(&packed)).unwrap();
        let earlier = cache.load(packed.tree().root()).unwrap();
        assert_eq!(earlier, found(&packed));
        let warm = pack_since(&walk(root.path(), &Options::default()).unwrap(), Some(&earlier)).unwrap();
        assert_eq!((warm.sha256(), warm.remember(Timestamp::from_unix_ms(0))), (packed.sha256(), None));
        assert_eq!(cache.load(&packed.tree().root().join("below")), None);
    }

    #[test]
    fn a_damaged_file_is_no_file_and_is_replaced() {
        let home = tempfile::tempdir().unwrap();
        let (_root, packed) = packed("text");
        let (cache, root) = (cache(&home), packed.tree().root());
        cache.keep(root, &found(&packed)).unwrap();
        let file = cache.file(root).unwrap();
        let whole = fs::read(&file).unwrap();
        for damaged in [&b""[..], b"nonsense", &whole[..whole.len() - 1]] {
            fs::write(&file, damaged).unwrap();
            assert_eq!(cache.load(root), None);
            cache.keep(root, &found(&packed)).unwrap();
            assert_eq!(fs::read(&file).unwrap(), whole);
        }
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        assert_eq!(cache.load(root), None);
        assert!(cache.keep(root, &found(&packed)).is_err(), "a directory in its place is not removed");
    }

    #[tokio::test]
    async fn every_bundle_leaves_what_it_found_whatever_lay_there_before() {
        let home = tempfile::tempdir().unwrap();
        let (root, packed) = packed("text");
        let (cache, tree) = (cache(&home), packed.tree().root());
        for damage in [false, true] {
            if damage {
                fs::write(cache.file(tree).unwrap(), "nonsense").unwrap();
            }
            let source = Source::bundle(root.path().to_owned(), Options::default(), Vec::new(), cache.clone()).await.unwrap();
            assert_eq!(source.packed().sha256(), packed.sha256());
            assert!(cache.load(tree).is_some(), "damage: {damage}");
        }
    }

    #[test]
    fn only_the_user_may_look_and_nothing_is_left_beside_the_file() {
        let home = tempfile::tempdir().unwrap();
        let (_root, packed) = packed("text");
        let cache = cache(&home);
        cache.keep(packed.tree().root(), &found(&packed)).unwrap();
        let directory = cache.directory.as_ref().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(directory), mode(&cache.file(packed.tree().root()).unwrap())), (0o700, 0o600));
        assert_eq!(fs::read_dir(directory).unwrap().count(), 1);
    }

    #[test]
    fn without_a_home_nothing_is_kept_and_nothing_fails() {
        let cache = StatCache::of(&Environment::default());
        let (_root, packed) = packed("text");
        cache.keep(packed.tree().root(), &found(&packed)).unwrap();
        assert_eq!(cache.load(packed.tree().root()), None);
    }

    #[test]
    fn the_oldest_files_go_until_both_limits_hold() {
        let directory = tempfile::tempdir().unwrap();
        for age in 0..6_u64 {
            let path = directory.path().join(age.to_string());
            fs::write(&path, [0; 10]).unwrap();
            let written = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000 - age);
            File::options().write(true).open(path).unwrap().set_modified(written).unwrap();
        }
        let left = || {
            let mut names: Vec<_> = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            names
        };
        forget_oldest(directory.path(), 6, 60).unwrap();
        assert_eq!(left().len(), 6);
        forget_oldest(directory.path(), 4, 60).unwrap();
        assert_eq!(left(), ["0", "1", "2", "3"]);
        forget_oldest(directory.path(), 4, 25).unwrap();
        assert_eq!(left(), ["0", "1"]);
    }

    #[test]
    fn two_commands_at_once_leave_a_whole_file() {
        let home = tempfile::tempdir().unwrap();
        let (root, first) = packed("first");
        fs::write(root.path().join("b"), "second").unwrap();
        let second = pack(&walk(root.path(), &Options::default()).unwrap()).unwrap();
        let (cache, root) = (cache(&home), first.tree().root());
        let both = [found(&first), found(&second)];
        cache.keep(root, &both[0]).unwrap();
        thread::scope(|scope| {
            for mine in &both {
                scope.spawn(|| (0..50).for_each(|_| cache.keep(root, mine).unwrap()));
            }
            for _ in 0..50 {
                assert!(both.contains(&cache.load(root).expect("there is always a whole file")));
            }
        });
        assert_eq!(fs::read_dir(cache.directory.as_ref().unwrap()).unwrap().count(), 1);
    }
}
