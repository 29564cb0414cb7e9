//! The envelope of every JSON message on NATS.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::RequestId;
use crate::protocol::ProtocolRange;
use crate::reason::Reason;

/// What a message asks or says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// A report of an agent; answered after the ledger holds it.
    Report,
    /// A heartbeat of an agent or of the leader.
    Heartbeat,
    /// What is wanted of a worker.
    State,
    /// An offer.
    Submit,
    /// Evidence, for whoever listens.
    Evidence,
    /// Read the machine again and report. The only op that accepts protocol version 0.
    Probe,
    /// What the agent holds.
    Status,
    /// A piece of a running attempt's log.
    Tail,
    /// Kill an attempt sooner than `state` would.
    Cancel,
    /// Stop taking offers sooner than `state` would.
    Drain,
}

/// A request, or a message that wants no answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Request<P> {
    /// The protocol version the payload is written in.
    pub protocol_version: u32,
    /// What is asked.
    pub op: Op,
    /// Chosen by the sender; repeated in the answer.
    pub request_id: RequestId,
    /// The op's own part.
    pub payload: P,
}

impl<P> Request<P> {
    /// Whether one who speaks `ours` may read the payload.
    ///
    /// # Errors
    /// The contract's answer to a version that is not spoken. Version 0 is a probe's alone: who asks it does not know yet what is spoken.
    pub fn check_version(&self, ours: ProtocolRange) -> Result<(), WireError> {
        let spoken = if self.protocol_version == 0 { self.op == Op::Probe } else { ours.contains(self.protocol_version) };
        if spoken {
            return Ok(());
        }
        let message = format!("protocol_version {} is not spoken here, {ours} is", self.protocol_version);
        Err(WireError::new(Reason::UnsupportedProtocol, message))
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(bound(deserialize = "P: Deserialize<'de>"))]
pub struct Response<P> {
    /// The protocol version the payload is written in.
    pub protocol_version: u32,
    /// That of the request.
    pub request_id: RequestId,
    /// Whether there is a payload; else there is an error.
    pub ok: bool,
    /// The answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<P>,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<WireError>,
}

impl<P> Response<P> {
    /// The answer to a request that was done.
    pub fn done(protocol_version: u32, request_id: RequestId, payload: P) -> Self {
        Self { protocol_version, request_id, ok: true, payload: Some(payload), error: None }
    }

    /// The answer to a request that was not.
    pub fn failed(protocol_version: u32, request_id: RequestId, error: WireError) -> Self {
        Self { protocol_version, request_id, ok: false, payload: None, error: Some(error) }
    }

    /// The payload, or the error; an answer with neither is an error of the other side.
    pub fn into_result(self) -> Result<P, WireError> {
        match (self.payload, self.error) {
            (Some(payload), None) if self.ok => Ok(payload),
            (_, Some(error)) => Err(error),
            _ => Err(WireError::new(Reason::ProtocolError, "the answer holds neither a payload nor an error")),
        }
    }
}

/// The error of one message: one line that names field and value, without secrets, outside paths or backtraces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[error("{code}: {message}")]
pub struct WireError {
    /// The code.
    pub code: Reason,
    /// One line.
    pub message: String,
}

impl WireError {
    /// An error with its code and one line.
    pub fn new(code: Reason, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_that_is_not_spoken_is_refused_by_name_and_0_is_a_probe_s_alone() {
        let request =
            |protocol_version, op| Request { protocol_version, op, request_id: "request-01".parse().expect("an id"), payload: () };
        let ours = ProtocolRange { min: 1, max: 2 };
        let asked = |version, op| request(version, op).check_version(ours).map_err(|error| error.to_string());
        assert_eq!((asked(1, Op::Tail), asked(2, Op::Report), asked(0, Op::Probe)), (Ok(()), Ok(()), Ok(())));
        let refused = "UNSUPPORTED_PROTOCOL: protocol_version 3 is not spoken here, 1 to 2 is".to_owned();
        assert_eq!(asked(3, Op::Probe), Err(refused));
        assert!(asked(0, Op::Status).is_err());
    }
}
