//! A pass that begins with an earlier one gives what a cold one gives, and reads only what it must.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::time::SystemTime;

use proptest::prelude::*;
use rch_schemas::Sha256;
use tempfile::TempDir;

use super::*;
use crate::pack::{Packed, pack, pack_since};
use crate::tree::{Options, walk};

/// A time at which everything that was written by now has settled.
fn later() -> Timestamp {
    Timestamp::from_unix_ms(i64::MAX)
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Timestamp::from_unix_ms(since.as_millis().try_into().unwrap())
}

fn walked(root: &Path) -> Tree {
    walk(root, &Options::default()).unwrap()
}

fn cold(root: &Path) -> Packed {
    pack(&walked(root)).unwrap()
}

/// What is kept of a pass, by way of its bytes.
fn kept(packed: &Packed, began: Timestamp) -> Earlier {
    let earlier = packed.remember(began).unwrap();
    let decoded = Earlier::decode(&earlier.encode()).unwrap();
    assert_eq!(decoded, earlier);
    decoded
}

/// Replaces the file, so that its inode is another whatever the clock says.
fn replace(path: &Path, content: impl AsRef<[u8]>) {
    let new = path.with_extension("new");
    fs::write(&new, content).unwrap();
    fs::rename(new, path).unwrap();
}

fn noise(seed: u64, length: usize) -> Vec<u8> {
    let step = |state: &mut u64| {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Some(state.to_be_bytes()[0])
    };
    std::iter::repeat_n((), length).scan(seed, |state, ()| step(state)).collect()
}

/// Eight files of a megabyte, a link and a directory: about ten chunks.
fn tree() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("d")).unwrap();
    for index in 0..8 {
        fs::write(root.path().join(format!("d/{index}")), noise(index, 1_000_000)).unwrap();
    }
    symlink("d", root.path().join("link")).unwrap();
    root
}

fn assert_same(warm: &Packed, cold: &Packed) {
    assert_eq!((warm.sha256(), warm.size(), warm.chunks()), (cold.sha256(), cold.size(), cold.chunks()));
    assert_eq!(warm.source_entries(), cold.source_entries());
}

#[test]
fn a_tree_whose_stamps_are_the_same_is_known_without_being_read() {
    let root = tree();
    let before = cold(root.path());
    let earlier = kept(&before, later());
    let tree = walked(root.path());
    fs::remove_dir_all(root.path().join("d")).unwrap();
    let warm = pack_since(&tree, Some(&earlier)).unwrap();
    assert_same(&warm, &before);
    assert_eq!(warm.remember(later()), None, "there is nothing new to keep");
}

#[test]
fn a_change_late_in_the_tree_leaves_what_comes_before_unread() {
    let root = tree();
    let earlier = kept(&cold(root.path()), later());
    replace(&root.path().join("d/7"), "short");
    let expected = cold(root.path());
    let tree = walked(root.path());
    for index in 0..4 {
        fs::remove_file(root.path().join(format!("d/{index}"))).unwrap();
    }
    assert_same(&pack_since(&tree, Some(&earlier)).unwrap(), &expected);
}

#[test]
fn a_file_with_another_stamp_and_the_same_content_is_read_alone() {
    let root = tree();
    let before = cold(root.path());
    let earlier = kept(&before, later());
    replace(&root.path().join("d/3"), noise(3, 1_000_000));
    let tree = walked(root.path());
    for index in [0, 1, 2, 4, 5, 6, 7] {
        fs::remove_file(root.path().join(format!("d/{index}"))).unwrap();
    }
    let warm = pack_since(&tree, Some(&earlier)).unwrap();
    assert_same(&warm, &before);
    // Its new stamp is worth keeping: the next time it is not read either.
    let earlier = kept(&warm, later());
    fs::remove_file(root.path().join("d/3")).unwrap();
    assert_same(&pack_since(&tree, Some(&earlier)).unwrap(), &before);
}

#[test]
fn a_file_that_was_written_just_before_is_read_again() {
    let root = tree();
    let earlier = kept(&cold(root.path()), now());
    let tree = walked(root.path());
    fs::remove_file(root.path().join("d/0")).unwrap();
    assert!(matches!(pack_since(&tree, Some(&earlier)), Err(PackError::Changed { path }) if path == "d/0"));
}

