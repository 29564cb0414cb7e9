//! The only place of the coordinator that asks what time it is or makes an id.
//!
//! Three clocks: farm time (ticks, for every deadline), uptime (which goes on while the machine sleeps, for the lease) and the wall (for
//! display).

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use rch_schemas::id::{InvalidId, LedgerId, RecordId, RequestId};
use rch_schemas::{Tick, Timestamp};

/// Goes on during sleep: on Apple systems `CLOCK_MONOTONIC` does, on Linux it is `CLOCK_BOOTTIME`.
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
        Self(Duration::from(clock_gettime(SLEEPLESS).expect("every supported system has this clock")))
    }

    /// The instant that is `duration` later.
    pub(crate) fn after(self, duration: Duration) -> Self {
        Self(self.0 + duration)
    }

    /// How long ago `earlier` was; zero when it is not earlier.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// Farm time while this coordinator leads: the last record's tick, and what has passed since it took over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FarmClock {
    base: Tick,
    started: Uptime,
}

impl FarmClock {
    /// Farm time that goes on from `base`, now.
    pub(crate) fn from(base: Tick) -> Self {
        Self { base, started: Uptime::now() }
    }

    /// The tick now.
    pub(crate) fn now(&self) -> Tick {
        self.base.after(Uptime::now().since(self.started))
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

/// A new record's id.
pub(crate) fn record_id() -> RecordId {
    fresh()
}

/// A new ledger's name.
pub(crate) fn ledger_id() -> LedgerId {
    fresh()
}

/// A new request's id.
pub(crate) fn request_id() -> RequestId {
    fresh()
}

/// A name for this start of the coordinator.
pub(crate) fn instance() -> String {
    ulid::Ulid::generate().to_string()
}

fn fresh<I: std::str::FromStr<Err = InvalidId>>() -> I {
    ulid::Ulid::generate().to_string().parse().expect("26 letters and digits are a valid id")
}

/// A share of `bound` that differs from call to call, to spread what many would do at once.
pub(crate) fn jitter(bound: Duration) -> Duration {
    let random = u32::try_from(ulid::Ulid::generate().0 & 0xffff).unwrap_or(0);
    bound.mul_f64(f64::from(random) / 65_536.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn farm_time_goes_on_from_where_the_last_leader_left_it() {
        let clock = FarmClock::from(Tick(5_000));
        let first = clock.now();
        assert!(first >= Tick(5_000) && clock.now() >= first);
    }

    #[test]
    fn an_earlier_instant_is_never_negatively_far() {
        let now = Uptime::now();
        assert_eq!(now.since(now.after(Duration::from_secs(5))), Duration::ZERO);
        assert_eq!(now.after(Duration::from_secs(5)).since(now), Duration::from_secs(5));
    }
}
