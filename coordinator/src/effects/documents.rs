//! The effects that are documents in the store. One task beside the messages, since a store may be slow.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rch_schemas::RunId;
use rch_store::layout;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use super::run_documents::{Progress, RunDocuments, WriteError};
use super::sources::restore_sources;
use crate::leader::Lease;
use crate::nats::Connection;
use crate::shared::Shared;

/// How long a run whose documents could not be written waits.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// How often runs that wait for their source are looked at; they give up after two minutes.
const SOURCES_EVERY: Duration = Duration::from_secs(10);

/// The documents of a term, not yet running.
pub(crate) struct Documents {
    shared: Shared,
    lease: Lease,
    writer: RunDocuments,
    /// Runs to be looked at.
    waiting: BTreeSet<RunId>,
    /// What is known to be written, by run; complete ones are forgotten.
    progress: BTreeMap<RunId, Progress>,
    /// Runs whose documents are all there.
    complete: BTreeSet<RunId>,
}

impl Documents {
    pub(crate) fn new(shared: Shared, connection: Connection, lease: Lease) -> Self {
        let writer = RunDocuments::new(shared.clone(), connection);
        Self { shared, lease, writer, waiting: BTreeSet::new(), progress: BTreeMap::new(), complete: BTreeSet::new() }
    }

    /// Runs until the term is over.
    pub(crate) async fn run(mut self, over: CancellationToken) {
        tokio::select! {
            () = over.cancelled() => {}
            () = self.work() => {}
        }
    }

    /// Whatever is half written when it is dropped is written again, with the same bytes.
    async fn work(&mut self) {
        let mut changes = self.shared.projection.changes();
        self.look_at_all().await;
        let mut sources = tokio::time::interval(SOURCES_EVERY);
        loop {
            let failed = self.write_waiting().await;
            let change = tokio::select! {
                change = changes.recv() => Some(change),
                () = tokio::time::sleep(RETRY_AFTER), if failed => None,
                _ = sources.tick() => {
                    self.restore_sources().await;
                    None
                }
            };
            match change {
                None => {}
                Some(Ok(applied)) => self.waiting.extend(applied.touched.runs.iter().cloned()),
                Some(Err(RecvError::Lagged(_))) => self.look_at_all().await,
                Some(Err(RecvError::Closed)) => return,
            }
            while let Ok(applied) = changes.try_recv() {
                self.waiting.extend(applied.touched.runs.iter().cloned());
            }
        }
    }

    /// Whoever uploads a chunk tells at once; this finds what was there before anybody waited for it.
    async fn restore_sources(&self) {
        if let Err(error) = restore_sources(&self.shared, None).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "runs that wait for their source could not be looked at");
        }
    }

    /// Every run of the state whose summary, the last thing that is written, is not there.
    async fn look_at_all(&mut self) {
        let runs = match self.shared.projection.snapshot().and_then(|snapshot| snapshot.runs()) {
            Ok(runs) => runs,
            Err(error) => return self.shared.projection.fail(&error),
        };
        for run in runs {
            if self.complete.contains(&run.run_id) {
                continue;
            }
            match self.shared.store.size(&layout::run_summary(&run.run_id)).await {
                Ok(Some(_)) if run.ended.is_some() => {
                    self.complete.insert(run.run_id);
                }
                Ok(_) | Err(_) => {
                    self.waiting.insert(run.run_id);
                }
            }
        }
    }

    /// Writes what waits; true when something could not be written and still waits.
    async fn write_waiting(&mut self) -> bool {
        let mut failed = false;
        for run_id in std::mem::take(&mut self.waiting) {
            if !self.lease.is_held() {
                return false;
            }
            let progress = self.progress.entry(run_id.clone()).or_default();
            if self.complete.contains(&run_id) {
                self.progress.remove(&run_id);
                continue;
            }
            match self.writer.write(&run_id, progress).await {
                Ok(()) if progress.is_complete() => {
                    self.progress.remove(&run_id);
                    self.complete.insert(run_id);
                }
                Ok(()) => {}
                Err(WriteError::Projection(error)) => self.shared.projection.fail(&error),
                Err(error) => {
                    tracing::warn!(%run_id, error = &error as &dyn std::error::Error, "documents not written, trying again");
                    self.waiting.insert(run_id);
                    failed = true;
                }
            }
        }
        failed
    }
}