#[test]
fn two_writes_in_one_tick_of_the_clock_are_not_taken_for_one() {
    // Kernels of today give each write a time of its own, so the tick is made up: a pass read "before", then came "after!", and the stamp
    // stayed.
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("a"), "after!").unwrap();
    let truth = cold(root.path());
    let with_before = |began| {
        let mut earlier = kept(&truth, began);
        let fact = earlier.members[0].fact.unwrap();
        earlier.members[0].fact = Some(Fact { sha256: Sha256::of("before"), ..fact });
        earlier
    };
    let warm = pack_since(&walked(root.path()), Some(&with_before(now()))).unwrap();
    assert_eq!(warm.source_entries(), truth.source_entries());
    // Without the rule it would have been believed.
    let deceived = pack_since(&walked(root.path()), Some(&with_before(later()))).unwrap();
    assert_ne!(deceived.source_entries(), truth.source_entries());
}

#[test]
fn what_is_known_of_another_tree_is_not_used() {
    let (one, other) = (tree(), tree());
    let earlier = kept(&cold(one.path()), later());
    let warm = pack_since(&walked(other.path()), Some(&earlier)).unwrap();
    assert_same(&warm, &cold(other.path()));
    assert!(warm.remember(later()).is_some_and(|fresh| fresh.root == other.path().canonicalize().unwrap()));
}

#[test]
fn a_change_at_the_very_start_of_a_chunk_is_seen() {
    // Zeros are cut at the maximum, so that the second member starts where the second chunk does.
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("a"), vec![0; 2 * 1024 * 1024 - 512]).unwrap();
    fs::write(root.path().join("b"), "before").unwrap();
    let earlier = kept(&cold(root.path()), later());
    assert_eq!(earlier.stream.chunks[0].size, 2 * 1024 * 1024);
    fs::rename(root.path().join("b"), root.path().join("c")).unwrap();
    assert_same(&pack_since(&walked(root.path()), Some(&earlier)).unwrap(), &cold(root.path()));
}

#[test]
fn pointer_files_are_refused_though_nothing_is_read() {
    let root = tempfile::tempdir().unwrap();
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n";
    fs::write(root.path().join("a.png"), pointer).unwrap();
    let fact = Fact { is_pointer: true, ..kept(&not_refused(root.path()), later()).members[0].fact.unwrap() };
    let mut earlier = kept(&not_refused(root.path()), later());
    earlier.members[0].fact = Some(fact);
    let earlier = Earlier::decode(&earlier.encode()).unwrap();
    assert!(matches!(pack_since(&walked(root.path()), Some(&earlier)), Err(PackError::LfsPointers { count: 1, .. })));
}

/// A pass without the look at pointers.
fn not_refused(root: &Path) -> Packed {
    crate::pack::pass(walked(root), None).unwrap()
}

/// One thing that happens to a tree between two passes.
#[derive(Debug, Clone)]
enum Edit {
    Replace(u8, u64, usize),
    Overwrite(u8, usize),
    Touch(u8),
    Remove(u8),
    Add(String, usize),
    Chmod(u8),
    Link(u8),
}

fn any_edit() -> impl Strategy<Value = Edit> {
    let size = prop_oneof![0..2_000_usize, 100_000..400_000_usize];
    prop_oneof![
        (any::<u8>(), any::<u64>(), size.clone()).prop_map(|(file, seed, size)| Edit::Replace(file, seed, size)),
        (any::<u8>(), 0..300_000_usize).prop_map(|(file, at)| Edit::Overwrite(file, at)),
        any::<u8>().prop_map(Edit::Touch),
        any::<u8>().prop_map(Edit::Remove),
        ("[a-z]{1,3}(/[a-z]{1,2})?", size).prop_map(|(name, size)| Edit::Add(name, size)),
        any::<u8>().prop_map(Edit::Chmod),
        any::<u8>().prop_map(Edit::Link),
    ]
}

