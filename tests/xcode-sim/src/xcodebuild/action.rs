//! One action from its command line to its exit code: what is to be done, where, the build, the tests, the bundle.

use std::path::PathBuf;

use super::arguments::{Action, Arguments};
use super::build::{Building, build, print_failed_commands};
use super::compile::{Outcome, Stop};
use super::derived_data::DerivedData;
use super::destination::{Asked, Destination, Resolved, resolve};
use super::error::XcodebuildError;
use super::log::{Log, shell_escaped};
use super::packages;
use super::products::TestProducts;
use super::testing::{Testing, has_failed, run};
use crate::clock::Moment;
use crate::console::Console;
use crate::developer::{Developer, Installation};
use crate::exit::Exit;
use crate::fingerprint::letters;
use crate::invocation::Invocation;
use crate::project::{Container, Plan, TestSelection, Wanted};
use crate::simctl::{Store, mark_booted};
use crate::tempo::Tempo;
use crate::xcresult::{Device, Issue, Record, Status, TestBundleResult, Tests, begin_bundle, write_bundle};

/// What a build's log starts with, so that nobody takes it for a real one.
const LABEL: &str = "Simulated Xcode: nothing was compiled by a real compiler";

/// A command with everything it runs against.
#[derive(Clone, Copy)]
pub(super) struct Command<'a> {
    pub(super) invocation: &'a Invocation,
    pub(super) installation: &'a Installation,
    pub(super) developer: Developer<'a>,
    pub(super) arguments: &'a Arguments,
}

/// A command that was understood: what, for which destination, and where everything goes.
struct Job<'a> {
    command: Command<'a>,
    action: Action,
    container: Container,
    plan: Plan,
    destination: Destination,
    derived: DerivedData,
    /// Where the result bundle goes, when there is to be one.
    bundle: Option<PathBuf>,
    started: Moment,
}

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

fn prepare<'a>(command: Command<'a>, log: &mut Log<'_>) -> Result<Job<'a>, XcodebuildError> {
    let Command { invocation, arguments, .. } = command;
    let action = arguments.action.unwrap_or(Action::Build);
    let (workspace, project) = (arguments.value("workspace"), arguments.value("project"));
    let container = Container::open(&invocation.directory, workspace, project)?;
    let scheme = chosen_scheme(&container, arguments)?;
    let plan = Plan::make(
        &container,
        Wanted {
            scheme: &scheme,
            tests: action.is_about_tests(),
            configuration: arguments.value("configuration"),
            test_plan: arguments.value("testPlan"),
        },
    )?;
    packages::resolve(&container, arguments, invocation, log)?;
    let asked = Asked { destination: arguments.value("destination"), sdk: arguments.value("sdk"), scheme: &scheme };
    let Resolved { destination, ambiguous } = resolve(asked, command.installation, command.developer)?;
    if !ambiguous.is_empty() {
        let mut warning = String::from("--- xcodebuild: WARNING: Using the first of multiple matching destinations:");
        for row in &ambiguous {
            warning.extend(["\n", &row.to_string()]);
        }
        log.console.error(warning);
    }
    let usual = usual_derived_data(command, &container);
    let path = arguments.value("derivedDataPath").map_or(usual, |path| invocation.absolute(path));
    let derived = DerivedData::open(&path, &plan.configuration, destination.platform).map_err(XcodebuildError::derived_data)?;
    let mut job = Job { command, action, container, plan, destination, derived, bundle: None, started: Moment::now() };
    job.bundle = job.chosen_bundle()?;
    job.refuse_what_cannot_be_tested()?;
    Ok(job)
}

/// `-scheme`, or the only one a project has.
fn chosen_scheme(container: &Container, arguments: &Arguments) -> Result<String, XcodebuildError> {
    if let Some(scheme) = arguments.value("scheme") {
        return Ok(scheme.to_owned());
    }
    if arguments.value("workspace").is_some() {
        return Err(XcodebuildError::SchemeNeeded);
    }
    let schemes = container.schemes();
    let same_name = schemes.iter().find(|scheme| scheme.name == container.name);
    let scheme = same_name.or_else(|| schemes.first()).ok_or(XcodebuildError::SchemeNeeded)?;
    Ok(scheme.name.clone())
}

/// "~/Library/Developer/Xcode/DerivedData/SampleApp-abcdefghijklmnopqrstuvwxyzab".
fn usual_derived_data(command: Command<'_>, container: &Container) -> PathBuf {
    let name = format!("{}-{}", container.name, letters(&container.path.to_string_lossy()));
    command.invocation.home().join("Library/Developer/Xcode/DerivedData").join(name)
}

