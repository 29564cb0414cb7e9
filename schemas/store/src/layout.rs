//! The name of every object. Keys are made here from validated ids and digests, and nowhere else.
//!
//! ```text
//! chunks/<2 hex>/<sha256>                          one zstd frame; the digest is of the plain chunk
//! bundles/<sha256>                                 a recipe, under the digest of what it says
//! attempts/<job>/<attempt>/set/manifest.json       an agent's set: manifest, attestation,
//!                              attestation.json
//!                              <index>             a file of at most 1 MiB, by its place in the manifest
//!                              <index>.recipe      the recipe of a larger file, or of a directory
//! attempts/<job>/<attempt>/log/<first offset>      a flushed part of a running log
//! attempts/probe/<number>/<part>                   what a program tries its store with when it starts; removed, where that is allowed
//! runs/<run>/run_plan.json, run_summary.json
//! runs/<run>/selection/<index>/worker_selection.json, capabilities.json
//! runs/<run>/jobs/<job>/set.json                   which set counts
//! runs/<run>/jobs/<job>/set/...                    a set of the coordinator's own
//! capabilities/<sha256>                            a worker's capabilities, under the digest of its facts
//! poison/<record>                                  a command that panicked in the coordinator
//! ```

use std::fmt;
use std::str::FromStr;

use object_store::path::Path;
use rch_schemas::seal::{ATTESTATION_PATH, MANIFEST_PATH};
use rch_schemas::{Attempt, JobId, RecordId, RunId, Sha256};

/// The name of one object.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key(Path);

impl Key {
    fn new(text: String) -> Self {
        Self(Path::parse(text).expect("ids and digests are valid in paths"))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The chunk whose plain bytes have this digest.
pub fn chunk(sha256: &Sha256) -> Key {
    let hex = sha256.to_string();
    Key::new(format!("chunks/{}/{hex}", &hex[..2]))
}

/// The recipe with this [`digest`](rch_schemas::document::Recipe::digest).
pub fn recipe(digest: &Sha256) -> Key {
    Key::new(format!("bundles/{digest}"))
}

/// The part of an attempt's log that starts at `offset` bytes. Twenty digits, so that a listing is in order.
pub fn log_part(job_id: &JobId, attempt: Attempt, offset: u64) -> Key {
    Key::new(format!("attempts/{job_id}/{attempt}/log/{offset:020}"))
}

/// An object to try the store with. It lies where agents may write, too.
pub(crate) fn probe(nonce: u128, part: &'static str) -> Key {
    Key::new(format!("attempts/probe/{nonce:032x}/{part}"))
}

/// A run's plan.
pub fn run_plan(run_id: &RunId) -> Key {
    Key::new(format!("runs/{run_id}/run_plan.json"))
}

/// A run's summary.
pub fn run_summary(run_id: &RunId) -> Key {
    Key::new(format!("runs/{run_id}/run_summary.json"))
}

/// Why the worker for destination `index` of a run was chosen.
pub fn worker_selection(run_id: &RunId, index: usize) -> Key {
    Key::new(format!("runs/{run_id}/selection/{index}/worker_selection.json"))
}

/// What the chosen worker for destination `index` of a run could do.
pub fn capabilities(run_id: &RunId, index: usize) -> Key {
    Key::new(format!("runs/{run_id}/selection/{index}/capabilities.json"))
}

/// Which set of a job counts.
pub fn set_pointer(run_id: &RunId, job_id: &JobId) -> Key {
    Key::new(format!("runs/{run_id}/jobs/{job_id}/set.json"))
}

/// The capabilities document with these facts, by the digest of the facts.
pub fn facts(sha256: &Sha256) -> Key {
    Key::new(format!("capabilities/{sha256}"))
}

/// A command that panicked in the coordinator, under the id of the record it was to be in.
pub fn poison(record_id: &RecordId) -> Key {
    Key::new(format!("poison/{record_id}"))
}

/// Where a set lies; as text the `base` of a set pointer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SetBase {
    /// What an agent wrote for one attempt.
    Attempt {
        /// The job.
        job_id: JobId,
        /// Its attempt.
        attempt: Attempt,
    },
    /// What the coordinator wrote for a job that no agent finished.
    Coordinator {
        /// The run.
        run_id: RunId,
        /// Its job.
        job_id: JobId,
    },
}

impl SetBase {
    /// The set's manifest.
    pub fn manifest(&self) -> Key {
        self.within(MANIFEST_PATH)
    }

