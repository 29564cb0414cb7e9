//! Evidence signed by the farm's key: a pure function of the decision, so that two replicas write the same bytes.

use rch_scheduler::{MadeSelection, State, worker_selection};
use rch_schemas::document::WorkerSelection;
use rch_schemas::seal::SigningKey;

/// `worker_selection.json` as it is stored and announced; `None` when the state does not hold what the choice rests on.
pub(super) fn signed_selection(state: &State, made: &MadeSelection, key: &SigningKey) -> Option<WorkerSelection> {
    let mut document = worker_selection(state, made)?;
    document.signature = Some(key.sign(&document));
    Some(document)
}
