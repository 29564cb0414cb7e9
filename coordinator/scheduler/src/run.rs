//! A run: one request, its steps in order, its destinations each with a worker of its own.

use std::collections::BTreeSet;

use rch_schemas::destination::DestinationSpec;
use rch_schemas::document::{ArtifactProfile, Backend};
use rch_schemas::document::{EffectiveConfig, JudgedArgument, RecipeRef, RunOptions, RunState};
use rch_schemas::invocation::{self, Policy};
use rch_schemas::job_key::Provisioning;
use rch_schemas::protocol::Feature;
use rch_schemas::requirement::{DestinationRequest, Requirement};
use rch_schemas::{Action, JobId, LedgerSeq, RequestId, RunId, RunLabel, Sha256, Tick, Timestamp, TreeDirectory};
use serde::{Deserialize, Serialize};

use crate::event::Selection;
use crate::job::{Job, SourceGap};
use crate::queue::Share;

/// Requester, project and label: of such runs only the newest goes on.
pub(crate) type Label = (String, String, RunLabel);

/// One request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The run.
    pub run_id: RunId,
    /// The id of the request.
    pub request_id: RequestId,
    /// Digest of the request.
    pub body_sha256: Sha256,
    /// Who asked.
    pub requester: String,
    /// The project's name.
    pub project: String,
    /// The record that accepted it, and its place in the record: the order of arrival.
    pub accepted: (LedgerSeq, u32),
    /// When it was accepted, for people.
    pub accepted_at: Timestamp,
    /// When it was accepted, for its age in the queue.
    #[serde(default)]
    pub accepted_tick: Tick,
    /// What it takes of its requester's share.
    #[serde(default)]
    pub share: Share,
    /// Bumped on every transition.
    pub seq: u64,
    /// Where it is.
    pub state: RunState,
    /// When it ended, and with which exit code.
    pub ended: Option<EndedRun>,
    /// Whether all of it that has not ended is being cancelled.
    pub cancel_requested: bool,
    /// Fixed at submit.
    pub protocol_version: u32,
    /// The policy its arguments were judged by.
    pub policy: Policy,
    /// The stored source.
    pub recipe: RecipeRef,
    /// Chunks it waits for.
    pub source_gap: Option<SourceGap>,
    /// How often chunks had to be uploaded again.
    pub source_gaps: u32,
    /// The destinations.
    pub destinations: Vec<RunDestination>,
    /// The steps.
    pub steps: Vec<Step>,
    /// Everything else.
    pub options: RunOptions,
    /// The merged configuration, for the record.
    pub effective_config: EffectiveConfig,
    /// The older runs of its label whose place it took.
    #[serde(default)]
    pub supersedes: Vec<RunId>,
    /// The newer run of its label that took its place.
    #[serde(default)]
    pub superseded_by: Option<RunId>,
    /// Counts selections.
    pub revision: u32,
}

/// The end of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedRun {
    /// When, for people.
    pub at: Timestamp,
    /// When, for forgetting it.
    pub tick: Tick,
    /// The exit code of `rch`.
    pub exit_code: u8,
    /// One line for people.
    pub human_summary: String,
}

/// A destination of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunDestination {
    /// As asked.
    pub asked: DestinationRequest,
    /// The choice of a worker, and when it was made.
    pub selection: Option<MadeSelection>,
    /// Whether a job on it ever ran: from then on its keys are bound to that toolchain.
    pub started: bool,
    /// The class in whose line it stands until then, for a run that asks for adaptive selection; absent for any other.
    #[serde(default)]
    pub class: Option<Sha256>,
}

/// A selection with when it was made. What it rests on is in the state while the run has not ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MadeSelection {
    /// The choice.
    pub selection: Selection,
    /// The record that holds it.
    pub seq: LedgerSeq,
    /// When it was made.
    pub at: Timestamp,
}

/// A step: jobs that differ only in destination.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// What it does.
    pub action: Action,
    /// The arguments as given.
    pub original_argv: Vec<String>,
    /// The canonical arguments.
    pub argv: Vec<String>,
    /// Whether `clean` was said.
    pub clean: bool,
    /// Arguments that are the farm's to decide.
    pub dropped: Vec<JudgedArgument>,
    /// Arguments that were refused.
    pub rejected: Vec<JudgedArgument>,
    /// The directory it runs in; the tree's root when absent.
    #[serde(default)]
    pub directory: Option<TreeDirectory>,
    /// Whether a test action that runs no test succeeds.
    #[serde(default)]
    pub allow_empty: bool,
    /// Its jobs, one for each of its destinations, in the order it names them.
    pub jobs: Vec<JobId>,
}

