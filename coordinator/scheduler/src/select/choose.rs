//! Ranking the candidates and choosing the first.

use std::collections::BTreeSet;

use rch_schemas::destination::DestinationSpec;
use rch_schemas::document::{ConsideredWorker, JobStatus, SelectionMode, Verdict};
use rch_schemas::requirement::Requirement;
use rch_schemas::{Action, Reason, Sha256, WorkerName};

use super::DECISION_VERSION;
use super::judge::{Ask, Fleet, Judged, Resolution};
use crate::document::evidence_sha256;
use crate::event::{Judgement, Selection};
use crate::job::Job;
use crate::run::{MadeSelection, Run};

/// A worker was found.
pub(crate) struct Choice {
    /// The choice with what it rests on.
    pub(crate) made: MadeSelection,
    /// Whether the judgement is new, and so must be recorded before the choice.
    pub(crate) judged_now: bool,
}

/// No worker was found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum NoChoice {
    /// Some could do it later.
    Wait {
        /// They, by name.
        workers: Vec<WorkerName>,
        /// What each waits for, in words.
        detail: String,
    },
    /// None could ever do it: the nearest miss's code, and every miss in words.
    Never(Reason, String),
}

/// Chooses a worker for a destination of a run. After a job of it has run, only workers that give the same job key will do.
pub(crate) fn choose(fleet: &Fleet<'_>, run: &Run, destination: u32) -> Result<Choice, NoChoice> {
    let (requirement, judged) = judge(fleet, run, destination)?;
    let order = rank(&judged);
    if order.is_empty() {
        return Err(no_choice(&judged));
    }
    let class = class_of(&requirement, run, &judged);
    let recorded = fleet.state.judgements.get(&class).filter(|recorded| recorded.fleet_version == fleet.state.fleet_version);
    let judged_now = recorded.is_none();
    let judgement = recorded.cloned().unwrap_or_else(|| Judgement {
        class,
        fleet_version: fleet.state.fleet_version,
        requirement,
        protocol_version: run.protocol_version,
        workers: consider(&judged, &order),
    });
    let selection = select(run, destination, &judged, &order, &judgement);
    let mut made = MadeSelection { selection, judgement, seq: fleet.stamp.seq, at: fleet.stamp.wall };
    made.selection.evidence_sha256 = evidence_sha256(&made);
    Ok(Choice { made, judged_now })
}

/// Workers that could ever do a destination of a run, whatever keeps them from it now.
pub(crate) fn could_ever(fleet: &Fleet<'_>, run: &Run, destination: u32) -> Vec<WorkerName> {
    let judged = judge(fleet, run, destination).map(|(_, judged)| judged).unwrap_or_default();
    judged.into_iter().filter(Judged::could_ever).map(|judged| judged.considered.worker).collect()
}

/// Every worker against what a destination of a run asks, and against what the run has already bound itself to.
pub(super) fn judge(fleet: &Fleet<'_>, run: &Run, destination: u32) -> Result<(Requirement, Vec<Judged>), NoChoice> {
    let requirement = run.requirement(destination).expect("destinations are named by index");
    let asked = &requirement.destination.asked;
    let spec = DestinationSpec::parse(asked).map_err(|error| NoChoice::Never(Reason::NoSuchDestination, error.to_string()))?;
    let ask = Ask { requirement: &requirement, spec: &spec, protocol_version: run.protocol_version, source_bytes: run.recipe.bytes };
    let mut judged = fleet.judge(&ask);
    let row = &run.destinations[destination as usize];
    if let Some(made) = row.selection.as_ref().filter(|_| row.started) {
        exclude_other_keys(&mut judged, made);
    }
    exclude_unspoken(&mut judged, fleet, run);
    exclude_without_products(&mut judged, fleet, run, destination);
    exclude_refusing(&mut judged, fleet, run, destination);
    Ok((requirement, judged))
}

/// The indices of the candidates: lower priority number first, then name. Nothing that changes from minute to minute is looked at.
fn rank(judged: &[Judged]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..judged.len()).filter(|index| judged[*index].is_candidate()).collect();
    order.sort_by_key(|index| {
        let considered = &judged[*index].considered;
        (considered.priority, considered.worker.clone())
    });
    order
}

