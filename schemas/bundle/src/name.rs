//! Names in a bundle: what a path may be, and when two of them are one on a Mac.
//!
//! A path is relative, separated by `/`, UTF-8 in NFC. Bundling and unpacking ask the same questions here, so that neither trusts the other.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher as _};

use unicode_normalization::UnicodeNormalization as _;

/// The longest path, in bytes: `PATH_MAX` of macOS.
pub const PATH_BYTES_MAX: usize = 1_024;
/// The longest component of a path, in bytes: `NAME_MAX` of APFS and ext4.
pub const COMPONENT_BYTES_MAX: usize = 255;
/// The most components of a path: unpacking holds one open directory for each, and launchd allows 256 open files by default.
pub const DEPTH_MAX: usize = 100;

/// Why a path may not stand in a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// No name at all.
    #[error("it is empty")]
    Empty,
    /// It does not start at the tree's root.
    #[error("it is absolute, or has an empty component")]
    NotRelative,
    /// `.` or `..`.
    #[error("it has a component . or ..")]
    Dots,
    /// A git directory would run hooks of its sender.
    #[error("it has a component that a Mac reads as .git")]
    Git,
    /// NUL, newline and their kind.
    #[error("it has a control character")]
    Control,
    /// Longer than macOS can hold.
    #[error("it is longer than {PATH_BYTES_MAX} bytes, or a component of it than {COMPONENT_BYTES_MAX}")]
    TooLong,
    /// Deeper than unpacking can follow.
    #[error("it is deeper than {DEPTH_MAX} directories")]
    TooDeep,
    /// The same text in another form.
    #[error("it is not in Unicode normal form C")]
    NotNfc,
}

/// Checks a path as it stands in an archive.
pub fn check(path: &str) -> Result<(), InvalidName> {
    if path.is_empty() {
        return Err(InvalidName::Empty);
    }
    if path.len() > PATH_BYTES_MAX {
        return Err(InvalidName::TooLong);
    }
    if path.split('/').count() > DEPTH_MAX {
        return Err(InvalidName::TooDeep);
    }
    if path.chars().any(char::is_control) {
        return Err(InvalidName::Control);
    }
    for component in path.split('/') {
        match component {
            "" => return Err(InvalidName::NotRelative),
            "." | ".." => return Err(InvalidName::Dots),
            _ if component.len() > COMPONENT_BYTES_MAX => return Err(InvalidName::TooLong),
            _ if is_git(component) => return Err(InvalidName::Git),
            _ => {}
        }
    }
    if matches!(nfc(path), Cow::Owned(_)) {
        return Err(InvalidName::NotNfc);
    }
    Ok(())
}

/// The text in Unicode normal form C; borrowed when it already is.
pub fn nfc(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || unicode_normalization::is_nfc(text) { Cow::Borrowed(text) } else { Cow::Owned(text.nfc().collect()) }
}

/// The text as a case-insensitive file system compares it: two paths with the same folding are one file on APFS.
///
/// Full case folding by way of upper case, then NFC. Only the dotless i is excepted: its upper case is `I`, yet it folds to itself.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let decomposed = text.nfd().flat_map(char::to_lowercase);
    let folded = decomposed.flat_map(|c| {
        let upper: Vec<char> = if c == '\u{131}' { vec![c] } else { c.to_uppercase().collect() };
        upper.into_iter().flat_map(char::to_lowercase)
    });
    folded.nfc().collect()
}

/// Whether HFS+ and APFS would open the git directory under this name: they ignore case, HFS+ also some invisible characters.
fn is_git(component: &str) -> bool {
    let ignorable = |c: char| matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}');
    let visible = component.chars().filter(|c| !ignorable(*c)).map(|c| c.to_ascii_lowercase());
    visible.eq(".git".chars())
}

