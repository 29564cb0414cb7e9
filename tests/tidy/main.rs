//! Tidiness: what the conventions ask of the source tree and no lint of the compiler can say.
//!
//! Each rule is a test; each failure names the file and what to do.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod source;

use std::fs;

use source::{Source, manifests, root, sources, text_files};

/// Above this a file must be taken apart.
const LINES_MAX: usize = 600;
/// Above this a file is listed, to be thought about.
const LINES_LISTED: usize = 400;
/// What lies at the top of the checkout; names with a dot in front are tools' own.
const TOP_LEVEL: [&str; 11] = [
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "agent",
    "client",
    "coordinator",
    "deploy",
    "rust-toolchain.toml",
    "schemas",
    "tests",
];
/// Crates that hold no I/O, clock or randomness, since their outcome must replay.
const PURE: [&str; 2] = ["schemas/src/", "coordinator/scheduler/src/"];
/// What those must not use. A `HashMap`'s order differs between two runs.
const IMPURE: [&str; 8] = ["tokio", "std::fs", "std::net", "std::env", "SystemTime::now", "Instant::now", "rand::", "HashMap"];
/// The three programs, which meet on the wire and nowhere else.
const PROGRAMS: [&str; 3] = ["agent", "client", "coordinator"];
/// File names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 6] = ["utils.rs", "common.rs", "helpers.rs", "types.rs", "manager.rs", "imp.rs"];

#[test]
fn no_file_is_too_long() {
    let mut long: Vec<(usize, String)> = sources().into_iter().map(|source| (source.text.lines().count(), source.path)).collect();
    long.retain(|(lines, _)| *lines > LINES_LISTED);
    long.sort();
    for (lines, path) in &long {
        println!("{lines:>5} lines  {path}");
    }
    long.retain(|(lines, _)| *lines > LINES_MAX);
    assert!(long.is_empty(), "expected at most {LINES_MAX} lines, take these apart: {long:?}");
}

#[test]
fn every_file_opens_with_what_it_is_for() {
    let bare: Vec<String> = sources().into_iter().filter(|source| !source.text.starts_with("//! ")).map(|source| source.path).collect();
    assert!(bare.is_empty(), "expected `//! …` in the first line of {bare:?}");
}

#[test]
fn every_file_is_named_after_its_main_noun() {
    let named = |path: &str| EMPTY_NAMES.iter().any(|name| path.rsplit('/').next() == Some(name));
    let vague: Vec<String> = sources().into_iter().map(|source| source.path).filter(|path| named(path)).collect();
    assert!(vague.is_empty(), "expected a name that says what is inside: {vague:?}");
}

#[test]
fn what_must_replay_has_no_input_but_its_arguments() {
    let all = sources();
    let pure = all.iter().filter(|source| PURE.iter().any(|folder| source.path.starts_with(folder)) && !source.is_test(&all));
    let mut found = Vec::new();
    for source in pure {
        for (index, line) in source.code().lines().enumerate() {
            let used = IMPURE.iter().filter(|word| line.contains(**word) && !line.trim_start().starts_with("//"));
            found.extend(used.map(|word| format!("{}:{} uses {word}", source.path, index + 1)));
        }
    }
    assert!(found.is_empty(), "expected these to come in as arguments: {found:#?}");
}

#[test]
fn the_three_programs_never_import_one_another() {
    let mut found = Vec::new();
    for program in PROGRAMS {
        let others = PROGRAMS.iter().filter(|other| **other != program);
        let names: Vec<String> = others.flat_map(|other| [format!("rch_{other}"), format!("rch-{other}.")]).collect();
        let folder = format!("{program}/");
        for Source { path, text } in sources().into_iter().chain(manifests()).filter(|source| source.path.starts_with(&folder)) {
            let is_used = |name: &&String| text.lines().any(|line| line.contains(name.as_str()) && !line.trim_start().starts_with("//"));
            found.extend(names.iter().filter(is_used).map(|name| format!("{path} uses {name}")));
        }
    }
    assert!(found.is_empty(), "what two programs share belongs into schemas/: {found:#?}");
}

#[test]
fn the_top_level_holds_what_the_design_names() {
    let entries = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut entries: Vec<String> = entries.filter(|name| !name.starts_with('.') && name != "target").collect();
    entries.sort();
    assert_eq!(entries, TOP_LEVEL);
}

#[test]
fn no_file_names_this_machine() {
    let checkout = format!("{}/", root().canonicalize().unwrap().display());
    let mut found = Vec::new();
    for Source { path, text } in text_files() {
        let named = text.lines().enumerate().filter(|(_, line)| line.contains(&checkout));
        found.extend(named.map(|(index, _)| format!("{path}:{} has {checkout}", index + 1)));
    }
    assert!(found.is_empty(), "expected paths that are true on every machine: {found:#?}");
}
