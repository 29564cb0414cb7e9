//! One action from its command line to its exit code: what is to be done, where, the build, the tests, the bundle.

use super::arguments::Action;
use super::build::{Building, build, print_failed_commands};
use super::compile::{Outcome, Stop};
use super::error::XcodebuildError;
use super::job::{Command, Job, prepare};
use super::log::{Log, shell_escaped};
use super::testing::{Testing, has_failed, run};
use crate::clock::Moment;
use crate::console::Console;
use crate::exit::Exit;
use crate::tempo::Tempo;
use crate::xcresult::{Issue, Status, TestBundleResult, Tests, begin_bundle};

/// What a build's log starts with, so that nobody takes it for a real one.
const LABEL: &str = "Simulated Xcode: nothing was compiled by a real compiler";

pub(super) fn perform(command: Command<'_>, console: &mut Console) -> Result<Exit, XcodebuildError> {
    let mut log = Log::new(console, command.arguments.has("quiet"));
    log.line(LABEL);
    header(command, &mut log);
    let mut job = prepare(command, &mut log)?;
    if let Some(path) = &job.bundle {
        begin_bundle(path).map_err(|error| XcodebuildError::bundle(path, &error))?;
    }
    if command.arguments.clean {
        job.derived.clean().map_err(XcodebuildError::derived_data)?;
        log.end_marker("CLEAN SUCCEEDED");
    }
    let tempo = Tempo::of(command.invocation, &command.installation.machine.pace);
    let outcome = match job.action {
        Action::TestWithoutBuilding => Outcome::default(),
        Action::Build | Action::Test | Action::BuildForTesting => match build_job(&mut job, &tempo, &mut log) {
            Ok(outcome) => outcome,
            Err(Stop::Interrupted) => return Ok(interrupted(&job, &mut log)),
            Err(Stop::Io(error)) => return Err(XcodebuildError::derived_data(error)),
        },
    };
    if !outcome.is_success() {
        return finish_failed_build(&job, &outcome, &mut log);
    }
    match job.action {
        Action::Build => {
            job.write_bundle(outcome.issues, Status::Succeeded, None)?;
            log.end_marker("BUILD SUCCEEDED");
            Ok(Exit::OK)
        }
        Action::BuildForTesting => {
            job.keep_tests()?;
            job.write_bundle(outcome.issues, Status::Succeeded, None)?;
            log.end_marker("TEST BUILD SUCCEEDED");
            Ok(Exit::OK)
        }
        Action::Test | Action::TestWithoutBuilding => test_job(&job, outcome, &tempo, &mut log),
    }
}

/// "Command line invocation" and the settings given on it.
fn header(command: Command<'_>, log: &mut Log<'_>) {
    let words: Vec<String> =
        command.invocation.arguments.iter().map(|word| if word.contains(' ') { format!("\"{word}\"") } else { word.clone() }).collect();
    let tool = command.developer.path().join("usr/bin/xcodebuild");
    log.progress(format!("Command line invocation:\n    {} {}\n", tool.display(), words.join(" ")));
    if !command.arguments.settings.is_empty() {
        log.progress("Build settings from command line:");
        for (key, value) in &command.arguments.settings {
            log.progress(format!("    {key} = {value}"));
        }
        log.progress("");
    }
}

fn build_job(job: &mut Job<'_>, tempo: &Tempo, log: &mut Log<'_>) -> Result<Outcome, Stop> {
    let is_signed = !job.command.arguments.settings.iter().any(|(key, value)| key == "CODE_SIGNING_ALLOWED" && value == "NO");
    let building = Building {
        log,
        tempo,
        derived: &mut job.derived,
        destination: &job.destination,
        steps: job.subject.plan.targets.iter().map(|target| target.sources.len()).sum(),
        signs: is_signed,
    };
    build(&job.subject.plan, building)
}

