//! The protocol version of a new run: what somebody can do it in.

use rch_schemas::protocol::ProtocolRange;

use super::choose::{Want, reach};
use super::moment::Fleet;
use crate::run::Run;

/// How soon somebody could do a destination of a run in a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// Nobody ever.
    Nobody,
    /// Somebody who is away or closed now.
    Later,
    /// Somebody who is here and open.
    Now,
}

/// The version of `spoken` (what farm and client share) that a new run is fixed to: the highest in which each destination has a worker. A
/// version that waits for a worker that is away comes after one that does not, so that one upgraded Mac in a closet does not hold up the
/// others; a destination that nobody can do in any version has no say.
pub(crate) fn version_of_run(fleet: &Fleet<'_>, run: &Run, spoken: ProtocolRange) -> u32 {
    let mut run = run.clone();
    let mut reaches = Vec::new();
    for version in (spoken.min..=spoken.max).rev() {
        run.protocol_version = version;
        let of_each = (0..).take(run.destinations.len()).map(|destination| reach(fleet, Want { run: &run, destination, revision: 1 }));
        let of_each: Vec<_> = of_each.collect();
        // Nothing lower is looked at when this one will do: each version looked at costs a judgement of the fleet.
        if of_each.iter().all(|reach| *reach == Reach::Now) {
            return version;
        }
        reaches.push((version, of_each));
    }
    let is_possible = |index: &usize| reaches.iter().any(|(_, of_each)| of_each[*index] > Reach::Nobody);
    let possible: Vec<_> = (0..run.destinations.len()).filter(is_possible).collect();
    let soonest = |of_each: &[Reach]| possible.iter().map(|index| of_each[*index]).min().unwrap_or(Reach::Now);
    let best = reaches.iter().max_by_key(|(version, of_each)| (soonest(of_each), *version));
    best.map_or(spoken.max, |(version, _)| *version)
}
