//! What a run left on disk, read back to see that it is what was shown.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The artifacts of one run.
#[derive(Debug)]
pub(super) struct Shown {
    artifacts: PathBuf,
}

impl Shown {
    /// The newest run under the project's `.rch/artifacts`; run ids sort by time.
    pub(super) fn newest_in(project: &Path) -> Option<Self> {
        let artifacts = folders(&project.join(".rch/artifacts")).pop()?;
        Some(Self { artifacts })
    }

    /// Where they are.
    pub(super) fn artifacts(&self) -> &Path {
        &self.artifacts
    }

    /// Where the first error of the run is: `file:line:column`.
    pub(super) fn first_error(&self) -> Option<String> {
        let jobs = folders(&self.artifacts).into_iter().flat_map(|action| folders(&action));
        let summaries = jobs.filter_map(|job| fs::read(job.join("summary.json")).ok());
        let summaries = summaries.filter_map(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
        summaries.into_iter().find_map(|summary| {
            let error = summary["first_errors"].get(0)?;
            Some(format!("{}:{}:{}", error["path"].as_str()?, error["line"].as_u64()?, error["column"].as_u64()?))
        })
    }
}

/// The folders in a folder, by name; none when there is no such folder.
fn folders(parent: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    let mut folders: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn the_newest_run_and_its_first_error_are_found() {
        let project = tempfile::tempdir().unwrap();
        assert!(Shown::newest_in(project.path()).is_none());
        for (run, errors) in [("01A", "[]"), ("01B", r#"[{"path":"A.swift","line":3,"column":7,"message":"no"}]"#)] {
            let job = project.path().join(".rch/artifacts").join(run).join("build/job");
            fs::create_dir_all(&job).unwrap();
            fs::write(job.join("summary.json"), format!(r#"{{"first_errors":{errors}}}"#)).unwrap();
        }
        let newest = Shown::newest_in(project.path()).unwrap();
        assert!(newest.artifacts().ends_with("01B"));
        assert_eq!(newest.first_error().as_deref(), Some("A.swift:3:7"));
    }
}
