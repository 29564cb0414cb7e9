//! The verdict table.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use rch_schemas::document::FirstError;

use super::*;

const LEFT: Exit = Exit { code: Some(0), signal: None, stopped: None };

fn exit(code: i32) -> Exit {
    Exit { code: Some(code), ..LEFT }
}

fn log(marker: Option<Marker>) -> LogFacts {
    LogFacts { marker, ..LogFacts::default() }
}

fn tests(total: u32, failed: u32) -> TestEvidence {
    let counts = TestCounts { total, passed: total - failed, failed, skipped: 0, expected_failures: 0 };
    TestEvidence::Read(TestResults { counts, ..TestResults::default() })
}

fn verdict(action: Action, exit: Exit, log: &LogFacts, tests: &TestEvidence) -> Option<Reason> {
    judge(&Evidence { action, allow_empty: false, exit, log, tests, arch: Some("arm64") }).outcome.failure_subkind
}

fn build(exit: Exit, log: &LogFacts) -> Option<Reason> {
    verdict(Action::Build, exit, log, &TestEvidence::NotOwed)
}

#[test]
fn a_build_succeeds_only_when_exit_code_and_marker_agree() {
    assert_eq!(build(LEFT, &log(Some(Marker::Succeeded))), None);
    assert_eq!(build(LEFT, &log(Some(Marker::Failed))), Some(Reason::BuildFailed));
    assert_eq!(build(LEFT, &log(None)), Some(Reason::Internal));
    assert_eq!(build(exit(65), &log(Some(Marker::Succeeded))), Some(Reason::BuildFailed));
    assert_eq!(build(exit(66), &log(None)), Some(Reason::ProjectMissing));
}

#[test]
fn a_test_with_exit_0_is_no_success_without_results_without_tests_or_without_marker() {
    let said = log(Some(Marker::Succeeded));
    assert_eq!(verdict(Action::Test, LEFT, &said, &tests(5, 0)), None);
    assert_eq!(verdict(Action::Test, LEFT, &said, &TestEvidence::Unreadable("gone".to_owned())), Some(Reason::ArtifactsMissing));
    assert_eq!(verdict(Action::Test, LEFT, &said, &tests(0, 0)), Some(Reason::NoTestsRun));
    assert_eq!(verdict(Action::Test, LEFT, &said, &tests(5, 1)), Some(Reason::TestFailed));
    assert_eq!(verdict(Action::Test, LEFT, &log(None), &tests(5, 0)), Some(Reason::Internal));
}

#[test]
fn no_tests_are_a_success_only_where_the_job_allows_it_and_everything_else_is_well() {
    let said = log(Some(Marker::Succeeded));
    let empty = |exit, log: &LogFacts, tests: &TestEvidence| {
        judge(&Evidence { action: Action::Test, allow_empty: true, exit, log, tests, arch: None })
    };
    let verdict = empty(LEFT, &said, &tests(0, 0));
    assert_eq!((verdict.outcome, verdict.sentence.as_str()), (Outcome::SUCCESS, "test succeeded: no tests ran, which allow_empty allows"));
    assert_eq!(empty(LEFT, &log(None), &tests(0, 0)).outcome.failure_subkind, Some(Reason::Internal));
    assert_eq!(empty(exit(65), &log(Some(Marker::Failed)), &tests(0, 0)).outcome.failure_subkind, Some(Reason::BuildFailed));
    assert_eq!(empty(LEFT, &said, &tests(3, 1)).outcome.failure_subkind, Some(Reason::TestFailed));
    let unreadable = TestEvidence::Unreadable("gone".to_owned());
    assert_eq!(empty(LEFT, &said, &unreadable).outcome.failure_subkind, Some(Reason::ArtifactsMissing));
}

#[test]
fn a_compile_error_beats_the_farm_s_noise_and_the_farm_beats_the_project_s_other_troubles() {
    let mut facts = log(Some(Marker::Failed));
    facts.farm = Some(Reason::CoresimulatorDown);
    facts.project = Some(Reason::Link);
    assert_eq!(build(exit(65), &facts), Some(Reason::CoresimulatorDown));
    facts.first_errors.push(FirstError { path: "A.swift".to_owned(), line: 1, column: None, message: "no".to_owned() });
    assert_eq!(build(exit(65), &facts), Some(Reason::Compile));
    // The tests of a scheme that does not compile do not run: the bundle says zero tests, the log says why.
    assert_eq!(verdict(Action::Test, exit(65), &facts, &tests(0, 0)), Some(Reason::Compile));
}