fn build_job(job: &mut Job<'_>, tempo: &Tempo, log: &mut Log<'_>) -> Result<Outcome, Stop> {
    let is_signed = !job.command.arguments.settings.iter().any(|(key, value)| key == "CODE_SIGNING_ALLOWED" && value == "NO");
    let building = Building {
        log,
        tempo,
        derived: &mut job.derived,
        destination: &job.destination,
        steps: job.plan.targets.iter().map(|target| target.sources.len()).sum(),
        signs: is_signed,
    };
    build(&job.plan, building)
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
        job.container.kind.word(),
        shell_escaped(&job.container.name),
        job.plan.scheme,
        job.plan.configuration
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
        clone: is_parallel.then(|| format!("Clone 1 of {} - {} (4711)", device.name, job.plan.scheme)),
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

impl Job<'_> {
    /// `-resultBundlePath`, and for tests a place in DerivedData without it. The path must be free.
    fn chosen_bundle(&self) -> Result<Option<PathBuf>, XcodebuildError> {
        if let Some(path) = self.command.arguments.value("resultBundlePath") {
            let path = self.command.invocation.absolute(path);
            if path.exists() {
                return Err(XcodebuildError::BundleExists(path));
            }
            return Ok(Some(path));
        }
        let runs_tests = matches!(self.action, Action::Test | Action::TestWithoutBuilding);
        let name = format!("Test-{}-{}.xcresult", self.plan.scheme, self.started.file_form());
        Ok(runs_tests.then(|| self.derived.path.join("Logs/Test").join(name)))
    }

    fn selection(&self) -> TestSelection {
        let arguments = self.command.arguments;
        TestSelection { only: arguments.values("only-testing").to_vec(), skip: arguments.values("skip-testing").to_vec() }
    }

    fn refuse_what_cannot_be_tested(&self) -> Result<(), XcodebuildError> {
        let targets: Vec<&str> = self.plan.testables.iter().map(|testable| self.plan.targets[testable.target].name.as_str()).collect();
        if let Some(target) = self.selection().stranger(&targets) {
            return Err(self.failed(&format!(
                "Tests in the target “{target}” can’t be run because “{target}” isn’t a member of the specified test plan or scheme."
            )));
        }
        let runs_tests = matches!(self.action, Action::Test | Action::TestWithoutBuilding);
        if runs_tests && self.destination.is_generic {
            let target = targets.first().copied().unwrap_or_default();
            let device = self.destination.platform.destination_name();
            return Err(
                self.failed(&format!("Cannot test target “{target}” on “Any {device} Device”: Tests must be run on a concrete device"))
            );
        }
        Ok(())
    }

    fn failed(&self, reason: &str) -> XcodebuildError {
        XcodebuildError::Failed {
            kind: self.container.kind.word(),
            container: self.container.name.clone(),
            scheme: self.plan.scheme.clone(),
            reason: reason.to_owned(),
        }
    }

    /// Where built tests are kept: `-testProductsPath`, else the products folder.
    fn tests_folder(&self) -> PathBuf {
        let arguments = self.command.arguments;
        let named = arguments.value("testProductsPath").map(|path| self.command.invocation.absolute(path));
        let run = arguments.value("xctestrun").map(|path| self.command.invocation.absolute(path));
        let beside_run = run.and_then(|path| path.parent().map(std::path::Path::to_owned));
        named.or(beside_run).unwrap_or_else(|| self.derived.all_products())
    }

    fn keep_tests(&self) -> Result<TestProducts, XcodebuildError> {
        let products = TestProducts::of(&self.plan);
        let sdk = self.command.developer.sdk_of(self.destination.platform);
        let sdk = sdk.map_or_else(String::new, crate::machine::Sdk::canonical_name);
        let name = format!("{}_{sdk}-{}", self.plan.scheme, self.destination.architecture);
        products.save(&self.tests_folder(), &name).map_err(XcodebuildError::derived_data)?;
        Ok(products)
    }

    fn kept_tests(&self) -> Result<TestProducts, XcodebuildError> {
        TestProducts::load(&self.tests_folder()).ok_or_else(|| self.failed("There are no test bundles available to test."))
    }

    /// A test run boots its simulator when nobody did.
    fn boot(&self) -> Result<(), XcodebuildError> {
        let installation = self.command.installation;
        let store = Store::new(&installation.machine, installation.state.clone());
        match &self.destination.simulator {
            Some(simulator) => Ok(mark_booted(&simulator.udid, &store)?),
            None => Ok(()),
        }
    }

    /// What the result bundle says about the destination.
    fn device(&self) -> Device {
        let machine = &self.command.installation.machine;
        let platform = self.destination.platform.destination_name().to_owned();
        let architecture = self.destination.architecture.clone();
        match &self.destination.simulator {
            Some(simulator) => Device {
                id: simulator.udid.clone(),
                name: simulator.name.clone(),
                model: simulator.model.clone(),
                version: simulator.version.clone(),
                build: simulator.build.clone(),
                platform,
                architecture,
            },
            None => Device {
                id: crate::fingerprint::uuid_from(&[&machine.name, "mac"]),
                name: "My Mac".to_owned(),
                model: "Mac".to_owned(),
                version: machine.macos.version.clone(),
                build: machine.macos.build.clone(),
                platform,
                architecture,
            },
        }
    }

    fn write_bundle(&self, issues: Vec<Issue>, status: Status, tests: Option<Tests>) -> Result<Option<PathBuf>, XcodebuildError> {
        let Some(path) = &self.bundle else {
            return Ok(None);
        };
        let verb = if self.action.is_about_tests() { "Test" } else { "Build" };
        let record = Record {
            simulated: true,
            title: format!("{verb} \"{}\"", self.plan.scheme),
            scheme: self.plan.scheme.clone(),
            started: self.started.seconds(),
            finished: Moment::now().seconds(),
            device: self.device(),
            macos: self.command.installation.machine.macos.version.clone(),
            status,
            issues,
            tests,
        };
        write_bundle(path, &record).map_err(|error| XcodebuildError::bundle(path, &error))?;
        Ok(Some(path.clone()))
    }
}
