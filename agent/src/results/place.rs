//! Places in the source, as the tools print them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The source tree, by every path the tools may print for it.
#[derive(Debug, Clone)]
pub(crate) struct Tree {
    roots: Vec<String>,
    /// The path of each file by its name alone; `None` for a name that several have.
    names: Arc<HashMap<String, Option<String>>>,
}

impl Tree {
    /// The tree at `root`, also under the name that its links resolve to.
    pub(crate) fn at(root: &Path) -> Self {
        let mut roots: Vec<PathBuf> = vec![root.to_owned()];
        roots.extend(std::fs::canonicalize(root).ok().filter(|real| real != root));
        Self { roots: roots.iter().map(|root| format!("{}/", root.display())).collect(), names: Arc::default() }
    }

    /// The tree, knowing its files by these paths: a result bundle and Swift Testing name a file without its folders.
    pub(crate) fn with_files<'a>(self, paths: impl IntoIterator<Item = &'a str>) -> Self {
        let mut names: HashMap<String, Option<String>> = HashMap::new();
        for path in paths {
            let name = path.rsplit('/').next().unwrap_or(path).to_owned();
            names.entry(name).and_modify(|known| *known = None).or_insert_with(|| Some(path.to_owned()));
        }
        Self { names: Arc::new(names), ..self }
    }

    /// The path relative to the tree, or absolute when it is outside; a bare name becomes the path of the one file that has it.
    pub(super) fn place(&self, path: &str) -> String {
        let known = self.names.get(path).and_then(Option::as_deref);
        known.unwrap_or_else(|| self.relative(path)).to_owned()
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
        let tree = Tree { roots: vec!["/s/tree/".to_owned(), "/private/s/tree/".to_owned()], names: Arc::default() };
        assert_eq!(tree.relative("/private/s/tree/A/B.swift"), "A/B.swift");
        assert_eq!(tree.relative("/usr/include/x.h"), "/usr/include/x.h");
        assert_eq!(tree.relative_in("no '/private/s/tree/A.swift' and /s/tree/B.swift"), "no 'A.swift' and B.swift");
    }

    #[test]
    fn a_bare_name_is_the_one_file_that_has_it() {
        let tree = Tree::at(Path::new("/s")).with_files(["Tests/A.swift", "Tests/B.swift", "App/B.swift"]);
        assert_eq!(tree.place("A.swift"), "Tests/A.swift");
        assert_eq!(tree.place("B.swift"), "B.swift");
        assert_eq!(tree.place("/s/App/B.swift"), "App/B.swift");
    }
}
