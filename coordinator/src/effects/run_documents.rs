//! The documents of one run, in an order that lets the last one stand for all.

use std::collections::BTreeMap;

use bytes::Bytes;
use rch_scheduler::{Job, JobPhase, MadeSelection, Run, SetRef, State, run_plan, run_summary};
use rch_schemas::document::WorkerSelection;
use rch_schemas::wire::{Op, Request, subject};
use rch_schemas::{Attempt, JobId, RunId, Sha256};
use rch_store::layout::{self, SetBase};
use rch_store::set::DOCUMENT_BYTES_MAX;
use rch_store::{StoreError, layout::Key};
use serde::Serialize;

use super::own_set::{OwnSetError, write_own_set};
use super::pointer::{SetPointer, set_pointer};
use super::signed::signed_selection;
use crate::clock;
use crate::crash_point;
use crate::nats::Connection;
use crate::projection::ProjectionError;
use crate::shared::Shared;

/// What of a run is known to be written.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// The revision of the plan.
    revision: Option<u32>,
    /// Manifests of jobs whose pointer is there.
    sets: BTreeMap<JobId, Sha256>,
    /// Whether the summary is there, or the run is gone.
    complete: bool,
}

impl Progress {
    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }
}

/// Why a document was not written.
#[derive(Debug, thiserror::Error)]
pub(super) enum WriteError {
    #[error(transparent)]
    Projection(#[from] ProjectionError),
    #[error("the store failed")]
    Store(#[from] StoreError),
    #[error("what a choice of {0} rests on is not in the projection")]
    Judgement(RunId),
    #[error("{0} is not in the store")]
    Missing(Key),
    #[error("the coordinator's own set could not be written")]
    OwnSet(#[from] OwnSetError),
}

/// Writes documents of runs.
pub(super) struct RunDocuments {
    shared: Shared,
    connection: Connection,
}

impl RunDocuments {
    pub(super) fn new(shared: Shared, connection: Connection) -> Self {
        Self { shared, connection }
    }

    /// Writes what a run should have by now and is not known to be there: plan and evidence, sets of ended jobs, and last the summary.
    pub(super) async fn write(&self, run_id: &RunId, progress: &mut Progress) -> Result<(), WriteError> {
        let snapshot = self.shared.projection.snapshot()?;
        let Some(run) = snapshot.run(run_id)? else {
            progress.complete = true;
            return Ok(());
        };
        let state = snapshot.state_of(&run)?;
        drop(snapshot);
        if progress.revision != Some(run.revision) {
            crash_point::reached("plan.writing");
            self.put(&layout::run_plan(run_id), &run_plan(&state, &run)).await?;
            crash_point::reached("plan.written");
            for (index, made) in run.destinations.iter().map(|destination| &destination.selection).enumerate() {
                if let Some(made) = made {
                    self.write_evidence(&state, index, made).await?;
                }
            }
            progress.revision = Some(run.revision);
        }
        for job in state.jobs_of(&run) {
            if let JobPhase::Ended { set, .. } = &job.phase
                && !progress.sets.contains_key(&job.job_id)
            {
                let manifest = self.write_pointer(&state, &run, job, *set).await?;
                progress.sets.insert(job.job_id.clone(), manifest);
            }
        }
        self.write_summary(&state, &run, progress).await
    }

    async fn write_evidence(&self, state: &State, index: usize, made: &MadeSelection) -> Result<(), WriteError> {
        let run_id = &made.selection.run_id;
        let facts = layout::facts(&made.selection.capabilities_sha256);
        let capabilities = self.shared.store.get(&facts, DOCUMENT_BYTES_MAX).await?.ok_or(WriteError::Missing(facts))?;
        self.shared.store.put(&layout::capabilities(run_id, index), capabilities).await?;
        let document = signed_selection(state, made, &self.shared.key).ok_or_else(|| WriteError::Judgement(run_id.clone()))?;
        crash_point::reached("evidence.writing");
        self.put(&layout::worker_selection(run_id, index), &document).await?;
        crash_point::reached("evidence.written");
        self.announce(run_id, document).await;
        Ok(())
    }

    /// For whoever listens; the durable copy is in the store.
    async fn announce(&self, run_id: &RunId, document: WorkerSelection) {
        let protocol_version = document.protocol_version;
        let request = Request { protocol_version, op: Op::Evidence, request_id: clock::request_id(), payload: document };
        let payload = serde_json::to_vec(&request).expect("evidence serializes");
        if let Err(error) = self.connection.client.publish(subject::evidence(run_id), payload.into()).await {
            tracing::debug!(%run_id, %error, "evidence not announced");
        }
    }

    /// Points at the set that counts, writing it first when no agent did; the digest of its manifest.
    async fn write_pointer(&self, state: &State, run: &Run, job: &Job, set: Option<SetRef>) -> Result<Sha256, WriteError> {
        let store = &self.shared.store;
        if let Some(there) = set_pointer(store, &run.run_id, &job.job_id).await? {
            return Ok(there.manifest_sha256);
        }
        let (base, attempt, manifest_sha256) = if let Some(set) = set {
            (SetBase::Attempt { job_id: job.job_id.clone(), attempt: set.attempt }, set.attempt, set.manifest_sha256)
        } else {
            let base = SetBase::Coordinator { run_id: run.run_id.clone(), job_id: job.job_id.clone() };
            (base, Attempt::NONE, write_own_set(&self.shared, &self.connection, (state, run), job).await?)
        };
        let attestation = base.attestation();
        let bytes = store.get(&attestation, DOCUMENT_BYTES_MAX).await?.ok_or(WriteError::Missing(attestation))?;
        let pointer = SetPointer {
            job_id: job.job_id.clone(),
            attempt,
            base: base.to_string(),
            manifest_sha256,
            attestation_sha256: Sha256::of(&bytes),
        };
        crash_point::reached("pointer.writing");
        self.put(&layout::set_pointer(&run.run_id, &job.job_id), &pointer).await?;
        crash_point::reached("pointer.written");
        tracing::info!(run_id = %run.run_id, job_id = %job.job_id, %attempt, "set can be read");
        Ok(manifest_sha256)
    }

    async fn write_summary(&self, state: &State, run: &Run, progress: &mut Progress) -> Result<(), WriteError> {
        let Some(mut summary) = run_summary(state, run) else { return Ok(()) };
        for job in &mut summary.jobs {
            job.manifest_sha256 = progress.sets.get(&job.job_id).copied();
        }
        crash_point::reached("summary.writing");
        self.put(&layout::run_summary(&run.run_id), &summary).await?;
        crash_point::reached("summary.written");
        progress.complete = true;
        Ok(())
    }

    async fn put(&self, key: &Key, document: &impl Serialize) -> Result<(), StoreError> {
        self.shared.store.put(key, Bytes::from(serde_json::to_vec(document).expect("documents serialize"))).await
    }
}
