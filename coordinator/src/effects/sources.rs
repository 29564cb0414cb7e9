//! Runs that wait for chunks of their source go on as soon as all of them are there.

use rch_scheduler::{CommandBody, SourceGap};
use rch_schemas::{RunId, Sha256};
use rch_store::chunk::GetChunkError;

use crate::dispatcher::{AskError, Queue};
use crate::nats::really_missing;
use crate::projection::ProjectionError;
use crate::shared::Shared;

/// Why it is not known whether a run can go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RestoreError {
    #[error(transparent)]
    Projection(#[from] ProjectionError),
    #[error("the chunks it waits for could not be looked at")]
    Chunks(#[from] GetChunkError),
    #[error(transparent)]
    Ask(#[from] AskError),
}

/// Looks at the runs that wait for `chunk`, or at all that wait for any; those whose chunks are all there, each with its own digest, go on.
pub(crate) async fn restore_sources(shared: &Shared, chunk: Option<Sha256>) -> Result<(), RestoreError> {
    let waiting = shared.projection.snapshot()?.runs_with_gap()?;
    for run in waiting {
        let concerned = |gap: &SourceGap| chunk.is_none_or(|chunk| gap.missing.contains(&chunk));
        if let Some(gap) = run.source_gap.filter(concerned) {
            restore(shared, run.run_id, &gap).await?;
        }
    }
    Ok(())
}

async fn restore(shared: &Shared, run_id: RunId, gap: &SourceGap) -> Result<(), RestoreError> {
    let absent = shared.store.missing_chunks(gap.missing.iter().copied()).await.map_err(GetChunkError::from)?;
    if absent.is_empty() && really_missing(&shared.store, &gap.missing).await?.is_empty() {
        tracing::info!(%run_id, "the chunks that the run waited for are there");
        shared.asks.ask(Queue::Operators, "coordinator".to_owned(), None, CommandBody::SourceRestored { run_id }).await?;
    }
    Ok(())
}
