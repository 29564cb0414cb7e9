//! Reports of agents: each becomes a command, and its answer, which leaves only after the ledger holds the report, is the receipt.
//!
//! They are made ready side by side, their signatures checked, and queued in the order they came. Only the leader subscribes. What cannot be
//! read is logged, counted and dropped; an agent that gets no answer sends again.

use async_nats::Message;
use bytes::Bytes;
use futures_util::StreamExt as _;
use rch_scheduler::{CheckedReport, CommandBody, Reply};
use rch_schemas::document::{CapabilitiesDocument, SchemaId, SchemaVersion};
use rch_schemas::protocol::ProtocolRange;
use rch_schemas::wire::agent::{Receipt, Report, ReportBody};
use rch_schemas::wire::{Op, Request, Response, WireError, subject};
use rch_schemas::{Reason, RequestId, WorkerName, capabilities};
use rch_store::{StoreError, layout};
use serde::de::IgnoredAny;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::connection::Connection;
use super::missing::really_missing;
use crate::clock;
use crate::dispatcher::{Answer, Heard, Queue};
use crate::metrics;
use crate::projection::ProjectionError;
use crate::shared::Shared;

/// Answers under way at once; more reports wait in the subscription.
const ANSWERS_MAX: usize = 1_024;
/// Reports that are made ready at once: enough for every core to check a signature while others wait for the store.
const READYING_MAX: usize = 64;
/// Between two tries to subscribe.
const RETRY_AFTER: std::time::Duration = std::time::Duration::from_millis(500);

/// The subscription of a term, not yet running.
pub(crate) struct Reports {
    shared: Shared,
    connection: Connection,
}

