//! No worker: for now, or for ever, and then what came nearest.

use std::collections::BTreeMap;

use rch_schemas::document::{PassedOver, Verdict};
use rch_schemas::{Reason, RetryClass, WorkerName};

use super::walk::Bonds;
use crate::judgement::Judgement;

/// Workers that are told one by one in a sentence.
const TOLD: usize = 8;

/// No worker was found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum NoChoice {
    /// Some could do it later: what the first of them wait for, in words.
    Wait(Vec<String>),
    /// None could ever do it: the nearest miss's code, and the first misses in words.
    Never(Reason, String),
}

/// A worker with what stands in its way.
struct Miss<'a> {
    worker: &'a WorkerName,
    verdicts: Vec<Verdict>,
    could_ever: bool,
}

/// Whether a verdict is about the moment rather than about what the worker is.
pub(super) fn is_passing(code: Reason) -> bool {
    let of_the_moment = matches!(code, Reason::Offline | Reason::Draining | Reason::Quarantined | Reason::CapabilitiesStale);
    of_the_moment || code.retry_class() == RetryClass::Elsewhere
}

/// What to say when every candidate was passed over.
pub(super) fn no_choice(bonds: &Bonds<'_>, judgement: &Judgement, passed_over: &[PassedOver]) -> NoChoice {
    let misses = misses(bonds, judgement, passed_over);
    let waiting: Vec<_> = misses.iter().filter(|miss| miss.could_ever).take(TOLD).map(told).collect();
    if !waiting.is_empty() {
        return NoChoice::Wait(waiting);
    }
    // The nearest miss has the fewest things in its way; the first by name among equals, so that the answer is always the same.
    let nearest = misses.iter().filter(|miss| !miss.verdicts.is_empty()).min_by_key(|miss| (miss.verdicts.len(), miss.worker));
    let Some(nearest) = nearest else {
        return NoChoice::Never(Reason::NoWorkers, "no worker is in the inventory".to_owned());
    };
    let code = nearest.verdicts[0].code;
    if code == Reason::NotNamed && misses.iter().all(|miss| miss.verdicts.iter().any(|verdict| verdict.code == code)) {
        let named = &nearest.verdicts[0].required;
        let known: Vec<_> = misses.iter().take(TOLD).map(|miss| miss.worker.as_str()).collect();
        return NoChoice::Never(code, format!("the farm has no worker {named}; it has {}", known.join(", ")));
    }
    let listed: Vec<_> = misses.iter().take(TOLD).map(told).collect();
    NoChoice::Never(code, format!("{}: {}", code.sentence(), listed.join("; ")))
}

/// Every worker by name, with what the judgement and this run have against it.
fn misses<'a>(bonds: &Bonds<'_>, judgement: &'a Judgement, passed_over: &[PassedOver]) -> Vec<Miss<'a>> {
    let fleet = judgement.fleet();
    let passed: BTreeMap<_, _> = passed_over.iter().flat_map(|passed| passed.workers.iter().map(move |worker| (worker, passed))).collect();
    let mut misses = Vec::new();
    for row in &fleet.workers {
        for worker in row.names() {
            let verdicts = match (passed.get(worker), fleet.resolution(row)) {
                (Some(passed), _) => passed.verdicts.clone(),
                (None, Some(resolution)) => bonds.lasting(worker, resolution).into_iter().chain(row.verdicts.clone()).collect(),
                (None, None) => row.verdicts.clone(),
            };
            let could_ever = row.resolution.is_some() && verdicts.iter().all(|verdict| is_passing(verdict.code));
            misses.push(Miss { worker, verdicts, could_ever });
        }
    }
    misses.sort_by_key(|miss| miss.worker);
    misses
}

fn told(miss: &Miss<'_>) -> String {
    let verdicts: Vec<_> = miss.verdicts.iter().map(|verdict| format!("required {}, found {}", verdict.required, verdict.found)).collect();
    format!("{}: {}", miss.worker, verdicts.join(", "))
}
