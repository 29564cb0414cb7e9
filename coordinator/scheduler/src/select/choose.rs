//! From a judgement to a choice: along the ranks to the first candidate that will do, or, in adaptive mode, to the best of the first.

use rch_schemas::destination::DestinationSpec;
use rch_schemas::document::{CapabilitiesSource, PassedOver, SelectionMode};
use rch_schemas::requirement::Requirement;
use rch_schemas::{Reason, WorkerName};

use super::DECISION_VERSION;
use super::adaptive::{self, Best};
use super::judge::{Ask, judge};
use super::moment::{Fleet, Moment};
use super::negotiated::Reach;
use super::nobody::{NoChoice, is_passing, no_choice};
use super::walk::Bonds;
use crate::document::evidence_sha256;
use crate::event::Selection;
use crate::judgement::{Candidate, Judgement, class};
use crate::run::{MadeSelection, Run};
use crate::state::State;

/// What a worker is wanted for.
#[derive(Clone, Copy)]
pub(crate) struct Want<'a> {
    pub(crate) run: &'a Run,
    pub(crate) destination: u32,
    /// The revision that the choice would make of the run's plan.
    pub(crate) revision: u32,
}

/// A worker was found.
pub(crate) struct Choice {
    /// The choice.
    pub(crate) made: MadeSelection,
    /// What it rests on.
    pub(crate) judgement: Judgement,
    /// Whether the judgement is new, and so must be recorded before the choice.
    pub(crate) judged_now: bool,
}

/// Chooses a worker for a destination of a run. After a job of it has run, only workers that give the same job key will do.
pub(crate) fn choose(fleet: &Fleet<'_>, want: Want<'_>) -> Result<Choice, NoChoice> {
    let (judgement, judged_now) = judgement_for(fleet, want)?;
    let best = match mode(want) {
        SelectionMode::Deterministic => first(fleet, want, &judgement),
        SelectionMode::Adaptive => adaptive::best(fleet, want, &judgement),
    };
    match best {
        Ok(best) => {
            let resolution = judgement.resolution(best.candidate);
            let selection = select(fleet, want, &judgement, best);
            let mut made = MadeSelection { selection, seq: fleet.stamp.seq, at: fleet.stamp.wall };
            made.selection.evidence_sha256 = evidence_sha256(&made, &judgement, resolution);
            Ok(Choice { made, judgement, judged_now })
        }
        Err(passed_over) => Err(no_choice(&Bonds::of(fleet, want.run, want.destination), &judgement, &passed_over)),
    }
}

/// What decides: a destination on which a job has run stays with its worker, and when that fails goes on along the ranks, in either mode.
fn mode(want: Want<'_>) -> SelectionMode {
    if want.run.line_class(want.destination).is_some() { SelectionMode::Adaptive } else { SelectionMode::Deterministic }
}

/// The first candidate by rank that will do; those passed over when none will.
fn first<'a>(fleet: &Fleet<'a>, want: Want<'_>, judgement: &'a Judgement) -> Result<Best<'a>, Vec<PassedOver>> {
    let bonds = Bonds::of(fleet, want.run, want.destination);
    let mut passed_over = Vec::new();
    for candidate in judgement.candidates() {
        let moment = fleet.moment(&candidate.worker);
        match keeps_out(fleet, &bonds, (judgement, candidate), moment) {
            Some(passed) => add(&mut passed_over, passed),
            None => return Ok(Best { candidate, moment, passed_over, metrics: Vec::new() }),
        }
    }
    Err(passed_over)
}

/// What keeps the first workers that could do a destination of a run from it now, in words; `None` when one would be chosen, or none ever.
pub(crate) fn waits_for(fleet: &Fleet<'_>, want: Want<'_>) -> Option<String> {
    /// As many as fit on a line or two.
    const TOLD: usize = 3;
    match choose(fleet, want) {
        Err(NoChoice::Wait(misses)) => {
            let more = if misses.len() > TOLD { "; and others" } else { "" };
            Some(misses[..misses.len().min(TOLD)].join("; ") + more)
        }
        Ok(_) | Err(NoChoice::Never(..)) => None,
    }
}

/// Workers that could ever do a destination of a run, whatever keeps them from it now.
pub(crate) fn could_ever(fleet: &Fleet<'_>, want: Want<'_>) -> Vec<WorkerName> {
    let Ok((judgement, _)) = judgement_for(fleet, want) else { return Vec::new() };
    able(&Bonds::of(fleet, want.run, want.destination), &judgement)
}

