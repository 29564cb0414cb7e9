//! Takes a command line apart: which words are an argument with its value, which are settings, which are neither.

use super::nearest::nearest;
use super::settings;
use super::table::{self, Row};
use super::value::Value;
use crate::Action;

/// The most words a command line may have after its action; a sharded list of tests has thousands.
pub const ARGUMENTS_MAX: usize = 4096;
/// The longest word in bytes; an argument that is joined with its value by a colon counts as one.
pub const ARGUMENT_BYTES_MAX: usize = 16 * 1024;
/// What an editor makes of a dash.
const DASHES: [char; 6] = ['\u{2010}', '\u{2011}', '\u{2012}', '\u{2013}', '\u{2014}', '\u{2212}'];
/// What to do about user defaults that people write, by how they begin.
const USER_DEFAULTS: [(&str, &str); 6] = [
    ("-UseModernBuildSystem", "leave it out: Xcode 14 and later have one build system"),
    ("-IDECustom", "leave it out: the farm chooses paths, and results come back under .rch/artifacts"),
    ("-IDEBuildLocation", "leave it out: the farm chooses paths, and results come back under .rch/artifacts"),
    ("-IDEBuildOperationMax", "leave it out: the farm sizes a worker's slots"),
    ("-IDEPackage", "leave it out: the farm resolves packages in a phase of its own, from Package.resolved when there is one"),
    ("-ShowBuildOperationDuration", "leave it out: how long each phase took stands in metrics.json"),
];

/// Flags of `rch` that people write behind the line, and whether a value follows.
const OURS: [(&str, bool); 12] = [
    ("--dry-run", false),
    ("--detach", false),
    ("--log", true),
    ("--request-id", true),
    ("--supersede", true),
    ("--artifacts", true),
    ("--no-cache", false),
    ("--worker", true),
    ("--xcode", true),
    ("--json", false),
    ("--color", true),
    ("--coordinator", true),
];

/// Some words of the line and what they are.
pub(super) struct Found<'a> {
    pub(super) index: usize,
    pub(super) words: &'a [String],
    pub(super) what: What<'a>,
}

/// What some words are.
pub(super) enum What<'a> {
    /// A row of the table; the value is empty when the row takes none.
    Argument { row: &'static Row, name: &'static str, value: &'a str },
    /// A build setting.
    Setting { key: &'a str, value: &'a str },
    /// Nothing the farm knows.
    Unreadable { reason: String, fix: String },
}

/// Reads the whole line, however wrong it is.
pub(super) fn scan(argv: &[String]) -> Vec<Found<'_>> {
    // The canonical line begins with its action, which the line as written may lack: what fits once must fit again.
    let action = argv.first().is_some_and(|word| word.parse::<Action>().is_ok());
    let last = ARGUMENTS_MAX + usize::from(action);
    let mut found = Vec::new();
    let mut index = 0;
    while index < argv.len() {
        let rest = &argv[index..];
        let (length, what) = if index < last {
            found.last().and_then(|before| unquoted(before, rest)).unwrap_or_else(|| read(rest))
        } else {
            (rest.len(), unreadable(format!("the line has more than {ARGUMENTS_MAX} words"), "name whole test targets, or use a test plan"))
        };
        found.push(Found { index, words: &rest[..length], what });
        index += length;
    }
    found
}

fn unreadable<'a>(reason: impl Into<String>, fix: impl Into<String>) -> What<'a> {
    What::Unreadable { reason: reason.into(), fix: fix.into() }
}

/// Words that belong to the value before them: someone left out the quotes, and one gap in the line deserves one answer.
fn unquoted<'a>(before: &Found<'_>, rest: &[String]) -> Option<(usize, What<'a>)> {
    let What::Argument { row, name, value } = before.what else { return None };
    if !row.value.is_taken() || before.words.len() != 2 {
        return None;
    }
    let is_destination = name == "-destination";
    let length = rest.iter().take_while(|word| is_loose(word, is_destination)).count();
    let words = rest.get(..length).filter(|words| !words.is_empty())?;
    let mut whole = value.to_owned();
    for word in words {
        let between = match (is_destination, whole.ends_with(',')) {
            (true, true) => "",
            (true, false) if settings::is_destination_key(word) => ",",
            (true | false, _) => " ",
        };
        whole = format!("{whole}{between}{word}");
    }
    let quoted = if whole.contains('\'') { format!("\"{whole}\"") } else { format!("'{whole}'") };
    let fix = match (words, action_meant(&words[0])) {
        ([_], Some(meant)) => format!("did you mean {meant}? Else quote the value: {name} {quoted}"),
        (_, _) => format!("quote the value: {name} {quoted}"),
    };
    Some((length, unreadable(format!("a space ends the value of {name}, and this is no argument"), fix)))
}

/// Whether a word is nothing by itself.
fn is_loose(word: &str, after_destination: bool) -> bool {
    let is_flag = word.starts_with('-') || word.starts_with('@') || word.starts_with(DASHES);
    let is_setting = settings::split(word).is_some() && !(after_destination && settings::is_destination_key(word));
    !is_flag && !is_setting && row_of(word).is_none() && malformed(word, ARGUMENT_BYTES_MAX).is_none()
}

/// The action that a mistyped word was meant to be.
fn action_meant(word: &str) -> Option<&'static str> {
    nearest(word, table::names().filter(|name| !name.starts_with('-')))
}

