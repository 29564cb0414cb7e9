//! The only place of the agent that asks what time it is or makes an id.
//!
//! Two clocks: the wall clock is for display; deadlines are measured on a clock that goes on while the Mac sleeps, which
//! [`std::time::Instant`] and tokio's timers do not on Apple systems. A deadline is therefore compared, never only slept on.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use rch_schemas::Timestamp;
use rch_schemas::id::{ClaimId, RequestId, SessionId};

/// Goes on during sleep: on Apple systems `CLOCK_MONOTONIC` does, elsewhere it is `CLOCK_BOOTTIME`.
#[cfg(not(target_os = "linux"))]
const SLEEPLESS: ClockId = ClockId::CLOCK_MONOTONIC;
#[cfg(target_os = "linux")]
const SLEEPLESS: ClockId = ClockId::CLOCK_BOOTTIME;

/// An instant since the machine was booted, sleep included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Uptime(Duration);

impl Uptime {
    /// The instant now.
    pub(crate) fn now() -> Self {
        let time = clock_gettime(SLEEPLESS).expect("every supported system has this clock");
        Self(Duration::from(time))
    }

    /// An instant, by its distance from the machine's start.
    pub(crate) fn from_millis(milliseconds: u64) -> Self {
        Self(Duration::from_millis(milliseconds))
    }

    /// Milliseconds since the machine was booted.
    pub(crate) fn millis(self) -> u64 {
        u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX)
    }

    /// How long ago `earlier` was; zero when it is not earlier.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// Milliseconds from this instant until now.
    pub(crate) fn elapsed_ms(self) -> u64 {
        u64::try_from(Self::now().since(self).as_millis()).unwrap_or(u64::MAX)
    }
}

/// The wall clock, for display.
pub(crate) fn wall() -> Timestamp {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix_ms(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

/// A fresh ULID as a number: 48 bits of time, 80 random ones.
pub(crate) fn ulid() -> u128 {
    ulid::Ulid::generate().0
}

/// A new session: one start of the agent.
pub(crate) fn session_id() -> SessionId {
    parse(&ulid::Ulid::generate().to_string())
}

/// A new claim.
pub(crate) fn claim_id() -> ClaimId {
    parse(&ulid::Ulid::generate().to_string())
}

/// A new request.
pub(crate) fn request_id() -> RequestId {
    parse(&ulid::Ulid::generate().to_string())
}

fn parse<I: std::str::FromStr>(text: &str) -> I
where
    I::Err: std::fmt::Debug,
{
    text.parse().expect("26 letters and digits are a valid id")
}

/// A number in 0..`bound` that differs from agent to agent and call to call, to spread what many do at once.
pub(crate) fn jitter(bound: Duration) -> Duration {
    let random = ulid::Ulid::generate().random() & 0xffff;
    let share = u32::try_from(random).unwrap_or(0);
    bound.mul_f64(f64::from(share) / 65_536.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uptime_never_goes_back() {
        let earlier = Uptime::now();
        let later = Uptime::now();
        assert!(later >= earlier);
        assert_eq!(earlier.since(later), Duration::ZERO.max(earlier.since(later)));
        assert_eq!(Uptime::from_millis(1500).since(Uptime::from_millis(500)), Duration::from_secs(1));
        assert_eq!(Uptime::from_millis(500).since(Uptime::from_millis(1500)), Duration::ZERO);
    }

    #[test]
    fn two_sessions_differ_and_jitter_stays_in_bounds() {
        assert_ne!(session_id(), session_id());
        for _ in 0..100 {
            assert!(jitter(Duration::from_secs(1)) < Duration::from_secs(1));
        }
    }
}
