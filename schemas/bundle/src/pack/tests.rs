//! Whole trees packed: what changes the digest, what does not, and what changes under the reader.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use rch_schemas::{Sha256, Timestamp};
use tempfile::TempDir;

use super::*;
use crate::tree::{Options, walk};

fn packed(root: &Path) -> Packed {
    pack(&walk(root, &Options::default()).unwrap()).unwrap()
}

/// `count` source files of some kilobytes, in directories of fifty.
fn sources(root: &Path, count: usize) {
    for index in 0..count {
        let directory = root.join(format!("Sources/Module{:03}", index / 50));
        fs::create_dir_all(&directory).unwrap();
        let line = |n: usize| format!("    let value{n} = {} // line {n} of file {index}\n", n.wrapping_mul(index + 7));
        let body: String = (0..150 + index % 100).map(line).collect();
        fs::write(directory.join(format!("File{index}.swift")), format!("struct File{index} {{\n{body}}}\n")).unwrap();
    }
}

fn small_tree() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    sources(root.path(), 60);
    fs::write(root.path().join("run.sh"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(root.path().join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(root.path().join("empty"), "").unwrap();
    fs::write(root.path().join("large.bin"), vec![7; 3_000_001]).unwrap();
    symlink("Sources/Module000", root.path().join("first")).unwrap();
    root
}

fn concatenated(packed: &Packed) -> Vec<u8> {
    (0..packed.chunks().len()).flat_map(|index| packed.read_chunk(index).unwrap()).collect()
}

#[test]
fn chunks_read_again_are_the_tar_that_was_hashed() {
    let root = small_tree();
    let packed = packed(root.path());
    let tar = concatenated(&packed);
    assert_eq!((Sha256::of(&tar), tar.len() as u64), (packed.sha256(), packed.size()));

    let mut archive = ::tar::Archive::new(&tar[..]);
    let mut names = Vec::new();
    for entry in archive.entries().unwrap() {
        names.push(entry.unwrap().path().unwrap().to_str().unwrap().trim_end_matches('/').to_owned());
    }
    let listed: Vec<String> = packed.tree().entries().iter().map(|entry| entry.path.clone()).collect();
    assert_eq!(names, listed);
}

#[test]
fn the_recipe_and_the_manifest_say_what_was_packed() {
    let root = small_tree();
    let packed = packed(root.path());
    let recipe = packed.recipe(Timestamp::from_unix_ms(0));
    assert_eq!((recipe.sha256, recipe.size), (packed.sha256(), packed.size()));
    assert_eq!(recipe.chunks.iter().map(|chunk| u64::from(chunk.size)).sum::<u64>(), packed.size());
    let entries = packed.source_entries();
    let find = |path: &str| entries.iter().find(|entry| entry.path == path).unwrap();
    assert_eq!(find("run.sh").sha256, Some(Sha256::of("#!/bin/sh\n")));
    assert!(find("run.sh").executable && !find("empty").executable);
    assert_eq!((find("first").symlink_target.as_deref(), find("first").sha256), (Some("Sources/Module000"), None));
    assert_eq!((find("large.bin").size, find("Sources").size), (3_000_001, 0));
}

#[test]
fn place_times_umask_and_stray_files_do_not_change_the_digest() {
    let one = small_tree();
    let other = tempfile::tempdir().unwrap();
    let copy = other.path().join("another/place");
    fs::create_dir_all(&copy).unwrap();
    for entry in packed(one.path()).tree().entries() {
        let (from, to) = (one.path().join(&entry.disk), copy.join(&entry.disk));
        if from.is_symlink() {
            symlink(fs::read_link(&from).unwrap(), to).unwrap();
        } else if from.is_dir() {
            fs::create_dir(&to).unwrap();
            fs::set_permissions(&to, fs::Permissions::from_mode(0o700)).unwrap();
        } else {
            fs::copy(&from, &to).unwrap();
            let mode = fs::metadata(&from).unwrap().permissions().mode() & 0o700;
            fs::set_permissions(&to, fs::Permissions::from_mode(mode)).unwrap();
            File::options().write(true).open(&to).unwrap().set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1)).unwrap();
        }
    }
    fs::write(copy.join(".DS_Store"), "stray").unwrap();
    fs::create_dir(copy.join("DerivedData")).unwrap();
    assert_eq!(packed(&copy).sha256(), packed(one.path()).sha256());

    fs::set_permissions(copy.join("empty"), fs::Permissions::from_mode(0o700)).unwrap();
    assert_ne!(packed(&copy).sha256(), packed(one.path()).sha256());
}

