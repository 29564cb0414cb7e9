//! Pauses between tries.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

/// The first pause.
const FIRST: Duration = Duration::from_millis(200);
/// No pause is longer.
const LONGEST: Duration = Duration::from_secs(5);

/// Doubling pauses, each shortened by up to a half so that many clients do not come back at once.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Backoff {
    tries: u32,
}

impl Backoff {
    /// The next pause; at least what the other side asked for.
    pub(crate) fn next(&mut self, asked: Option<Duration>) -> Duration {
        let full = FIRST.saturating_mul(1 << self.tries.min(10)).min(LONGEST);
        self.tries += 1;
        // A fresh hasher is seeded anew: randomness enough to spread clients.
        let spread = RandomState::new().hash_one(self.tries) % 1_000;
        let pause = full.mul_f64(1.0 - f64::from(u32::try_from(spread).unwrap_or(0)) / 2_000.0);
        asked.map_or(pause, |asked| pause.max(asked.min(LONGEST * 6)))
    }

    /// Pauses so far.
    pub(crate) fn tries(self) -> u32 {
        self.tries
    }

    /// It worked: the next pause is a first one again.
    pub(crate) fn reset(&mut self) {
        self.tries = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit_and_respect_what_was_asked_within_reason() {
        let mut backoff = Backoff::default();
        let pauses: Vec<Duration> = (0..20).map(|_| backoff.next(None)).collect();
        assert!(pauses[0] <= FIRST && pauses[0] >= FIRST / 2);
        assert!(pauses.iter().all(|pause| *pause <= LONGEST) && pauses[19] >= LONGEST / 2);
        assert!(backoff.next(Some(Duration::from_secs(20))) >= Duration::from_secs(20));
        assert_eq!(backoff.next(Some(Duration::from_mins(150))), LONGEST * 6);
        backoff.reset();
        assert!(backoff.next(None) <= FIRST);
    }
}
