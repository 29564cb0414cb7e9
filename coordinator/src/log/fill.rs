//! Bytes of a log that the stream no longer has: from the agent while it still runs, else from the parts it flushed.

use bytes::Bytes;
use data_encoding::BASE64;
use rch_scheduler::Worker;
use rch_schemas::protocol::{Feature, ProtocolRange};
use rch_schemas::wire::agent::{Control, ControlAnswer};
use rch_schemas::{Attempt, JobId};
use rch_store::{Store, layout};

use crate::effects::control;
use crate::nats::Connection;

/// Bytes asked of an agent at once: in base64 well below the server's largest message.
const TAIL_BYTES_MAX: u32 = 256 * 1024;
/// A flushed part is some 10 MiB.
const PART_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Who runs the attempt, and how to ask.
#[derive(Clone, Copy)]
pub(crate) struct Agent<'a> {
    /// The connection to ask over.
    pub(crate) connection: &'a Connection,
    /// What this coordinator speaks.
    pub(crate) farm: ProtocolRange,
    /// Whom.
    pub(crate) worker: &'a Worker,
}

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Filled {
    /// Some of the missing bytes, from the first on.
    Bytes(Bytes),
    /// None of them.
    Nothing,
}

/// Some of the bytes from `from` on, at most up to `to`. `agent` is asked when the attempt still runs there, and it can tell.
pub(crate) async fn fill(store: &Store, agent: Option<Agent<'_>>, (job_id, attempt): (&JobId, Attempt), (from, to): (u64, u64)) -> Filled {
    if let Some(agent) = agent.filter(|agent| agent.worker.has(Feature::TAIL))
        && let Some(bytes) = from_agent(agent, (job_id, attempt), (from, to)).await
    {
        return Filled::Bytes(bytes);
    }
    match from_parts(store, (job_id, attempt), (from, to)).await {
        Some(bytes) => Filled::Bytes(bytes),
        None => Filled::Nothing,
    }
}

async fn from_agent(agent: Agent<'_>, (job_id, attempt): (&JobId, Attempt), (from, to): (u64, u64)) -> Option<Bytes> {
    let bytes_max = u32::try_from(to - from).unwrap_or(u32::MAX).min(TAIL_BYTES_MAX);
    let tail = Control::Tail { job_id: job_id.clone(), attempt, offset: from, bytes_max };
    match control(agent.connection, agent.farm, agent.worker, tail).await {
        Ok(ControlAnswer::Tail { offset, data, .. }) if offset == from => {
            let bytes = BASE64.decode(data.as_bytes()).ok()?;
            let wanted = bytes.len().min(bytes_max as usize);
            (wanted > 0).then(|| Bytes::from(bytes).slice(..wanted))
        }
        Ok(_) => None,
        Err(error) => {
            tracing::debug!(%job_id, %attempt, error = &error as &dyn std::error::Error, "the agent did not fill a gap");
            None
        }
    }
}

/// Parts are contiguous from 0 and named by their first byte, so the one that holds a byte is found by walking.
async fn from_parts(store: &Store, (job_id, attempt): (&JobId, Attempt), (from, to): (u64, u64)) -> Option<Bytes> {
    let mut first = 0;
    loop {
        let key = layout::log_part(job_id, attempt, first);
        let size = store.size(&key).await.ok().flatten().filter(|size| *size > 0)?;
        if first + size > from {
            let part = store.get(&key, PART_BYTES_MAX).await.ok().flatten()?;
            let skip = usize::try_from(from - first).ok()?;
            let wanted = usize::try_from((to - first).min(part.len() as u64)).ok()?;
            return (skip < wanted).then(|| part.slice(skip..wanted));
        }
        first += size;
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[tokio::test]
    async fn a_gap_is_filled_from_the_part_that_holds_it() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("file://{}", dir.path().display()), None).unwrap();
        let job: JobId = "job-000001".parse().unwrap();
        for (offset, text) in [(0, "compile\n"), (8, "link\n")] {
            store.put(&layout::log_part(&job, Attempt(1), offset), Bytes::from_static(text.as_bytes())).await.unwrap();
        }
        let filled = async |from, to| fill(&store, None, (&job, Attempt(1)), (from, to)).await;
        assert_eq!(filled(0, 3).await, Filled::Bytes(Bytes::from_static(b"com")));
        assert_eq!(filled(9, 99).await, Filled::Bytes(Bytes::from_static(b"ink\n")));
        assert_eq!(filled(13, 20).await, Filled::Nothing);
    }
}