#[test]
fn a_one_line_change_among_five_thousand_files_makes_at_most_four_new_chunks() {
    let root = tempfile::tempdir().unwrap();
    sources(root.path(), 5_000);
    let before: HashSet<_> = packed(root.path()).chunks().iter().copied().collect();
    assert!(before.len() > 10, "the tree has several chunks: {}", before.len());
    for index in [0, 1_234, 4_999] {
        let path = root.path().join(format!("Sources/Module{:03}/File{index}.swift", index / 50));
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replacen('\n', "\n    let added = true\n", 1)).unwrap();
        let after = packed(root.path());
        let new = after.chunks().iter().filter(|chunk| !before.contains(chunk)).count();
        assert!((1..=4).contains(&new), "{new} new chunks for file {index}");
        fs::write(&path, text).unwrap();
    }
}

#[test]
fn a_file_that_changed_after_packing_is_named_when_its_chunk_is_read() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("a"), "before").unwrap();
    let packed = packed(root.path());
    fs::write(root.path().join("a"), "after!").unwrap();
    let error = packed.read_chunk(0).expect_err("it changed");
    assert!(matches!(&error, ReadChunkError::Changed { path } if path == "a"), "{error}");
    fs::remove_file(root.path().join("a")).unwrap();
    assert!(matches!(packed.read_chunk(0), Err(ReadChunkError::Changed { .. })));
}

#[test]
fn what_is_read_counts_not_what_was_listed() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("a"), "before").unwrap();
    let tree = walk(root.path(), &Options::default()).unwrap();
    fs::write(root.path().join("a"), "longer than before").unwrap();
    assert_eq!(pack(&tree).unwrap().sha256(), packed(root.path()).sha256());
}

#[test]
fn a_file_that_is_gone_or_replaced_by_a_link_is_refused_as_changed() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("a"), "text").unwrap();
    let tree = walk(root.path(), &Options::default()).unwrap();
    fs::remove_file(root.path().join("a")).unwrap();
    let error = pack(&tree).expect_err("it is gone");
    assert_eq!(error.reason(), Some(Reason::FileChanged));
    symlink("/etc/passwd", root.path().join("a")).unwrap();
    assert!(matches!(pack(&tree), Err(PackError::Changed { path }) if path == "a"));
}

#[test]
fn a_pass_that_a_change_spoiled_is_made_once_more_and_no_more() {
    let changed = || PackError::Changed { path: "a".to_owned() };
    let mut outcomes = vec![Ok(2), Err(changed())];
    assert_eq!(once_more_if_changed(|| outcomes.pop().unwrap()).unwrap(), 2);
    let mut outcomes = vec![Ok(3), Err(changed()), Err(changed())];
    assert!(matches!(once_more_if_changed(|| outcomes.pop().unwrap()), Err(PackError::Changed { .. })));
    assert_eq!(outcomes.len(), 1);
}

/// A pass over `tree` that `meddle` spoils: it happens when the first block is full and the reader, in the middle of a file, waits for someone
/// to take the second.
fn spoiled_pass(tree: &Tree, meddle: impl FnOnce()) -> PackError {
    let (full_tx, full_rx) = mpsc::sync_channel(0);
    let (_empty_tx, empty_rx) = mpsc::channel();
    let members = Members::new(tree.clone(), Vec::new());
    thread::scope(|scope| {
        let reader = scope.spawn(|| reader::read(members, reader::Blocks::new(full_tx, empty_rx)));
        assert_eq!(full_rx.recv().unwrap().bytes().len(), BLOCK_BYTES);
        meddle();
        full_rx.iter().for_each(drop);
        reader.join().unwrap().expect_err("it was spoiled")
    })
}

/// A tree of one file of four blocks.
fn large_file() -> (TempDir, std::path::PathBuf) {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("large");
    fs::write(&path, vec![b'a'; 4 * BLOCK_BYTES]).unwrap();
    (root, path)
}

