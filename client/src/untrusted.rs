//! The parsers of what repositories, farms and builds write, over bytes alone: for the fuzz targets, which feed them anything.
//!
//! Each function is what `rch` itself does with such bytes, and says what came of it in short. Nothing in the client uses them.

use std::path::Path;

use crate::config::{ConfigError, Layer, Merged, Place, Settings, effective};
use crate::environment::Environment;
use crate::farm::SseParser;
use crate::output;
use crate::output::xcodebuild::{Found, Lines, LogDigest, TreePaths};
use crate::plan;

/// The user's file and the repo's, merged over the built-in values, read as settings and turned into a plan.
///
/// # Errors
/// What a person would be told.
pub fn configuration(user: &[u8], repo: &[u8]) -> Result<(), String> {
    let told = |error: ConfigError| error.to_string();
    let user = Layer::of_bytes(Path::new("config.toml"), user, Place::User).map_err(told)?;
    let repo = Layer::of_bytes(Path::new(".rch/xcode.toml"), repo, Place::Repo).map_err(told)?;
    let merged = Merged::of(&[Layer::built_in(), user, repo]);
    let settings = Settings::new(&merged);
    let _ = (settings.coordinator(), settings.connect(), settings.download(), settings.bundle(), settings.without_effect());
    let _ = (settings.destinations(), settings.destination_switches(), settings.run_options("project", &Environment::default()));
    let _ = effective(&merged);
    let names = settings.verify().map_err(told)?;
    plan::from_config(&settings, &names, Path::new("/tree")).map(|_| ()).map_err(|error| error.to_string())
}

/// A log that comes in pieces of `piece` bytes: its lines, cleaned, and after them whatever a person is shown of it.
pub fn log(bytes: &[u8], piece: usize) -> (Vec<String>, Vec<String>) {
    let (mut lines, mut read) = (Lines::default(), Vec::new());
    bytes.chunks(piece.max(1)).for_each(|piece| lines.push(piece, |line| read.push(line)));
    lines.end(|line| read.push(line));
    let mut digest = LogDigest::new(TreePaths::new(["App/App.swift", "a"].into_iter()));
    let mut found: Vec<Found> = read.iter().flat_map(|line| digest.take(line)).collect();
    found.extend(digest.close());
    let mut shown: Vec<String> = Vec::new();
    for found in found {
        match found {
            Found::Error(lines) => shown.extend(lines),
            Found::Progress => {}
        }
    }
    shown.extend(digest.errors());
    shown.extend(digest.warnings().0.into_iter().map(str::to_owned));
    shown.push(digest.describe("App"));
    let clean = |lines: Vec<String>| lines.iter().map(|line| output::clean(line)).collect();
    (clean(read), clean(shown))
}

/// A stream of server-sent events that comes in pieces of `piece` bytes: id and data of each whole one.
///
/// # Errors
/// Why the stream is given up.
pub fn events(bytes: &[u8], piece: usize) -> Result<Vec<(Option<String>, String)>, String> {
    let (mut parser, mut events) = (SseParser::default(), Vec::new());
    for piece in bytes.chunks(piece.max(1)) {
        parser.push(piece, |event| events.push((event.id, event.data))).map_err(|error| error.to_string())?;
    }
    Ok(events)
}