#[test]
fn a_build_that_failed_for_no_known_reason_says_what_the_log_says() {
    let mut facts = log(Some(Marker::Failed));
    facts.said = Some("Build input file cannot be found: 'A.swift'".to_owned());
    let tests = TestEvidence::NotOwed;
    let judged =
        |log: &LogFacts| judge(&Evidence { action: Action::Build, allow_empty: false, exit: exit(65), log, tests: &tests, arch: None });
    let verdict = judged(&facts);
    assert_eq!(verdict.outcome.failure_subkind, Some(Reason::BuildFailed));
    assert_eq!(verdict.sentence, "build failed: Build input file cannot be found: 'A.swift'");
    facts.project = Some(Reason::Link);
    assert_eq!(judged(&facts).sentence, format!("build failed: {}", Reason::Link.sentence()));
}

#[test]
fn failed_tests_are_the_project_s_unless_the_runner_never_came_up() {
    let mut facts = log(Some(Marker::Failed));
    facts.project = Some(Reason::TestCrash);
    assert_eq!(verdict(Action::Test, exit(65), &facts, &tests(3, 1)), Some(Reason::TestCrash));
    facts.farm = Some(Reason::RunnerLaunch);
    assert_eq!(verdict(Action::Test, exit(65), &facts, &tests(3, 1)), Some(Reason::RunnerLaunch));
    facts.farm = Some(Reason::CoresimulatorDown);
    assert_eq!(verdict(Action::Test, exit(65), &facts, &tests(3, 1)), Some(Reason::TestCrash));
}

#[test]
fn a_signal_is_a_timeout_or_a_cancel_only_when_we_sent_it() {
    for (stopped, expected) in [
        (Some(Stop::Overall), Reason::TimeoutOverall),
        (Some(Stop::Idle), Reason::TimeoutIdle),
        (Some(Stop::Cancelled), Reason::CancelledByUser),
        (Some(Stop::Shutdown), Reason::Interrupted),
        (None, Reason::Interrupted),
    ] {
        let exit = Exit { code: None, signal: Some(9), stopped };
        assert_eq!(build(exit, &log(None)), Some(expected), "{stopped:?}");
    }
    // xcodebuild that was told to stop and left by itself has still timed out.
    let exit = Exit { code: Some(75), signal: None, stopped: Some(Stop::Idle) };
    assert_eq!(build(exit, &log(Some(Marker::Interrupted))), Some(Reason::TimeoutIdle));
}

#[test]
fn destinations_that_differ_in_architecture_alone_are_one() {
    let row = |arch: &str, id: &str| format!("{{ platform:macOS, arch:{arch}, id:{id}, name:My Mac }}");
    let any = "{ platform:macOS, name:Any Mac }".to_owned();
    assert!(!is_ambiguous(&[], Some("arm64")));
    assert!(!is_ambiguous(&[row("arm64", "1"), row("x86_64", "1"), any.clone()], Some("arm64")));
    assert!(is_ambiguous(&[row("x86_64", "1"), row("arm64", "1"), any], Some("arm64")));
    assert!(is_ambiguous(&[row("arm64", "1"), row("arm64", "2")], Some("arm64")));
    assert!(!is_ambiguous(&[row("x86_64", "1")], None));
}

#[test]
fn every_verdict_is_consistent_and_says_one_line() {
    let said = log(Some(Marker::Succeeded));
    let verdict = judge(&Evidence { action: Action::Test, allow_empty: false, exit: LEFT, log: &said, tests: &tests(7, 0), arch: None });
    assert_eq!(verdict.sentence, "test succeeded: 7 tests passed");
    for code in [0, 1, 64, 65, 66, 70, 74, 139] {
        for marker in [None, Some(Marker::Failed), Some(Marker::Interrupted), Some(Marker::Succeeded)] {
            let log = log(marker);
            let evidence = Evidence {
                action: Action::Build,
                allow_empty: false,
                exit: exit(code),
                log: &log,
                tests: &TestEvidence::NotOwed,
                arch: None,
            };
            let verdict = judge(&evidence);
            assert!(verdict.outcome.is_consistent() && !verdict.sentence.contains('\n'), "{code} {marker:?}");
            let text = serde_json::to_string(&verdict.outcome).unwrap();
            assert_eq!(text.contains("\"exit_code\":0"), code == 0 && marker == Some(Marker::Succeeded));
        }
    }
}
