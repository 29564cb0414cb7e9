//! How far an attempt is, for whoever only wants to look: heartbeats, `status`, the watchdog.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use rch_schemas::wire::agent::Phase;

use crate::clock::Uptime;

/// Shared between an attempt, which writes it, and everyone else.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    phase: AtomicU8,
    log_bytes: AtomicU64,
    active_ms: AtomicU64,
}

/// The phases by their number here.
const PHASES: [Phase; 7] = [Phase::Fetch, Phase::Unpack, Phase::Provision, Phase::Resolve, Phase::Execute, Phase::Collect, Phase::Upload];

impl Progress {
    /// The phase the attempt is in; the first one until it says otherwise.
    pub(crate) fn phase(&self) -> Phase {
        PHASES[usize::from(self.phase.load(Ordering::Relaxed)).min(PHASES.len() - 1)]
    }

    /// Enters a phase, which is a sign of life.
    pub(crate) fn enter(&self, phase: Phase, now: Uptime) {
        let number = PHASES.iter().position(|known| *known == phase).and_then(|number| u8::try_from(number).ok()).unwrap_or(0);
        self.phase.store(number, Ordering::Relaxed);
        self.active_ms.store(now.millis(), Ordering::Relaxed);
    }

    /// Bytes of log so far.
    pub(crate) fn log_bytes(&self) -> u64 {
        self.log_bytes.load(Ordering::Relaxed)
    }

    /// The backend printed something.
    pub(crate) fn printed(&self, log_bytes: u64, now: Uptime) {
        self.log_bytes.store(log_bytes, Ordering::Relaxed);
        self.active_ms.store(now.millis(), Ordering::Relaxed);
    }

    /// When it last printed or entered a phase.
    pub(crate) fn last_active(&self) -> Uptime {
        Uptime::from_millis(self.active_ms.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_and_a_new_phase_are_signs_of_life() {
        let progress = Progress::default();
        progress.enter(Phase::Execute, Uptime::from_millis(5));
        progress.printed(100, Uptime::from_millis(9));
        assert_eq!((progress.phase(), progress.log_bytes(), progress.last_active().millis()), (Phase::Execute, 100, 9));
        progress.enter(Phase::Collect, Uptime::from_millis(12));
        assert_eq!((progress.phase(), progress.last_active().millis()), (Phase::Collect, 12));
    }
}