/// Makes the edit; whatever it changes gets another inode or another name.
fn make(root: &Path, edit: &Edit) {
    let files: Vec<_> = walked(root).entries.into_iter().filter(|entry| entry.kind != Kind::Directory).collect();
    let pick = |at: u8| files.get(usize::from(at) % files.len().max(1)).map(|entry| (root.join(&entry.disk), entry.clone()));
    match edit {
        Edit::Replace(at, seed, size) => pick(*at).into_iter().for_each(|(path, _)| replace(&path, noise(*seed, *size))),
        Edit::Overwrite(at, offset) => {
            for (path, _) in pick(*at).into_iter().filter(|(_, entry)| entry.kind.content_bytes() > 0) {
                let mut content = fs::read(&path).unwrap();
                let offset = offset % content.len();
                content[offset] ^= 0xff;
                replace(&path, content);
            }
        }
        Edit::Touch(at) => {
            for (path, _) in pick(*at).into_iter().filter(|(_, entry)| matches!(entry.kind, Kind::File { .. })) {
                let content = fs::read(&path).unwrap();
                replace(&path, content);
            }
        }
        Edit::Remove(at) => pick(*at).into_iter().for_each(|(path, _)| fs::remove_file(path).unwrap()),
        Edit::Add(name, size) => {
            let path = root.join(name);
            // What is in the way stays.
            if fs::create_dir_all(path.parent().unwrap()).is_ok() && fs::symlink_metadata(&path).is_err() {
                fs::write(&path, noise(7, *size)).unwrap();
            }
        }
        Edit::Chmod(at) => {
            for (path, _) in pick(*at).into_iter().filter(|(_, entry)| matches!(entry.kind, Kind::File { .. })) {
                fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            }
        }
        Edit::Link(at) => {
            if let Some((path, _)) = pick(*at) {
                fs::remove_file(&path).unwrap();
                symlink("nowhere", &path).unwrap();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_edits_between_two_passes_give_what_a_cold_pass_gives(rounds in proptest::collection::vec(proptest::collection::vec(any_edit(), 0..4), 1..5)) {
        let root = tempfile::tempdir().unwrap();
        for index in 0..12_u64 {
            fs::write(root.path().join(format!("f{index:02}")), noise(index, 250_000)).unwrap();
        }
        let mut earlier = kept(&cold(root.path()), later());
        for edits in rounds {
            for edit in &edits {
                make(root.path(), edit);
            }
            let (warm, expected) = (pack_since(&walked(root.path()), Some(&earlier)).unwrap(), cold(root.path()));
            assert_same(&warm, &expected);
            let tar: Vec<u8> = (0..warm.chunks().len()).flat_map(|index| warm.read_chunk(index).unwrap()).collect();
            prop_assert_eq!(Sha256::of(tar), expected.sha256());
            if let Some(fresh) = warm.remember(later()) {
                prop_assert_eq!(&fresh, &expected.remember(later()).unwrap());
                earlier = fresh;
            }
        }
    }
}

#[test]
fn what_was_changed_added_and_removed_is_named_and_a_directory_is_not() {
    let root = tempfile::tempdir().unwrap();
    for name in ["a", "b", "c", "d"] {
        fs::write(root.path().join(name), name).unwrap();
    }
    fs::create_dir(root.path().join("empty")).unwrap();
    let earlier = kept(&cold(root.path()), later());
    let changes = |earlier: &Earlier| earlier.changes(&pack_since(&walked(root.path()), Some(earlier)).unwrap()).unwrap();
    assert_eq!(changes(&earlier), Changes::default());
    replace(&root.path().join("a"), "other");
    replace(&root.path().join("b"), "b");
    fs::set_permissions(root.path().join("c"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::remove_file(root.path().join("d")).unwrap();
    fs::create_dir(root.path().join("made")).unwrap();
    fs::write(root.path().join("made/e"), "e").unwrap();
    let found = changes(&earlier);
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!((found.changed.clone(), found.added.clone()), (names(&["a", "c"]), names(&["made/e"])));
    assert_eq!((found.removed.clone(), found.count()), (names(&["d"]), 4));
    let elsewhere = tempfile::tempdir().unwrap();
    assert_eq!(earlier.changes(&cold(elsewhere.path())), None);
}
