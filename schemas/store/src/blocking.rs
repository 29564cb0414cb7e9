//! Work that would hold up an async thread: hashing, compression, reading a tree.

use std::future;
use std::panic;

/// Runs `work` on a thread for blocking work. A panic in it goes on here.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => panic::resume_unwind(panic),
            // The runtime is going away, and this task with it.
            Err(_cancelled) => future::pending().await,
        },
    }
}
