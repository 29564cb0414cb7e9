//! What an earlier process left behind when it ended in the middle.

use std::fs;
use std::io;
use std::path::Path;

use rch_schemas::Reason;
use rch_schemas::wire::agent::ReportBody;

use crate::attempt::{AttemptDirectory, AttemptKey};
use crate::durable;
use crate::outbox::Outbox;

/// Sweeps the attempts of an earlier process: kills backends that outlived it, makes a report for every attempt that was granted and has none, and
/// wipes each directory once its report is in the outbox. Blocks. All reports still owed, old and new.
pub(crate) fn sweep(attempts: &Path, outbox: &Outbox) -> io::Result<Vec<(AttemptKey, ReportBody)>> {
    durable::create_dir(attempts)?;
    for entry in fs::read_dir(attempts)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Ok(key) = name.parse::<AttemptKey>() else {
            tracing::warn!(path = %path.display(), "not an attempt's directory; left alone");
            continue;
        };
        sweep_one(&AttemptDirectory::of(attempts, &key), &key, outbox)?;
    }
    outbox.load()
}

fn sweep_one(directory: &AttemptDirectory, key: &AttemptKey, outbox: &Outbox) -> io::Result<()> {
    if let Some(process) = directory.process() {
        process.kill();
    }
    if directory.was_granted() && !outbox.holds(key) {
        tracing::warn!(attempt = %key, "an attempt was interrupted by the end of an earlier agent");
        let (job_id, attempt) = (key.job_id.clone(), key.attempt);
        let detail = "the agent ended while it ran the attempt".to_owned();
        outbox.put(key, &ReportBody::Interrupted { job_id, attempt, code: Reason::Interrupted, detail })?;
    }
    directory.wipe()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use rch_schemas::{Attempt, LedgerSeq};

    use super::*;

    struct Bench {
        dir: tempfile::TempDir,
        outbox: Outbox,
    }

    impl Bench {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let outbox = Outbox::open(dir.path().join("outbox")).unwrap();
            Self { dir, outbox }
        }

        fn granted(&self, job: &str) -> AttemptKey {
            let key = AttemptKey::new(&job.parse().unwrap(), Attempt(1));
            AttemptDirectory::of(&self.dir.path().join("attempts"), &key).create(LedgerSeq(3)).unwrap();
            key
        }

        fn sweep(&self) -> Vec<(AttemptKey, ReportBody)> {
            sweep(&self.dir.path().join("attempts"), &self.outbox).unwrap()
        }

        fn directories(&self) -> usize {
            fs::read_dir(self.dir.path().join("attempts")).unwrap().count()
        }
    }

    #[test]
    fn a_granted_attempt_without_a_report_is_interrupted_once() {
        let bench = Bench::new();
        let key = bench.granted("job-000001");
        let owed = bench.sweep();
        assert_eq!(owed.len(), 1);
        assert!(matches!(&owed[0], (found, ReportBody::Interrupted { code: Reason::Interrupted, .. }) if *found == key));
        assert_eq!(bench.directories(), 0);
        // A second crash before the report was answered changes nothing.
        assert_eq!(bench.sweep(), owed);
    }

    #[test]
    fn a_report_that_was_made_before_the_end_is_kept_as_it_is() {
        let bench = Bench::new();
        let key = bench.granted("job-000001");
        let (job_id, attempt) = (key.job_id.clone(), key.attempt);
        let made = ReportBody::Interrupted { job_id, attempt, code: Reason::CancelledByUser, detail: "cancelled".to_owned() };
        bench.outbox.put(&key, &made).unwrap();
        assert_eq!(bench.sweep(), [(key, made)]);
        assert_eq!(bench.directories(), 0);
    }

    #[test]
    fn a_directory_of_someone_else_is_left_alone() {
        let bench = Bench::new();
        fs::create_dir_all(bench.dir.path().join("attempts/.metadata")).unwrap();
        assert!(bench.sweep().is_empty());
        assert_eq!(bench.directories(), 1);
    }
}