impl Run {
    /// What a newer run must share to take this one's place.
    pub(crate) fn label(&self) -> Option<Label> {
        self.options.supersede.as_ref().map(|label| (self.requester.clone(), self.project.clone(), label.clone()))
    }

    /// Its jobs, in plan order: step by step, destination by destination.
    pub fn jobs(&self) -> impl Iterator<Item = &JobId> {
        self.steps.iter().flat_map(|step| &step.jobs)
    }

    /// The chosen worker of a destination, with what the choice rests on.
    pub fn selection(&self, destination: u32) -> Option<&MadeSelection> {
        self.destinations.get(destination as usize)?.selection.as_ref()
    }

    /// The class in whose line the jobs of a destination stand: whichever of its workers has a slot first takes the first of them. `None`
    /// when they stand in the line of the worker that was chosen, be it ahead or because one of them has run there.
    pub fn line_class(&self, destination: u32) -> Option<Sha256> {
        self.destinations.get(destination as usize).filter(|row| !row.started)?.class
    }

    /// The choice of a worker that jobs of a destination wait for.
    pub fn bound_to(&self, destination: u32) -> Option<&MadeSelection> {
        self.selection(destination).filter(|_| self.line_class(destination).is_none())
    }

    /// The judgements that its choices rest on, one for each.
    pub fn judgements(&self) -> impl Iterator<Item = Sha256> {
        self.destinations.iter().filter_map(|destination| Some(destination.selection.as_ref()?.selection.judgement_sha256))
    }

    /// The argument for which a job of this run is rejected: one of its step's, or one that does not go with its destination.
    pub fn rejection<'a>(&'a self, job: &'a Job) -> Option<&'a JudgedArgument> {
        self.steps.get(job.step as usize).and_then(|step| step.rejected.first()).or(job.rejected.as_ref())
    }

    /// What a worker must satisfy for a destination of this run.
    pub fn requirement(&self, destination: u32) -> Option<Requirement> {
        let asked = self.destinations.get(destination as usize)?.asked.clone();
        let mut requirement = requirement(&self.options, asked);
        // Asked of each destination for all steps: a run does not choose among agents of two versions by which step comes where.
        let of_steps = [
            (Feature::STEP_DIRECTORY, self.steps.iter().any(|step| step.directory.is_some())),
            (Feature::ALLOW_EMPTY, self.steps.iter().any(|step| step.allow_empty)),
        ];
        requirement.sdks = self.sdks(&requirement.destination.asked);
        requirement.features.extend(of_steps.into_iter().filter(|(_, needed)| *needed).map(|(name, _)| Feature::named(name)));
        Some(requirement)
    }

    /// The SDKs that steps name with a version and that could build for this destination: a version is only some Xcodes'.
    fn sdks(&self, asked: &str) -> BTreeSet<String> {
        let Ok(spec) = DestinationSpec::parse(asked) else { return BTreeSet::new() };
        let accepted = self.steps.iter().filter(|step| step.rejected.is_empty());
        let named = accepted.filter_map(|step| invocation::sdk_of(&step.argv));
        named.filter(|sdk| sdk.version.is_some() && sdk.agrees_with(&spec)).map(|sdk| sdk.to_string()).collect()
    }
}

/// What a worker must satisfy for a destination under these options.
fn requirement(options: &RunOptions, destination: DestinationRequest) -> Requirement {
    let mut tags = options.tags.clone();
    tags.extend(["macos".to_owned(), "xcode".to_owned()]);
    let mut features = BTreeSet::from([Feature::named(Feature::ATTESTATION_SIGNING)]);
    if destination.provisioning == Provisioning::Ephemeral {
        features.insert(Feature::named(Feature::EPHEMERAL_SIMULATORS));
    }
    if options.artifact_profile == ArtifactProfile::Rich {
        features.insert(Feature::named(Feature::EVENTS));
    }
    if options.backend == Backend::Mcp {
        features.insert(Feature::named(Feature::MCP_BACKEND));
    }
    Requirement {
        tags,
        xcode: options.xcode.clone(),
        sdks: BTreeSet::new(),
        destination,
        features,
        tools: options.tools.clone(),
        worker: options.worker.clone(),
    }
}
