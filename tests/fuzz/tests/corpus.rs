//! Everything that fuzzing has found worth keeping, fed once more.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use rch_fuzz::TARGETS;

/// A corpus with more is not minimised.
const FILES_MAX: usize = 200;
/// All of them together, in bytes.
const TOTAL_BYTES_MAX: u64 = 1_000_000;

fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn whatever_was_found_before_holds_for_every_target() {
    let mut failed = Vec::new();
    for target in TARGETS {
        for file in files(&corpora().join(target.name)) {
            let bytes = fs::read(&file).unwrap();
            if catch_unwind(|| (target.check)(&bytes)).is_err() {
                failed.push(file);
            }
        }
    }
    assert!(failed.is_empty(), "what the target says must hold does not for {failed:#?}");
}

#[test]
fn every_target_survives_no_bytes_and_bytes_of_every_value() {
    let all: Vec<u8> = (0..=255).cycle().take(3_000).collect();
    for target in TARGETS {
        for length in [0, 1, 2, 255, 3_000] {
            (target.check)(&all[..length]);
        }
    }
}

#[test]
fn each_target_has_a_small_corpus_and_each_corpus_a_target() {
    let names: Vec<_> = files(&corpora()).iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    assert_eq!(names, TARGETS.iter().map(|target| target.name).collect::<Vec<_>>());
    let mut total = 0;
    for target in TARGETS {
        let files = files(&corpora().join(target.name));
        assert!((1..=FILES_MAX).contains(&files.len()), "{} has {} files, expected up to {FILES_MAX}", target.name, files.len());
        total += files.iter().map(|file| fs::metadata(file).unwrap().len()).sum::<u64>();
    }
    assert!(total <= TOTAL_BYTES_MAX, "{total} bytes, expected up to {TOTAL_BYTES_MAX}");
}
