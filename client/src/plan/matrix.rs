//! Which step runs where: the destinations of all steps, each once, and what of a step's arguments does not go with one of its own.

use rch_schemas::destination::DestinationSpec;
use rch_schemas::invocation::{Policy, StepPlace, check_order, classify, refused_for};
use rch_schemas::protocol::Feature;
use rch_schemas::requirement::{DestinationMode, DestinationRequest};

use super::assemble::{Plan, PlanError, Step, no_destination};
use super::{Refused, policy};
use crate::config::{ConfigError, Settings};

/// Gives the plan its destinations: `asked` has those of each step, in the order of the steps. Two spellings of one destination are one.
pub(super) fn complete(settings: &Settings<'_>, mut plan: Plan, asked: &[Vec<String>]) -> Result<Plan, PlanError> {
    let (mode, provisioning) = settings.destination_switches();
    let mut specs: Vec<DestinationSpec> = Vec::new();
    for (step, asked) in plan.steps.iter_mut().zip(asked) {
        if asked.is_empty() {
            return Err(no_destination().into());
        }
        for text in asked {
            let spec = read(text, mode)?;
            let index = specs.iter().position(|known| *known == spec).unwrap_or_else(|| {
                plan.destinations.push(DestinationRequest { asked: text.clone(), mode, provisioning });
                specs.push(spec);
                specs.len() - 1
            });
            if !step.destinations.contains(&index) {
                step.destinations.push(index);
            }
        }
    }
    let own: Vec<Vec<String>> = plan.steps.iter().map(|step| plan.asked(step).map(str::to_owned).collect()).collect();
    let places = plan.steps.iter().zip(&own).map(|(step, destinations)| StepPlace {
        action: step.classified.action,
        directory: step.directory.as_ref(),
        destinations,
    });
    check_order(&places.collect::<Vec<_>>())?;
    Ok(plan)
}

fn read(text: &str, mode: DestinationMode) -> Result<DestinationSpec, ConfigError> {
    let spec = DestinationSpec::parse(text)
        .map_err(|error| ConfigError::Disagree { what: error.to_string(), fix: format!("found in the destination {text:?}") })?;
    if mode == DestinationMode::Pinned && spec.leaves_choice() {
        return Err(ConfigError::Disagree {
            what: format!("destination.mode is \"pinned\", and {text:?} leaves the name or the OS to the farm"),
            fix: "give name=… and OS=… with a version, or use mode = \"constraints\"".to_owned(),
        });
    }
    Ok(spec)
}

impl Plan {
    /// The destinations of a step, as asked.
    pub(crate) fn asked<'a>(&'a self, step: &'a Step) -> impl Iterator<Item = &'a str> {
        step.destinations.iter().filter_map(|index| self.destinations.get(*index)).map(|destination| destination.asked.as_str())
    }

    /// Judges every step under the policy for its arguments. What is refused refuses the whole plan, unless the run goes on after failures
    /// and there is something to go on with: then the coordinator records the refusal, and runs the rest.
    pub(crate) fn judge(&self, policy: impl Fn(&[String]) -> Policy) -> Result<(), PlanError> {
        let mut refused = None;
        let mut sound = 0;
        for step in &self.steps {
            let policy = policy(&step.argv);
            let rejected = classify(&step.argv, &policy).rejected;
            if !rejected.is_empty() {
                refused.get_or_insert((step, step.argv.clone(), rejected));
                continue;
            }
            for asked in self.asked(step) {
                let rejected = refused_for(&step.argv, asked, &policy);
                if rejected.is_empty() {
                    sound += 1;
                } else {
                    let line = [&step.argv[..], &["-destination".to_owned(), asked.to_owned()]].concat();
                    refused.get_or_insert((step, line, rejected));
                }
            }
        }
        match refused {
            Some((step, line, rejected)) if sound == 0 || !self.continue_on_failure => {
                Err(PlanError::Rejected { what: format!("the action {}", step.name), refused: Refused::of_argv(&line, &rejected) })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Whether no farm runs anything of this step, so that nothing of it needs to be looked at.
    pub(crate) fn is_refused(&self, step: &Step) -> bool {
        let policy = policy::most_generous(&step.argv);
        let fits = |asked: &str| refused_for(&step.argv, asked, &policy).is_empty();
        !step.classified.is_accepted() || !self.asked(step).any(fits)
    }

    /// What a farm must know of beyond the first version of the contract to run this plan as it is meant.
    pub(crate) fn features(&self) -> Vec<&'static str> {
        let of_steps = [
            (Feature::STEP_DESTINATIONS, self.steps.iter().any(|step| self.own_destinations(step).is_some())),
            (Feature::STEP_DIRECTORY, self.steps.iter().any(|step| step.directory.is_some())),
            (Feature::ALLOW_EMPTY, self.steps.iter().any(|step| step.allow_empty)),
        ];
        of_steps.into_iter().filter(|(_, needed)| *needed).map(|(name, _)| name).collect()
    }

    /// The destinations of a step as the request names them; nothing when they are those of the run, in their order.
    pub(crate) fn own_destinations(&self, step: &Step) -> Option<Vec<u32>> {
        let all = (0..self.destinations.len()).collect::<Vec<_>>();
        (step.destinations != all).then(|| step.destinations.iter().map(|index| u32::try_from(*index).unwrap_or(u32::MAX)).collect())
    }
}
