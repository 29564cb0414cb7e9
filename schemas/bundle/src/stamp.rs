//! What tells that a file is still the one that was read.

use rch_schemas::Timestamp;
use rustix::fs::Stat;

/// How long before a pass began a file must have been left alone for its stamp to be believed later.
///
/// A write in the same tick of the clock as the read before it leaves no mark: git calls such a file racily clean. Ticks are at most 2 s
/// (FAT); the rest is for a file server whose clock is behind ours. Waiting longer costs little: a file that was written just before one
/// pass is read again in the next.
const SETTLED_MS: i64 = 10_000;

/// Size, times and inode of a file when it was read. A write changes at least one of them, unless it comes within one tick of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) size: u64,
    pub(crate) modified: Instant,
    pub(crate) changed: Instant,
    pub(crate) inode: u64,
}

/// Seconds and nanoseconds since 1970, as the file system has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant {
    pub(crate) seconds: i64,
    pub(crate) nanoseconds: i64,
}

impl Stamp {
    pub(crate) fn of(stat: &Stat) -> Self {
        Self {
            size: number(stat.st_size),
            modified: Instant { seconds: stat.st_mtime, nanoseconds: number(stat.st_mtime_nsec) },
            changed: Instant { seconds: stat.st_ctime, nanoseconds: number(stat.st_ctime_nsec) },
            inode: stat.st_ino,
        }
    }

    /// Whether every later write must show in the stamp, when the file was read after `began`.
    pub(crate) fn is_settled(&self, began: Timestamp) -> bool {
        let latest = self.modified.max(self.changed);
        let milliseconds = latest.seconds.saturating_mul(1_000).saturating_add(latest.nanoseconds / 1_000_000);
        milliseconds < began.unix_ms().saturating_sub(SETTLED_MS)
    }
}

/// The systems disagree about the integers of a stat; none of the values is out of range.
fn number<N: Default>(value: impl TryInto<N>) -> N {
    value.try_into().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed_at(seconds: i64, nanoseconds: i64) -> Stamp {
        let long_ago = Instant { seconds: 1, nanoseconds: 0 };
        Stamp { size: 1, modified: long_ago, changed: Instant { seconds, nanoseconds }, inode: 1 }
    }

    #[test]
    fn only_a_file_that_was_left_alone_for_a_while_is_settled() {
        let began = Timestamp::from_unix_ms(100_000);
        assert!(changed_at(89, 999_999_999).is_settled(began));
        for recent in [changed_at(90, 0), changed_at(99, 0), changed_at(100, 0), changed_at(1_000_000, 0), changed_at(i64::MAX, 0)] {
            assert!(!recent.is_settled(began), "{recent:?}");
        }
    }

    #[test]
    fn a_time_that_was_set_into_the_past_does_not_hide_a_recent_change() {
        let touched = Stamp { modified: Instant { seconds: 99, nanoseconds: 0 }, ..changed_at(1, 0) };
        assert!(!touched.is_settled(Timestamp::from_unix_ms(100_000)));
    }
}
