//! A plan from the configuration, and what every plan must satisfy.

use std::collections::BTreeMap;
use std::path::Path;

use rch_schemas::destination::DestinationSpec;
use rch_schemas::invocation::{self, AllowanceTooLong, Classified, StepOrder, check_order};
use rch_schemas::requirement::{DestinationMode, DestinationRequest};

use super::{Refused, argv, policy};
use crate::config::{ActionConfig, ConfigError, Settings, project_name};

/// What is to be run.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// The project's name, for people.
    pub(crate) project: String,
    /// The steps, in order.
    pub(crate) steps: Vec<Step>,
    /// The destinations; each step has a job for each.
    pub(crate) destinations: Vec<DestinationRequest>,
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
    /// Judges a step's arguments.
    pub(super) fn judged(name: &str, argv: Vec<String>) -> Result<Self, PlanError> {
        let classified = invocation::classify(&argv, &policy::most_generous(&argv));
        if classified.is_accepted() {
            Ok(Self { name: name.to_owned(), argv, classified })
        } else {
            Err(PlanError::Rejected { what: format!("the action {name}"), refused: Refused::of_argv(&argv, &classified.rejected) })
        }
    }
}

/// The plan of the actions of these names, for the tree at `root`.
pub(crate) fn from_config(settings: &Settings<'_>, names: &[String], root: &Path) -> Result<Plan, PlanError> {
    let mut steps = Vec::new();
    let mut destinations: Option<(String, Vec<String>)> = None;
    let mut project = None;
    for name in names {
        let config = settings.action(name)?;
        let action = config.action.expect("settings give every action its word");
        let step = Step::judged(name, argv::of_action(name, action, &config)?)?;
        let own = destinations_of(settings, &config, &step.classified);
        match &destinations {
            Some((first, shared)) if *shared != own => return Err(different_destinations(first, name).into()),
            Some(_) => {}
            None => destinations = Some((name.clone(), own)),
        }
        project.get_or_insert_with(|| project_name(config.project.container.as_ref(), root));
        steps.push(Step { argv: without_destinations(&step.argv), ..step });
    }
    let project = project.unwrap_or_else(|| project_name(None, root));
    let asked = destinations.map(|(_, asked)| asked).unwrap_or_default();
    let notices = settings.without_effect();
    complete(settings, Plan { project, steps, destinations: Vec::new(), env: BTreeMap::new(), notices }, &asked)
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

fn different_destinations(first: &str, second: &str) -> ConfigError {
    ConfigError::Disagree {
        what: format!("actions.{first} and actions.{second} have different destinations, and the steps of one run share theirs"),
        fix: format!("give them the same, or run them one by one: rch xcode run --action {first}"),
    }
}

/// Checks and adds the destinations, which every plan needs.
pub(super) fn complete(settings: &Settings<'_>, mut plan: Plan, asked: &[String]) -> Result<Plan, PlanError> {
    if asked.is_empty() {
        return Err(no_destination().into());
    }
    let (mode, provisioning) = settings.destination_switches();
    for text in asked {
        check_destination(text, mode)?;
        plan.destinations.push(DestinationRequest { asked: text.clone(), mode, provisioning });
    }
    let order: Vec<_> = plan.steps.iter().map(|step| (step.classified.action, asked)).collect();
    check_order(&order)?;
    Ok(plan)
}

/// Nobody says where to run.
pub(super) fn no_destination() -> ConfigError {
    ConfigError::Missing {
        key: "destination.value".to_owned(),
        expected: "where the product runs, such as \"platform=iOS Simulator,name=iPhone 16,OS=latest\"".to_owned(),
        fix: "write it into [destination] of .rch/xcode.toml, or give --destination".to_owned(),
    }
}

fn check_destination(text: &str, mode: DestinationMode) -> Result<(), ConfigError> {
    let spec = DestinationSpec::parse(text)
        .map_err(|error| ConfigError::Disagree { what: error.to_string(), fix: format!("found in the destination {text:?}") })?;
    if mode == DestinationMode::Pinned && spec.leaves_choice() {
        return Err(ConfigError::Disagree {
            what: format!("destination.mode is \"pinned\", and {text:?} leaves the name or the OS to the farm"),
            fix: "give name=… and OS=… with a version, or use mode = \"constraints\"".to_owned(),
        });
    }
    Ok(())
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
