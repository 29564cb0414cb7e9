//! When a waiting job will start: the line before it, played over the slots of its worker.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use rch_schemas::wire::http::{EstimateBasis, WaitEstimate};

use crate::estimate::{Durations, Kind, Measured};

/// What one kind of job takes.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) measured: Measured,
    basis: Basis,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Basis {
    Kind,
    Action,
}

/// Kinds that were asked for, each measured once.
pub(super) struct Kinds<'a> {
    durations: &'a Durations,
    known: BTreeMap<Kind, Option<Known>>,
}

impl<'a> Kinds<'a> {
    pub(super) fn new(durations: &'a Durations) -> Self {
        Self { durations, known: BTreeMap::new() }
    }

    /// What jobs of this kind take, else those of its action; `None` when neither was ever measured.
    pub(super) fn known(&mut self, kind: &Kind) -> Option<&Known> {
        if !self.known.contains_key(kind) {
            let own = self.durations.of(kind).map(|measured| Known { measured, basis: Basis::Kind });
            let known = own.or_else(|| self.durations.of_action(kind.action).map(|measured| Known { measured, basis: Basis::Action }));
            self.known.insert(kind.clone(), known);
        }
        self.known.get(kind)?.as_ref()
    }
}

/// The slots of one worker, and the time that has been given away so far.
pub(super) struct Play {
    /// When each slot is free, in milliseconds from now; `None` once that is not known of one of them.
    free: Option<BinaryHeap<Reverse<u64>>>,
    used: BTreeSet<Kind>,
    samples: u32,
    basis: EstimateBasis,
}

impl Play {
    /// A worker with so many slots, none of them taken.
    pub(super) fn new(slots: u32) -> Self {
        let free = (slots > 0).then(|| (0..slots).map(|_| Reverse(0)).collect());
        Self { free, used: BTreeSet::new(), samples: 0, basis: EstimateBasis::OwnScheme }
    }

    /// When the next job starts, and what that rests on; `None` when it is not known.
    pub(super) fn next(&self, kind: &Kind) -> Option<WaitEstimate> {
        let Reverse(wait_ms) = *self.free.as_ref()?.peek()?;
        let of_others = self.used.iter().any(|used| used != kind);
        let basis = if of_others { self.basis.max(EstimateBasis::Schemes) } else { self.basis };
        (!self.used.is_empty()).then_some(WaitEstimate { wait_ms, basis, samples: self.samples })
    }

    /// Gives the slot that is free first to a job of this kind that takes so long from then, in milliseconds.
    pub(super) fn take(&mut self, kind: &Kind, known: Option<&Known>, takes: impl FnOnce(&Measured) -> u64) {
        let Some(known) = known else {
            self.free = None;
            return;
        };
        if let Some(Reverse(start)) = self.free.as_mut().and_then(BinaryHeap::pop) {
            let end = start.saturating_add(takes(&known.measured));
            self.free.iter_mut().for_each(|free| free.push(Reverse(end)));
        }
        if !self.used.contains(kind) {
            self.used.insert(kind.clone());
            self.samples += known.measured.samples();
            self.basis = match known.basis {
                Basis::Kind => self.basis,
                Basis::Action => EstimateBasis::Actions,
            };
        }
    }
}