/// A class is a requirement with what of the run a verdict looked at. The exclusions are part of it: two runs that exclude other workers rest
/// on other judgements.
fn class_of(requirement: &Requirement, run: &Run, judged: &[Judged]) -> Sha256 {
    let verdicts: Vec<_> = judged.iter().map(|judged| (&judged.considered.worker, &judged.considered.verdicts)).collect();
    Sha256::of_canonical(&(requirement, run.protocol_version, verdicts)).expect("requirements and verdicts hold strings and small integers")
}

fn exclude_other_keys(judged: &mut [Judged], made: &MadeSelection) {
    for judged in judged {
        let Some(resolution) = &judged.resolution else { continue };
        if resolution.toolchain == made.selection.toolchain && resolution.resolved == made.selection.resolved {
            continue;
        }
        judged.considered.verdicts.push(Verdict {
            code: Reason::OtherKey,
            required: describe(&made.selection.toolchain, &made.selection.resolved),
            found: describe(&resolution.toolchain, &resolution.resolved),
        });
        judged.resolution = None;
    }
}

/// A coordinator of another build may no longer speak what the run was promised; then nobody can do it.
fn exclude_unspoken(judged: &mut [Judged], fleet: &Fleet<'_>, run: &Run) {
    let farm = fleet.state.config.protocol;
    if farm.contains(run.protocol_version) {
        return;
    }
    for judged in judged {
        let (required, found) = (format!("protocol {}", run.protocol_version), format!("a farm that speaks {farm}"));
        judged.considered.verdicts.push(Verdict { code: Reason::ProtocolDrift, required, found });
        judged.resolution = None;
    }
}

/// What was built for testing lies on the worker that built it, apart for each directory: where such tests are still to run, no other will do.
fn exclude_without_products(judged: &mut [Judged], fleet: &Fleet<'_>, run: &Run, destination: u32) {
    let jobs: Vec<_> = fleet.state.jobs_of(run).filter(|job| job.destination == destination).collect();
    let directory = |job: &Job| run.steps.get(job.step as usize).and_then(|step| step.directory.as_ref());
    let builder_for = |tests: &Job| {
        let builds = jobs.iter().filter(|job| job.action == Action::BuildForTesting && job.step < tests.step);
        let mut same = builds.rev().filter(|job| directory(job) == directory(tests));
        let built = same.find(|job| job.outcome().is_some_and(|outcome| outcome.status == JobStatus::Success))?;
        built.current().map(|attempt| &attempt.worker)
    };
    let mut tests = jobs.iter().filter(|job| job.action == Action::TestWithoutBuilding && job.outcome().is_none());
    let Some(builder) = tests.find_map(|tests| builder_for(tests)) else { return };
    for judged in judged.iter_mut().filter(|judged| judged.considered.worker != *builder) {
        let found = judged.considered.worker.to_string();
        judged.considered.verdicts.push(Verdict { code: Reason::ProductsElsewhere, required: builder.to_string(), found });
        judged.resolution = None;
    }
}

/// A worker that has just refused a job of this destination is not asked again while another would do.
fn exclude_refusing(judged: &mut [Judged], fleet: &Fleet<'_>, run: &Run, destination: u32) {
    let jobs: Vec<_> = fleet.state.jobs_of(run).filter(|job| job.destination == destination && job.outcome().is_none()).collect();
    for judged in judged {
        let refusal = jobs.iter().find_map(|job| job.refused_by(&judged.considered.worker, fleet.stamp.tick));
        if let Some((code, detail)) = refusal {
            let verdict = Verdict { code, required: "a worker that takes the job".to_owned(), found: detail.to_owned() };
            judged.considered.verdicts.push(verdict);
        }
    }
}

fn describe(toolchain: &rch_schemas::job_key::Toolchain, resolved: &rch_schemas::job_key::ResolvedDestination) -> String {
    format!("Xcode {}, macOS {}, {}", toolchain.xcode_build, toolchain.macos_build, resolved.describe())
}

