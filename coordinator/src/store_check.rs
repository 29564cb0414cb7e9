//! The store, tried out when the coordinator starts: used, waited for, or the end.

use std::time::Duration;

use rch_store::{Creates, ProbeError, Store};
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::health::{Board, Source};

/// Between two tries of a store that cannot be reached; each try already took its time.
const PAUSE: Duration = Duration::from_secs(5);

/// Tries the store until it can be used. Meanwhile the coordinator does what needs no store, and health says what is wrong.
///
/// # Errors
/// The store cannot be used, and waiting will not help.
pub(crate) async fn check_store(store: Store, board: Board, shutdown: CancellationToken) -> Result<(), ProbeError> {
    loop {
        let pause = tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            tried = store.probe(clock::ulid()) => match tried {
                Ok(creates) => {
                    board.set(Source::Store, shortcoming(store.name(), creates));
                    return Ok(());
                }
                Err(error) if error.is_passing() => {
                    tracing::warn!(%error, "the store cannot be used yet");
                    board.set(Source::Store, Some(error.to_string()));
                    tokio::time::sleep(PAUSE)
                }
                Err(error) => return Err(error),
            },
        };
        tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            () = pause => {}
        }
    }
}

/// What is said for as long as the store is used.
fn shortcoming(store: &str, creates: Creates) -> Option<String> {
    match creates {
        Creates::Once => {
            tracing::info!(store, "the store can be used");
            None
        }
        Creates::Again(winners) => {
            tracing::warn!(store, winners, "the store ignores conditional writes");
            Some(format!(
                "the store {store} ignores conditional writes: {winners} of 16 creates of one object succeeded; it is used, since what is created is \
                 named by its digest and a second write writes the same"
            ))
        }
    }
}
