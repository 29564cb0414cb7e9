//! The fleet against one requirement, by what is recorded of it.

use std::collections::BTreeMap;

use rch_schemas::capabilities::Facts;
use rch_schemas::destination::DestinationSpec;
use rch_schemas::document::{CAPABILITIES_DIGITS, ConsideredWorkers, FleetJudgement, Resolution, Verdict};
use rch_schemas::job_key::Toolchain;
use rch_schemas::protocol::{Feature, ProtocolRange};
use rch_schemas::requirement::Requirement;
use rch_schemas::wire::http::{Intake, Liveness};
use rch_schemas::{Reason, WorkerName};

use super::moment::liveness_word;
use super::{DECISION_VERSION, destination, xcode};
use crate::config::InventoryEntry;
use crate::judgement::Judgement;
use crate::state::State;
use crate::worker::Worker;

/// What is asked of the fleet.
#[derive(Clone, Copy)]
pub(super) struct Ask<'a> {
    pub(super) requirement: &'a Requirement,
    pub(super) spec: &'a DestinationSpec,
    pub(super) protocol_version: u32,
}

/// One worker, judged.
struct Judged {
    worker: WorkerName,
    capabilities: Option<String>,
    alike: Alike,
}

/// What workers of one row have in common.
#[derive(PartialEq, Eq, PartialOrd, Ord, Clone)]
struct Alike {
    priority: u32,
    resolution: Option<u32>,
    verdicts: Vec<Verdict>,
    protocol: Option<ProtocolRange>,
    has_facts: bool,
}

impl Alike {
    fn is_candidate(&self) -> bool {
        self.verdicts.is_empty() && self.resolution.is_some()
    }
}

/// Judges every worker of the inventory. A function of the state alone.
pub(super) fn judge(state: &State, ask: Ask<'_>) -> Judgement {
    let mut resolutions = Vec::new();
    let inventory = state.config.inventory.iter();
    let judged: Vec<_> = inventory.map(|(name, entry)| judge_one(state, (name, entry), ask, &mut resolutions)).collect();
    let mut ranked: Vec<_> = judged.iter().filter(|judged| judged.alike.is_candidate()).map(place).collect();
    ranked.sort_unstable();
    let mut rows: BTreeMap<Alike, ConsideredWorkers> = BTreeMap::new();
    for judged in &judged {
        match rows.get_mut(&judged.alike) {
            Some(row) => {
                row.others.push(judged.worker.clone());
                row.capabilities.extend(judged.capabilities.clone());
            }
            None => drop(rows.insert(judged.alike.clone(), row(judged, &ranked))),
        }
    }
    let mut workers: Vec<_> = rows.into_values().collect();
    workers.sort_by(|one, other| (one.rank.unwrap_or(u32::MAX), &one.worker).cmp(&(other.rank.unwrap_or(u32::MAX), &other.worker)));
    Judgement::new(FleetJudgement {
        decision_version: DECISION_VERSION,
        fleet_version: state.fleet_version,
        requirement: ask.requirement.clone(),
        protocol_version: ask.protocol_version,
        resolutions,
        workers,
    })
}

/// Where a worker stands or would stand: lower priority number first, then name. Nothing that changes from minute to minute is looked at.
fn place(judged: &Judged) -> (u32, &WorkerName) {
    (judged.alike.priority, &judged.worker)
}

/// The row that a worker begins; workers come by name.
fn row(judged: &Judged, ranked: &[(u32, &WorkerName)]) -> ConsideredWorkers {
    let alike = &judged.alike;
    let before = ranked.partition_point(|other| *other < place(judged));
    let rank = u32::try_from(before + 1).unwrap_or(u32::MAX);
    let counterfactual = match alike.verdicts.as_slice() {
        [only] => Some(format!("would rank {rank} with {}", only.required)),
        _ => None,
    };
    ConsideredWorkers {
        worker: judged.worker.clone(),
        others: Vec::new(),
        priority: alike.priority,
        rank: alike.is_candidate().then_some(rank),
        resolution: alike.resolution,
        verdicts: alike.verdicts.clone(),
        counterfactual,
        capabilities: judged.capabilities.iter().cloned().collect(),
        protocol: alike.protocol,
    }
}

fn judge_one(state: &State, (name, entry): (&WorkerName, &InventoryEntry), ask: Ask<'_>, resolutions: &mut Vec<Resolution>) -> Judged {
    let worker = state.workers.get(name);
    let facts = worker.and_then(|worker| worker.facts.as_ref());
    let mut verdicts = lasting_verdicts((name, entry), worker, ask);
    verdicts.extend(unspoken(state, ask));
    let resolution = match facts.map(|(_, facts)| resolve(facts, ask)) {
        Some(Ok(resolution)) => Some(with_degradations(resolution, worker)),
        Some(Err(verdict)) => {
            verdicts.push(verdict);
            None
        }
        None => None,
    };
    let resolution = resolution.filter(|_| verdicts.is_empty()).map(|resolution| index_of(resolutions, resolution));
    verdicts.extend(worker.into_iter().flat_map(recorded_verdicts));
    let protocol = worker.and_then(|worker| worker.session.as_ref()).map(|session| session.protocol);
    let digits = |digest: &rch_schemas::Sha256| digest.to_string()[..CAPABILITIES_DIGITS].to_owned();
    Judged {
        worker: name.clone(),
        capabilities: facts.map(|(digest, _)| digits(digest)),
        alike: Alike { priority: entry.priority, resolution, verdicts, protocol, has_facts: facts.is_some() },
    }
}

