//! Recorded command lines and xcodebuild's own list of arguments, when they are there.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::*;
use crate::Action;

#[derive(Deserialize)]
struct Line {
    argv: Vec<String>,
    raw: String,
    kinds: Vec<String>,
    #[serde(default)]
    prefix: Vec<String>,
    #[serde(default)]
    template: bool,
}

/// Recorded data is not part of the project: it is read where it is, and missed where it is not.
fn recorded(file: &str) -> Option<String> {
    let sibling = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/fixtures");
    let folder = std::env::var_os("RCH_FIXTURES").map_or(sibling, PathBuf::from);
    if !folder.is_dir() {
        println!("skipped: no recorded data (RCH_FIXTURES)");
        return None;
    }
    Some(std::fs::read_to_string(folder.join(file)).unwrap())
}

fn lines() -> Option<Vec<Line>> {
    let text = recorded("invocations/invocations.jsonl")?;
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

/// Builds or tests and asks for nothing else; a line without action builds.
fn builds_or_tests(line: &Line) -> bool {
    let actions = ["build", "test", "build-for-testing", "test-without-building", "clean", "(default action)"];
    line.kinds.iter().all(|kind| actions.contains(&kind.as_str())) && line.kinds != ["clean"]
}

#[test]
fn most_recorded_lines_that_build_or_test_are_accepted_and_every_refusal_says_what_to_write() {
    let Some(lines) = lines() else { return };
    let (mut accepted, mut whole) = (0, 0);
    let mut reasons: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in &lines {
        let classified = classify(&line.argv[1..], &Policy::default());
        assert!(classified.rejected.iter().all(|rejected| !rejected.fix.is_empty()), "{}", line.raw);
        if line.template || !builds_or_tests(line) {
            continue;
        }
        whole += 1;
        accepted += usize::from(classified.is_accepted());
        for rejected in classified.rejected {
            reasons.entry(rejected.reason).or_default().push(format!("{}; {}", rejected.argument, rejected.fix));
        }
    }
    for (reason, arguments) in &reasons {
        println!("{:4} {reason}\n       {}", arguments.len(), arguments[0]);
    }
    println!("{accepted} of {whole} recorded lines that build or test are accepted ({} %)", accepted * 100 / whole);
    assert!(accepted * 100 >= whole * 85, "{accepted} of {whole}");
}

#[test]
fn accepted_recorded_lines_stay_as_they_are_when_classified_again() {
    let Some(lines) = lines() else { return };
    for line in &lines {
        let once = classify(&line.argv[1..], &Policy::default());
        let twice = classify(&once.sanitized_argv, &Policy::default());
        assert_eq!(twice.sanitized_argv, once.sanitized_argv, "{}", line.raw);
        assert!(twice.is_accepted() || !once.is_accepted(), "{}", line.raw);
        let ours = ["-derivedDataPath", "-resultBundlePath", "-destination", "-quiet"];
        assert!(!once.sanitized_argv.iter().any(|word| ours.contains(&word.as_str())), "{}", line.raw);
    }
}

#[test]
fn prefixes_of_recorded_lines_are_taken_away() {
    let Some(lines) = lines() else { return };
    for line in &lines {
        let words: Vec<String> = line.prefix.iter().chain(&line.argv).cloned().collect();
        match split(&words) {
            Ok(found) => assert_eq!(found.argv, line.argv[1..], "{}", line.raw),
            Err(error) => assert_eq!(error.kind, SplitErrorKind::User, "{}: {error}", line.raw),
        }
    }
}

#[test]
fn every_argument_that_xcodebuild_lists_is_in_the_table_with_its_value() {
    let Some(text) = recorded("xcodebuild-version/sweetpad-26.5.0-invalid-option-and-usage.txt") else { return };
    let options = text.split("\nOptions:\n").nth(1).unwrap();
    let mut count = 0;
    for line in options.lines().filter_map(|line| line.strip_prefix("    -")) {
        let (columns, _) = line.split_once("  ").unwrap_or((line, ""));
        let mut columns = columns.split_whitespace();
        let name = format!("-{}", columns.next().unwrap());
        let name = name.split(':').next().unwrap();
        let row = TABLE.iter().find(|row| row.names.contains(&name)).unwrap_or_else(|| panic!("{name} is not in the table"));
        assert!(columns.next().is_none() || row.value.is_taken(), "{name} takes a value");
        count += 1;
    }
    assert!(count > 90, "{count}");
    for action in Action::ALL {
        assert!(TABLE[0].names.contains(&action.as_str()));
    }
}
