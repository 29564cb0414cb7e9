//! The protocol version of a new run: what somebody can do it in.

use rch_schemas::protocol::ProtocolRange;

use super::choose::judge;
use super::judge::{Fleet, Judged};
use crate::run::Run;

/// How soon somebody could do a destination of a run in a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
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
    let destinations = (0..).zip(&run.destinations).map(|(index, _)| index);
    let by_destination: Vec<Vec<(u32, Reach)>> = destinations.map(|destination| reaches(fleet, run, destination, spoken)).collect();
    let possible = by_destination.iter().filter(|reaches| reaches.iter().any(|(_, reach)| *reach > Reach::Nobody));
    let possible: Vec<_> = possible.collect();
    let soonest = |version: u32| {
        let of_each = possible.iter().flat_map(|reaches| reaches.iter()).filter(|(of, _)| *of == version);
        of_each.map(|(_, reach)| *reach).min().unwrap_or(Reach::Now)
    };
    (spoken.min..=spoken.max).max_by_key(|version| (soonest(*version), *version)).unwrap_or(spoken.max)
}

fn reaches(fleet: &Fleet<'_>, run: &Run, destination: u32, spoken: ProtocolRange) -> Vec<(u32, Reach)> {
    let mut run = run.clone();
    let reach = |version| {
        run.protocol_version = version;
        // What cannot be parsed is nobody's in every version.
        let judged = judge(fleet, &run, destination).map(|(_, judged)| judged).unwrap_or_default();
        let reach = judged.iter().map(reach_of).max().unwrap_or(Reach::Nobody);
        (version, reach)
    };
    (spoken.min..=spoken.max).map(reach).collect()
}

fn reach_of(judged: &Judged) -> Reach {
    if judged.is_candidate() {
        Reach::Now
    } else if judged.could_ever() {
        Reach::Later
    } else {
        Reach::Nobody
    }
}
