//! The store, tried out when the agent starts: an agent that cannot reach it would take jobs and fail them all.

use std::time::Duration;

use rch_store::{Creates, ProbeError, Store};

use crate::clock;

/// Between two tries of a store that cannot be reached; each try already took its time.
const PAUSE: Duration = Duration::from_secs(5);

/// Tries the store until it can be used. The agent is not heard of before.
///
/// # Errors
/// The store cannot be used, and waiting will not help.
///
/// # Cancel safety
/// Yes.
pub(crate) async fn check_store(store: &Store) -> Result<(), ProbeError> {
    loop {
        match store.probe(clock::ulid()).await {
            Ok(Creates::Once) => return Ok(()),
            Ok(Creates::Again(winners)) => {
                tracing::warn!(store = store.name(), winners, "the store ignores conditional writes, some chunks will be written again");
                return Ok(());
            }
            Err(error) if error.is_passing() => {
                tracing::warn!(%error, "the store cannot be used yet");
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(error),
        }
    }
}