fn finish_failed_build(job: &Job<'_>, outcome: &Outcome, log: &mut Log<'_>) -> Result<Exit, XcodebuildError> {
    let (verb, marker) = match job.action {
        Action::Build => ("Building", "BUILD FAILED"),
        Action::BuildForTesting => ("Building", "TEST BUILD FAILED"),
        Action::Test | Action::TestWithoutBuilding => ("Testing", "TEST FAILED"),
    };
    let mut issues = outcome.issues.clone();
    if job.action == Action::Test {
        let cancelled = "Testing cancelled because the build failed.";
        let mut text = String::from("\nTesting failed:");
        for issue in issues.iter().filter(|issue| issue.is_error()) {
            text.extend(["\n\t", &issue.message]);
        }
        log.console.error(format!("{text}\n\t{cancelled}"));
        issues.push(Issue::without_place("", cancelled.to_owned()));
    }
    log.end_marker(marker);
    let line = format!(
        "{verb} {} {} with scheme {} and configuration {}",
        job.subject.kind,
        shell_escaped(&job.subject.name),
        job.subject.plan.scheme,
        job.subject.plan.configuration
    );
    print_failed_commands(outcome, &line, log);
    job.write_bundle(issues, Status::Failed, None)?;
    Ok(Exit::DATA)
}

fn interrupted(job: &Job<'_>, log: &mut Log<'_>) -> Exit {
    let what = if job.action.is_about_tests() { "TEST INTERRUPTED" } else { "BUILD INTERRUPTED" };
    log.end_marker(what);
    Exit::INTERRUPTED
}

fn test_job(job: &Job<'_>, outcome: Outcome, tempo: &Tempo, log: &mut Log<'_>) -> Result<Exit, XcodebuildError> {
    let products = match job.action {
        Action::TestWithoutBuilding => job.kept_tests()?,
        Action::Build | Action::Test | Action::BuildForTesting => job.keep_tests()?,
    };
    let selection = job.selection();
    job.boot()?;
    log.line("Testing started");
    let is_parallel = job.command.arguments.value("parallel-testing-enabled") == Some("YES");
    let device = job.device();
    let testing = Testing {
        log,
        tempo,
        selection: &selection,
        clone: is_parallel.then(|| format!("Clone 1 of {} - {} (4711)", device.name, job.subject.plan.scheme)),
        steps: 1,
    };
    let (bundles, stopped) = run(&products, testing);
    if stopped.is_some() {
        return Ok(interrupted(job, log));
    }
    let failed = failed_tests(&bundles);
    let status = if failed.is_empty() { Status::Succeeded } else { Status::Failed };
    let elapsed = Moment::now().seconds() - job.started.seconds();
    log.stamped(&format!("[MT] IDETestOperationsObserverDebug: {elapsed:.3} elapsed -- Testing started completed."));
    let tests = Tests { name: products.test_plan.clone().unwrap_or_else(|| products.scheme.clone()), bundles };
    let path = job.write_bundle(outcome.issues, status, Some(tests))?;
    log.line(format!("\nTest session results, code coverage, and logs:\n\t{}\n", path.unwrap_or_default().display()));
    Ok(finish_tests(job.action, &failed, log))
}

/// "Class.testX()" of every test that failed.
fn failed_tests(bundles: &[TestBundleResult]) -> Vec<String> {
    let cases = bundles.iter().flat_map(|bundle| &bundle.cases);
    let failed = cases.filter(|case| has_failed(&case.test.script));
    failed.map(|case| case.test.identifier().replacen('/', ".", 1)).collect()
}

fn finish_tests(action: Action, failed: &[String], log: &mut Log<'_>) -> Exit {
    let executed = action == Action::TestWithoutBuilding;
    if failed.is_empty() {
        log.end_marker(if executed { "TEST EXECUTE SUCCEEDED" } else { "TEST SUCCEEDED" });
        return Exit::OK;
    }
    log.console.error(format!("Failing tests:\n\t{}", failed.join("\n\t")));
    log.end_marker(if executed { "TEST EXECUTE FAILED" } else { "TEST FAILED" });
    Exit::DATA
}
