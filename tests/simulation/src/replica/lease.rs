//! Keeping the lease.

use super::Replica;
use crate::happening::ReplicaIndex;
use crate::lease::Lease;
use crate::network::Network;

/// Between two renewals.
const RENEW_MS: u64 = 5_000;
/// How long an acknowledged renewal counts.
const HELD_MS: u64 = 10_000;

#[derive(Default)]
pub(crate) struct Keeper {
    held_until: u64,
    next_step: u64,
}

impl Keeper {
    pub(super) fn holds(&self, now: u64) -> bool {
        now < self.held_until
    }
}

impl Replica {
    /// Takes or renews the lease when it is time; `answers` says whether the bucket's answer comes through.
    pub(super) fn keep_lease(&mut self, (index, now): (ReplicaIndex, u64), lease: &mut Lease, network: &Network, answers: bool) {
        if now < self.keeper.next_step || !network.reaches_server(index, now) {
            return;
        }
        let taken = lease.take(index, now);
        if taken && answers {
            self.keeper = Keeper { held_until: now + HELD_MS, next_step: now + RENEW_MS };
        } else if !taken {
            self.keeper = Keeper { held_until: 0, next_step: now + 1_000 };
        }
    }
}
