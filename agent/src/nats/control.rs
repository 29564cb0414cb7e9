//! Requests on the control subject, and their answers.

use bytes::Bytes;
use rch_schemas::RequestId;
use rch_schemas::wire::agent::{Control, ControlAnswer};
use rch_schemas::wire::{Response, WireError};

use super::Link;

/// One request, and where its answer goes.
#[derive(Debug)]
pub(crate) struct ControlRequest {
    /// What is asked.
    pub(crate) control: Control,
    protocol_version: u32,
    request_id: RequestId,
    reply: Option<String>,
}

impl ControlRequest {
    pub(super) fn open(link: &Link, message: async_nats::Message) -> Option<Self> {
        let request = link.dropped.open::<Control>(&message.subject, &message.payload)?;
        Some(Self {
            control: request.payload,
            protocol_version: request.protocol_version,
            request_id: request.request_id,
            reply: message.reply.map(|subject| subject.to_string()),
        })
    }

    /// Answers the request; a request that wants no answer gets none.
    pub(crate) async fn answer(self, link: &Link, answer: Result<ControlAnswer, WireError>) {
        let Some(reply) = self.reply else { return };
        let response = match answer {
            Ok(answer) => Response::done(self.protocol_version, self.request_id, answer),
            Err(error) => Response::failed(self.protocol_version, self.request_id, error),
        };
        let payload = serde_json::to_vec(&response).expect("wire types serialize");
        link.publish(reply, Bytes::from(payload)).await;
    }
}