/// The places in `paths` of two that are one on a Mac; of several such pairs, the one that is complete first.
///
/// Foldings are compared by a digest of 64 bits, and themselves only when those agree: ten thousand paths cost a millisecond.
pub(crate) fn collision(paths: &[&str]) -> Option<(usize, usize)> {
    let mut digests: Vec<(u64, usize)> = paths.iter().map(|path| fold_digest(path)).zip(0..).collect();
    digests.sort_unstable();
    let alike = digests.chunk_by(|a, b| a.0 == b.0).filter(|group| group.len() > 1);
    let pairs = alike.filter_map(|group| {
        let mut taken = HashMap::new();
        group.iter().find_map(|(_, at)| taken.insert(fold(paths[*at]), *at).map(|earlier| (earlier, *at)))
    });
    pairs.min_by_key(|(_, second)| *second)
}

fn fold_digest(path: &str) -> u64 {
    let folded: Cow<'_, str> = if path.is_ascii() { Cow::Borrowed(path) } else { Cow::Owned(fold(path)) };
    let mut hasher = DefaultHasher::new();
    // Lower case in pieces on the stack: nothing is allocated for most paths.
    let mut piece = [0; 64];
    for bytes in folded.as_bytes().chunks(piece.len()) {
        let lower = &mut piece[..bytes.len()];
        lower.copy_from_slice(bytes);
        lower.make_ascii_lowercase();
        hasher.write(lower);
    }
    hasher.finish()
}

/// Remembers the names seen, to find the one that another name already took.
#[derive(Debug, Default)]
pub struct Taken(HashMap<String, String>);

impl Taken {
    /// Takes `path`; the earlier path if the two are one on a Mac.
    pub fn take(&mut self, path: &str) -> Result<(), String> {
        match self.0.insert(fold(path), path.to_owned()) {
            None => Ok(()),
            Some(earlier) => Err(earlier),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_paths_pass() {
        for path in ["a", "Sources/App.swift", ".rch/xcode.toml", "caf\u{e9}", ".gitignore", "a b/c\\d", &"x".repeat(255)] {
            assert_eq!(check(path), Ok(()), "{path}");
        }
    }

    #[test]
    fn each_dangerous_path_is_refused_for_its_own_reason() {
        let long_path = vec!["x".repeat(200); 6].join("/");
        for (path, expected) in [
            ("", InvalidName::Empty),
            ("/etc/passwd", InvalidName::NotRelative),
            ("a//b", InvalidName::NotRelative),
            ("a/", InvalidName::NotRelative),
            ("a/../b", InvalidName::Dots),
            ("./a", InvalidName::Dots),
            ("sub/.git/hooks/x", InvalidName::Git),
            (".GIT", InvalidName::Git),
            (".g\u{200c}it/config", InvalidName::Git),
            ("a\nb", InvalidName::Control),
            ("cafe\u{301}", InvalidName::NotNfc),
            (&"x".repeat(256), InvalidName::TooLong),
            (&long_path, InvalidName::TooLong),
            (&["a"; 101].join("/"), InvalidName::TooDeep),
        ] {
            assert_eq!(check(path), Err(expected), "{path:?}");
        }
    }

    #[test]
    fn names_that_are_one_on_a_mac_fold_to_the_same_text() {
        for (one, other) in [
            ("README", "readme"),
            ("Stra\u{df}e", "STRASSE"),
            ("caf\u{e9}", "CAFE\u{301}"),
            ("\u{1e9e}", "ss"),
            ("\u{212a}elvin", "kelvin"),
            ("\u{3c3}\u{3c2}", "\u{3a3}\u{3a3}"),
            ("\u{fb01}le", "FILE"),
        ] {
            assert_eq!(fold(one), fold(other), "{one} {other}");
        }
    }

    #[test]
    fn names_that_differ_on_a_mac_stay_apart() {
        for (one, other) in [("a", "b"), ("\u{131}", "i"), ("e", "\u{e9}"), ("a/b", "a.b")] {
            assert_ne!(fold(one), fold(other), "{one} {other}");
        }
    }

    #[test]
    fn the_second_of_two_colliding_names_learns_of_the_first() {
        let mut taken = Taken::default();
        assert_eq!(taken.take("Sources/A.swift"), Ok(()));
        assert_eq!(taken.take("Sources/B.swift"), Ok(()));
        assert_eq!(taken.take("sources/a.swift"), Err("Sources/A.swift".to_owned()));
    }
}
