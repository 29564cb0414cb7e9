//! SIGTERM and SIGINT as one token: the first asks everything to stop, in an orderly way.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Waits for a signal, or for somebody else to cancel, then cancels `token`.
///
/// # Errors
/// When the process may not handle signals.
pub(crate) async fn on_signal(token: CancellationToken) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let name = tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
        () = token.cancelled() => return Ok(()),
    };
    tracing::info!(signal = name, "stopping");
    token.cancel();
    Ok(())
}
