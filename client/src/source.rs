//! The tree as it is sent: listed, looked over, packed; nothing is kept but what finds each chunk again.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use rch_bundle::pack::{Changes, PackError, Packed, ReadChunkError};
use rch_bundle::preflight::{self, PreflightError, Project};
use rch_bundle::tree::{self, WalkError};
use rch_bundle::{compress, pack};
use rch_schemas::{Reason, Sha256};

use crate::clock;
use crate::output::{Why, bytes, count, grouped};
use crate::stat_cache::StatCache;

/// Why the tree cannot be sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    /// It cannot be listed.
    #[error(transparent)]
    Walk(#[from] WalkError),
    /// It would fail on every Mac.
    #[error(transparent)]
    Preflight(#[from] PreflightError),
    /// It cannot be read.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// It is no longer the tree that was packed.
    #[error(transparent)]
    Read(#[from] ReadChunkError),
    /// The farm wants what the tree does not have.
    #[error(
        "the farm asks for the chunk {0}, which is not of this tree; run again, and check that nothing between here and the farm changes answers"
    )]
    Foreign(Sha256),
    /// The store does not keep what it is sent.
    #[error("after {uploads} uploads the farm still lacks {again} chunks that it was sent; its store loses them: ask its operators")]
    NotKept {
        /// How often chunks were sent.
        uploads: u32,
        /// Chunks that were sent and are missing.
        again: usize,
    },
}

impl SourceError {
    /// Code and exit code.
    pub(crate) fn why(&self) -> Why {
        let reason = match self {
            Self::Walk(error) => match error.reason() {
                // What the configuration asks for cannot be had here.
                None => return Why::Usage,
                reason => reason,
            },
            Self::Preflight(error) => Some(error.reason()),
            Self::Pack(error) => error.reason(),
            Self::Read(error) => error.reason(),
            Self::Foreign(_) => Some(Reason::Transfer),
            Self::NotKept { .. } => Some(Reason::SourceMissing),
        };
        reason.map_or(Why::Internal, Why::Reason)
    }
}

/// A packed tree.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    packed: Arc<Packed>,
    places: Arc<HashMap<Sha256, usize>>,
    /// Since the bundling before, when that is known.
    changes: Option<Arc<Changes>>,
}

impl Source {
    /// Lists, checks and packs the tree at `root`, of which `projects` are to be built; reads only what `cache` does not know.
    pub(crate) async fn bundle(
        root: PathBuf,
        options: tree::Options,
        projects: Vec<Project>,
        cache: StatCache,
    ) -> Result<Self, SourceError> {
        blocking(move || {
            let began = clock::now();
            let tree = tree::walk(&root, &options)?;
            for project in &projects {
                preflight::check(&tree, project)?;
            }
            let earlier = cache.load(tree.root());
            let packed = pack::pack_since(&tree, earlier.as_ref())?;
            let changes = earlier.and_then(|earlier| earlier.changes(&packed)).map(Arc::new);
            if let Some(found) = packed.remember(began) {
                // When it cannot be kept, the next pass reads the tree again, and that is all.
                let _ = cache.keep(tree.root(), &found);
            }
            let places = packed.chunks().iter().enumerate().map(|(index, chunk)| (chunk.sha256, index)).collect();
            Ok(Self { packed: Arc::new(packed), places: Arc::new(places), changes })
        })
        .await
    }

    /// What was packed.
    pub(crate) fn packed(&self) -> &Packed {
        &self.packed
    }

    /// The chunk of this digest as it travels.
    pub(crate) async fn frame(&self, sha256: Sha256) -> Result<Vec<u8>, SourceError> {
        let index = *self.places.get(&sha256).ok_or(SourceError::Foreign(sha256))?;
        let packed = Arc::clone(&self.packed);
        blocking(move || Ok(compress::compress(&packed.read_chunk(index)?))).await
    }

    /// `5,012 files, 48.3 MiB; 1 changed: Sources/Feed.swift; 3 untracked (list: --dry-run)`.
    pub(crate) fn describe(&self) -> String {
        let tree = self.packed.tree();
        let mut parts = vec![format!("{}, {}", count(tree.files() as u64, "file"), bytes(tree.content_bytes()))];
        parts.extend(self.changes.as_deref().map(describe_changes));
        match tree.untracked().count() as u64 {
            0 => {}
            untracked => parts.push(format!("{} untracked (list: --dry-run)", grouped(untracked))),
        }
        parts.join("; ")
    }

    /// Every path of the tree that is a file, for recognising them in logs.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.packed.tree().entries().iter().map(|entry| entry.path.as_str())
    }
}

/// `unchanged`, `1 changed: Sources/Feed.swift`, `3 changed, 1 added`.
fn describe_changes(changes: &Changes) -> String {
    let kinds = [(&changes.changed, "changed"), (&changes.added, "added"), (&changes.removed, "removed")];
    let told: Vec<String> = kinds
        .into_iter()
        .filter(|(paths, _)| !paths.is_empty())
        .map(|(paths, word)| match paths.as_slice() {
            [only] if changes.count() == 1 => format!("1 {word}: {only}"),
            _ => format!("{} {word}", grouped(paths.len() as u64)),
        })
        .collect();
    if told.is_empty() { "unchanged".to_owned() } else { told.join(", ") }
}

/// Runs `work` on a thread that may block. A panic there is one here.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, SourceError> + Send + 'static) -> Result<T, SourceError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_change_is_named_and_more_are_counted() {
        let paths = |count: usize| vec!["Sources/Feed.swift".to_owned(); count];
        for ([changed, added, removed], expected) in [
            ([0, 0, 0], "unchanged"),
            ([1, 0, 0], "1 changed: Sources/Feed.swift"),
            ([0, 0, 1], "1 removed: Sources/Feed.swift"),
            ([1_200, 0, 0], "1,200 changed"),
            ([1, 1, 0], "1 changed, 1 added"),
            ([2, 0, 1], "2 changed, 1 removed"),
        ] {
            let changes = Changes { changed: paths(changed), added: paths(added), removed: paths(removed) };
            assert_eq!(describe_changes(&changes), expected);
        }
    }
}
