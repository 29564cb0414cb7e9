//! What a command is about: a scheme of a container in the tree, or tests that were built before.

use std::path::{Path, PathBuf};

use super::arguments::{Action, Arguments};
use super::error::XcodebuildError;
use super::job::Command;
use super::log::Log;
use super::packages;
use super::products::TestProducts;
use crate::project::{Container, Plan, Wanted};

/// A container's scheme with its targets.
pub(super) struct Subject {
    /// "workspace", "project" or "package".
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) plan: Plan,
    /// The test bundles' targets, by name.
    pub(super) test_targets: Vec<String>,
}

impl Subject {
    /// Tests that were built need no container: `-testProductsPath` or `-xctestrun` names them.
    pub(super) fn of(command: Command<'_>, action: Action, log: &mut Log<'_>) -> Result<Self, XcodebuildError> {
        match named_products(command) {
            Some(folder) if action == Action::TestWithoutBuilding && command.arguments.value("scheme").is_none() => {
                let products = TestProducts::load(&folder).ok_or(XcodebuildError::NoTestProducts(folder.clone()))?;
                Ok(Self::of_products(products, folder))
            }
            Some(_) | None => Self::of_container(command, action, log),
        }
    }

    fn of_container(command: Command<'_>, action: Action, log: &mut Log<'_>) -> Result<Self, XcodebuildError> {
        let Command { invocation, arguments, .. } = command;
        let (workspace, project) = (arguments.value("workspace"), arguments.value("project"));
        let container = Container::open(&invocation.directory, workspace, project)?;
        let scheme = chosen_scheme(&container, arguments)?;
        let wanted = Wanted {
            scheme: &scheme,
            tests: action.is_about_tests(),
            configuration: arguments.value("configuration"),
            test_plan: arguments.value("testPlan"),
        };
        let plan = Plan::make(&container, wanted)?;
        packages::resolve(&container, arguments, invocation, log)?;
        let test_targets = plan.testables.iter().map(|testable| plan.targets[testable.target].name.clone()).collect();
        Ok(Self { kind: container.kind.word().to_owned(), name: container.name, path: container.path, plan, test_targets })
    }

    fn of_products(products: TestProducts, folder: PathBuf) -> Self {
        Self {
            kind: products.kind,
            name: products.container,
            path: folder,
            plan: Plan {
                scheme: products.scheme,
                configuration: products.configuration,
                targets: Vec::new(),
                testables: Vec::new(),
                tested_by: products.test_plan,
            },
            test_targets: products.bundles.into_iter().map(|bundle| bundle.target).collect(),
        }
    }
}

/// The folder of built tests that a command names: `-testProductsPath`, or where its `-xctestrun` lies.
pub(super) fn named_products(command: Command<'_>) -> Option<PathBuf> {
    let path = |option: &str| command.arguments.value(option).map(|path| command.invocation.absolute(path));
    path("testProductsPath").or_else(|| path("xctestrun")?.parent().map(Path::to_owned))
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
