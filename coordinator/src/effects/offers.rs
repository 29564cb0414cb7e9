//! Offers in the work queue: there exactly while the state says so.

use std::collections::{BTreeMap, BTreeSet};

use async_nats::jetstream::context::PublishErrorKind;
use futures_util::StreamExt as _;
use rch_scheduler::{AttemptRecord, AttemptState, Job, Run, Worker, job_document};
use rch_schemas::WorkerName;
use rch_schemas::wire::agent::Offer;
use rch_schemas::wire::{Op, Request, subject};

use crate::clock;
use crate::crash_point;
use crate::metrics;
use crate::nats::{Connection, StreamError, ensure_consumers, ensure_jobs, remove_consumer};
use crate::projection::{ProjectionError, Snapshot};

/// Why offers are not as they should be; the next look mends it.
#[derive(Debug, thiserror::Error)]
pub(super) enum OfferError {
    #[error(transparent)]
    Stream(#[from] StreamError),
    #[error("the stream of offers does not answer: {0}")]
    Silent(String),
    #[error(transparent)]
    Projection(#[from] ProjectionError),
}

/// Keeps the work queue.
pub(super) struct Offers {
    connection: Connection,
    /// The consumers known to be there, by worker, with the slots they were made for.
    consumers: BTreeMap<WorkerName, u32>,
    /// Workers that left the fleet and are known to have none.
    without_consumer: BTreeSet<WorkerName>,
}

impl Offers {
    pub(super) fn new(connection: Connection) -> Self {
        Self { connection, consumers: BTreeMap::new(), without_consumer: BTreeSet::new() }
    }

    /// Makes the whole queue what `snapshot` says: stream, consumers, and every offer.
    pub(super) async fn reconcile(&mut self, snapshot: &Snapshot) -> Result<(), OfferError> {
        if ensure_jobs(&self.connection.jetstream).await? {
            self.forget();
        }
        let workers = snapshot.workers()?;
        self.ensure_consumers(snapshot, &workers).await?;
        let wanted = wanted(snapshot, &workers)?;
        let there = self.there().await?;
        for subject in there.iter().filter(|subject| !wanted.contains_key(*subject)) {
            self.purge(subject).await?;
        }
        for (subject, (run, job, record)) in wanted {
            if !there.contains(&subject) {
                self.publish(&subject, run_offer(snapshot, &run, &job, &record)?).await?;
            }
        }
        Ok(())
    }

    /// Forgets which consumers are there: after a reconnect they may not be.
    pub(super) fn forget(&mut self) {
        self.consumers.clear();
        self.without_consumer.clear();
    }

    /// Makes sure that those of `workers` that are of the fleet have their consumers, and that the others have none, nor offers.
    pub(super) async fn ensure_consumers(&mut self, snapshot: &Snapshot, workers: &[Worker]) -> Result<(), OfferError> {
        let inventory = snapshot.farm()?.config.inventory;
        let (enrolled, others): (Vec<&Worker>, Vec<_>) = workers.iter().partition(|worker| inventory.contains_key(&worker.name));
        let slots = |worker: &Worker| worker.session.as_ref().map(|session| session.slots);
        let new = enrolled.into_iter().filter(|worker| slots(worker).is_some_and(|slots| self.consumers.get(&worker.name) != Some(&slots)));
        let new: Vec<_> = new.cloned().collect();
        if !new.is_empty() {
            ensure_consumers(&self.connection.jetstream, &new).await?;
            self.without_consumer.retain(|name| new.iter().all(|worker| worker.name != *name));
            self.consumers.extend(new.iter().filter_map(|worker| Some((worker.name.clone(), slots(worker)?))));
        }
        for worker in others {
            if !self.without_consumer.contains(&worker.name) {
                self.purge(&subject::offers_to(&worker.name)).await?;
                remove_consumer(&self.connection.jetstream, &worker.name).await?;
                self.consumers.remove(&worker.name);
                self.without_consumer.insert(worker.name.clone());
            }
        }
        Ok(())
    }

    /// Offers the current attempt of a job that changed, or takes back what is no longer to be had.
    pub(super) async fn job_changed(&self, snapshot: &Snapshot, run: &Run, job: &Job) -> Result<(), OfferError> {
        let Some(record) = job.current() else { return Ok(()) };
        let subject = subject::offer(&record.worker, &job.job_id, record.number);
        match &record.state {
            AttemptState::Offered => self.publish(&subject, run_offer(snapshot, run, job, record)?).await,
            // The agent itself takes an offer it was granted out of the queue.
            AttemptState::Running { .. } | AttemptState::Finished { .. } => Ok(()),
            AttemptState::Interrupted { .. } | AttemptState::Lost | AttemptState::Refused { .. } | AttemptState::Withdrawn { .. } => {
                self.purge(&subject).await
            }
        }
    }

    /// An offer that is there already is refused by the stream: one message a subject.
    async fn publish(&self, subject: &str, offer: Option<Offer>) -> Result<(), OfferError> {
        let Some(offer) = offer else { return Ok(()) };
        let (job_id, attempt, worker) = (offer.job.job_id.clone(), offer.job.attempt, offer.worker.clone());
        let protocol_version = offer.job.protocol_version;
        let request = Request { protocol_version, op: Op::Submit, request_id: clock::request_id(), payload: offer };
        let payload = serde_json::to_vec(&request).expect("offers serialize");
        crash_point::reached("offer.publishing");
        let acknowledged = match self.connection.jetstream.publish(subject.to_owned(), payload.into()).await {
            Ok(acknowledgement) => acknowledgement.await,
            Err(error) => Err(error),
        };
        crash_point::reached("offer.published");
        match acknowledged {
            Ok(_) => {
                ::metrics::counter!(metrics::ATTEMPTS_OFFERED).increment(1);
                tracing::info!(%job_id, %attempt, %worker, "attempt offered");
                Ok(())
            }
            Err(error) if error.kind() == PublishErrorKind::Other && is_there_already(&error) => Ok(()),
            Err(error) => Err(OfferError::Silent(error.to_string())),
        }
    }

    async fn purge(&self, subject: &str) -> Result<(), OfferError> {
        let silent = |error: &dyn std::fmt::Display| OfferError::Silent(error.to_string());
        let stream = self.connection.jetstream.get_stream_no_info(subject::JOBS_STREAM).await.map_err(|error| silent(&error))?;
        stream.purge().filter(subject).await.map_err(|error| silent(&error))?;
        tracing::debug!(subject, "offer taken out of the queue");
        Ok(())
    }

    /// Subjects with an offer in the queue, pulled or not.
    async fn there(&self) -> Result<BTreeSet<String>, OfferError> {
        let silent = |error: &dyn std::fmt::Display| OfferError::Silent(error.to_string());
        let stream = self.connection.jetstream.get_stream_no_info(subject::JOBS_STREAM).await.map_err(|error| silent(&error))?;
        let mut subjects = stream.info_with_subjects(subject::JOBS_SUBJECTS).await.map_err(|error| silent(&error))?;
        let mut there = BTreeSet::new();
        while let Some(entry) = subjects.next().await {
            there.insert(entry.map_err(|error| silent(&error))?.0);
        }
        Ok(there)
    }
}

fn is_there_already(error: &async_nats::jetstream::context::PublishError) -> bool {
    use std::error::Error as _;
    error.source().is_some_and(|source| source.to_string().contains("maximum messages per subject exceeded"))
}

type Wanted = BTreeMap<String, (Run, Job, AttemptRecord)>;

/// Every offer that should be in the queue, by subject.
fn wanted(snapshot: &Snapshot, workers: &[Worker]) -> Result<Wanted, ProjectionError> {
    let mut wanted = Wanted::new();
    for (job_id, attempt) in workers.iter().flat_map(|worker| &worker.held) {
        let Some((job, run)) = snapshot.job_and_run(job_id)? else { continue };
        let Some(record) = job.current_numbered(*attempt).filter(|record| record.state == AttemptState::Offered).cloned() else { continue };
        wanted.insert(subject::offer(&record.worker, job_id, *attempt), (run, job, record));
    }
    Ok(wanted)
}

fn run_offer(snapshot: &Snapshot, run: &Run, job: &Job, record: &AttemptRecord) -> Result<Option<Offer>, ProjectionError> {
    let (state, ledger_seq) = (snapshot.state_of(run)?, snapshot.position()?.seq);
    let document = job_document(&state, run, job, record.number);
    Ok(document.map(|document| Offer { worker: record.worker.clone(), session: record.session.clone(), ledger_seq, job: document }))
}
