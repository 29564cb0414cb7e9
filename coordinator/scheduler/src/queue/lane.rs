//! Jobs that wait for the same, one worker or any of a class, in the order in which they get slots.
//!
//! The order is: band, continuations of started runs first, share tag, arrival. Who has waited long counts as of the next band; that is asked
//! of two jobs of each band, the first by tag and the oldest, so that neither time nor the length of the lane makes work. The oldest is
//! asked too because the first by tag may be young: a band with newcomers all the time would keep the others for ever.

use std::collections::{BTreeMap, BTreeSet};

use rch_schemas::Tick;
use rch_schemas::document::Priority;

use super::Arrival;
use super::line::Line;

/// How many bands there are.
pub(super) const BANDS: usize = 3;

/// A place in a band: orders jobs by their share. No text, since a hundred thousand of these are kept in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Turn {
    /// Whether its run has yet to start on this worker: those that have started go first.
    pub(crate) is_fresh: bool,
    /// The share tag of its run.
    pub(crate) tag: u64,
    /// The run.
    pub(crate) arrival: Arrival,
    /// The job, counted in plan order.
    pub(crate) job: u32,
    /// When its run was accepted.
    pub(crate) since: Tick,
}

impl Turn {
    /// Names the job.
    pub(super) fn place(&self) -> (Arrival, u32) {
        (self.arrival, self.job)
    }

    /// The band it counts as of, when each takes `age_ms` to be left for the next.
    pub(super) fn band(&self, band: usize, now: Tick, age_ms: u64) -> usize {
        let waited = u64::try_from(now.since(self.since).as_millis()).unwrap_or(u64::MAX);
        band.saturating_sub(usize::try_from(waited / age_ms.max(1)).unwrap_or(usize::MAX))
    }
}

/// What a worker takes at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taking {
    /// Any job.
    All,
    /// Jobs of runs that have started there.
    Continuations,
}

/// The jobs of one band.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Band {
    pub(super) by_share: BTreeSet<Turn>,
    pub(super) by_arrival: BTreeMap<(Arrival, u32), Turn>,
}

/// Jobs that may start as soon as one worker, with the capabilities they were selected for, or any worker of a class has a slot.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Lane {
    pub(super) bands: [Band; BANDS],
    /// Those that the worker asked to be left alone with, by until when.
    pub(super) resting: BTreeSet<(Tick, usize, Turn)>,
}

/// Where in a lane a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) priority: Priority,
    pub(super) turn: Turn,
    /// Until when it rests, if it ever had to.
    pub(super) not_before: Option<Tick>,
}

impl Lane {
    pub(super) fn insert(&mut self, standing: Standing) {
        let (band, turn) = (band(standing.priority), standing.turn);
        if let Some(until) = standing.not_before {
            self.resting.insert((until, band, turn));
        } else {
            self.bands[band].by_share.insert(turn);
            if band > 0 {
                self.bands[band].by_arrival.insert(turn.place(), turn);
            }
        }
    }

    pub(super) fn remove(&mut self, standing: Standing) {
        let (band, turn) = (band(standing.priority), standing.turn);
        if let Some(until) = standing.not_before {
            self.resting.remove(&(until, band, turn));
        } else {
            self.bands[band].by_share.remove(&turn);
            self.bands[band].by_arrival.remove(&turn.place());
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.resting.is_empty() && self.bands.iter().all(|band| band.by_share.is_empty())
    }

    /// The least tag of jobs that do not rest, where all are of runs that have yet to start.
    pub(super) fn least_tag(&self) -> Option<u64> {
        self.bands.iter().filter_map(|band| band.by_share.first()).map(|turn| turn.tag).min()
    }

    /// All of them.
    pub(super) fn turns(&self) -> impl Iterator<Item = &Turn> {
        self.bands.iter().flat_map(|band| &band.by_share).chain(self.resting.iter().map(|(_, _, turn)| turn))
    }

    /// Those that may be offered now, in the order in which they are.
    pub(super) fn line(&self, taking: Taking, now: Tick, age_ms: u64) -> Line<'_> {
        Line::new(self, taking, now, age_ms)
    }
}

/// Lower goes first.
fn band(priority: Priority) -> usize {
    match priority {
        Priority::Interactive => 0,
        Priority::Normal => 1,
        Priority::Batch => 2,
    }
}
