//! Reports about attempts that were granted, on disk until the farm has answered them.
//!
//! Outside the attempts' directories, which are wiped once their report is here; each file is synced before its report is sent for the
//! first time. Knows nothing of sessions and numbers: those belong to the process that sends.

use std::fs;
use std::io;
use std::path::PathBuf;

use rch_schemas::wire::agent::ReportBody;

use crate::attempt::AttemptKey;
use crate::durable;

/// The folder of unanswered reports.
#[derive(Debug, Clone)]
pub(crate) struct Outbox {
    folder: PathBuf,
}

impl Outbox {
    /// Opens the folder, making it if it is not there.
    pub(crate) fn open(folder: PathBuf) -> io::Result<Self> {
        durable::create_dir(&folder)?;
        Ok(Self { folder })
    }

    /// Keeps the last report of an attempt. Blocks until it is on the disk.
    pub(crate) fn put(&self, key: &AttemptKey, body: &ReportBody) -> io::Result<()> {
        let bytes = serde_json::to_vec(body).expect("wire types serialize");
        durable::write(&self.path(key), &bytes)
    }

    /// Whether a report of the attempt is kept.
    pub(crate) fn holds(&self, key: &AttemptKey) -> bool {
        self.path(key).is_file()
    }

    /// The farm has answered.
    pub(crate) fn remove(&self, key: &AttemptKey) -> io::Result<()> {
        match fs::remove_file(self.path(key)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        }
    }

    /// Every report that was never answered, by attempt. A file that cannot be read is put aside, so that it is warned about once.
    pub(crate) fn load(&self) -> io::Result<Vec<(AttemptKey, ReportBody)>> {
        let mut reports = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let Some(key) = name.strip_suffix(".json").and_then(|name| name.parse::<AttemptKey>().ok()) else { continue };
            match serde_json::from_slice(&fs::read(&path)?) {
                Ok(body) => reports.push((key, body)),
                Err(error) => {
                    tracing::error!(path = %path.display(), %error, "a kept report cannot be read and is put aside");
                    fs::rename(&path, path.with_extension("unreadable"))?;
                }
            }
        }
        reports.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(reports)
    }

    fn path(&self, key: &AttemptKey) -> PathBuf {
        self.folder.join(format!("{key}.json"))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use rch_schemas::{Attempt, Reason};

    use super::*;

    fn interrupted(key: &AttemptKey) -> ReportBody {
        let (job_id, attempt) = (key.job_id.clone(), key.attempt);
        ReportBody::Interrupted { job_id, attempt, code: Reason::Interrupted, detail: "the agent was started anew".to_owned() }
    }

    #[test]
    fn a_report_is_there_after_a_restart_until_it_is_answered() {
        let dir = tempfile::tempdir().unwrap();
        let key = AttemptKey::new(&"job-000001".parse().unwrap(), Attempt(1));
        Outbox::open(dir.path().join("outbox")).unwrap().put(&key, &interrupted(&key)).unwrap();

        let outbox = Outbox::open(dir.path().join("outbox")).unwrap();
        assert!(outbox.holds(&key));
        assert_eq!(outbox.load().unwrap(), [(key.clone(), interrupted(&key))]);
        outbox.remove(&key).unwrap();
        outbox.remove(&key).unwrap();
        assert!(outbox.load().unwrap().is_empty());
    }

    #[test]
    fn a_damaged_report_is_put_aside_and_the_others_are_still_sent() {
        let dir = tempfile::tempdir().unwrap();
        let outbox = Outbox::open(dir.path().to_owned()).unwrap();
        let key = AttemptKey::new(&"job-000002".parse().unwrap(), Attempt(1));
        outbox.put(&key, &interrupted(&key)).unwrap();
        fs::write(dir.path().join("job-000001.1.json"), "{\"kind\":").unwrap();
        assert_eq!(outbox.load().unwrap().len(), 1);
        assert!(dir.path().join("job-000001.1.unreadable").is_file());
        assert_eq!(outbox.load().unwrap().len(), 1);
    }
}
