//! Adaptive mode: among workers of equal priority that would all do, the one that will probably be done first.
//!
//! The choice is made when a slot is given away, with what is seen at that moment: [`CandidateMetrics`] has the values in the order in which
//! they decide. All of them are recorded, so that the choice can be made again from the record alone.

use std::cmp::{Ordering, Reverse};

use rch_schemas::document::{CandidateMetrics, PassedOver, Verdict};
use rch_schemas::id::CacheNamespace;
use rch_schemas::{Reason, WorkerName};

use super::choose::{Want, add, judgement_for, keeps_out};
use super::moment::{Fleet, Moment};
use super::nobody::{NoChoice, no_choice};
use super::walk::Bonds;
use crate::judgement::{Candidate, Judgement};

/// Equals that are compared at most. Among so many the best is as good as any, and evidence of a thousand idle Macs stays below 64 KiB.
const CONTENDERS_MAX: usize = 64;

/// Which workers contend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Contend {
    /// Those with a free slot.
    Free,
    /// All: what would be chosen is asked while every slot is taken.
    All,
}

/// The best candidate, with what was seen.
pub(super) struct Best<'a> {
    pub(super) candidate: &'a Candidate,
    pub(super) moment: Moment<'a>,
    pub(super) passed_over: Vec<PassedOver>,
    pub(super) metrics: Vec<CandidateMetrics>,
}

/// The best of the first candidates by rank that would do and have a slot, else of the first that would do; those passed over when none would.
pub(super) fn best<'a>(fleet: &Fleet<'a>, want: Want<'_>, judgement: &'a Judgement) -> Result<Best<'a>, Vec<PassedOver>> {
    contend(fleet, want, judgement, Contend::Free).or_else(|_| contend(fleet, want, judgement, Contend::All))
}

fn contend<'a>(fleet: &Fleet<'a>, want: Want<'_>, judgement: &'a Judgement, who: Contend) -> Result<Best<'a>, Vec<PassedOver>> {
    let bonds = Bonds::of(fleet, want.run, want.destination);
    let namespace = &want.run.options.cache.namespace;
    let (mut contenders, mut passed_over): (Vec<(&Candidate, Moment<'_>)>, Vec<PassedOver>) = (Vec::new(), Vec::new());
    let mut metrics = Vec::new();
    for candidate in judgement.candidates() {
        let is_behind = contenders.first().is_some_and(|(first, _)| first.priority < candidate.priority);
        if is_behind || contenders.len() == CONTENDERS_MAX {
            break;
        }
        let seen = fleet.metrics(&candidate.worker, namespace);
        if seen.free_slots == 0 && who == Contend::Free {
            continue;
        }
        let moment = fleet.moment(&candidate.worker);
        if let Some(passed) = keeps_out_now(fleet, &bonds, (judgement, candidate), moment) {
            add(&mut passed_over, passed);
        } else {
            contenders.push((candidate, moment));
            metrics.push(seen);
        }
    }
    let best = contenders.iter().zip(&metrics).min_by(|(_, one), (_, other)| compare(one, other)).map(|(contender, _)| *contender);
    match best {
        Some((candidate, moment)) => Ok(Best { candidate, moment, passed_over, metrics }),
        None => Err(passed_over),
    }
}

/// The better one first, by what decides first; equals stay in order of rank.
fn compare(one: &CandidateMetrics, other: &CandidateMetrics) -> Ordering {
    let yes = |metrics: &CandidateMetrics| {
        let has_result = metrics.result_cached == Some(true);
        Reverse((has_result, metrics.free_slots > 0, metrics.warm_namespace))
    };
    // As fractions: running of one / slots of one, against the other's.
    let per_slot = (u64::from(one.running) * u64::from(other.slots)).cmp(&(u64::from(other.running) * u64::from(one.slots)));
    yes(one).cmp(&yes(other)).then(per_slot).then(other.disk_free_bytes.cmp(&one.disk_free_bytes))
}

/// What keeps a candidate out of a choice that is made for a slot it has now.
fn keeps_out_now(fleet: &Fleet<'_>, bonds: &Bonds<'_>, of: (&Judgement, &Candidate), moment: Moment<'_>) -> Option<PassedOver> {
    let resting = |verdicts: Vec<Verdict>| PassedOver {
        workers: vec![of.1.worker.clone()],
        verdicts,
        liveness: None,
        capabilities_age_ms: None,
        probe_failure: None,
    };
    keeps_out(fleet, bonds, of, moment).or_else(|| bonds.resting(&of.1.worker).map(|verdict| resting(vec![verdict])))
}

/// Whether a worker of a class could be given a job of a destination that stands in the class's line, were it first and had a slot.
pub(crate) fn would_take(fleet: &Fleet<'_>, want: Want<'_>, of: (&Judgement, &Candidate)) -> bool {
    let bonds = Bonds::of(fleet, want.run, want.destination);
    keeps_out_now(fleet, &bonds, of, fleet.moment(&of.1.worker)).is_none()
}

/// Whether any worker that is open now will ever do what stands in the line of a class; if none, why it waits or fails.
pub(crate) fn hope(fleet: &Fleet<'_>, want: Want<'_>) -> Result<(), NoChoice> {
    let (judgement, _) = judgement_for(fleet, want)?;
    let bonds = Bonds::of(fleet, want.run, want.destination);
    let will_do = |candidate: &Candidate| bonds.lasting(&candidate.worker, judgement.resolution(candidate)).is_empty();
    if judgement.candidates().iter().any(will_do) { Ok(()) } else { Err(no_choice(&bonds, &judgement, &[])) }
}

impl Fleet<'_> {
    /// What of a worker decides among equals.
    fn metrics(&self, worker: &WorkerName, namespace: &CacheNamespace) -> CandidateMetrics {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let row = self.state.workers.get(worker);
        let (warm_namespace, disk_free_bytes) = self.keeps(worker, namespace);
        CandidateMetrics {
            worker: worker.clone(),
            // No result is kept yet; it stands in the order so that nothing behind it moves when one is.
            result_cached: None,
            free_slots: row.map_or(0, |row| count(row.free_slots())),
            warm_namespace,
            running: row.map_or(0, |row| count(row.held.len())),
            slots: row.and_then(|row| row.session.as_ref()).map_or(0, |session| session.slots),
            disk_free_bytes,
        }
    }
}

impl Bonds<'_> {
    /// A worker that asked to be left alone with a job for a while, be it only busy, is not waited for while others have slots.
    fn resting(&self, worker: &WorkerName) -> Option<Verdict> {
        let until = self.rests_until(worker)?;
        let required = "a worker that takes the job now";
        Some(super::judge::verdict(Reason::Busy, required, &format!("asked to be left alone with it for {} s", until.as_secs() + 1)))
    }
}
