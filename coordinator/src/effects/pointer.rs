//! Which set of a job counts: the pointer that the coordinator writes after the ledger has said so.

use rch_schemas::{Attempt, JobId, RunId, Sha256};
use rch_store::{Store, StoreError, layout};
use serde::{Deserialize, Serialize};

/// A pointer is a few hundred bytes.
const POINTER_BYTES_MAX: u64 = 16 * 1024;

/// `set.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SetPointer {
    /// The job.
    pub(crate) job_id: JobId,
    /// The attempt that wrote the set; 0 for the coordinator's own.
    pub(crate) attempt: Attempt,
    /// Where it lies.
    pub(crate) base: String,
    /// SHA-256 of its `manifest.json`.
    pub(crate) manifest_sha256: Sha256,
    /// SHA-256 of its `attestation.json`.
    pub(crate) attestation_sha256: Sha256,
}

/// The pointer of a job; `None` when it is not written yet, or does not read as one.
pub(crate) async fn set_pointer(store: &Store, run_id: &RunId, job_id: &JobId) -> Result<Option<SetPointer>, StoreError> {
    let bytes = store.get(&layout::set_pointer(run_id, job_id), POINTER_BYTES_MAX).await?;
    Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}
