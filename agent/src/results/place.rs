//! Places in the source, as the tools print them.

use std::path::{Path, PathBuf};

/// The source tree, by every path the tools may print for it.
#[derive(Debug, Clone)]
pub(crate) struct Tree {
    roots: Vec<String>,
}

impl Tree {
    /// The tree at `root`, also under the name that its links resolve to.
    pub(crate) fn at(root: &Path) -> Self {
        let mut roots: Vec<PathBuf> = vec![root.to_owned()];
        roots.extend(std::fs::canonicalize(root).ok().filter(|real| real != root));
        Self { roots: roots.iter().map(|root| format!("{}/", root.display())).collect() }
    }

    /// The path relative to the tree; as it stands when it is outside.
    pub(super) fn relative<'a>(&self, path: &'a str) -> &'a str {
        self.roots.iter().find_map(|root| path.strip_prefix(root.as_str())).unwrap_or(path)
    }

    /// A message with the tree's paths in it made relative.
    pub(super) fn relative_in(&self, message: &str) -> String {
        // The real name of a root may end in the other: `/private/tmp` and `/tmp`.
        let mut roots: Vec<&str> = self.roots.iter().map(String::as_str).collect();
        roots.sort_by_key(|root| std::cmp::Reverse(root.len()));
        roots.into_iter().fold(message.to_owned(), |message, root| message.replace(root, ""))
    }
}

/// A place and the rest of its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placed<'a> {
    pub(super) path: &'a str,
    pub(super) line: u32,
    pub(super) column: Option<u32>,
    pub(super) rest: &'a str,
}

/// Reads `path:line: rest` or `path:line:column: rest`; the path may hold spaces and colons.
pub(super) fn split(text: &str) -> Option<Placed<'_>> {
    let mut from = 0;
    while let Some(found) = text[from..].find(':') {
        let colon = from + found;
        from = colon + 1;
        let Some((line, after)) = number(&text[from..]) else { continue };
        let (column, after) = match number(after) {
            Some((column, after)) => (Some(column), after),
            None => (None, after),
        };
        if colon == 0 || line == 0 || !(after.is_empty() || after.starts_with(' ')) {
            continue;
        }
        return Some(Placed { path: &text[..colon], line, column, rest: after.trim_start() });
    }
    None
}

/// Digits up to a colon, and what comes after it.
fn number(text: &str) -> Option<(u32, &str)> {
    let (digits, after) = text.split_once(':')?;
    let ascii = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    ascii.then(|| Some((digits.parse().ok()?, after)))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_in_spite_of_spaces_and_colons_in_names() {
        let place =
            split("/a b/x: y/File.swift:403:42: error: value of type").map(|place| (place.path, place.line, place.column, place.rest));
        assert_eq!(place, Some(("/a b/x: y/File.swift", 403, Some(42), "error: value of type")));
        let place = split("File.swift:50: failed: caught").map(|place| (place.path, place.line, place.column, place.rest));
        assert_eq!(place, Some(("File.swift", 50, None, "failed: caught")));
        assert_eq!(split("2018-11-04 10:33:21.838 xcodebuild[1]: error: x"), None);
        assert_eq!(split("<unknown>:0: error: caught"), None);
        assert_eq!(split("note: nothing"), None);
    }

    #[test]
    fn a_path_in_the_tree_is_relative_and_another_stays() {
        let tree = Tree { roots: vec!["/s/tree/".to_owned(), "/private/s/tree/".to_owned()] };
        assert_eq!(tree.relative("/private/s/tree/A/B.swift"), "A/B.swift");
        assert_eq!(tree.relative("/usr/include/x.h"), "/usr/include/x.h");
        assert_eq!(tree.relative_in("no '/private/s/tree/A.swift' and /s/tree/B.swift"), "no 'A.swift' and B.swift");
    }
}
