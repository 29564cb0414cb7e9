//! Evidence signed by the farm's key: a pure function of the decision, so that two replicas write the same bytes.

use rch_scheduler::{MadeSelection, worker_selection};
use rch_schemas::document::WorkerSelection;
use rch_schemas::seal::SigningKey;

/// `worker_selection.json` as it is stored and announced.
pub(super) fn signed_selection(made: &MadeSelection, key: &SigningKey) -> WorkerSelection {
    let mut document = worker_selection(made);
    document.signature = Some(key.sign(&document));
    document
}
