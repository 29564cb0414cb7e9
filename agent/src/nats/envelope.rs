//! The envelope of every JSON message, made and opened.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use rch_schemas::RequestId;
use rch_schemas::protocol::ProtocolRange;
use rch_schemas::wire::{Op, Request, WireError};
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::clock;

/// Messages that were not what their subject promises: counted, and warned about once a subject.
#[derive(Debug, Clone)]
pub(crate) struct Dropped(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// What this agent speaks.
    protocol: ProtocolRange,
    count: AtomicU64,
    warned: Mutex<BTreeSet<String>>,
}

/// A message in a version that this agent does not speak.
#[derive(Debug)]
pub(crate) struct Foreign {
    /// The version.
    pub(crate) version: u32,
    /// That of the message.
    pub(crate) request_id: RequestId,
    /// The contract's answer.
    pub(crate) error: WireError,
}

impl Foreign {
    fn of<P>(request: &Request<P>, error: WireError) -> Self {
        Self { version: request.protocol_version, request_id: request.request_id.clone(), error }
    }
}

impl Dropped {
    /// Nothing was dropped yet by an agent that speaks `protocol`.
    pub(crate) fn new(protocol: ProtocolRange) -> Self {
        Self(Arc::new(Inner { protocol, count: AtomicU64::new(0), warned: Mutex::default() }))
    }

    /// What this agent speaks.
    pub(crate) fn protocol(&self) -> ProtocolRange {
        self.0.protocol
    }

    /// How many were dropped since the agent started.
    pub(crate) fn count(&self) -> u64 {
        self.0.count.load(Ordering::Relaxed)
    }

    /// Opens an envelope of one of these ops; what does not hold the expected payload is logged, counted and dropped.
    ///
    /// # Errors
    /// The envelope of a message in a version that this agent does not speak: of its payload nothing is known.
    pub(crate) fn open<P: DeserializeOwned>(&self, subject: &str, payload: &[u8], ops: &[Op]) -> Option<Result<Request<P>, Foreign>> {
        match self.read(payload, ops) {
            Ok(read) => Some(read),
            Err(error) => {
                self.drop_one(subject, &error);
                None
            }
        }
    }

    fn read<P: DeserializeOwned>(&self, payload: &[u8], ops: &[Op]) -> Result<Result<Request<P>, Foreign>, String> {
        match serde_json::from_slice::<Request<P>>(payload) {
            Ok(request) if !ops.contains(&request.op) => Err(format!("op is {:?}, expected one of {ops:?}", request.op)),
            Ok(request) => Ok(match request.check_version(self.0.protocol) {
                Ok(()) => Ok(request),
                Err(error) => Err(Foreign::of(&request, error)),
            }),
            Err(unreadable) => {
                let envelope: Request<IgnoredAny> = serde_json::from_slice(payload).map_err(|_| unreadable.to_string())?;
                let error = envelope.check_version(self.0.protocol).err().ok_or_else(|| unreadable.to_string())?;
                Ok(Err(Foreign::of(&envelope, error)))
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

/// The bytes of a message in a version that both sides speak.
pub(super) fn seal(op: Op, protocol_version: u32, payload: &impl Serialize) -> Bytes {
    let request = Request { protocol_version, op, request_id: clock::request_id(), payload };
    serde_json::to_vec(&request).expect("wire types serialize").into()
}

#[cfg(test)]
mod tests {
    use rch_schemas::wire::agent::WorkerState;

    use super::*;

    const OURS: ProtocolRange = ProtocolRange { min: 1, max: 2 };

    #[test]
    fn a_truncated_message_is_counted_and_dropped_and_a_whole_one_is_opened() {
        let dropped = Dropped::new(OURS);
        let state = serde_json::json!({ "session": "session-0001", "ledger_seq": 3, "draining": false, "wanted": [] });
        let whole = seal(Op::State, 2, &state);
        assert!(matches!(dropped.open::<WorkerState>("s", &whole, &[Op::State]), Some(Ok(_))));
        for cut in [0, 1, whole.len() / 2, whole.len() - 1] {
            assert!(dropped.open::<WorkerState>("s", &whole[..cut], &[Op::State]).is_none());
        }
        assert!(dropped.open::<WorkerState>("s", b"\xff\xfe[1,2]", &[Op::State]).is_none());
        assert!(dropped.open::<WorkerState>("s", &whole, &[Op::Submit]).is_none(), "another op than the subject's");
        assert_eq!(dropped.count(), 6);
    }

    #[test]
    fn a_message_in_a_version_that_is_not_spoken_is_told_apart_whatever_it_holds() {
        let dropped = Dropped::new(OURS);
        for payload in [serde_json::json!({ "session": "session-0001", "ledger_seq": 3, "draining": false, "wanted": [] }), 7.into()] {
            let Some(Err(foreign)) = dropped.open::<WorkerState>("s", &seal(Op::State, 3, &payload), &[Op::State]) else {
                panic!("opened")
            };
            assert_eq!(foreign.version, 3);
            assert_eq!(foreign.error.message, "protocol_version 3 is not spoken here, 1 to 2 is");
        }
        assert_eq!(dropped.count(), 0);
    }
}
