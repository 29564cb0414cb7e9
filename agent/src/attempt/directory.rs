//! Where everything of one attempt lies until its report is in the outbox.
//!
//! ```text
//! attempts/<job>.<attempt>/
//!   go.json         written before anything else: this attempt may have started
//!   process.json    the backend's process, for a sweep after a crash
//!   build.log       what the backend prints; becomes part of the set
//!   home/ tmp/      the backend's
//!   derived_data/   when it is not shared with the other jobs of the run
//!   set/            the artifact set
//! ```

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rch_schemas::LedgerSeq;
use serde::{Deserialize, Serialize};

use super::AttemptKey;
use super::leftover::ProcessRecord;
use crate::durable;

const GO: &str = "go.json";
const PROCESS: &str = "process.json";

/// One attempt's directory.
#[derive(Debug, Clone)]
pub(crate) struct AttemptDirectory {
    path: PathBuf,
}

/// What is known on disk about a granted attempt.
#[derive(Debug, Serialize, Deserialize)]
struct GoRecord {
    ledger_seq: LedgerSeq,
}

impl AttemptDirectory {
    /// The directory of an attempt, whether it is there or not.
    pub(crate) fn of(attempts: &Path, key: &AttemptKey) -> Self {
        Self { path: attempts.join(key.to_string()) }
    }

    /// Makes the directory and writes down that the attempt was granted. Blocks until both are on the disk.
    pub(crate) fn create(&self, ledger_seq: LedgerSeq) -> io::Result<()> {
        durable::create_dir(&self.path)?;
        for folder in [self.home(), self.tmp(), self.set()] {
            fs::create_dir_all(folder)?;
        }
        let bytes = serde_json::to_vec(&GoRecord { ledger_seq }).expect("a number serializes");
        durable::write(&self.path.join(GO), &bytes)
    }

    /// Whether the attempt was granted.
    pub(crate) fn was_granted(&self) -> bool {
        self.path.join(GO).is_file()
    }

    /// Writes down which process runs the backend.
    pub(crate) fn record_process(&self, process: &ProcessRecord) -> io::Result<()> {
        durable::write(&self.path.join(PROCESS), &serde_json::to_vec(process).expect("plain data serializes"))
    }

    /// The process that ran the backend, if one was started.
    pub(crate) fn process(&self) -> Option<ProcessRecord> {
        serde_json::from_slice(&fs::read(self.path.join(PROCESS)).ok()?).ok()
    }

    /// Removes everything. Only after the report is in the outbox.
    pub(crate) fn wipe(&self) -> io::Result<()> {
        durable::remove_dir(&self.path)
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.path.join("home")
    }

    pub(crate) fn tmp(&self) -> PathBuf {
        self.path.join("tmp")
    }

    pub(crate) fn derived_data(&self) -> PathBuf {
        self.path.join("derived_data")
    }

    pub(crate) fn set(&self) -> PathBuf {
        self.path.join("set")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.set().join("build.log")
    }

    pub(crate) fn result_bundle(&self) -> PathBuf {
        self.set().join("result.xcresult")
    }
}
