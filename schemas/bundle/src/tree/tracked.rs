//! What git tracks of a tree, by the path in the bundle.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::WalkError;
use super::repository::{Repository, Tracks};

/// What one checkout tracks: paths from the tree's root, NFC, sorted by their bytes.
#[derive(Debug, Default)]
pub(super) struct Tracked(Vec<(String, Tracks)>);

impl Tracked {
    /// What `repository` tracks, where its top directory stands at `prefix` of the tree (empty for the root itself).
    pub(super) fn beneath(prefix: &str, repository: &Repository) -> Result<Self, WalkError> {
        let mut all = repository.index()?;
        if !prefix.is_empty() {
            for (path, _) in &mut all {
                *path = format!("{prefix}/{path}");
            }
        }
        Ok(Self::sorted(all))
    }

    /// What `repository` tracks of its directory `inner`, which is the tree's root.
    pub(super) fn from(inner: &str, repository: &Repository) -> Result<Self, WalkError> {
        let inside = format!("{inner}/");
        let all = repository.index()?.into_iter();
        Ok(Self::sorted(all.filter_map(|(path, tracks)| Some((path.strip_prefix(&inside)?.to_owned(), tracks))).collect()))
    }

    fn sorted(mut all: Vec<(String, Tracks)>) -> Self {
        // An index is sorted; names that are not NFC may have moved.
        all.sort_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
        Self(all)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Submodules of which not even the directory is in the tree at `root`.
    pub(super) fn missing_submodules(&self, root: &Path) -> Vec<String> {
        let submodules = self.0.iter().filter(|(_, tracks)| *tracks == Tracks::Submodule);
        submodules.filter(|(path, _)| !root.join(path).is_dir()).map(|(path, _)| path.clone()).collect()
    }
}

/// The part of what a checkout tracks that is in one directory, at any depth.
#[derive(Debug, Clone)]
pub(super) struct TrackedWithin {
    tracked: Arc<Tracked>,
    range: Range<usize>,
}

impl TrackedWithin {
    /// All of it.
    pub(super) fn all(tracked: Tracked) -> Self {
        let range = 0..tracked.0.len();
        Self { tracked: Arc::new(tracked), range }
    }

    /// What is tracked at `path` itself.
    pub(super) fn get(&self, path: &str) -> Option<Tracks> {
        let within = &self.tracked.0[self.range.clone()];
        let at = within.binary_search_by(|(found, _)| found.as_bytes().cmp(path.as_bytes())).ok()?;
        Some(within[at].1)
    }

    /// What is tracked in the directory at `path`; `None` when nothing is.
    pub(super) fn directory(&self, path: &str) -> Option<Self> {
        let inside = format!("{path}/");
        let within = &self.tracked.0[self.range.clone()];
        let first = within.partition_point(|(found, _)| found.as_bytes() < inside.as_bytes());
        let length = within[first..].partition_point(|(found, _)| found.starts_with(&inside));
        let start = self.range.start + first;
        (length > 0).then(|| Self { tracked: Arc::clone(&self.tracked), range: start..start + length })
    }
}
