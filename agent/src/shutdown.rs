//! Told to stop: by launchd, an operator, or the keyboard.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that mean stop.
pub(crate) struct Shutdown {
    terminate: Signal,
    interrupt: Signal,
}

impl Shutdown {
    /// Takes the signals over from the system, for which they would end the process at once.
    pub(crate) fn listen() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// The next time the agent is told to stop.
    ///
    /// # Cancel safety
    /// Yes: no signal is lost.
    pub(crate) async fn told(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
