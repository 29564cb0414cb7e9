//! Paths of a worker as paths of the tree.

use std::borrow::Cow;
use std::collections::HashSet;

use rch_schemas::RunId;

/// Knows the files of the tree, and learns where the worker put it.
#[derive(Debug, Clone, Default)]
pub(crate) struct TreePaths {
    files: HashSet<String>,
    root: Option<String>,
}

impl TreePaths {
    /// The paths of a tree, relative to it.
    pub(crate) fn new<'a>(files: impl Iterator<Item = &'a str>) -> Self {
        Self { files: files.map(str::to_owned).collect(), root: None }
    }

    /// The path relative to the tree, when it is in it; else as it is. The first path that ends in a file of the tree tells where the worker
    /// has unpacked it.
    pub(crate) fn relative<'a>(&mut self, path: &'a str) -> &'a str {
        if !path.starts_with('/') {
            return path;
        }
        if let Some(inner) = self.root.as_ref().and_then(|root| path.strip_prefix(root.as_str())) {
            return inner;
        }
        let ends = path.match_indices('/').map(|(at, _)| at + 1);
        match ends.into_iter().find(|at| self.files.contains(&path[*at..])) {
            Some(at) => {
                self.root = Some(path[..at].to_owned());
                &path[at..]
            }
            None => match unpacked(path) {
                Some(end) => {
                    self.root = Some(path[..end].to_owned());
                    &path[end..]
                }
                None => path,
            },
        }
    }

    /// A message with the paths it names relative to the tree.
    pub(crate) fn relative_in<'a>(&mut self, message: &'a str) -> Cow<'a, str> {
        if self.root.is_none() {
            let Some(end) = unpacked(message) else { return message.into() };
            let begins = |at: usize| !message[..at].ends_with(|c: char| !c.is_whitespace() && !"'\"`(=:\u{2018}\u{201c}".contains(c));
            let Some(start) = message[..end].rmatch_indices('/').map(|(at, _)| at).find(|at| begins(*at)) else { return message.into() };
            self.root = Some(message[start..end].to_owned());
        }
        match &self.root {
            Some(root) if message.contains(root.as_str()) => message.replace(root.as_str(), "").into(),
            Some(_) | None => message.into(),
        }
    }
}

/// Where the name of a tree ends that a worker has unpacked: agents do so at `sources/RUN/TRY/tree/`. It tells where the tree is when its files
/// are not known, or when what is named is not among them.
fn unpacked(text: &str) -> Option<usize> {
    const SOURCES: &str = "/sources/";
    text.match_indices(SOURCES).find_map(|(at, _)| {
        let from = at + SOURCES.len();
        let mut parts = text[from..].splitn(4, '/');
        let (run, attempt, tree) = (parts.next()?, parts.next()?, parts.next()?);
        let is_id = |part: &str| part.parse::<RunId>().is_ok();
        (is_id(run) && is_id(attempt) && tree == "tree" && parts.next().is_some())
            .then(|| from + run.len() + attempt.len() + "//tree/".len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_file_of_the_tree_tells_where_all_the_others_are() {
        let mut paths = TreePaths::new(["Sources/Feed/FeedView.swift", "README.md"].into_iter());
        assert_eq!(paths.relative("/w/1/src/Sources/Gen/Made.swift"), "/w/1/src/Sources/Gen/Made.swift");
        assert_eq!(paths.relative("/w/1/src/Sources/Feed/FeedView.swift"), "Sources/Feed/FeedView.swift");
        assert_eq!(paths.relative("/w/1/src/Sources/Gen/Made.swift"), "Sources/Gen/Made.swift");
        assert_eq!(paths.relative("/Applications/Xcode.app/x.h"), "/Applications/Xcode.app/x.h");
        assert_eq!(paths.relative("Sources/a.swift"), "Sources/a.swift");
    }

    #[test]
    fn without_its_files_a_tree_is_known_by_where_workers_unpack_it() {
        let root = "/Users/a b/data/sources/01M81WFV0EERWGTSBNNXJV7HDM/01M81WFV140JYBBFRSG4W87MC9/tree";
        let mut paths = TreePaths::default();
        assert_eq!(paths.relative(&format!("{root}/Sources/A.swift")), "Sources/A.swift");
        assert_eq!(paths.relative(&format!("{root}/B.swift")), "B.swift");
        assert_eq!(paths.relative("/w/sources/one/two/tree/B.swift"), "/w/sources/one/two/tree/B.swift");
        let mut paths = TreePaths::new(["README.md"].into_iter());
        let message = format!("cannot be found: '{root}/Sources/A.swift' or {root}/B.swift");
        assert_eq!(paths.relative_in(&message), "cannot be found: 'Sources/A.swift' or B.swift");
        assert_eq!(paths.relative(&format!("{root}/B.swift")), "B.swift");
        assert_eq!(paths.relative_in("no path / at all"), "no path / at all");
    }
}
