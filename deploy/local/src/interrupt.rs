//! Ctrl-C and SIGTERM, heard instead of dying of them, so that a farm is ended in order.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

/// Hears the first Ctrl-C or SIGTERM. From [`Interrupt::listen`] on neither ends this process.
#[derive(Debug)]
pub(crate) struct Interrupt {
    heard: Receiver<()>,
}

impl Interrupt {
    /// Starts to listen.
    pub(crate) fn listen() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let entered = runtime.enter();
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        drop(entered);
        let (sender, heard) = sync_channel(1);
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
            });
            // Nobody listening any more means that we are ending already.
            let _ = sender.send(());
            // The handlers stay installed as long as the process: a second Ctrl-C must not tear the end apart.
        })?;
        Ok(Self { heard })
    }

    /// Waits for it, at most for `patience`; whether it came.
    pub(crate) fn wait(&self, patience: Duration) -> bool {
        match self.heard.recv_timeout(patience) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => true,
            Err(RecvTimeoutError::Timeout) => false,
        }
    }

    /// Whether it has come.
    pub(crate) fn came(&self) -> bool {
        self.wait(Duration::ZERO)
    }
}
