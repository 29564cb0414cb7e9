//! SIGINT, as xcodebuild takes it: what is under way is put away, and the log says it was interrupted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use nix::sys::signal::{SigSet, Signal};

/// Whether this program was asked to stop.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

/// What a program does about signals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signals {
    /// SIGINT ends it in an orderly way; SIGTERM at once.
    Heard,
    /// Neither does anything: only SIGKILL helps.
    Ignored,
}

impl Interrupt {
    /// Listens for this whole process; to be called before any other thread is started, which inherit what is blocked.
    /// Where the signal cannot be blocked, it keeps its usual meaning.
    pub(crate) fn listen(signals: Signals) -> Self {
        let interrupt = Self::default();
        let mut blocked = SigSet::empty();
        blocked.add(Signal::SIGINT);
        if signals == Signals::Ignored {
            blocked.add(Signal::SIGTERM);
        }
        if blocked.thread_block().is_err() || signals == Signals::Ignored {
            return interrupt;
        }
        let heard = Arc::clone(&interrupt.0);
        thread::spawn(move || {
            while blocked.wait().is_ok() {
                heard.store(true, Ordering::Relaxed);
            }
        });
        interrupt
    }

    /// Whether SIGINT came.
    pub(crate) fn came(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
