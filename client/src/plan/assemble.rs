//! A plan from the configuration, and what every plan must satisfy.

use std::collections::BTreeMap;
use std::path::Path;

use rch_schemas::invocation::{self, AllowanceTooLong, Classified, StepOrder};
use rch_schemas::requirement::DestinationRequest;
use rch_schemas::{Action, TreeDirectory};

use super::{Refused, argv, matrix, policy};
use crate::config::{ActionConfig, ConfigError, Settings, project_name};

/// What is to be run.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// The project's name, for people.
    pub(crate) project: String,
    /// The steps, in order.
    pub(crate) steps: Vec<Step>,
    /// The destinations of all steps, each once.
    pub(crate) destinations: Vec<DestinationRequest>,
    /// Whether later steps run after one failed, and the others where one is refused.
    pub(crate) continue_on_failure: bool,
    /// Variables that the command line set, over those of the configuration.
    pub(crate) env: BTreeMap<String, String>,
    /// What a person may want to know about how this was read.
    pub(crate) notices: Vec<String>,
}

/// One step.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// The action's name in the configuration, or its word.
    pub(crate) name: String,
    /// What follows the word `xcodebuild`, without destinations.
    pub(crate) argv: Vec<String>,
    /// How it was judged.
    pub(crate) classified: Classified,
    /// The directory of its package; the tree's root when absent.
    pub(crate) directory: Option<TreeDirectory>,
    /// Whether a test action that runs no test succeeds.
    pub(crate) allow_empty: bool,
    /// Its destinations, as indices into the plan's, in the order they are named.
    pub(crate) destinations: Vec<usize>,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlanError {
    /// The configuration does not say enough, or contradicts itself.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// What no farm runs.
    #[error("{what} is not run as it is written")]
    Rejected {
        /// The line or the action.
        what: String,
        /// Its mistakes, each with the reason and what to write instead.
        refused: Refused,
    },
    /// A test may take longer than its job.
    #[error(transparent)]
    Allowance(#[from] AllowanceTooLong),
    /// A step lacks one before it.
    #[error(transparent)]
    Order(#[from] StepOrder),
}

impl Plan {
    /// Whether any step asked for a clean build.
    pub(crate) fn is_clean(&self) -> bool {
        self.steps.iter().any(|step| step.classified.clean)
    }
}

impl Step {
    /// A step of these arguments at the tree's root.
    pub(super) fn new(name: &str, argv: Vec<String>, classified: Classified) -> Self {
        Self { name: name.to_owned(), argv, classified, directory: None, allow_empty: false, destinations: Vec::new() }
    }
}

/// The plan of the actions of these names, for the tree at `root`.
pub(crate) fn from_config(settings: &Settings<'_>, names: &[String], root: &Path) -> Result<Plan, PlanError> {
    let mut steps = Vec::new();
    let mut asked = Vec::new();
    let mut project = None;
    for name in names {
        let config = settings.action(name)?;
        let action = config.action.expect("settings give every action its word");
        let argv = argv::of_action(name, action, &config)?;
        let classified = invocation::classify(&argv, &policy::most_generous(&argv));
        asked.push(destinations_of(settings, &config, &classified));
        let directory = argv::directory(&config.project)?;
        project.get_or_insert_with(|| project_name(config.project.container.as_ref(), directory.as_ref(), root));
        let allow_empty = allow_empty(name, action, &config)?;
        steps.push(Step { directory, allow_empty, ..Step::new(name, without_destinations(&argv), classified) });
    }
    let project = project.unwrap_or_else(|| project_name(None, None, root));
    let (notices, continue_on_failure) = (settings.without_effect(), settings.continues_on_failure());
    let plan = Plan { project, steps, destinations: Vec::new(), continue_on_failure, env: BTreeMap::new(), notices };
    let plan = matrix::complete(settings, plan, &asked)?;
    plan.judge(policy::most_generous)?;
    Ok(plan)
}

/// Whether an action without tests is a success; nobody may say so of an action that runs none anyway.
fn allow_empty(name: &str, action: Action, config: &ActionConfig) -> Result<bool, ConfigError> {
    if config.allow_empty && !action.runs_tests() {
        return Err(ConfigError::Disagree {
            what: format!("actions.{name}.allow_empty is for actions that run tests, and the action is {action}"),
            fix: "leave it out, or write action = \"test\"".to_owned(),
        });
    }
    Ok(config.allow_empty)
}

fn destinations_of(settings: &Settings<'_>, config: &ActionConfig, classified: &Classified) -> Vec<String> {
    if settings.destinations_are_forced() {
        return settings.destinations();
    }
    [classified.destinations.clone(), config.destinations.clone(), settings.destinations()]
        .into_iter()
        .find(|asked| !asked.is_empty())
        .unwrap_or_else(|| classified.implied_destination().into_iter().collect())
}

/// Gives a plan of one step its destinations.
pub(super) fn complete(settings: &Settings<'_>, plan: Plan, asked: &[String]) -> Result<Plan, PlanError> {
    matrix::complete(settings, plan, &[asked.to_vec()])
}

/// Nobody says where to run.
pub(super) fn no_destination() -> ConfigError {
    ConfigError::Missing {
        key: "destination.value".to_owned(),
        expected: "where the product runs, such as \"platform=iOS Simulator,name=iPhone 16,OS=latest\"".to_owned(),
        fix: "write it into [destination] of .rch/xcode.toml, or give --destination".to_owned(),
    }
}

/// The arguments without `-destination`: the run's destinations carry it.
pub(super) fn without_destinations(argv: &[String]) -> Vec<String> {
    let mut kept = Vec::with_capacity(argv.len());
    let mut words = argv.iter();
    while let Some(word) = words.next() {
        if word == "-destination" {
            words.next();
        } else {
            kept.push(word.clone());
        }
    }
    kept
}
