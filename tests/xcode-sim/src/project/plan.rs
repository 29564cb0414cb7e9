//! What an action compiles, in order, and which test bundles it runs.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::container::{Container, ContainerError};
use super::scheme::{Reference, Scheme, TestEntry};
use super::target::{Dependency, Target};
use crate::exit::Exit;

/// Everything an action needs to know about the tree.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) scheme: String,
    pub(crate) configuration: String,
    /// In the order they are compiled: what is needed comes first.
    pub(crate) targets: Vec<Target>,
    /// The test bundles among them.
    pub(crate) testables: Vec<Testable>,
    /// The test plan's name, when the scheme uses one.
    pub(crate) tested_by: Option<String>,
}

/// A test bundle.
#[derive(Clone, Debug)]
pub(crate) struct Testable {
    /// Its place among the plan's targets.
    pub(crate) target: usize,
    /// Tests the scheme or test plan leaves out, without their target's name.
    pub(crate) skipped: Vec<String>,
    /// When not empty, the only tests the test plan runs.
    pub(crate) selected: Vec<String>,
}

/// Why there is nothing to do, in xcodebuild's words.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlanError {
    #[error(transparent)]
    Container(#[from] ContainerError),
    #[error("Scheme {0} is not currently configured for the test action.")]
    NotForTesting(String),
    #[error("The flag -testPlan <name> cannot be used since the scheme does not use test plans.")]
    NoTestPlans,
    #[error("Scheme \"{scheme}\" does not have an associated test plan named \"{plan}\".")]
    NoSuchTestPlan { scheme: String, plan: String },
}

impl PlanError {
    pub(crate) const fn exit(&self) -> Exit {
        match self {
            Self::Container(error) => error.exit(),
            Self::NotForTesting(_) => Exit::NO_INPUT,
            Self::NoTestPlans | Self::NoSuchTestPlan { .. } => Exit::USAGE,
        }
    }
}

/// What of a scheme is wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) scheme: &'a str,
    pub(crate) tests: bool,
    pub(crate) configuration: Option<&'a str>,
    pub(crate) test_plan: Option<&'a str>,
}

impl Plan {
    pub(crate) fn make(container: &Container, wanted: Wanted<'_>) -> Result<Self, PlanError> {
        let scheme = container.scheme(wanted.scheme)?;
        let (entries, tested_by) = test_entries(&scheme, wanted)?;
        let own = if wanted.tests { &scheme.test_configuration } else { &scheme.run_configuration };
        let mut plan = Self {
            configuration: wanted.configuration.or(own.as_deref()).unwrap_or("Debug").to_owned(),
            scheme: scheme.name.clone(),
            targets: Vec::new(),
            testables: Vec::new(),
            tested_by,
        };
        for entry in &scheme.build {
            let is_wanted = if wanted.tests { entry.for_testing } else { entry.for_running };
            if is_wanted && let Some(target) = container.target(&entry.target, &scheme.base) {
                plan.add(target, container);
            }
        }
        for (entry, selected) in entries {
            if let Some(target) = container.target(&entry.target, &scheme.base) {
                let target = plan.add(target, container);
                plan.testables.push(Testable { target, skipped: entry.skipped_tests, selected });
            }
        }
        if wanted.tests && plan.testables.is_empty() {
            return Err(PlanError::NotForTesting(plan.scheme));
        }
        Ok(plan)
    }

    /// Adds a target behind those it needs, and says where it is.
    fn add(&mut self, target: &Target, container: &Container) -> usize {
        let known = |plan: &Self| plan.targets.iter().position(|one| is_same(one, target));
        if let Some(place) = known(self) {
            return place;
        }
        self.add_needed(target, container, &mut Vec::new());
        known(self).expect("a target is added behind what it needs")
    }

    /// `above` are the targets that wait for this one: a circle ends there.
    fn add_needed(&mut self, target: &Target, container: &Container, above: &mut Vec<(String, String)>) {
        let key = (target.project.clone(), target.id.clone());
        if above.contains(&key) || self.targets.iter().any(|one| is_same(one, target)) {
            return;
        }
        above.push(key);
        for dependency in &target.dependencies {
            let needed = container.all_targets().find(|other| match dependency {
                Dependency::Id(id) => other.id == *id && other.project == target.project,
                Dependency::Name(name) => other.name == *name,
            });
            if let Some(needed) = needed {
                self.add_needed(needed, container, above);
            }
        }
        above.pop();
        self.targets.push(target.clone());
    }
}

fn is_same(left: &Target, right: &Target) -> bool {
    left.id == right.id && left.project == right.project
}

/// The test bundles of a scheme with the tests each is restricted to, and the test plan's name. A plan that is asked
/// for, or is there, decides; without plans the scheme's own list does.
type TestEntries = (Vec<(TestEntry, Vec<String>)>, Option<String>);

