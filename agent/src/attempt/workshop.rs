//! What all attempts of this agent share, and the frame each of them runs in: granted on the disk first, its report on the disk last.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rch_schemas::protocol::Dialect;
use rch_schemas::seal::SigningKey;
use rch_schemas::wire::agent::{Offer, ReportBody};
use rch_schemas::{LedgerSeq, WorkerName};
use tokio::sync::watch;

use super::AttemptKey;
use super::directory::AttemptDirectory;
use super::ending::GivenUp;
use super::progress::Progress;
use super::run::Attempt;
use super::watchdog::Stop;
use super::workspace::{Workspace, io_reason};
use crate::crash_point;
use crate::nats::{Acknowledge, Link};
use crate::outbox::Outbox;
use crate::tool::Tools;

/// Everything attempts share.
#[derive(Debug)]
pub(crate) struct Workshop {
    pub(crate) worker: WorkerName,
    pub(crate) dialect: Dialect,
    pub(crate) key: SigningKey,
    pub(crate) tools: Tools,
    pub(crate) workspace: Workspace,
    pub(crate) link: Link,
    pub(crate) outbox: Outbox,
    /// Where attempts have their directories.
    pub(crate) attempts: PathBuf,
    pub(crate) kill_grace: Duration,
}

/// An offer with the right to start it.
#[derive(Debug)]
pub(crate) struct Granted {
    pub(crate) offer: Box<Offer>,
    /// The record that granted it.
    pub(crate) ledger_seq: LedgerSeq,
    /// Says that the offer was taken.
    pub(crate) acknowledge: Option<Acknowledge>,
}

/// An attempt that is over; its report is in the outbox.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) key: AttemptKey,
    pub(crate) body: ReportBody,
}

impl Workshop {
    /// Runs a granted attempt to its end, whatever that is.
    pub(crate) async fn run(self: Arc<Self>, granted: Granted, progress: Arc<Progress>, stop: watch::Receiver<Option<Stop>>) -> Ended {
        let job = &granted.offer.job;
        let key = AttemptKey::new(&job.job_id, job.attempt);
        let directory = AttemptDirectory::of(&self.attempts, &key);
        let body = match persist(&directory, granted.ledger_seq).await {
            Ok(()) => {
                crash_point::reached("go.kept");
                let mut attempt = Attempt::new(&self, job, &key, (&directory, &progress), stop);
                let acknowledged = async {
                    if let Some(acknowledge) = granted.acknowledge {
                        acknowledge.send().await;
                    }
                };
                tokio::join!(attempt.live(), acknowledged).0
            }
            Err(given_up) => given_up.report(&key),
        };
        crash_point::reached("report.keeping");
        self.keep(&key, &body).await;
        crash_point::reached("report.kept");
        Ended { key, body }
    }

    /// Puts the last report of an attempt where a crash does not reach it.
    pub(crate) async fn keep(&self, key: &AttemptKey, body: &ReportBody) {
        let (outbox, key, body) = (self.outbox.clone(), key.clone(), body.clone());
        let kept = tokio::task::spawn_blocking(move || outbox.put(&key, &body).map_err(|error| (key, error))).await;
        if let Ok(Err((key, error))) = kept {
            // The report is still sent from memory; after a crash the attempt counts as interrupted.
            tracing::error!(attempt = %key, %error, "a report could not be kept on disk: free some space");
        }
    }
}

async fn persist(directory: &AttemptDirectory, ledger_seq: LedgerSeq) -> Result<(), GivenUp> {
    let directory = directory.clone();
    let created = tokio::task::spawn_blocking(move || directory.create(ledger_seq)).await;
    match created {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(GivenUp::new(io_reason(&error), format!("cannot make the attempt's directory: {error}"))),
        Err(error) => Err(GivenUp::internal(&error)),
    }
}