fn able(bonds: &Bonds<'_>, judgement: &Judgement) -> Vec<WorkerName> {
    let mut able = Vec::new();
    for row in judgement.fleet().workers.iter().filter(|row| row.verdicts.iter().all(|verdict| is_passing(verdict.code))) {
        let Some(resolution) = judgement.fleet().resolution(row) else { continue };
        able.extend(row.names().filter(|name| bonds.lasting(name, resolution).is_empty()).cloned());
    }
    able
}

/// How soon somebody could do it.
pub(super) fn reach(fleet: &Fleet<'_>, want: Want<'_>) -> Reach {
    // What cannot be parsed is nobody's in every version.
    let Ok((judgement, _)) = judgement_for(fleet, want) else { return Reach::Nobody };
    let bonds = Bonds::of(fleet, want.run, want.destination);
    let here = |candidate: &Candidate| keeps_out(fleet, &bonds, (&judgement, candidate), fleet.moment(&candidate.worker)).is_none();
    if judgement.candidates().iter().any(here) {
        return Reach::Now;
    }
    if able(&bonds, &judgement).is_empty() { Reach::Nobody } else { Reach::Later }
}

/// The judgement of the class of what is asked: the one that is recorded, or a new one.
pub(super) fn judgement_for(fleet: &Fleet<'_>, want: Want<'_>) -> Result<(Judgement, bool), NoChoice> {
    let of_class = want.run.line_class(want.destination).and_then(|class| fleet.state.judgement_of_class(&class));
    if let Some(recorded) = of_class {
        return Ok((recorded.clone(), false));
    }
    let requirement = want.run.requirement(want.destination).expect("destinations are named by index");
    let spec = DestinationSpec::parse(&requirement.destination.asked)
        .map_err(|error| NoChoice::Never(Reason::NoSuchDestination, error.to_string()))?;
    let protocol_version = want.run.protocol_version;
    if let Some(recorded) = fleet.state.judgement_of_class(&class(&requirement, protocol_version)) {
        return Ok((recorded.clone(), false));
    }
    Ok((judge(fleet.state, Ask { requirement: &requirement, spec: &spec, protocol_version }), true))
}

/// Judges the fleet anew, as it was judged for the same requirement before; `None` when the destination has no meaning to this build.
pub(crate) fn judge_again(state: &State, requirement: &Requirement, protocol_version: u32) -> Option<Judgement> {
    let spec = DestinationSpec::parse(&requirement.destination.asked).ok()?;
    Some(judge(state, Ask { requirement, spec: &spec, protocol_version }))
}

/// What keeps a candidate out of this choice; `None` when nothing does.
pub(super) fn keeps_out(
    fleet: &Fleet<'_>,
    bonds: &Bonds<'_>,
    (judgement, candidate): (&Judgement, &Candidate),
    moment: Moment<'_>,
) -> Option<PassedOver> {
    let mut verdicts = bonds.lasting(&candidate.worker, judgement.resolution(candidate));
    let passing = fleet.of_the_moment(moment);
    verdicts.extend(passing.verdicts);
    verdicts.extend(bonds.refusal(&candidate.worker));
    (!verdicts.is_empty()).then(|| PassedOver { workers: vec![candidate.worker.clone()], verdicts, ..passing })
}

/// Adds to those with the very same reasons.
pub(super) fn add(passed_over: &mut Vec<PassedOver>, passed: PassedOver) {
    let moment = |of: &PassedOver| (of.liveness, of.capabilities_age_ms);
    let alike = |known: &&mut PassedOver| {
        moment(known) == moment(&passed) && known.verdicts == passed.verdicts && known.probe_failure == passed.probe_failure
    };
    match passed_over.iter_mut().find(alike) {
        Some(known) => known.workers.extend(passed.workers),
        None => passed_over.push(passed),
    }
}

/// The choice, but for the digest of its evidence, which is made of the rest.
fn select(fleet: &Fleet<'_>, want: Want<'_>, judgement: &Judgement, best: Best<'_>) -> Selection {
    let chosen = best.candidate;
    let facts = fleet.state.workers.get(&chosen.worker).and_then(|worker| worker.facts.as_ref());
    let (capabilities_sha256, _) = facts.expect("a candidate was judged by its facts");
    Selection {
        run_id: want.run.run_id.clone(),
        destination: want.destination,
        revision: want.revision,
        judgement_sha256: judgement.sha256(),
        mode: mode(want),
        worker: chosen.worker.clone(),
        passed_over: best.passed_over,
        metrics: best.metrics,
        capabilities_sha256: *capabilities_sha256,
        capabilities_age_ms: best.moment.capabilities_age_ms,
        capabilities_source: CapabilitiesSource::Cached,
        evidence_sha256: judgement.sha256(),
        decision_version: DECISION_VERSION,
    }
}