/// Reads one argument from the front of `rest`, which is not empty.
fn read(rest: &[String]) -> (usize, What<'_>) {
    let word = rest[0].as_str();
    if let Some(what) = malformed(word, ARGUMENT_BYTES_MAX) {
        return (1, what);
    }
    if let Some((name, row)) = row_of(word) {
        return read_value(rest, name, row);
    }
    if let Some((row, name, value)) = after_colon(word) {
        return (1, if value.is_empty() { no_value(name, row) } else { What::Argument { row, name, value } });
    }
    if let Some(found) = flag_of_ours(rest) {
        return found;
    }
    if word.starts_with('-') {
        // Its value, if it takes one, must not be read as an action.
        let value = rest.get(1).is_some_and(|next| !next.starts_with('-') && !word.contains('='));
        return (1 + usize::from(value), unknown_flag(word));
    }
    (1, settings::split(word).map_or_else(|| unknown_word(word), |(key, value)| What::Setting { key, value }))
}

fn row_of(word: &str) -> Option<(&'static str, &'static Row)> {
    let row = table::find(word)?;
    row.names.iter().find(|name| **name == word).map(|name| (*name, row))
}

fn read_value<'a>(rest: &'a [String], name: &'static str, row: &'static Row) -> (usize, What<'a>) {
    if !row.value.is_taken() {
        return (1, What::Argument { row, name, value: "" });
    }
    match rest.get(1) {
        Some(value) if value.is_empty() => {
            (2, unreadable(format!("the value of {name} is empty"), "write one; an unset shell variable leaves such a gap"))
        }
        Some(value) if value.starts_with('-') => (1, no_value(name, row)),
        Some(value) => (2, malformed(value, ARGUMENT_BYTES_MAX - name.len() - 1).unwrap_or(What::Argument { row, name, value })),
        None => (1, no_value(name, row)),
    }
}

/// `-only-testing:Target/Class`.
fn after_colon(word: &str) -> Option<(&'static Row, &'static str, &str)> {
    let (name, value) = word.split_once(':')?;
    let (name, row) = row_of(name)?;
    (row.value == Value::TestName).then_some((row, name, value))
}

fn no_value<'a>(name: &str, row: &Row) -> What<'a> {
    unreadable(format!("{name} needs a value"), format!("write {name} {}", row.value.describe()))
}

/// What no argument may be, whatever it means.
fn malformed<'a>(word: &str, bytes_max: usize) -> Option<What<'a>> {
    if word.is_empty() {
        return Some(unreadable("the argument is empty", "remove it; an unset shell variable leaves such a gap"));
    }
    if word.len() > bytes_max {
        return Some(unreadable(format!("the argument is longer than {bytes_max} bytes"), "shorten it"));
    }
    let control = word.chars().find(|c| c.is_control())?;
    Some(unreadable(format!("the argument holds the control character {control:?}"), "remove it"))
}

/// A flag of `rch` with its value, and with the word `xcodebuild` when it was written before that.
fn flag_of_ours(rest: &[String]) -> Option<(usize, What<'_>)> {
    let (name, joined) = rest[0].split_once('=').map_or((rest[0].as_str(), false), |(name, _)| (name, true));
    let (_, takes_value) = OURS.iter().find(|(ours, _)| *ours == name)?;
    let is_value = |next: &String| !next.starts_with('-') && malformed(next, ARGUMENT_BYTES_MAX).is_none();
    let length = 1 + usize::from(*takes_value && !joined && rest.get(1).is_some_and(is_value));
    let flag = rest[..length].join(" ");
    let fix = format!("write rch xcodebuild {flag} and then the line");
    let tool = usize::from(rest.get(length).is_some_and(|next| next == "xcodebuild"));
    Some((length + tool, unreadable("it is a flag of rch, and what follows the first argument is for xcodebuild", fix)))
}

fn unknown_flag<'a>(word: &str) -> What<'a> {
    let (name, after) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
    if let Some(value) = after {
        let fix = match table::find(name) {
            Some(row) if row.value.is_taken() => format!("write {name} {value}, without ="),
            Some(_) | None => {
                let known = USER_DEFAULTS.iter().find(|(beginning, _)| name.starts_with(beginning));
                known.map_or("leave it out, or set it in the project", |(_, fix)| fix).to_owned()
            }
        };
        return unreadable("xcodebuild reads -Name=value as one of Xcode's user defaults, and those can redirect any path", fix);
    }
    let meant = nearest(word, table::names().filter(|name| name.starts_with('-')));
    let fix = match meant {
        Some(meant) => format!("did you mean {meant}?"),
        None => "leave it out, or set it in the scheme".to_owned(),
    };
    unreadable(format!("{name} is no argument of xcodebuild that the farm knows"), fix)
}

fn unknown_word<'a>(word: &str) -> What<'a> {
    if word.starts_with('@') {
        return unreadable("@ would read arguments from a file", "write the arguments out");
    }
    if word.starts_with(DASHES) {
        return unreadable("this dash is not the one of the keyboard; an editor has replaced it", "write it with -");
    }
    if word.contains('=') {
        return unreadable("no build setting has such a key", "quote the value it belongs to: a space ends a word");
    }
    let fix = match action_meant(word) {
        Some(meant) => format!("did you mean {meant}?"),
        None => "quote the value it belongs to: a space ends a word".to_owned(),
    };
    unreadable(format!("{word:?} is no action"), fix)
}
