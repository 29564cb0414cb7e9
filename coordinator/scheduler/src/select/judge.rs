//! One worker against one requirement.

use std::collections::BTreeMap;
use std::time::Duration;

use rch_schemas::capabilities::Facts;
use rch_schemas::destination::DestinationSpec;
use rch_schemas::document::{CapabilitiesSource, ConsideredWorker, Verdict};
use rch_schemas::job_key::{ResolvedDestination, Toolchain};
use rch_schemas::protocol::Feature;
use rch_schemas::requirement::{Requirement, Version};
use rch_schemas::wire::http::{Intake, Liveness};
use rch_schemas::{Reason, RetryClass, Sha256, WorkerName};

use super::{destination, xcode};
use crate::command::Stamp;
use crate::config::{FarmConfig, InventoryEntry};
use crate::observed::Observed;
use crate::state::State;
use crate::worker::{Worker, liveness};

/// The fleet at the moment of a decision.
#[derive(Clone, Copy)]
pub(crate) struct Fleet<'a> {
    pub(crate) state: &'a State,
    pub(crate) observed: &'a Observed,
    pub(crate) stamp: &'a Stamp,
}

/// What is asked of the fleet.
pub(crate) struct Ask<'a> {
    pub(crate) requirement: &'a Requirement,
    pub(crate) spec: &'a DestinationSpec,
    pub(crate) protocol_version: u32,
    pub(crate) source_bytes: u64,
}

/// What one worker would make of the job.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Resolution {
    pub(crate) xcode_version: Version,
    pub(crate) toolchain: Toolchain,
    pub(crate) resolved: ResolvedDestination,
    pub(crate) notices: Vec<String>,
    pub(crate) capabilities_sha256: Sha256,
}

/// One worker, judged.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Judged {
    pub(crate) considered: ConsideredWorker,
    /// Present when everything about the worker but being there right now fits.
    pub(crate) resolution: Option<Resolution>,
}

impl Judged {
    /// Whether the worker can be chosen now.
    pub(crate) fn is_candidate(&self) -> bool {
        self.considered.verdicts.is_empty() && self.resolution.is_some()
    }

    /// Whether it could ever do the job: it may be away or closed now, but nothing about it is wrong.
    pub(crate) fn could_ever(&self) -> bool {
        self.resolution.is_some() && self.considered.verdicts.iter().all(|verdict| is_passing(verdict.code))
    }
}

/// Whether a verdict is about the moment rather than about what the worker is.
fn is_passing(code: Reason) -> bool {
    let of_the_moment = matches!(code, Reason::Offline | Reason::Draining | Reason::Quarantined | Reason::CapabilitiesStale);
    of_the_moment || code.retry_class() == RetryClass::Elsewhere
}

impl Fleet<'_> {
    /// Every worker of the inventory, by name, against `ask`.
    pub(crate) fn judge(&self, ask: &Ask<'_>) -> Vec<Judged> {
        self.state.config.inventory.iter().map(|(name, entry)| self.judge_one(name, entry, ask)).collect()
    }

    fn judge_one(&self, name: &WorkerName, entry: &InventoryEntry, ask: &Ask<'_>) -> Judged {
        let worker = self.state.workers.get(name);
        let facts = worker.and_then(|worker| worker.facts.as_ref());
        let age = facts.and_then(|_| self.observed.capabilities_age(name, self.stamp.tick));
        let mut verdicts = lasting_verdicts(name, entry, worker, ask);
        let resolution = match facts {
            Some((digest, facts)) => match resolve(facts, *digest, ask) {
                Ok(resolution) => Some(with_degradations(resolution, worker)),
                Err(verdict) => {
                    verdicts.push(verdict);
                    None
                }
            },
            None => None,
        };
        let lasting = !verdicts.is_empty();
        if let Some(worker) = worker {
            verdicts.extend(self.passing_verdicts(worker, age));
        }
        let considered = ConsideredWorker {
            worker: name.clone(),
            priority: entry.priority,
            rank: None,
            verdicts,
            counterfactual: None,
            capabilities_sha256: facts.map(|(digest, _)| *digest),
            capabilities_age_ms: age.map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX)),
            capabilities_source: facts.map(|_| CapabilitiesSource::Cached),
            protocol: worker.and_then(|worker| worker.session.as_ref()).map(|session| session.protocol),
        };
        Judged { considered, resolution: resolution.filter(|_| !lasting) }
    }

    /// Verdicts that time or an operator lifts.
    fn passing_verdicts(&self, worker: &Worker, age: Option<Duration>) -> Vec<Verdict> {
        let config: &FarmConfig = &self.state.config;
        let mut verdicts = Vec::new();
        let liveness = liveness(worker, self.observed, config, self.stamp.tick);
        if liveness != Liveness::Online {
            verdicts.push(verdict(Reason::Offline, "online", liveness_word(liveness)));
        }
        match worker.intake {
            Intake::Open => {}
            Intake::Draining => verdicts.push(verdict(Reason::Draining, "open", &worker.intake_reason)),
            Intake::Quarantined => verdicts.push(verdict(Reason::Quarantined, "open", &worker.intake_reason)),
        }
        let ttl = Duration::from_millis(config.probe_ttl_ms);
        if let Some(age) = age.filter(|age| *age > ttl) {
            verdicts.push(verdict(
                Reason::CapabilitiesStale,
                &format!("at most {} s old", ttl.as_secs()),
                &format!("{} s old", age.as_secs()),
            ));
        }
        verdicts
    }
}

fn liveness_word(liveness: Liveness) -> &'static str {
    match liveness {
        Liveness::Unknown => "never heard",
        Liveness::Online => "online",
        Liveness::Suspect => "suspect: silent for a while",
        Liveness::Lost => "lost",
    }
}

/// Verdicts about what the worker is; only an operator at the machine, or another inventory, lifts them.
fn lasting_verdicts(name: &WorkerName, entry: &InventoryEntry, worker: Option<&Worker>, ask: &Ask<'_>) -> Vec<Verdict> {
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
        verdicts.push(verdict(Reason::Offline, "an announcement", "never heard"));
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
    if facts.limits.max_upload_bytes != 0 && ask.source_bytes > facts.limits.max_upload_bytes {
        verdicts.push(verdict(
            Reason::LimitExceeded,
            &format!("{} bytes of source", ask.source_bytes),
            &format!("at most {}", facts.limits.max_upload_bytes),
        ));
    }
    let lacking: Vec<_> = requirement.tools.iter().filter(|tool| !facts.tools.contains_key(*tool)).cloned().collect();
    if !lacking.is_empty() {
        verdicts.push(verdict(Reason::ToolMissing, &lacking.join(", "), "not installed"));
    }
    verdicts
}

/// Optional features that the agent lacks, and what becomes of the job without them.
fn with_degradations(mut resolution: Resolution, worker: Option<&Worker>) -> Resolution {
    if let Some(worker) = worker.filter(|worker| !worker.has(Feature::TAIL)) {
        resolution.notices.push(format!(
            "the agent of {} has no feature {}: what the stream loses of a running log comes in larger pieces, from the store, at the latest when the job has ended",
            worker.name,
            Feature::TAIL
        ));
    }
    resolution
}

fn resolve(facts: &Facts, capabilities_sha256: Sha256, ask: &Ask<'_>) -> Result<Resolution, Verdict> {
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
    Ok(Resolution { xcode_version: xcode.version.clone(), toolchain, resolved, notices, capabilities_sha256 })
}

fn verdict(code: Reason, required: &str, found: &str) -> Verdict {
    Verdict { code, required: required.to_owned(), found: found.to_owned() }
}
