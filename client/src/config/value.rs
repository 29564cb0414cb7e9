//! Texts that are more than text: each judged by whoever owns its form, in words for a person.

use rch_schemas::action::Action;
use rch_schemas::id::{CacheNamespace, WorkerName};
use rch_schemas::requirement::XcodeRequirement;
use reqwest::Url;

/// The longest name of an action; it is shown in a column.
const ACTION_NAME_MAX: usize = 64;

/// A judgement: nothing, or what was expected.
type Judged = Result<(), String>;

fn holds(condition: bool, expected: &str) -> Judged {
    if condition { Ok(()) } else { Err(expected.to_owned()) }
}

pub(super) fn coordinator(text: &str) -> Judged {
    holds(coordinator_url(text).is_some(), "a URL such as \"http://coordinator.local:7070\", without a user, a query or a fragment")
}

/// The address of a coordinator. What would be lost, sent along or shown to others is none of it.
pub(crate) fn coordinator_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())?;
    let is_bare = url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    is_bare.then_some(url)
}

/// Whether a text that was meant as an address may hold a password, or what serves as one.
pub(crate) fn may_hold_a_password(text: &str) -> bool {
    text.contains(['@', '?', '#'])
}

pub(super) fn relative_path(text: &str) -> Judged {
    let lexical = !text.is_empty() && !text.starts_with(['/', '-']) && text.split('/').all(|part| part != "..");
    holds(lexical && !text.contains(char::is_control), "a path inside the tree, relative to the directory of .rch, without \"..\"")
}

/// A glob from the root of the tree. What its brackets mean is the walk's to say.
pub(super) fn glob(text: &str) -> Judged {
    let lexical = !text.is_empty() && !text.starts_with('/') && text.split('/').all(|part| part != "..");
    holds(lexical, "a glob inside the tree, such as \"Config/*.xcconfig\", not absolute, without \"..\"")
}

pub(super) fn action(text: &str) -> Judged {
    holds(text.parse::<Action>().is_ok(), "build, test, build-for-testing or test-without-building")
}

pub(super) fn action_name(text: &str) -> Judged {
    let starts = text.starts_with(char::is_alphanumeric);
    let fits = text.len() <= ACTION_NAME_MAX && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'));
    holds(starts && fits, "an action's name: letters, digits, - _ . and at most 64 bytes")
}

pub(super) fn tool(text: &str) -> Judged {
    let fits = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+'));
    holds(!text.is_empty() && fits, "the name of a tool, such as \"swiftlint\"")
}

pub(super) fn tag(text: &str) -> Judged {
    holds(!text.is_empty() && !text.contains(char::is_whitespace), "a tag without spaces, such as \"xcode-beta\"")
}

pub(super) fn xcode(text: &str) -> Judged {
    text.parse::<XcodeRequirement>().map(|_| ()).map_err(|error| error.expected.to_owned())
}

pub(super) fn worker(text: &str) -> Judged {
    holds(text.parse::<WorkerName>().is_ok(), "a worker's name: lower-case letters, digits and -, at most 63; `rch workers list` has them")
}

pub(super) fn namespace(text: &str) -> Judged {
    holds(text.parse::<CacheNamespace>().is_ok(), "letters, digits, - _ and single dots, at most 64, a letter or digit first")
}
