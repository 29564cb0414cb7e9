//! The effects that are messages: offers, states, cancels. One task, in the order of the ledger.

use std::sync::Arc;
use std::time::Duration;

use rch_scheduler::{AttemptState, Job};
use rch_schemas::WorkerName;
use rch_schemas::protocol::ProtocolRange;
use rch_schemas::wire::agent::Control;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::control;
use super::offers::{OfferError, Offers};
use super::worker_state;
use crate::health::Source;
use crate::leader::Lease;
use crate::nats::Connection;
use crate::projection::{Applied, ProjectionError, Snapshot};
use crate::shared::Shared;

/// How often everything is compared with what should be.
const RECONCILE_EVERY: Duration = Duration::from_secs(30);
/// After a failure, sooner.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Hints that may wait: a heartbeat of each of a thousand workers.
const HINTS_MAX: usize = 2_048;

/// Something that calls for an effect without being in the ledger.
#[derive(Debug)]
pub(crate) enum Hint {
    /// A worker's heartbeat came: tell it its state.
    Heartbeat(WorkerName),
}

/// The effects of a term, not yet running.
pub(crate) struct Effects {
    shared: Shared,
    connection: Connection,
    lease: Lease,
    hints: mpsc::Receiver<Hint>,
    offers: Offers,
}

enum Step {
    Applied(Arc<Applied>),
    Hint(Hint),
    Reconnected,
    Everything,
}

impl Effects {
    /// Effects that are not running yet, and where hints go.
    pub(crate) fn new(shared: Shared, connection: Connection, lease: Lease) -> (Self, mpsc::Sender<Hint>) {
        let (sender, hints) = mpsc::channel(HINTS_MAX);
        let offers = Offers::new(connection.clone());
        (Self { shared, connection, lease, hints, offers }, sender)
    }

    /// Runs until the term is over.
    pub(crate) async fn run(mut self, over: CancellationToken) {
        tokio::select! {
            () = over.cancelled() => {}
            () = self.work() => {}
        }
    }

    /// Whatever it was doing when it is dropped, the next term does again.
    async fn work(&mut self) {
        let mut changes = self.shared.projection.changes();
        let mut link = self.connection.link.clone();
        let mut connections = link.borrow_and_update().connections;
        let mut next_look = tokio::time::Instant::now();
        loop {
            let step = tokio::select! {
                biased;
                () = tokio::time::sleep_until(next_look) => Step::Everything,
                Ok(()) = link.changed() => Step::Reconnected,
                change = changes.recv() => match change {
                    Ok(applied) => Step::Applied(applied),
                    Err(RecvError::Lagged(_)) => Step::Everything,
                    Err(RecvError::Closed) => return,
                },
                Some(hint) = self.hints.recv() => Step::Hint(hint),
            };
            if !self.lease.is_held() {
                return;
            }
            let outcome = match step {
                Step::Reconnected => {
                    let now = *link.borrow_and_update();
                    if !now.connected || now.connections == connections {
                        continue;
                    }
                    connections = now.connections;
                    self.offers.forget();
                    next_look = tokio::time::Instant::now();
                    continue;
                }
                Step::Everything => self.reconcile().await,
                Step::Applied(applied) => self.applied(&applied).await,
                Step::Hint(Hint::Heartbeat(worker)) => self.tell_state(&worker).await,
            };
            next_look = self.after(outcome, next_look);
        }
    }

    fn after(&self, outcome: Result<bool, OfferError>, next_look: tokio::time::Instant) -> tokio::time::Instant {
        let now = tokio::time::Instant::now();
        match outcome {
            Ok(true) => {
                self.shared.board.set(Source::Effects, None);
                now + RECONCILE_EVERY
            }
            Ok(false) => next_look,
            Err(OfferError::Projection(error)) => {
                self.shared.projection.fail(&error);
                now + RECONCILE_EVERY
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "offers are not as they should be, looking again soon");
                self.shared.board.set(Source::Effects, Some(error.to_string()));
                now + RETRY_AFTER
            }
        }
    }

    /// Makes everything what it should be; true, as all was looked at.
    async fn reconcile(&mut self) -> Result<bool, OfferError> {
        let snapshot = self.shared.projection.snapshot()?;
        self.offers.reconcile(&snapshot).await?;
        for worker in snapshot.workers()? {
            worker_state::tell(&self.connection, &snapshot, &worker).await?;
        }
        Ok(true)
    }

    async fn applied(&mut self, applied: &Applied) -> Result<bool, OfferError> {
        let snapshot = self.shared.projection.snapshot()?;
        let mut told = applied.touched.workers.clone();
        let mut workers = Vec::new();
        for name in &applied.touched.workers {
            workers.extend(snapshot.worker(name)?);
        }
        self.offers.ensure_consumers(&snapshot, &workers).await?;
        for job_id in &applied.touched.jobs {
            let Some((job, run)) = snapshot.job_and_run(job_id)? else { continue };
            self.offers.job_changed(&snapshot, &run, &job).await?;
            told.extend(self.cancel(&snapshot, &job, applied).await?);
        }
        for name in &told {
            if let Some(worker) = snapshot.worker(name)? {
                worker_state::tell(&self.connection, &snapshot, &worker).await?;
            }
        }
        Ok(false)
    }

    /// Asks the agent of a running attempt that nobody wants any more to kill it now; the worker whose state says so too.
    async fn cancel(&self, snapshot: &Snapshot, job: &Job, applied: &Applied) -> Result<Option<WorkerName>, ProjectionError> {
        let running = job.live().filter(|record| job.cancel_requested && matches!(record.state, AttemptState::Running { .. }));
        let Some(record) = running else { return Ok(None) };
        if let Some(worker) = snapshot.worker(&record.worker)? {
            let cancel = Control::Cancel { job_id: job.job_id.clone(), attempt: record.number, ledger_seq: applied.seq };
            control::tell(&self.connection, self.farm(), &worker, cancel).await;
        }
        Ok(Some(record.worker.clone()))
    }

    /// The protocol versions that this farm speaks.
    fn farm(&self) -> ProtocolRange {
        self.shared.config.farm.protocol
    }

    async fn tell_state(&self, name: &WorkerName) -> Result<bool, OfferError> {
        let snapshot = self.shared.projection.snapshot()?;
        if let Some(worker) = snapshot.worker(name)? {
            worker_state::tell(&self.connection, &snapshot, &worker).await?;
        }
        Ok(false)
    }
}
