//! What one step of a run needs of the steps before it.

use crate::{Action, TreeDirectory};

/// What of a step decides where its products lie.
#[derive(Debug, Clone, Copy)]
pub struct StepPlace<'a> {
    /// What it does.
    pub action: Action,
    /// The directory it runs in; the tree's root when absent.
    pub directory: Option<&'a TreeDirectory>,
    /// Its destinations as asked and complete, those of the config included.
    pub destinations: &'a [String],
}

/// A step without what it needs before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "step {step} runs test-without-building on {destination:?} in {}, and no earlier step of the run has build-for-testing with that \
     destination in that directory: add one before it, or write test", place(directory.as_ref())
)]
pub struct StepOrder {
    /// The step's place in the run, counted from 0.
    pub step: usize,
    /// The destination without products.
    pub destination: String,
    /// The directory without them; the tree's root when absent.
    pub directory: Option<TreeDirectory>,
}

fn place(directory: Option<&TreeDirectory>) -> &str {
    directory.map_or("the root of the tree", TreeDirectory::as_str)
}

/// Checks that every `test-without-building` has a `build-for-testing` with the same destination and directory before it: products never
/// outlive a run, and those of each directory lie for themselves.
///
/// # Errors
/// [`StepOrder`] for the first that has none.
pub fn check_order(steps: &[StepPlace<'_>]) -> Result<(), StepOrder> {
    for (index, step) in steps.iter().enumerate().filter(|(_, step)| step.action == Action::TestWithoutBuilding) {
        let builds = || steps[..index].iter().filter(|earlier| earlier.action == Action::BuildForTesting);
        let built = |wanted: &String| builds().any(|build| build.directory == step.directory && build.destinations.contains(wanted));
        if let Some(destination) = step.destinations.iter().find(|destination| !built(destination)) {
            return Err(StepOrder { step: index, destination: destination.clone(), directory: step.directory.cloned() });
        }
    }
    Ok(())
}

/// A test may take longer than the job that runs it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{argument} {allowance} reaches the job's timeouts.overall_seconds of {overall_seconds}, so the job would end first: lower one or raise the other"
)]
pub struct AllowanceTooLong {
    /// The argument.
    pub argument: &'static str,
    /// What it allows a test, in seconds.
    pub allowance: u32,
    /// What the job has, in seconds.
    pub overall_seconds: u32,
}

/// Checks that canonical arguments allow a single test less time than its job has.
///
/// # Errors
/// [`AllowanceTooLong`] for the first that does not.
pub fn check_allowances(sanitized_argv: &[String], overall_seconds: u32) -> Result<(), AllowanceTooLong> {
    for argument in ["-default-test-execution-time-allowance", "-maximum-test-execution-time-allowance"] {
        let value = sanitized_argv.iter().position(|word| word == argument).and_then(|at| sanitized_argv.get(at + 1));
        let allowance = value.and_then(|value| value.parse().ok()).unwrap_or_default();
        if allowance >= overall_seconds {
            return Err(AllowanceTooLong { argument, allowance, overall_seconds });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_has_less_time_than_its_job() {
        let argv: Vec<String> = "test -scheme App -maximum-test-execution-time-allowance 600".split(' ').map(str::to_owned).collect();
        assert_eq!(check_allowances(&argv, 601), Ok(()));
        let error = check_allowances(&argv, 600).expect_err("as long as the job");
        assert!(error.to_string().starts_with("-maximum-test-execution-time-allowance 600 reaches"), "{error}");
        assert_eq!(check_allowances(&argv[..3], 1), Ok(()));
    }

    fn step(action: Action, destinations: &[String]) -> StepPlace<'_> {
        StepPlace { action, directory: None, destinations }
    }

    #[test]
    fn tests_without_building_need_products_of_their_own_destination() {
        let (phone, tv) = (["name=iPhone 16".to_owned()], ["name=Apple TV".to_owned()]);
        let kit: TreeDirectory = "Packages/Kit".parse().expect("a directory");
        let (built, test) = (Action::BuildForTesting, Action::TestWithoutBuilding);
        let of_kit = |action| StepPlace { directory: Some(&kit), ..step(action, &phone) };
        let missing =
            |step, directory: Option<&TreeDirectory>| Err(StepOrder { step, destination: phone[0].clone(), directory: directory.cloned() });
        assert_eq!(check_order(&[step(built, &phone), step(test, &phone)]), Ok(()));
        assert_eq!(check_order(&[step(Action::Test, &phone)]), Ok(()));
        assert_eq!(check_order(&[step(built, &tv), step(test, &phone)]), missing(1, None));
        assert_eq!(check_order(&[step(Action::Build, &phone), step(test, &phone)]), missing(1, None));
        assert_eq!(check_order(&[step(test, &phone), step(built, &phone)]), missing(0, None));

        assert_eq!(check_order(&[of_kit(built), step(built, &phone), of_kit(test), step(test, &phone)]), Ok(()));
        assert_eq!(check_order(&[of_kit(built), step(test, &phone)]), missing(1, None));
        assert_eq!(check_order(&[step(built, &phone), of_kit(test)]), missing(1, Some(&kit)));
        let said = check_order(&[of_kit(test)]).expect_err("nothing is built").to_string();
        assert!(said.starts_with("step 0 runs test-without-building on \"name=iPhone 16\" in Packages/Kit, and no earlier"), "{said}");
    }
}
