//! Ctrl-C: the first asks the command to end well, the second ends it.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// How often the user asked to stop.
#[derive(Debug, Clone)]
pub(crate) struct Interrupts(watch::Receiver<u8>);

impl Interrupts {
    /// Counts SIGINT and SIGTERM from now on; the second half counts and must be polled.
    pub(crate) fn listen() -> io::Result<(Self, Listener)> {
        let (tx, rx) = watch::channel(0);
        let listener = Listener { tx, interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? };
        Ok((Self(rx), listener))
    }

    /// Resolves when the user has asked `times` times. Cancel safe.
    pub(crate) async fn asked(&mut self, times: u8) {
        if self.0.wait_for(|asked| *asked >= times).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Nobody ever asks.
    #[cfg(test)]
    pub(crate) fn never() -> Self {
        Self(watch::channel(0).1)
    }
}

/// Receives the signals.
#[derive(Debug)]
pub(crate) struct Listener {
    tx: watch::Sender<u8>,
    interrupt: Signal,
    terminate: Signal,
}

impl Listener {
    /// Counts signals; returns at the second.
    pub(crate) async fn run(mut self) {
        while *self.tx.borrow() < 2 {
            tokio::select! {
                _ = self.interrupt.recv() => {}
                _ = self.terminate.recv() => {}
            }
            self.tx.send_modify(|asked| *asked += 1);
        }
    }
}
