//! Rows, and how they are told.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rch_local::Farm;
use serde_json::Value;

use crate::harness::{PROGRAM, Project, check_all};

/// The committed texts.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/e2e/bad_input/golden");
/// A coordinator that nobody is: what is refused without asking it was refused here.
pub(super) const NOBODY: &str = "http://127.0.0.1:9";

/// One mistake, in a copy of the sample project.
pub(super) struct Row {
    /// What is wrong.
    pub(super) name: &'static str,
    /// What follows `rch --json`.
    pub(super) words: &'static [&'static str],
    /// Makes the mistake.
    pub(super) prepare: fn(&Project),
}

/// Runs every row and holds what is told against the committed text of this name. Without a farm nobody may be asked.
pub(super) fn check(name: &str, farm: Option<&Farm>, rows: &[Row]) {
    let home = tempfile::tempdir().unwrap();
    let told: Vec<String> = rows.iter().map(|row| tell(row, farm, home.path())).collect();
    golden(name, &told.join("\n"));
}

fn tell(row: &Row, farm: Option<&Farm>, home: &Path) -> String {
    let project = Project::verbatim();
    (row.prepare)(&project);
    let mut command = match farm {
        Some(farm) => farm.rch(project.path()),
        None => alone(home, project.path()),
    };
    let output = command.arg("--json").args(row.words).stdin(Stdio::null()).output().unwrap();
    let places =
        [(project.path().to_str().unwrap(), "PROJECT"), (home.to_str().unwrap(), "HOME"), (farm.map_or(NOBODY, Farm::url), "FARM")];
    told(row.name, &format!("rch {}", row.words.join(" ")), &output, &places)
}

/// `rch` without a farm and without anything of the user's.
fn alone(home: &Path, directory: &Path) -> Command {
    let link = home.join("rch");
    if !link.exists() {
        std::os::unix::fs::symlink(PROGRAM, &link).unwrap();
    }
    let mut command = Command::new(link);
    command.env_clear().env("HOME", home).env("RCH_COORDINATOR", NOBODY).current_dir(directory);
    command
}

/// A command and how it ended, as it stands in the committed text.
pub(super) fn told(name: &str, command: &str, output: &Output, places: &[(&str, &str)]) -> String {
    let out = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<Value> =
        out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{name}: {error}: {line}"))).collect();
    for line in &lines {
        check_all(line, name);
    }
    let talk = String::from_utf8_lossy(&output.stderr);
    let result = &lines.last().unwrap_or_else(|| panic!("{name}: it said nothing; {talk}"))["event"];
    assert_eq!(result["type"], "result", "{name}: the last line is the result, whatever happens");
    assert_eq!(result["exit_code"].as_i64(), output.status.code().map(i64::from), "{name}: the code in words and the real one");
    assert!(talk.is_empty(), "{name}: with --json nothing is said beside it: {talk}");
    let code = result["code"].as_str().unwrap_or("-");
    entry(name, command, &format!("exit {} {code}", result["exit_code"]), result["message"].as_str().unwrap(), places)
}

/// One entry of a committed text.
pub(super) fn entry(name: &str, asked: &str, ended: &str, message: &str, places: &[(&str, &str)]) -> String {
    let message: String = normal(message, places).lines().flat_map(|line| ["    ", line, "\n"]).collect();
    format!("{name}\n  $ {}\n  {ended}\n{message}", normal(asked, places))
}

/// A text without what differs from run to run: places, ids, digests and times.
fn normal(text: &str, places: &[(&str, &str)]) -> String {
    let text = places.iter().fold(text.to_owned(), |text, (place, name)| text.replace(place, name));
    let mut normal = String::new();
    let mut rest = text.as_str();
    while let Some(start) = rest.find(|character: char| character.is_ascii_alphanumeric()) {
        let length = rest[start..].find(|character: char| !character.is_ascii_alphanumeric()).unwrap_or(rest.len() - start);
        let word = &rest[start..start + length];
        normal.push_str(&rest[..start]);
        normal.push_str(normal_word(word));
        rest = &rest[start + length..];
    }
    normal + rest
}

fn normal_word(word: &str) -> &str {
    let is_ulid = word.len() == 26 && word.starts_with("01") && !word.contains(|character: char| character.is_ascii_lowercase());
    let is_digest = word.len() == 64 && word.chars().all(|character| matches!(character, '0'..='9' | 'a'..='f'));
    match (is_ulid, is_digest) {
        (true, _) => "ULID",
        (_, true) => "DIGEST",
        _ => word,
    }
}

/// Holds `text` against the committed one.
pub(super) fn golden(name: &str, text: &str) {
    let path = PathBuf::from(FOLDER).join(format!("{name}.txt"));
    if std::env::var_os("RCH_UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(FOLDER).unwrap();
        fs::write(&path, text).unwrap();
        return;
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let differs = committed.lines().zip(text.lines()).position(|(committed, told)| committed != told);
    let line = differs.unwrap_or_else(|| committed.lines().count().min(text.lines().count()));
    let at = |text: &str| text.lines().nth(line).unwrap_or("(the end)").to_owned();
    assert!(
        committed == text,
        "{} says in line {}: {:?}, it was told: {:?}; RCH_UPDATE_GOLDEN=1 writes it anew\n{text}",
        path.display(),
        line + 1,
        at(&committed),
        at(text)
    );
}
