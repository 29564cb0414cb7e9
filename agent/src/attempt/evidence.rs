//! Why this worker was chosen: documents that the coordinator put into the store, taken into the set byte for byte.

use std::time::Duration;

use bytes::Bytes;
use rch_schemas::Sha256;
use rch_schemas::document::{CapabilitiesDocument, Job, WorkerSelection};
use rch_store::{Store, layout};

/// Evidence is at most 64 KiB (spec 2.4), capabilities of a large Mac a few hundred.
const DOCUMENT_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// The coordinator writes them after it has recorded the decision, so they may be a moment late. The wait doubles.
const LOOK_AGAIN_FIRST: Duration = Duration::from_millis(50);
/// The wait never gets longer.
const LOOK_AGAIN_MAX: Duration = Duration::from_secs(1);

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

async fn look(store: &Store, job: &Job) -> Result<Option<Evidence>, rch_store::StoreError> {
    let index = job.destination.index as usize;
    let selection = store.get(&layout::worker_selection(&job.run_id, index), DOCUMENT_BYTES_MAX).await?;
    let capabilities = store.get(&layout::capabilities(&job.run_id, index), DOCUMENT_BYTES_MAX).await?;
    let facts = |bytes: &Bytes| serde_json::from_slice::<CapabilitiesDocument>(bytes).ok().map(|document| document.facts.digest());
    let selection = selection.filter(|bytes| evidence_digest(bytes) == Some(job.evidence_sha256));
    let capabilities = capabilities.filter(|bytes| facts(bytes) == Some(job.capabilities_sha256));
    Ok(selection.zip(capabilities).map(|(worker_selection, capabilities)| Evidence { worker_selection, capabilities }))
}

/// The digest of the evidence by which the job names it.
fn evidence_digest(bytes: &[u8]) -> Option<Sha256> {
    WorkerSelection::received_sha256(&serde_json::from_slice(bytes).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_no_part_of_the_digest_and_the_judgement_is_by_its_own() {
        let unsigned = evidence_digest(br#"{"b": 1, "a": "x"}"#);
        assert_eq!(unsigned, Some(Sha256::of(r#"{"a":"x","b":1}"#)));
        assert_eq!(evidence_digest(br#"{"a":"x","signature":"00","b":1}"#), unsigned);
        assert_eq!(evidence_digest(b"[1]"), None);
        let judgement = Sha256::of(r#"{"x":1}"#);
        let whole = |x: u32| format!(r#"{{"judgement": {{"x": {x}}}, "judgement_sha256": "{judgement}"}}"#);
        let named = Sha256::of(format!(r#"{{"judgement_sha256":"{judgement}"}}"#));
        assert_eq!((evidence_digest(whole(1).as_bytes()), evidence_digest(whole(2).as_bytes())), (Some(named), None));
    }
}