#[test]
fn a_file_that_changes_while_it_is_read_is_read_anew_and_then_counts() {
    let meddlers: [fn(&Path); 3] = [
        |path| fs::OpenOptions::new().append(true).open(path).unwrap().write_all(b"more").unwrap(),
        |path| File::options().write(true).open(path).unwrap().set_len(BLOCK_BYTES as u64).unwrap(),
        |path| {
            // The same size; the time is set so that a slow clock cannot hide it.
            fs::write(path, vec![b'b'; 4 * BLOCK_BYTES]).unwrap();
            File::options().write(true).open(path).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
        },
    ];
    for (index, meddle) in meddlers.into_iter().enumerate() {
        let (root, path) = large_file();
        let tree = walk(root.path(), &Options::default()).unwrap();
        let mut passes = 0;
        let packed = once_more_if_changed(|| {
            passes += 1;
            if passes == 1 { Err(spoiled_pass(&tree, || meddle(&path))) } else { pass(tree.clone(), None) }
        });
        assert_eq!((packed.unwrap().sha256(), passes), (self::packed(root.path()).sha256(), 2), "meddler {index}");
    }
}

#[test]
fn a_file_that_changes_whenever_it_is_read_is_refused_by_name() {
    let (root, path) = large_file();
    let tree = walk(root.path(), &Options::default()).unwrap();
    let append = || fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"more").unwrap();
    let error = once_more_if_changed(|| Err::<Packed, _>(spoiled_pass(&tree, append))).unwrap_err();
    assert_eq!(error.reason(), Some(Reason::FileChanged));
    assert!(error.to_string().starts_with("large changed while it was read, and again when it was read anew; wait until"), "{error}");
}

#[test]
fn a_tree_that_somebody_keeps_writing_to_is_packed_as_it_was_at_one_moment_or_refused() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("log");
    let (started_tx, started_rx) = mpsc::channel();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut log = File::create(&path).unwrap();
            for line in 0..20_000_u32 {
                log.write_all(&line.to_le_bytes().repeat(100)).unwrap();
                let _ = started_tx.send(());
                if stop.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        started_rx.recv().unwrap();
        for _ in 0..20 {
            let tree = walk(root.path(), &Options::default()).unwrap();
            match pack(&tree) {
                Ok(packed) => {
                    let entry = &packed.source_entries()[0];
                    let content = fs::read(&path).unwrap();
                    let then = &content[..usize::try_from(entry.size).unwrap()];
                    assert_eq!(entry.sha256, Some(Sha256::of(then)));
                }
                Err(error) => assert!(matches!(error, PackError::Changed { .. }), "{error}"),
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn one_tree_has_one_digest_on_every_system() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("Sources/cafe\u{301}")).unwrap();
    fs::write(root.path().join("Sources/cafe\u{301}/Men\u{fc}.swift"), "let a = 1\n").unwrap();
    fs::write(root.path().join("Sources/\u{d55c}\u{ae00}.txt"), "").unwrap();
    fs::write(root.path().join(format!("Sources/{}.swift", "Long".repeat(40))), vec![b'x'; 700]).unwrap();
    fs::write(root.path().join("run.sh"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(root.path().join("run.sh"), fs::Permissions::from_mode(0o711)).unwrap();
    symlink("Sources/cafe\u{301}", root.path().join("Menu")).unwrap();
    fs::write(root.path().join(".DS_Store"), "stray").unwrap();
    let expected = "c28a02d4755f7ccdc11d844e90efdfdbc91b4d1eeb87b407d3fabcf4e42cd758";
    assert_eq!(packed(root.path()).sha256().to_string(), expected);
}

#[test]
fn pointer_files_are_refused_with_the_command_that_fetches_them() {
    let root = tempfile::tempdir().unwrap();
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n";
    for index in 0..7 {
        fs::write(root.path().join(format!("image{index}.png")), pointer).unwrap();
    }
    fs::write(root.path().join("README"), format!("A pointer starts so:\n{pointer}")).unwrap();
    let error = pack(&walk(root.path(), &Options::default()).unwrap()).expect_err("pointers");
    assert_eq!(error.reason(), Some(Reason::LfsPointer));
    let text = error.to_string();
    assert!(text.starts_with("7 files are Git LFS pointers, not their content; run `git lfs pull`"), "{text}");
    let one = PackError::LfsPointers { paths: vec!["a".to_owned()], count: 1 }.to_string();
    assert_eq!(one, "1 file is a Git LFS pointer, not its content; run `git lfs pull`: a");
    assert!(text.ends_with("image0.png, image1.png, image2.png, image3.png, image4.png and 2 more"), "{text}");
}

#[test]
fn an_empty_tree_is_a_bundle_too() {
    let root = tempfile::tempdir().unwrap();
    let packed = packed(root.path());
    assert_eq!((packed.size(), concatenated(&packed)), (1_024, vec![0; 1_024]));
}
