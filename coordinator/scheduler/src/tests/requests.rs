//! Requests that are refused before anything is recorded.

use rch_schemas::Reason;

use super::farm::{Farm, request};
use crate::{CommandBody, Reply};

#[test]
fn a_variable_that_no_job_may_set_refuses_the_run_and_a_preview_says_so() {
    let mut farm = Farm::with(&["mac-1"]);
    let records = farm.ledger.iter().flat_map(|record| &record.events).count();
    let mut submitted = request("request-01", &["build"]);
    submitted.request.options.env.insert("DYLD_INSERT_LIBRARIES".to_owned(), "shim.dylib".to_owned());
    let Reply::Refused(problem) = farm.ask(CommandBody::Submit(Box::new(submitted.clone()))) else { panic!("accepted") };
    assert_eq!((problem.status, problem.code, problem.field.as_deref()), (422, Reason::InvalidRequest, Some("options.env")));
    assert!(problem.detail.starts_with("a job cannot set the variable DYLD_INSERT_LIBRARIES: "), "{}", problem.detail);
    assert_eq!(farm.ledger.iter().flat_map(|record| &record.events).count(), records);
    assert_eq!(farm.ask(CommandBody::Preview(Box::new(submitted))), Reply::Refused(problem));
}

#[test]
fn a_test_that_may_take_as_long_as_its_job_refuses_the_run() {
    let mut farm = Farm::with(&["mac-1"]);
    let mut submitted = request("request-01", &["test"]);
    submitted.request.steps[0].argv.extend(["-default-test-execution-time-allowance".to_owned(), "1800".to_owned()]);
    let Reply::Refused(problem) = farm.ask(CommandBody::Submit(Box::new(submitted.clone()))) else { panic!("accepted") };
    assert_eq!((problem.status, problem.code, problem.field.as_deref()), (422, Reason::InvalidRequest, Some("steps")));
    assert!(problem.detail.contains("lower one or raise the other"), "{}", problem.detail);
    submitted.request.options.timeouts.overall_seconds = 1801;
    assert!(matches!(farm.ask(CommandBody::Submit(Box::new(submitted))), Reply::Run(_)));
}

#[test]
fn a_timeout_out_of_its_bounds_refuses_the_run_whoever_sent_it() {
    let mut farm = Farm::with(&["mac-1"]);
    let mut submitted = request("request-01", &["build"]);
    submitted.request.options.timeouts.overall_seconds = 86_401;
    let Reply::Refused(problem) = farm.ask(CommandBody::Submit(Box::new(submitted.clone()))) else { panic!("accepted") };
    assert_eq!((problem.status, problem.code, problem.field.as_deref()), (422, Reason::InvalidRequest, Some("options.timeouts")));
    assert_eq!(problem.detail, "timeouts.overall_seconds is 86401, expected 1 to 86400 seconds");
    submitted.request.options.timeouts.overall_seconds = 86_400;
    assert!(matches!(farm.ask(CommandBody::Submit(Box::new(submitted))), Reply::Run(_)));
}