/// Candidates by rank, then the others by name, with what would have made them candidates.
fn consider(judged: &[Judged], order: &[usize]) -> Vec<ConsideredWorker> {
    let ranked = (1..).zip(order).map(|(rank, index)| ConsideredWorker { rank: Some(rank), ..judged[*index].considered.clone() });
    let chosen: BTreeSet<_> = order.iter().collect();
    let others = (0..judged.len()).filter(|index| !chosen.contains(index)).map(|index| {
        let considered = judged[index].considered.clone();
        ConsideredWorker { counterfactual: counterfactual(&considered, judged, order), ..considered }
    });
    ranked.chain(others).collect()
}

/// `would rank 1 with Xcode 16C5032a`, when exactly one thing stands in the way.
fn counterfactual(considered: &ConsideredWorker, judged: &[Judged], order: &[usize]) -> Option<String> {
    let [only] = considered.verdicts.as_slice() else { return None };
    let better = order
        .iter()
        .filter(|index| {
            let other = &judged[**index].considered;
            (other.priority, &other.worker) < (considered.priority, &considered.worker)
        })
        .count();
    Some(format!("would rank {} with {}", better + 1, only.required))
}

/// The choice, but for the digest of its evidence, which is made of the rest.
fn select(run: &Run, destination: u32, judged: &[Judged], order: &[usize], judgement: &Judgement) -> Selection {
    let chosen = resolution(judged, order[0]);
    let name = |index: &usize| judged[*index].considered.worker.clone();
    let same_key = |index: &&usize| {
        let other = resolution(judged, **index);
        other.toolchain == chosen.toolchain && other.resolved == chosen.resolved
    };
    Selection {
        run_id: run.run_id.clone(),
        destination,
        revision: run.revision + 1,
        class: judgement.class,
        fleet_version: judgement.fleet_version,
        // Adaptive tie-breakers come with their own issue; until then a run that asks for them is decided, and recorded, deterministically.
        mode: SelectionMode::Deterministic,
        ranked: order.iter().map(name).collect(),
        group: order.iter().filter(same_key).map(name).collect(),
        xcode_version: chosen.xcode_version.clone(),
        toolchain: chosen.toolchain.clone(),
        resolved: chosen.resolved.clone(),
        notices: chosen.notices.clone(),
        capabilities_sha256: chosen.capabilities_sha256,
        evidence_sha256: judgement.class,
        decision_version: DECISION_VERSION,
    }
}

fn resolution(judged: &[Judged], index: usize) -> &Resolution {
    judged[index].resolution.as_ref().expect("candidates are resolved")
}

fn no_choice(judged: &[Judged]) -> NoChoice {
    let waiting: Vec<_> = judged.iter().filter(|judged| judged.could_ever()).map(|judged| &judged.considered).collect();
    if !waiting.is_empty() {
        let detail: Vec<_> = waiting.iter().map(|considered| name_and_verdicts(considered)).collect();
        let workers = waiting.iter().map(|considered| considered.worker.clone()).collect();
        return NoChoice::Wait { workers, detail: detail.join("; ") };
    }
    let misses: Vec<_> = judged.iter().map(|judged| &judged.considered).collect();
    // The nearest miss has the fewest things in its way; the first by name among equals, so that the answer is always the same.
    let nearest = misses.iter().filter(|miss| !miss.verdicts.is_empty()).min_by_key(|miss| (miss.verdicts.len(), miss.worker.clone()));
    let Some(nearest) = nearest else {
        return NoChoice::Never(Reason::NoWorkers, "no worker is in the inventory".to_owned());
    };
    let code = nearest.verdicts[0].code;
    if code == Reason::NotNamed && misses.iter().all(|miss| miss.verdicts.iter().any(|verdict| verdict.code == code)) {
        let (named, known) = (&nearest.verdicts[0].required, misses.iter().map(|miss| miss.worker.as_str()));
        let known: Vec<_> = known.take(8).collect();
        return NoChoice::Never(code, format!("the farm has no worker {named}; it has {}", known.join(", ")));
    }
    let listed: Vec<_> = misses.iter().take(8).map(|miss| name_and_verdicts(miss)).collect();
    NoChoice::Never(code, format!("{}: {}", code.sentence(), listed.join("; ")))
}

fn name_and_verdicts(considered: &ConsideredWorker) -> String {
    let verdicts: Vec<_> =
        considered.verdicts.iter().map(|verdict| format!("required {}, found {}", verdict.required, verdict.found)).collect();
    format!("{}: {}", considered.worker, verdicts.join(", "))
}
