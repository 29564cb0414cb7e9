//! A command that was understood: what is to be done, for which destination, and where everything goes.

use std::path::PathBuf;

use super::arguments::{Action, Arguments};
use super::derived_data::DerivedData;
use super::destination::{Asked, Destination, Resolved, resolve};
use super::error::XcodebuildError;
use super::log::Log;
use super::products::TestProducts;
use super::subject::{Subject, named_products};
use crate::clock::Moment;
use crate::developer::{Developer, Installation};
use crate::fingerprint::{letters, uuid_from};
use crate::invocation::Invocation;
use crate::machine::Sdk;
use crate::project::TestSelection;
use crate::simctl::{Store, mark_booted};
use crate::xcresult::{Device, Issue, Record, Status, Tests, write_bundle};

/// A command with everything it runs against.
#[derive(Clone, Copy)]
pub(super) struct Command<'a> {
    pub(super) invocation: &'a Invocation,
    pub(super) installation: &'a Installation,
    pub(super) developer: Developer<'a>,
    pub(super) arguments: &'a Arguments,
}

/// A command that was understood: what, for which destination, and where everything goes.
pub(super) struct Job<'a> {
    pub(super) command: Command<'a>,
    pub(super) action: Action,
    pub(super) subject: Subject,
    pub(super) destination: Destination,
    pub(super) derived: DerivedData,
    /// Where the result bundle goes, when there is to be one.
    pub(super) bundle: Option<PathBuf>,
    pub(super) started: Moment,
}

/// Understands a command, or says why not.
pub(super) fn prepare<'a>(command: Command<'a>, log: &mut Log<'_>) -> Result<Job<'a>, XcodebuildError> {
    let Command { invocation, arguments, .. } = command;
    let asked = arguments.action.unwrap_or(Action::Build);
    // When nothing but built tests is named, there is nothing to build.
    let only_products = arguments.value("scheme").is_none() && named_products(command).is_some();
    let action = if asked == Action::Test && only_products { Action::TestWithoutBuilding } else { asked };
    let subject = Subject::of(command, action, log)?;
    let asked = Asked { destination: arguments.value("destination"), sdk: arguments.value("sdk"), scheme: &subject.plan.scheme };
    let Resolved { destination, ambiguous } = resolve(asked, command.installation, command.developer)?;
    if !ambiguous.is_empty() {
        let mut warning = String::from("--- xcodebuild: WARNING: Using the first of multiple matching destinations:");
        for row in &ambiguous {
            warning.extend(["\n", &row.to_string()]);
        }
        log.console.error(warning);
    }
    let usual = usual_derived_data(command, &subject);
    let path = arguments.value("derivedDataPath").map_or(usual, |path| invocation.absolute(path));
    let derived = DerivedData::open(&path, &subject.plan.configuration, destination.platform).map_err(XcodebuildError::derived_data)?;
    let mut job = Job { command, action, subject, destination, derived, bundle: None, started: Moment::now() };
    job.bundle = job.chosen_bundle()?;
    job.refuse_what_cannot_be_tested()?;
    Ok(job)
}

/// "~/Library/Developer/Xcode/DerivedData/SampleApp-abcdefghijklmnopqrstuvwxyzab".
fn usual_derived_data(command: Command<'_>, subject: &Subject) -> PathBuf {
    let name = format!("{}-{}", subject.name, letters(&subject.path.to_string_lossy()));
    command.invocation.home().join("Library/Developer/Xcode/DerivedData").join(name)
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
        let name = format!("Test-{}-{}.xcresult", self.subject.plan.scheme, self.started.file_form());
        Ok(runs_tests.then(|| self.derived.path.join("Logs/Test").join(name)))
    }

    pub(super) fn selection(&self) -> TestSelection {
        let arguments = self.command.arguments;
        TestSelection { only: arguments.values("only-testing").to_vec(), skip: arguments.values("skip-testing").to_vec() }
    }

    fn refuse_what_cannot_be_tested(&self) -> Result<(), XcodebuildError> {
        let targets: Vec<&str> = self.subject.test_targets.iter().map(String::as_str).collect();
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
            kind: self.subject.kind.clone(),
            container: self.subject.name.clone(),
            scheme: self.subject.plan.scheme.clone(),
            reason: reason.to_owned(),
        }
    }

    /// Where built tests are kept: where the command says, else among the products.
    fn tests_folder(&self) -> PathBuf {
        named_products(self.command).unwrap_or_else(|| self.derived.all_products())
    }

    pub(super) fn keep_tests(&self) -> Result<TestProducts, XcodebuildError> {
        let products = TestProducts::of(&self.subject);
        let sdk = self.command.developer.sdk_of(self.destination.platform);
        let sdk = sdk.map_or_else(String::new, Sdk::canonical_name);
        let name = format!("{}_{sdk}-{}", self.subject.plan.scheme, self.destination.architecture);
        products.save(&self.tests_folder(), &name).map_err(XcodebuildError::derived_data)?;
        Ok(products)
    }

    pub(super) fn kept_tests(&self) -> Result<TestProducts, XcodebuildError> {
        TestProducts::load(&self.tests_folder()).ok_or_else(|| self.failed("There are no test bundles available to test."))
    }

    /// A test run boots its simulator when nobody did.
    pub(super) fn boot(&self) -> Result<(), XcodebuildError> {
        let installation = self.command.installation;
        let store = Store::new(&installation.machine, installation.state.clone());
        match &self.destination.simulator {
            Some(simulator) => Ok(mark_booted(&simulator.udid, &store)?),
            None => Ok(()),
        }
    }

    /// What the result bundle says about the destination.
    pub(super) fn device(&self) -> Device {
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
                id: uuid_from(&[&machine.name, "mac"]),
                name: "My Mac".to_owned(),
                model: "Mac".to_owned(),
                version: machine.macos.version.clone(),
                build: machine.macos.build.clone(),
                platform,
                architecture,
            },
        }
    }

    pub(super) fn write_bundle(
        &self,
        issues: Vec<Issue>,
        status: Status,
        tests: Option<Tests>,
    ) -> Result<Option<PathBuf>, XcodebuildError> {
        let Some(path) = &self.bundle else {
            return Ok(None);
        };
        let verb = if self.action.is_about_tests() { "Test" } else { "Build" };
        let record = Record {
            simulated: true,
            title: format!("{verb} \"{}\"", self.subject.plan.scheme),
            scheme: self.subject.plan.scheme.clone(),
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
