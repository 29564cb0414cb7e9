//! Where artifacts lie on this machine.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rch_schemas::RunId;
use rch_schemas::wire::http::JobView;

/// The directory of artifacts in a tree.
const ARTIFACTS: &str = ".rch/artifacts";
/// Remembers the newest run of a tree.
const LAST: &str = "last";
/// Keeps git out of a directory.
const IGNORE: &str = ".gitignore";
/// What git is to ignore there.
const EVERYTHING: &str = "*\n";

/// A directory of runs.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    directory: PathBuf,
    /// Paths are shown from here.
    shown_from: PathBuf,
}

impl Place {
    /// The directory of the tree at `root`, or `chosen` instead; paths are shown as seen from `working`.
    pub(crate) fn new(root: &Path, chosen: Option<&Path>, working: &Path) -> Self {
        let directory = chosen.map_or_else(|| root.join(ARTIFACTS), |chosen| working.join(chosen));
        Self { directory, shown_from: working.to_owned() }
    }

    /// The directory of a run.
    pub(crate) fn run(&self, run_id: &RunId) -> PathBuf {
        self.directory.join(run_id.as_str())
    }

    /// The directory of a job's set.
    pub(crate) fn job(&self, job: &JobView) -> PathBuf {
        self.run(&job.run_id).join(job.action.as_str()).join(job.job_id.as_str())
    }

    /// A path as a person would type it here.
    pub(crate) fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.shown_from).unwrap_or(path).display().to_string()
    }

    /// Makes the directory of a run, and keeps git out of it.
    pub(crate) fn prepare(&self, run_id: &RunId) -> io::Result<PathBuf> {
        let run = self.run(run_id);
        fs::create_dir_all(&run)?;
        self.ignore()?;
        fs::write(run.join(IGNORE), EVERYTHING)?;
        Ok(run)
    }

    /// The directory itself is ignored only when it is ours alone; a directory the user chose may hold other things.
    fn ignore(&self) -> io::Result<()> {
        if self.directory.ends_with(ARTIFACTS) { fs::write(self.directory.join(IGNORE), EVERYTHING) } else { Ok(()) }
    }

    /// Remembers the newest run of this tree.
    pub(crate) fn remember(&self, run_id: &RunId) -> io::Result<()> {
        fs::create_dir_all(&self.directory)?;
        self.ignore()?;
        fs::write(self.directory.join(LAST), format!("{run_id}\n"))
    }

    /// The newest run of this tree.
    pub(crate) fn last(&self) -> Option<RunId> {
        fs::read_to_string(self.directory.join(LAST)).ok()?.trim().parse().ok()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn the_newest_run_of_a_tree_is_remembered_where_git_does_not_look() {
        let root = tempfile::tempdir().unwrap();
        let place = Place::new(root.path(), None, &root.path().join("sub"));
        assert_eq!(place.last(), None);
        let id: RunId = "01KBQ3M5T2Y8ZC4W6N0R7HXA1D".parse().unwrap();
        place.remember(&id).unwrap();
        assert!(!place.run(&id).exists(), "where artifacts go is another question");
        place.prepare(&id).unwrap();
        assert_eq!(place.last(), Some(id.clone()));
        assert_eq!(fs::read_to_string(root.path().join(".rch/artifacts/.gitignore")).unwrap(), "*\n");
        assert_eq!(fs::read_to_string(place.run(&id).join(".gitignore")).unwrap(), "*\n");
    }

    #[test]
    fn a_chosen_directory_is_seen_from_the_working_directory() {
        let root = tempfile::tempdir().unwrap();
        let place = Place::new(root.path(), Some(Path::new("out")), root.path());
        let id: RunId = "01KBQ3M5T2Y8ZC4W6N0R7HXA1D".parse().unwrap();
        place.prepare(&id).unwrap();
        assert!(!root.path().join("out/.gitignore").exists());
        assert_eq!(place.shown(&place.run(&id)), format!("out/{id}"));
    }
}
