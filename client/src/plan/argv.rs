//! The arguments of an action, from its configuration.

use rch_bundle::name::nfc;
use rch_schemas::directory::InvalidDirectory;
use rch_schemas::{Action, TreeDirectory};

use crate::config::{ActionConfig, ConfigError, ContainerConfig, ProjectConfig};

/// What follows the word `xcodebuild` for this action, in the order a person would write it.
pub(super) fn of_action(name: &str, action: Action, config: &ActionConfig) -> Result<Vec<String>, ConfigError> {
    let mut argv = vec![action.to_string()];
    argv.extend(container(&config.project)?);
    argv.extend(scheme(name, &config.project)?);
    let mut pair = |flag: &str, value: &Option<String>| {
        if let Some(value) = value {
            argv.extend([flag.to_owned(), value.clone()]);
        }
    };
    pair("-configuration", &config.project.configuration);
    pair("-testPlan", &config.test_plan);
    pair("-enableCodeCoverage", &config.coverage.map(|on| if on { "YES" } else { "NO" }.to_owned()));
    argv.extend(config.only_testing.iter().map(|test| format!("-only-testing:{test}")));
    argv.extend(config.skip_testing.iter().map(|test| format!("-skip-testing:{test}")));
    argv.extend(config.args.iter().cloned());
    argv.extend(config.settings.iter().map(|(key, value)| format!("{key}={value}")));
    Ok(argv)
}

/// `-workspace` or `-project` with the path from the tree's root; nothing for a package, which xcodebuild finds in its [`directory`].
pub(super) fn container(project: &ProjectConfig) -> Result<Vec<String>, ConfigError> {
    let directory = project.path.as_deref().map(|path| path.trim_matches('/')).filter(|path| !matches!(*path, "" | "."));
    let joined = |path: &String| directory.map_or_else(|| path.clone(), |directory| format!("{directory}/{path}"));
    match &project.container {
        Some(ContainerConfig::Workspace(path)) => Ok(vec!["-workspace".to_owned(), joined(path)]),
        Some(ContainerConfig::Project(path)) => Ok(vec!["-project".to_owned(), joined(path)]),
        Some(ContainerConfig::Package(_)) => Ok(Vec::new()),
        None => Err(ConfigError::Missing {
            key: "project.workspace".to_owned(),
            expected: "the workspace, project or package to open".to_owned(),
            fix: "write workspace = \"….xcworkspace\", project = \"….xcodeproj\" or package = \".\" into [project] of .rch/xcode.toml"
                .to_owned(),
        }),
    }
}

/// The directory of the package that is built, unless that is the tree's root.
pub(super) fn directory(project: &ProjectConfig) -> Result<Option<TreeDirectory>, ConfigError> {
    let Some(ContainerConfig::Package(package)) = &project.container else { return Ok(None) };
    let path = format!("{}/{package}", project.path.as_deref().unwrap_or("."));
    match nfc(&path).parse() {
        Ok(directory) => Ok(Some(directory)),
        Err(InvalidDirectory::Root(_)) => Ok(None),
        Err(error) => Err(ConfigError::Disagree {
            what: format!("project.package is no directory to build in: {error}"),
            fix: "write the directory of Package.swift, such as package = \"Packages/Kit\"".to_owned(),
        }),
    }
}

fn scheme(name: &str, project: &ProjectConfig) -> Result<[String; 2], ConfigError> {
    let scheme = project.scheme.clone().ok_or_else(|| ConfigError::Missing {
        key: "project.scheme".to_owned(),
        expected: "the name of a shared scheme".to_owned(),
        fix: format!("write scheme = \"…\" into [project] or [actions.{name}] of .rch/xcode.toml"),
    })?;
    Ok(["-scheme".to_owned(), scheme])
}