/// Why a report goes no further; its agent sends it again.
#[derive(Debug, thiserror::Error)]
enum HoldBack {
    #[error("the store failed")]
    Store(#[from] StoreError),
    #[error("the chunks it misses could not be looked at")]
    Chunks(#[from] rch_store::chunk::GetChunkError),
    #[error(transparent)]
    Projection(#[from] ProjectionError),
}

impl Reports {
    pub(crate) fn new(shared: Shared, connection: Connection) -> Self {
        Self { shared, connection }
    }

    /// Listens until the term is over. Reports that are queued then have no answer; their agents ask the next leader.
    pub(crate) async fn run(self, over: CancellationToken) {
        tokio::select! {
            () = over.cancelled() => {}
            () = self.work() => {}
        }
    }

    async fn work(&self) {
        loop {
            match self.connection.client.subscribe(subject::REPORTS).await {
                Ok(subscription) => self.listen(subscription).await,
                Err(error) => tracing::warn!(%error, "cannot subscribe to reports, trying again"),
            }
            tokio::time::sleep(RETRY_AFTER).await;
        }
    }

    /// Queues reports in the order they come, and answers as the ledger allows.
    async fn listen(&self, subscription: async_nats::Subscriber) {
        let mut answers = JoinSet::new();
        let mut received = std::pin::pin!(subscription.map(|message| self.receive(message)).buffered(READYING_MAX));
        loop {
            tokio::select! {
                Some(_) = answers.join_next(), if !answers.is_empty() => {}
                next = received.next(), if answers.len() < ANSWERS_MAX => match next {
                    Some(received) => {
                        if let Some(answer) = received.and_then(|received| self.queue(received)) {
                            answers.spawn(answer.send(self.connection.clone()));
                        }
                    }
                    None => return,
                },
            }
        }
    }

    /// Reads a report and makes it ready to be decided; `None` when nothing can come of it now.
    async fn receive(&self, message: Message) -> Option<Received> {
        let farm = self.shared.config.farm.protocol;
        let (worker, read) = parse(&message, farm)?;
        let Some(reply) = message.reply.clone().map(|subject| subject.to_string()) else {
            tracing::warn!(%worker, "report dropped: it names no subject to answer on");
            return None;
        };
        let request = match read {
            Ok(request) => request,
            Err(Foreign { request_id, error }) => {
                return Some(Received { worker, reply, request_id, version: farm.max, number: 0, report: Err(error) });
            }
        };
        self.shared.asks.tell(Heard::Report(worker.clone(), request.payload.session.clone()));
        let version = version_of_answer(&request, farm);
        let (request_id, number) = (request.request_id.clone(), request.payload.number);
        match self.prepare(&worker, request.payload).await {
            Ok(report) => Some(Received { worker, reply, request_id, version, number, report: Ok(report) }),
            Err(error) => {
                tracing::warn!(%worker, error = &error as &dyn std::error::Error, "report held back, its agent will send it again");
                None
            }
        }
    }

    /// Queues a report for the decision; the answer that will come of it.
    fn queue(&self, received: Received) -> Option<Pending> {
        let Received { worker, reply, request_id, version, number, report } = received;
        let report = match report {
            Ok(report) => Box::new(report),
            Err(error) => return Some(Pending { reply, request_id, version, number, answered: Answered::Known(error) }),
        };
        let body = CommandBody::Report { worker: worker.clone(), report };
        match self.shared.asks.queue(Queue::Reports, format!("worker:{worker}"), Some(request_id.clone()), body) {
            Ok(answered) => Some(Pending { reply, request_id, version, number, answered: Answered::Later(answered) }),
            Err(error) => {
                tracing::debug!(%worker, %error, "report dropped, its agent will send it again");
                None
            }
        }
    }

    /// What must be so before a report is decided: neither a store call nor a signature stands between a decision and its record.
    async fn prepare(&self, worker: &WorkerName, mut report: Report) -> Result<CheckedReport, HoldBack> {
        match &mut report.body {
            ReportBody::Announce(announce) => self.keep_facts(worker, &announce.facts, &announce.observed).await?,
            ReportBody::Capabilities { facts, observed } => self.keep_facts(worker, facts, observed).await?,
            ReportBody::Refused { missing, .. } if !missing.is_empty() => {
                *missing = really_missing(&self.shared.store, missing).await?;
            }
            ReportBody::Refused { .. } | ReportBody::Claim { .. } | ReportBody::Finished(_) | ReportBody::Interrupted { .. } => {}
        }
        Ok(check(report).await)
    }

    /// Stores facts that are new, as the document that evidence will lie beside.
    async fn keep_facts(
        &self,
        worker: &WorkerName,
        facts: &capabilities::Facts,
        observed: &capabilities::Observed,
    ) -> Result<(), HoldBack> {
        let digest = facts.digest();
        let snapshot = self.shared.projection.snapshot()?;
        let is_known = snapshot.worker(worker)?.is_some_and(|row| row.facts.is_some_and(|(known, _)| known == digest));
        if is_known || !snapshot.farm()?.config.inventory.contains_key(worker) {
            return Ok(());
        }
        let document = CapabilitiesDocument {
            schema_version: SchemaVersion::default(),
            schema_id: SchemaId::default(),
            created_at: clock::wall(),
            worker: worker.clone(),
            facts: facts.clone(),
            observed: observed.clone(),
        };
        let bytes = Bytes::from(serde_json::to_vec(&document).expect("documents serialize"));
        self.shared.store.create(&layout::facts(&digest), bytes).await?;
        Ok(())
    }
}

/// Checks what a report has signed, on a thread where that keeps nobody waiting.
async fn check(report: Report) -> CheckedReport {
    if matches!(report.body, ReportBody::Finished(_)) {
        let checked = tokio::task::spawn_blocking(move || CheckedReport::new(report));
        return checked.await.expect("checking a signature does not panic");
    }
    CheckedReport::new(report)
}

/// A report that was read: ready to be decided, or with what is to be answered at once.
struct Received {
    worker: WorkerName,
    reply: String,
    request_id: RequestId,
    version: u32,
    number: u64,
    report: Result<CheckedReport, WireError>,
}

/// A report in a version that this farm does not speak.
struct Foreign {
    request_id: RequestId,
    error: WireError,
}

/// The report, or what is to be answered instead; `None` when it is of nobody, or nobody could tell what it is.
fn parse(message: &Message, farm: ProtocolRange) -> Option<(WorkerName, Result<Request<Report>, Foreign>)> {
    let read = read(&message.payload, farm);
    match (subject::worker_of(&message.subject), read) {
        (Some(worker), Ok(read)) => Some((worker, read)),
        (_, read) => {
            ::metrics::counter!(metrics::MESSAGES_DROPPED, "carrier" => "report").increment(1);
            tracing::warn!(subject = %message.subject, error = read.err(), "report dropped: it cannot be read");
            None
        }
    }
}

/// An announcement is read whatever its version, since it says which ones its agent speaks; of anything else in a version that is not spoken
/// the payload may be anything.
fn read(bytes: &[u8], farm: ProtocolRange) -> Result<Result<Request<Report>, Foreign>, String> {
    match serde_json::from_slice::<Request<Report>>(bytes) {
        Ok(request) if request.op != Op::Report => Err(format!("op is {:?}, expected report", request.op)),
        Ok(request) if matches!(request.payload.body, ReportBody::Announce(_)) => Ok(Ok(request)),
        Ok(request) => Ok(match request.check_version(farm) {
            Ok(()) => Ok(request),
            Err(error) => Err(Foreign { request_id: request.request_id, error }),
        }),
        Err(unreadable) => {
            let envelope: Request<IgnoredAny> = serde_json::from_slice(bytes).map_err(|_| unreadable.to_string())?;
            let error = envelope.check_version(farm).err().ok_or_else(|| unreadable.to_string())?;
            Ok(Err(Foreign { request_id: envelope.request_id, error }))
        }
    }
}

/// An announcement is answered in the version that both speak from then on, which is how the agent learns of it.
fn version_of_answer(request: &Request<Report>, farm: ProtocolRange) -> u32 {
    match &request.payload.body {
        ReportBody::Announce(announce) => announce.protocol.intersect(farm).map_or(farm.max, |common| common.max),
        ReportBody::Capabilities { .. }
        | ReportBody::Claim { .. }
        | ReportBody::Finished(_)
        | ReportBody::Interrupted { .. }
        | ReportBody::Refused { .. } => request.protocol_version,
    }
}

/// A report whose answer is on its way.
struct Pending {
    reply: String,
    request_id: RequestId,
    version: u32,
    number: u64,
    answered: Answered,
}

enum Answered {
    Known(WireError),
    Later(oneshot::Receiver<Answer>),
}

impl Pending {
    /// Waits for the ledger and answers. A term that ends leaves no answer: the agent asks the next leader.
    async fn send(self, connection: Connection) {
        let version = self.version;
        let response: Response<Receipt> = match self.answered {
            Answered::Known(error) => Response::failed(version, self.request_id, error),
            Answered::Later(answered) => match answered.await {
                Ok(answer) => response(version, self.request_id, self.number, answer),
                Err(_) => return,
            },
        };
        let payload = serde_json::to_vec(&response).expect("answers serialize");
        if let Err(error) = connection.client.publish(self.reply, payload.into()).await {
            tracing::debug!(%error, "answer not sent, the agent will ask again");
        }
    }
}

fn response(version: u32, request_id: RequestId, number: u64, answer: Answer) -> Response<Receipt> {
    match answer.reply {
        Reply::Receipt(go) => Response::done(version, request_id, Receipt { number, ledger_seq: answer.seq, go }),
        Reply::NotAccepted(error) => Response::failed(version, request_id, error),
        Reply::Done | Reply::Run(_) | Reply::Preview(_) | Reply::Refused(_) => {
            Response::failed(version, request_id, WireError::new(Reason::Internal, "the report was answered as something else"))
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use serde_json::json;

    use super::*;

    const FARM: ProtocolRange = ProtocolRange { min: 1, max: 2 };

    fn refused(version: u32, payload: &serde_json::Value) -> Result<Option<String>, String> {
        let request = json!({ "protocol_version": version, "op": "report", "request_id": "request-01", "payload": payload });
        read(&serde_json::to_vec(&request).unwrap(), FARM).map(|read| read.err().map(|foreign| foreign.error.to_string()))
    }

    #[test]
    fn a_report_in_a_version_that_is_not_spoken_is_answered_so_whatever_it_holds() {
        let refusal = json!({ "session": "session-0001", "number": 3,
            "body": { "kind": "interrupted", "job_id": "job-000001", "attempt": 1, "code": "INTERRUPTED", "detail": "x" } });
        assert_eq!(refused(2, &refusal), Ok(None));
        let said = "UNSUPPORTED_PROTOCOL: protocol_version 3 is not spoken here, 1 to 2 is".to_owned();
        assert_eq!(refused(3, &refusal), Ok(Some(said.clone())));
        assert_eq!(refused(3, &json!({ "of": "another time" })), Ok(Some(said)));
        assert!(refused(2, &json!({ "of": "another time" })).is_err(), "ours, and unreadable");
        assert!(refused(0, &refusal).unwrap().is_some(), "version 0 is a probe's alone");
    }
}
