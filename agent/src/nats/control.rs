//! Requests on the control subject, and their answers.

use bytes::Bytes;
use rch_schemas::RequestId;
use rch_schemas::wire::agent::{Control, ControlAnswer};
use rch_schemas::wire::{Op, Response, WireError};

use super::Link;
use super::envelope::Foreign;

/// What an agent can be asked.
const OPS: [Op; 5] = [Op::Probe, Op::Status, Op::Tail, Op::Cancel, Op::Drain];

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
    /// The request; one in a version that is not spoken here is answered with that, and is none.
    pub(super) async fn open(link: &Link, message: async_nats::Message) -> Option<Self> {
        let reply = message.reply.as_ref().map(ToString::to_string);
        match link.dropped.open::<Control>(&message.subject, &message.payload, &OPS)? {
            Ok(request) => Some(Self {
                control: request.payload,
                // Who asks in version 0 does not know ours yet; the answer tells.
                protocol_version: if request.protocol_version == 0 { link.dropped.protocol().max } else { request.protocol_version },
                request_id: request.request_id,
                reply,
            }),
            Err(Foreign { request_id, error, .. }) => {
                tracing::warn!(%error, "request refused");
                if let Some(reply) = reply {
                    let response: Response<ControlAnswer> = Response::failed(link.dropped.protocol().max, request_id, error);
                    link.publish(reply, Bytes::from(serde_json::to_vec(&response).expect("wire types serialize"))).await;
                }
                None
            }
        }
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
