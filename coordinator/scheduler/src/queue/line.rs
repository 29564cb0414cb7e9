//! A lane, read from its head.

use std::collections::{BTreeSet, btree_map, btree_set};
use std::iter::Peekable;

use rch_schemas::Tick;

use super::Arrival;
use super::lane::{BANDS, Lane, Taking, Turn};

/// Yields each job once with the band it counts as of, the next to be offered first.
pub(crate) struct Line<'a> {
    bands: [Heads<'a>; BANDS],
    /// Those whose rest is over, the next one last, with the band each counts as of. Few: a refusal needs an offer.
    rested: Vec<(usize, Turn)>,
    told: BTreeSet<(Arrival, u32)>,
    taking: Taking,
    now: Tick,
    age_ms: u64,
}

struct Heads<'a> {
    by_share: Peekable<btree_set::Iter<'a, Turn>>,
    by_arrival: Peekable<btree_map::Values<'a, (Arrival, u32), Turn>>,
}

/// Where the next one comes from.
#[derive(Debug, Clone, Copy)]
enum Head {
    Share(usize),
    Arrival(usize),
    Rested,
}

impl<'a> Line<'a> {
    pub(super) fn new(lane: &'a Lane, taking: Taking, now: Tick, age_ms: u64) -> Self {
        let rested = lane.resting.iter().take_while(|(until, _, _)| *until <= now);
        let mut rested: Vec<_> = rested
            .map(|(_, band, turn)| (turn.band(*band, now, age_ms), *turn))
            .filter(|(_, turn)| taking == Taking::All || !turn.is_fresh)
            .collect();
        rested.sort_by(|one, other| other.cmp(one));
        let bands = lane.bands.each_ref();
        let bands = bands.map(|band| Heads { by_share: band.by_share.iter().peekable(), by_arrival: band.by_arrival.values().peekable() });
        Self { bands, rested, told: BTreeSet::new(), taking, now, age_ms }
    }

    /// The best of the jobs at the heads.
    fn best(&mut self) -> Option<(usize, Turn, Head)> {
        let mut best = self.rested.last().map(|(band, turn)| (*band, *turn, Head::Rested));
        let mut consider = |band: usize, turn: &Turn, head: Head| {
            if best.is_none_or(|(first, best, _)| (band, turn) < (first, &best)) {
                best = Some((band, *turn, head));
            }
        };
        for (band, heads) in self.bands.iter_mut().enumerate() {
            let first = heads.by_share.peek().filter(|turn| self.taking == Taking::All || !turn.is_fresh);
            if let Some(turn) = first {
                consider(turn.band(band, self.now, self.age_ms), turn, Head::Share(band));
            }
            // Of its own band the first by share is ahead of it.
            let oldest = heads.by_arrival.peek().filter(|turn| self.taking == Taking::All && turn.band(band, self.now, self.age_ms) < band);
            if let Some(turn) = oldest {
                consider(turn.band(band, self.now, self.age_ms), turn, Head::Arrival(band));
            }
        }
        best
    }
}

impl Iterator for Line<'_> {
    type Item = (usize, Turn);

    fn next(&mut self) -> Option<(usize, Turn)> {
        loop {
            let (band_now, turn, head) = self.best()?;
            match head {
                Head::Share(band) => drop(self.bands[band].by_share.next()),
                Head::Arrival(band) => drop(self.bands[band].by_arrival.next()),
                Head::Rested => drop(self.rested.pop()),
            }
            // A job is at the head by its share at one time and as the oldest at another.
            if self.told.insert(turn.place()) {
                return Some((band_now, turn));
            }
        }
    }
}
