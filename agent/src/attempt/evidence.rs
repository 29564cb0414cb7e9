//! Why this worker was chosen: documents that the coordinator put into the store, taken into the set byte for byte.

use std::time::Duration;

use bytes::Bytes;
use rch_schemas::Sha256;
use rch_schemas::document::{CapabilitiesDocument, Job};
use rch_store::{Store, layout};
use serde_json::Value;

/// Evidence is at most 64 KiB (spec 2.4), capabilities of a large Mac a few hundred.
const DOCUMENT_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// The coordinator writes them after it has recorded the decision, so they may be a moment late. The wait doubles.
const LOOK_AGAIN_FIRST: Duration = Duration::from_millis(50);
/// The wait never gets longer.
const LOOK_AGAIN_MAX: Duration = Duration::from_secs(1);
/// A run has one selection for each destination; more than this no request may have.
const SELECTIONS_MAX: usize = 64;

/// The two documents.
#[derive(Debug, Clone)]
pub(crate) struct Evidence {
    pub(crate) worker_selection: Bytes,
    pub(crate) capabilities: Bytes,
}

/// Looks until both are there and have the digests that the job names.
///
/// # Cancel safety
/// Yes; the caller bounds it.
pub(crate) async fn fetch(store: Store, job: Job) -> Evidence {
    let mut pause = LOOK_AGAIN_FIRST;
    loop {
        match look(&store, &job).await {
            Ok(Some(evidence)) => return evidence,
            Ok(None) => {}
            Err(error) => tracing::debug!(error = %error, "evidence not fetched"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LOOK_AGAIN_MAX);
    }
}

/// The job does not say which of its run's selections is its own; its digest does.
async fn look(store: &Store, job: &Job) -> Result<Option<Evidence>, rch_store::StoreError> {
    for index in 0..SELECTIONS_MAX {
        let Some(selection) = store.get(&layout::worker_selection(&job.run_id, index), DOCUMENT_BYTES_MAX).await? else { return Ok(None) };
        if evidence_digest(&selection) != Some(job.evidence_sha256) {
            continue;
        }
        let capabilities = store.get(&layout::capabilities(&job.run_id, index), DOCUMENT_BYTES_MAX).await?;
        let digest = |bytes: &Bytes| serde_json::from_slice::<CapabilitiesDocument>(bytes).ok().map(|document| document.facts.digest());
        let capabilities = capabilities.filter(|bytes| digest(bytes) == Some(job.capabilities_sha256));
        return Ok(capabilities.map(|capabilities| Evidence { worker_selection: selection, capabilities }));
    }
    Ok(None)
}

/// The digest of the evidence without its signature.
fn evidence_digest(bytes: &[u8]) -> Option<Sha256> {
    let mut value: Value = serde_json::from_slice(bytes).ok()?;
    value.as_object_mut()?.remove("signature");
    Sha256::of_canonical(&value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_no_part_of_the_digest() {
        let unsigned = evidence_digest(br#"{"b": 1, "a": "x"}"#);
        assert_eq!(unsigned, Some(Sha256::of(r#"{"a":"x","b":1}"#)));
        assert_eq!(evidence_digest(br#"{"a":"x","signature":"00","b":1}"#), unsigned);
        assert_eq!(evidence_digest(b"[1]"), None);
    }
}
