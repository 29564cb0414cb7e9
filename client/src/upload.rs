//! Moving chunks that the farm lacks, several at once.

use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use rch_schemas::Sha256;

use crate::error::CommandError;
use crate::farm::{Backoff, FarmClient};
use crate::output::{bytes, count, duration, grouped};
use crate::source::Source;

/// Chunks on their way at once: enough to fill a line whose round trip is longer than a chunk.
const AT_ONCE: usize = 4;
/// Tries for one chunk, when what fails may pass.
const TRIES_MAX: u32 = 6;

/// What was moved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Uploaded {
    /// Chunks.
    pub(crate) chunks: usize,
    /// Bytes as they travelled, compressed.
    pub(crate) bytes: u64,
    /// How long it took.
    pub(crate) elapsed: Duration,
}

impl Uploaded {
    /// `17.9 MiB, 101 of 101 chunks, 1.4 s`.
    pub(crate) fn describe(&self, of: usize) -> String {
        format!("{}, {} of {}, {}", bytes(self.bytes), grouped(self.chunks as u64), count(of as u64, "chunk"), duration(self.elapsed))
    }
}

/// Sends the chunks of these digests; calls `progress` after each.
///
/// # Cancel safety
/// A chunk is either whole in the store or not there: a call that is dropped can be made again.
pub(crate) async fn upload(
    client: &FarmClient,
    source: &Source,
    missing: &[Sha256],
    mut progress: impl FnMut(&Uploaded),
) -> Result<Uploaded, CommandError> {
    let started = Instant::now();
    let mut done = Uploaded::default();
    let mut sent = stream::iter(missing.to_vec()).map(|sha256| send(client, source, sha256)).buffer_unordered(AT_ONCE);
    while let Some(frame_bytes) = sent.try_next().await? {
        done = Uploaded { chunks: done.chunks + 1, bytes: done.bytes + frame_bytes, elapsed: started.elapsed() };
        progress(&done);
    }
    Ok(done)
}

async fn send(client: &FarmClient, source: &Source, sha256: Sha256) -> Result<u64, CommandError> {
    let frame = source.frame(sha256).await?;
    let size = frame.len() as u64;
    let mut backoff = Backoff::default();
    loop {
        match client.put_chunk(&sha256, frame.clone()).await {
            Ok(()) => return Ok(size),
            Err(error) if error.is_passing() && backoff.tries() < TRIES_MAX => tokio::time::sleep(backoff.next(error.retry_after())).await,
            Err(error) => return Err(error.into()),
        }
    }
}
