//! Stand-in for the leader's key in its bucket.

use crate::happening::ReplicaIndex;

/// How long an entry stays.
const LEASE_MS: u64 = 15_000;

#[derive(Default)]
pub(crate) struct Lease {
    /// The holder, and when the entry was written.
    entry: Option<(ReplicaIndex, u64)>,
    never_ends: bool,
}

impl Lease {
    pub(crate) fn new(never_ends: bool) -> Self {
        Self { entry: None, never_ends }
    }

    /// Takes it, or renews what the same replica holds; false when it is another's.
    pub(crate) fn take(&mut self, replica: ReplicaIndex, now: u64) -> bool {
        let another = self.entry.is_some_and(|(holder, at)| holder != replica && (self.never_ends || now - at < LEASE_MS));
        if another {
            return false;
        }
        self.entry = Some((replica, now));
        true
    }
}
