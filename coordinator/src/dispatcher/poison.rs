//! Commands that panicked: kept where a developer finds them.

use bytes::Bytes;
use rch_schemas::RecordId;
use rch_store::{Store, layout};

use super::ask::Ask;
use crate::metrics;

/// Writes down a command that panicked, as far as it can be shown; a store that fails costs only this note.
pub(super) async fn keep(store: &Store, record_id: &RecordId, ask: &Ask, message: &str) {
    ::metrics::counter!(metrics::POISONED).increment(1);
    let key = layout::poison(record_id);
    tracing::error!(actor = ask.actor, error = message, kept = %key, "a command panicked and was set aside");
    let text = format!("actor: {}\npanic: {message}\n\n{:#?}\n", ask.actor, ask.body);
    if let Err(error) = store.put(&key, Bytes::from(text)).await {
        tracing::error!(error = &error as &dyn std::error::Error, "the command that panicked could not be kept");
    }
}
