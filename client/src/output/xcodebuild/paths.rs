//! Paths of a worker as paths of the tree.

use std::collections::HashSet;

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
            None => path,
        }
    }
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
}