fn index_of(resolutions: &mut Vec<Resolution>, resolution: Resolution) -> u32 {
    let index = resolutions.iter().position(|known| *known == resolution).unwrap_or_else(|| {
        resolutions.push(resolution);
        resolutions.len() - 1
    });
    u32::try_from(index).expect("a fleet has fewer than 2^32 workers")
}

/// Verdicts that an operator or the worker's return lifts.
fn recorded_verdicts(worker: &Worker) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    if worker.session.is_some() && worker.lost {
        verdicts.push(verdict(Reason::Offline, "online", liveness_word(Liveness::Lost)));
    }
    match worker.intake {
        Intake::Open => {}
        Intake::Draining => verdicts.push(verdict(Reason::Draining, "open", &worker.intake_reason)),
        Intake::Quarantined => verdicts.push(verdict(Reason::Quarantined, "open", &worker.intake_reason)),
    }
    verdicts
}

/// Verdicts about what the worker is; only an operator at the machine, or another inventory, lifts them.
fn lasting_verdicts((name, entry): (&WorkerName, &InventoryEntry), worker: Option<&Worker>, ask: Ask<'_>) -> Vec<Verdict> {
    let requirement = ask.requirement;
    let mut verdicts = Vec::new();
    if let Some(wanted) = requirement.worker.as_ref().filter(|wanted| *wanted != name) {
        verdicts.push(verdict(Reason::NotNamed, wanted.as_str(), name.as_str()));
    }
    let lacking: Vec<_> = requirement.tags.difference(&entry.tags).cloned().collect();
    if !lacking.is_empty() {
        let found: Vec<_> = entry.tags.iter().cloned().collect();
        verdicts.push(verdict(Reason::TagMissing, &lacking.join(", "), &found.join(", ")));
    }
    let Some(worker) = worker else { return verdicts };
    let Some(session) = &worker.session else {
        verdicts.push(verdict(Reason::Offline, "an announcement", liveness_word(Liveness::Unknown)));
        return verdicts;
    };
    if !session.protocol.contains(ask.protocol_version) {
        verdicts.push(verdict(
            Reason::ProtocolDrift,
            &format!("protocol {}", ask.protocol_version),
            &format!("protocol {}", session.protocol),
        ));
    }
    let lacking: Vec<_> = requirement.features.difference(&session.features).map(|feature| feature.0.clone()).collect();
    if !lacking.is_empty() {
        verdicts.push(verdict(Reason::FeatureMissing, &lacking.join(", "), &format!("agent {}", session.agent_version)));
    }
    let Some((_, facts)) = &worker.facts else { return verdicts };
    if facts.key_fingerprint != entry.public_key.fingerprint() {
        let (pinned, found) = (entry.public_key.fingerprint(), facts.key_fingerprint);
        verdicts.push(verdict(Reason::NotEnrolled, &format!("key {}", pinned.short()), &format!("key {}", found.short())));
    }
    let lacking: Vec<_> = requirement.tools.iter().filter(|tool| !facts.tools.contains_key(*tool)).cloned().collect();
    if !lacking.is_empty() {
        verdicts.push(verdict(Reason::ToolMissing, &lacking.join(", "), "not installed"));
    }
    verdicts
}

/// A coordinator of another build may no longer speak what a run was promised; then nobody can do it.
fn unspoken(state: &State, ask: Ask<'_>) -> Option<Verdict> {
    let farm = state.config.protocol;
    let found = format!("a farm that speaks {farm}");
    (!farm.contains(ask.protocol_version)).then(|| verdict(Reason::ProtocolDrift, &format!("protocol {}", ask.protocol_version), &found))
}

/// Optional features that the agent lacks, and what becomes of the job without them. No word of the one worker: many share these.
fn with_degradations(mut resolution: Resolution, worker: Option<&Worker>) -> Resolution {
    if worker.is_some_and(|worker| !worker.has(Feature::TAIL)) {
        resolution.notices.push(format!(
            "its agent has no feature {}: what the stream loses of a running log comes in larger pieces, from the store, at the latest when the job has ended",
            Feature::TAIL
        ));
    }
    resolution
}

fn resolve(facts: &Facts, ask: Ask<'_>) -> Result<Resolution, Verdict> {
    let (xcode, mut notices) = xcode::resolve(facts, ask.requirement)?;
    let (resolved, more) = destination::resolve(facts, xcode, &ask.requirement.destination, ask.spec)?;
    notices.extend(more);
    let versions = |tool: &String| facts.tools.get(tool).map(|version| (tool.clone(), version.clone()));
    let tools: BTreeMap<_, _> = ask.requirement.tools.iter().filter_map(versions).collect();
    let toolchain = Toolchain {
        xcode_build: xcode.build.clone(),
        developer_dir: xcode.developer_dir.clone(),
        macos_version: facts.macos.version.clone(),
        macos_build: facts.macos.build.clone(),
        arch: facts.arch.clone(),
        tools,
    };
    Ok(Resolution { xcode_version: xcode.version.clone(), toolchain, resolved, notices })
}

pub(super) fn verdict(code: Reason, required: &str, found: &str) -> Verdict {
    Verdict { code, required: required.to_owned(), found: found.to_owned() }
}
