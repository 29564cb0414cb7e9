//! When a backend must end, and how it is made to: a rule over instants, which its caller looks at again and again, since timers stand
//! still while a Mac sleeps.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::clock::Uptime;

/// Why a backend was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// `timeouts.overall_seconds` passed since go.
    Overall,
    /// `timeouts.idle_log_seconds` passed without output or a change of phase.
    Idle,
    /// The farm no longer wants the attempt.
    Cancelled,
    /// The agent was told to stop.
    Shutdown,
}

/// The limits of one attempt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// The instant after which it has run too long.
    pub(crate) deadline: Uptime,
    /// How long it may be silent.
    pub(crate) idle: Duration,
    /// Between SIGINT, SIGTERM and SIGKILL.
    pub(crate) grace: Duration,
}

impl Limits {
    /// Whether a limit has passed.
    pub(crate) fn passed(&self, now: Uptime, last_active: Uptime) -> Option<Stop> {
        if now >= self.deadline {
            return Some(Stop::Overall);
        }
        (now.since(last_active) >= self.idle).then_some(Stop::Idle)
    }
}

/// The way down: SIGINT, so that xcodebuild still writes its result bundle; SIGTERM; SIGKILL.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ladder {
    /// Why.
    pub(crate) why: Stop,
    grace: Duration,
    sent: usize,
    last: Uptime,
}

const RUNGS: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGKILL];

impl Ladder {
    /// The ladder before its first rung.
    pub(crate) fn new(why: Stop, grace: Duration, now: Uptime) -> Self {
        Self { why, grace, sent: 0, last: now }
    }

    /// The signal that is due, once.
    pub(crate) fn due(&mut self, now: Uptime) -> Option<Signal> {
        if self.sent > 0 && now.since(self.last) < self.grace {
            return None;
        }
        let signal = RUNGS.get(self.sent).copied()?;
        self.sent += 1;
        self.last = now;
        Some(signal)
    }

    /// Whether even SIGKILL is longer ago than `patience`.
    pub(crate) fn is_exhausted(&self, now: Uptime, patience: Duration) -> bool {
        self.sent == RUNGS.len() && now.since(self.last) >= patience
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Uptime {
        Uptime::from_millis(ms)
    }

    #[test]
    fn silence_and_length_are_told_apart_and_length_wins() {
        let limits = Limits { deadline: at(10_000), idle: Duration::from_secs(3), grace: Duration::from_secs(10) };
        assert_eq!(limits.passed(at(5_000), at(4_000)), None);
        assert_eq!(limits.passed(at(7_000), at(4_000)), Some(Stop::Idle));
        assert_eq!(limits.passed(at(10_000), at(4_000)), Some(Stop::Overall));
        // Output that came after the limit was read is no silence.
        assert_eq!(limits.passed(at(5_000), at(5_001)), None);
    }

    #[test]
    fn each_signal_is_sent_once_and_a_grace_after_the_one_before() {
        let mut ladder = Ladder::new(Stop::Idle, Duration::from_secs(10), at(0));
        let sent: Vec<_> = [0, 1, 9_999, 10_000, 15_000, 20_000, 90_000].map(|ms| ladder.due(at(ms))).to_vec();
        let (int, term, kill) = (Some(Signal::SIGINT), Some(Signal::SIGTERM), Some(Signal::SIGKILL));
        assert_eq!(sent, [int, None, None, term, None, kill, None]);
        assert!(!ladder.is_exhausted(at(29_999), Duration::from_secs(10)));
        assert!(ladder.is_exhausted(at(30_000), Duration::from_secs(10)));
    }
}
