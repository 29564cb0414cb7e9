//! What one step of a run needs of the steps before it.

use crate::Action;

/// A step without what it needs before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "step {step} runs test-without-building on {destination:?}, and no earlier step of the run has build-for-testing with that destination: \
     add one before it, or write test"
)]
pub struct StepOrder {
    /// The step's place in the run, counted from 0.
    pub step: usize,
    /// The destination without products.
    pub destination: String,
}

/// Checks that every `test-without-building` has a `build-for-testing` with the same destination before it: products never outlive a run.
///
/// `steps` holds the actions of a run in order, each with its destinations as asked and complete, those of the config included.
pub fn check_order(steps: &[(Action, &[String])]) -> Result<(), StepOrder> {
    for (step, (action, destinations)) in steps.iter().enumerate() {
        if *action != Action::TestWithoutBuilding {
            continue;
        }
        let built =
            |wanted: &String| steps[..step].iter().any(|(earlier, built)| *earlier == Action::BuildForTesting && built.contains(wanted));
        if let Some(destination) = destinations.iter().find(|destination| !built(destination)) {
            return Err(StepOrder { step, destination: destination.clone() });
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

    #[test]
    fn tests_without_building_need_products_of_their_own_destination() {
        let (phone, tv) = (["name=iPhone 16".to_owned()], ["name=Apple TV".to_owned()]);
        let (built, test) = (Action::BuildForTesting, Action::TestWithoutBuilding);
        assert_eq!(check_order(&[(built, &phone), (test, &phone)]), Ok(()));
        assert_eq!(check_order(&[(Action::Test, &phone)]), Ok(()));
        for steps in [&[(built, &tv[..]), (test, &phone[..])][..], &[(Action::Build, &phone[..]), (test, &phone[..])]] {
            assert_eq!(check_order(steps), Err(StepOrder { step: 1, destination: phone[0].clone() }));
        }
        assert_eq!(check_order(&[(test, &phone), (built, &phone)]), Err(StepOrder { step: 0, destination: phone[0].clone() }));
    }
}
