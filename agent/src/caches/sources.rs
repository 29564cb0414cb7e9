//! The source tree of each run, unpacked once and shared by the run's jobs on this worker, with their DerivedData.
//!
//! ```text
//! sources/<run>/<try>/tree/                  the tree
//! sources/<run>/<try>/derived_data/<name>/   one for each destination and directory, so that `build` then `test` compiles once
//! ```

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rch_schemas::document::SourceEntry;
use rch_schemas::job_key::JobKeyInputs;
use rch_schemas::{RunId, Sha256};
use tokio::sync::OnceCell;

use crate::{clock, durable};

/// The trees of all runs.
#[derive(Debug)]
pub(crate) struct Sources {
    folder: PathBuf,
    runs: Mutex<BTreeMap<RunId, Arc<OnceCell<Source>>>>,
}

/// One run's tree.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    root: PathBuf,
    /// What was unpacked, sorted by path bytes.
    pub(crate) entries: Arc<Vec<SourceEntry>>,
}

impl Sources {
    /// Opens the folder and removes the trees of an earlier process, which no attempt holds any more.
    pub(crate) fn open(folder: PathBuf) -> io::Result<Self> {
        durable::remove_dir(&folder)?;
        std::fs::create_dir_all(&folder)?;
        Ok(Self { folder, runs: Mutex::new(BTreeMap::new()) })
    }

    /// The cell of a run's tree: whoever comes first fills it, the others wait for it.
    pub(crate) fn of(&self, run: &RunId) -> Arc<OnceCell<Source>> {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(runs.entry(run.clone()).or_default())
    }

    /// An empty place for a run's tree, which no other try uses: the thread of one that was given up may still be writing. Blocks.
    pub(crate) fn prepare(&self, run: &RunId) -> io::Result<PathBuf> {
        let root = self.folder.join(run.as_str()).join(clock::request_id().as_str());
        std::fs::create_dir_all(tree_of(&root))?;
        Ok(root)
    }

    /// Removes a run's tree and DerivedData. Blocks; only when none of its attempts is held.
    pub(crate) fn remove(&self, run: &RunId) -> io::Result<()> {
        let gone = self.folder.join(format!(".{}", clock::request_id()));
        {
            let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
            runs.remove(run);
            // An attempt of the run that comes now begins anew, beside what is still being removed.
            match std::fs::rename(self.folder.join(run.as_str()), &gone) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                renamed => renamed?,
            }
        }
        durable::remove_dir(&gone)
    }
}

impl Source {
    /// A tree that was unpacked below `root`.
    pub(crate) fn new(root: PathBuf, entries: Vec<SourceEntry>) -> Self {
        Self { root, entries: Arc::new(entries) }
    }

    /// The tree's root.
    pub(crate) fn tree(&self) -> PathBuf {
        tree_of(&self.root)
    }

    /// The DerivedData that the run's jobs for this destination share, those of each directory for themselves: two packages may have products of
    /// the same name.
    pub(crate) fn derived_data(&self, inputs: &JobKeyInputs) -> PathBuf {
        let name = Sha256::of_canonical(&(&inputs.destination, &inputs.directory)).expect("destinations hold strings only").to_string();
        self.root.join("derived_data").join(&name[..16])
    }
}

/// Where the tree of a run's folder is.
pub(crate) fn tree_of(root: &Path) -> PathBuf {
    root.join("tree")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::collections::BTreeSet;

    use rch_schemas::job_key::{Provisioning, ResolvedDestination};

    use super::*;

    #[test]
    fn jobs_of_one_run_share_a_tree_and_a_restart_begins_without_any() {
        let dir = tempfile::tempdir().unwrap();
        let run: RunId = "run-000001".parse().unwrap();
        let sources = Sources::open(dir.path().join("sources")).unwrap();
        assert!(Arc::ptr_eq(&sources.of(&run), &sources.of(&run)));
        let (first, second) = (sources.prepare(&run).unwrap(), sources.prepare(&run).unwrap());
        assert!(first != second && tree_of(&first).is_dir() && tree_of(&second).is_dir());
        sources.remove(&run).unwrap();
        sources.remove(&run).unwrap();
        assert_eq!(std::fs::read_dir(dir.path().join("sources")).unwrap().count(), 0);
        let root = sources.prepare(&run).unwrap();
        Sources::open(dir.path().join("sources")).unwrap();
        assert!(!root.exists());
    }

    #[test]
    fn neither_destinations_nor_directories_share_derived_data() {
        let source = Source::new(PathBuf::from("/s/run"), Vec::new());
        let generic = |platform: &str, directory: &str| {
            let destination = ResolvedDestination::Generic {
                platform: platform.to_owned(),
                os_version: "18.2".to_owned(),
                provisioning: Provisioning::Existing,
                variant: None,
            };
            JobKeyInputs { destination, directory: directory.parse().ok(), ..crate::sample::offer().job.job_key_inputs }
        };
        let places = [("iOS", "."), ("tvOS", "."), ("iOS", "Kit")].map(|(platform, directory)| generic(platform, directory));
        let all: BTreeSet<_> = places.iter().map(|inputs| source.derived_data(inputs)).collect();
        assert_eq!(all.len(), 3);
        assert_eq!(source.derived_data(&places[0]), source.derived_data(&generic("iOS", ".")));
    }
}