fn test_entries(scheme: &Scheme, wanted: Wanted<'_>) -> Result<TestEntries, PlanError> {
    if !wanted.tests {
        return Ok((Vec::new(), None));
    }
    let name_of = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let plan = match wanted.test_plan {
        Some(_) if scheme.plans.is_empty() => return Err(PlanError::NoTestPlans),
        Some(name) => Some(
            scheme
                .plans
                .iter()
                .find(|plan| name_of(&plan.path) == name)
                .ok_or_else(|| PlanError::NoSuchTestPlan { scheme: scheme.name.clone(), plan: name.to_owned() })?,
        ),
        None => scheme.plans.iter().find(|plan| plan.is_default).or_else(|| scheme.plans.first()),
    };
    let from_plan = plan.and_then(|plan| Some((read_test_plan(&plan.path)?, name_of(&plan.path))));
    Ok(match from_plan {
        Some((entries, name)) => (entries, Some(name)),
        None => (scheme.tests.iter().map(|entry| (entry.clone(), Vec::new())).collect(), None),
    })
}

/// The enabled targets of a `.xctestplan`.
fn read_test_plan(path: &Path) -> Option<Vec<(TestEntry, Vec<String>)>> {
    let document: Value = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    let entries = document["testTargets"].as_array()?.iter().filter(|entry| entry["enabled"] != false);
    let strings = |value: &Value| -> Vec<String> {
        let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
        items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
    };
    let entry = |entry: &Value| {
        let text = |member: &str| entry["target"][member].as_str().unwrap_or_default().to_owned();
        let target = Reference {
            id: text("identifier"),
            name: text("name"),
            container: text("containerPath").trim_start_matches("container:").to_owned(),
        };
        let skipped_tests = strings(&entry["skippedTests"]);
        (TestEntry { target, skipped_tests }, strings(&entry["selectedTests"]))
    };
    Some(entries.map(entry).collect())
}

/// `-only-testing` and `-skip-testing`: "Target", "Target/Class" or "Target/Class/testX()".
#[derive(Clone, Debug, Default)]
pub(crate) struct TestSelection {
    pub(crate) only: Vec<String>,
    pub(crate) skip: Vec<String>,
}

impl TestSelection {
    /// Whether a test is to be run.
    pub(crate) fn wants(&self, target: &str, test: &str) -> bool {
        let full = format!("{target}/{test}");
        let named = |patterns: &[String]| patterns.iter().any(|pattern| names_test(pattern, &full));
        (self.only.is_empty() || named(&self.only)) && !named(&self.skip)
    }

    /// A target that `-only-testing` names and that is not among `targets`.
    pub(crate) fn stranger<'a>(&'a self, targets: &[&str]) -> Option<&'a str> {
        let named = self.only.iter().map(|pattern| pattern.split('/').next().unwrap_or(pattern));
        named.into_iter().find(|target| !targets.contains(target))
    }
}

/// Whether `pattern` is the test, its class or its target. Brackets behind a method's name may be left out.
pub(crate) fn names_test(pattern: &str, test: &str) -> bool {
    let plain = |text: &str| text.trim_end_matches("()").to_owned();
    let (pattern, test) = (plain(pattern), plain(test));
    test == pattern || test.strip_prefix(&pattern).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    fn plan(tests: bool) -> Plan {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/SampleApp");
        let container = Container::open(&folder, Some("SampleApp.xcworkspace"), None).unwrap();
        let wanted = Wanted { scheme: "SampleApp", tests, configuration: None, test_plan: None };
        Plan::make(&container, wanted).unwrap()
    }

    fn names(plan: &Plan) -> Vec<&str> {
        plan.targets.iter().map(|target| target.name.as_str()).collect()
    }

    #[test]
    fn building_leaves_the_tests_out_and_testing_builds_the_app_first() {
        assert_eq!(names(&plan(false)), ["SampleApp"]);
        let tested = plan(true);
        assert_eq!(names(&tested), ["SampleApp", "SampleAppTests"]);
        assert_eq!(tested.testables[0].target, 1);
        assert_eq!(tested.configuration, "Debug");
    }

    #[test]
    fn tests_are_selected_by_target_class_and_method() {
        let selection = TestSelection { only: vec!["T/A".into(), "T/B/testX".into()], skip: vec!["T/A/testSkipped()".into()] };
        let wants = |test: &str| selection.wants("T", test);
        assert!(wants("A/testY()"));
        assert!(wants("B/testX()"));
        assert!(!wants("B/testXY()"));
        assert!(!wants("AB/testY()"));
        assert!(!wants("A/testSkipped()"));
        assert_eq!(selection.stranger(&["T"]), None);
        assert_eq!(selection.stranger(&["U"]), Some("T"));
    }
}
