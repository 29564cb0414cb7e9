//! Jobs that wait for one worker, in order.

use std::collections::BTreeMap;

use rch_schemas::Tick;

use super::Arrival;

/// A waiting job: its run, and its place in the run's plan. No text, since a hundred thousand of these are kept in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// The run.
    pub(crate) arrival: Arrival,
    /// The job, counted in plan order.
    pub(crate) job: u32,
}

/// What of a waiting job decides whether it may be offered now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Waiting {
    /// Its run has run there on this destination: a worker that drains still takes it.
    pub(super) continues: bool,
    /// The worker asked to be left alone with it until then.
    pub(super) not_before: Option<Tick>,
}

/// What a worker takes at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taking {
    /// Any job.
    All,
    /// Jobs of runs that have started there.
    Continuations,
}

/// Jobs that may start as soon as one worker, with the capabilities they were selected for, has a slot.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Lane {
    waiting: BTreeMap<Place, Waiting>,
}

impl Lane {
    pub(super) fn insert(&mut self, place: Place, waiting: Waiting) {
        self.waiting.insert(place, waiting);
    }

    pub(super) fn remove(&mut self, place: &Place) {
        self.waiting.remove(place);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// All of them.
    pub(super) fn places(&self) -> impl Iterator<Item = Place> + '_ {
        self.waiting.keys().copied()
    }

    /// Those that may be offered now, in the order in which they are.
    pub(super) fn line(&self, taking: Taking, now: Tick) -> impl Iterator<Item = Place> + '_ {
        let may = move |waiting: &Waiting| {
            (waiting.continues || taking == Taking::All) && waiting.not_before.is_none_or(|not_before| not_before <= now)
        };
        self.waiting.iter().filter(move |(_, waiting)| may(waiting)).map(|(place, _)| *place)
    }
}