    /// The set's attestation.
    pub fn attestation(&self) -> Key {
        self.within(ATTESTATION_PATH)
    }

    /// The small file at this place in the manifest.
    pub fn file(&self, index: usize) -> Key {
        self.within(&index.to_string())
    }

    /// The recipe of the large file or directory at this place in the manifest.
    pub fn recipe(&self, index: usize) -> Key {
        self.within(&format!("{index}.recipe"))
    }

    fn within(&self, name: &str) -> Key {
        Key::new(format!("{self}/{name}"))
    }
}

impl fmt::Display for SetBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attempt { job_id, attempt } => write!(f, "attempts/{job_id}/{attempt}/set"),
            Self::Coordinator { run_id, job_id } => write!(f, "runs/{run_id}/jobs/{job_id}/set"),
        }
    }
}

/// The text is not where a set can lie.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the place of a set: expected attempts/<job>/<attempt>/set or runs/<run>/jobs/<job>/set")]
pub struct InvalidSetBase(pub String);

impl FromStr for SetBase {
    type Err = InvalidSetBase;
    fn from_str(text: &str) -> Result<Self, InvalidSetBase> {
        let parts: Vec<&str> = text.split('/').collect();
        let base = match parts[..] {
            ["attempts", job, attempt, "set"] => {
                job.parse().ok().zip(attempt.parse().ok()).map(|(job_id, attempt)| Self::Attempt { job_id, attempt: Attempt(attempt) })
            }
            ["runs", run, "jobs", job, "set"] => {
                run.parse().ok().zip(job.parse().ok()).map(|(run_id, job_id)| Self::Coordinator { run_id, job_id })
            }
            _ => None,
        };
        // A number can be written in other ways; only ours names a place.
        base.filter(|base| base.to_string() == text).ok_or_else(|| InvalidSetBase(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn keys_are_where_the_contract_says() {
        let job: JobId = "job-000001".parse().unwrap();
        let run: RunId = "run-000001".parse().unwrap();
        let digest = Sha256::of("abc");
        assert_eq!(chunk(&digest).to_string(), format!("chunks/ba/{digest}"));
        assert_eq!(recipe(&digest).to_string(), format!("bundles/{digest}"));
        assert_eq!(log_part(&job, Attempt(2), 10_485_760).to_string(), "attempts/job-000001/2/log/00000000000010485760");
        assert_eq!(set_pointer(&run, &job).to_string(), "runs/run-000001/jobs/job-000001/set.json");
        assert_eq!(worker_selection(&run, 0).to_string(), "runs/run-000001/selection/0/worker_selection.json");
        let base = SetBase::Attempt { job_id: job, attempt: Attempt(2) };
        assert_eq!(base.manifest().to_string(), "attempts/job-000001/2/set/manifest.json");
        assert_eq!((base.file(3).to_string(), base.recipe(4).to_string()), (format!("{base}/3"), format!("{base}/4.recipe")));
    }

    #[test]
    fn the_place_of_a_set_reads_back_and_nothing_else_is_one() {
        for text in ["attempts/job-000001/3/set", "runs/run-000001/jobs/job-000001/set"] {
            assert_eq!(text.parse::<SetBase>().unwrap().to_string(), text);
        }
        for bad in [
            "",
            "attempts/job-000001/03/set",
            "attempts/job-000001/x/set",
            "attempts/../1/set",
            "runs/run-000001/jobs/job-000001/set/",
            "chunks/ab/cd",
        ] {
            assert_eq!(bad.parse::<SetBase>(), Err(InvalidSetBase(bad.to_owned())));
        }
    }
}
