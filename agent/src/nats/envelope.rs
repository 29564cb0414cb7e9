//! The envelope of every JSON message, made and opened.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use rch_schemas::protocol::PROTOCOL_MAX;
use rch_schemas::wire::{Op, Request};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::clock;

/// Messages that were not what their subject promises: counted, and warned about once a subject.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dropped(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    count: AtomicU64,
    warned: Mutex<BTreeSet<String>>,
}

impl Dropped {
    /// How many were dropped since the agent started.
    pub(crate) fn count(&self) -> u64 {
        self.0.count.load(Ordering::Relaxed)
    }

    /// Opens an envelope; what does not hold the expected payload is logged, counted and dropped.
    pub(crate) fn open<P: DeserializeOwned>(&self, subject: &str, payload: &[u8]) -> Option<Request<P>> {
        match serde_json::from_slice(payload) {
            Ok(request) => Some(request),
            Err(error) => {
                self.drop_one(subject, &error.to_string());
                None
            }
        }
    }

    /// Counts a message that says something else than its subject promises.
    pub(crate) fn drop_one(&self, subject: &str, error: &str) {
        self.0.count.fetch_add(1, Ordering::Relaxed);
        let first = self.0.warned.lock().unwrap_or_else(PoisonError::into_inner).insert(subject.to_owned());
        if first {
            tracing::warn!(subject, error, "foreign or truncated message dropped; more on this subject are counted only");
        }
    }
}

/// The bytes of a message.
pub(super) fn seal(op: Op, payload: &impl Serialize) -> Bytes {
    let request = Request { protocol_version: PROTOCOL_MAX, op, request_id: clock::request_id(), payload };
    serde_json::to_vec(&request).expect("wire types serialize").into()
}

#[cfg(test)]
mod tests {
    use rch_schemas::wire::agent::WorkerState;

    use super::*;

    #[test]
    fn a_truncated_message_is_counted_and_dropped_and_a_whole_one_is_opened() {
        let dropped = Dropped::default();
        let state = serde_json::json!({ "session": "session-0001", "ledger_seq": 3, "draining": false, "wanted": [] });
        let whole = seal(Op::State, &state);
        assert!(dropped.open::<WorkerState>("s", &whole).is_some());
        for cut in [0, 1, whole.len() / 2, whole.len() - 1] {
            assert!(dropped.open::<WorkerState>("s", &whole[..cut]).is_none());
        }
        assert!(dropped.open::<WorkerState>("s", b"\xff\xfe[1,2]").is_none());
        assert_eq!(dropped.count(), 5);
    }
}
