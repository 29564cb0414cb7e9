//! Apple's own command-line tool.

use rch_schemas::TreeDirectory;
use rch_schemas::destination::Platform;
use rch_schemas::document::Job;
use rch_schemas::job_key::ResolvedDestination;
use rch_schemas::seal::BackendIdentity;

use super::{Backend, Plan, argument, environment};
use crate::attempt::CommandLine;
use crate::tool::{ToolError, Tools};

/// The first Xcode that knows `-collect-test-diagnostics`.
const COLLECT_DIAGNOSTICS_SINCE: u32 = 15;

/// Runs `xcodebuild` itself.
#[derive(Debug)]
pub(crate) struct Xcodebuild {
    tools: Tools,
}

impl Xcodebuild {
    /// The `xcodebuild` of the tool path.
    pub(crate) fn new(tools: Tools) -> Self {
        Self { tools }
    }
}

impl Backend for Xcodebuild {
    fn identity(&self, job: &Job) -> BackendIdentity {
        BackendIdentity { name: job.backend.as_str().to_owned(), version: job.xcode_version.to_string() }
    }

    fn command_line(&self, plan: &Plan<'_>) -> Result<CommandLine, ToolError> {
        Ok(CommandLine {
            program: self.tools.find("xcodebuild")?,
            arguments: arguments(plan),
            environment: environment::of(plan, &self.tools),
            directory: plan.working.to_owned(),
        })
    }
}

/// The canonical arguments and behind them ours; settings are recognised anywhere, so the order does not matter to xcodebuild.
fn arguments(plan: &Plan<'_>) -> Vec<String> {
    let job = plan.job;
    let mut arguments = seen_from(job.job_key_inputs.directory.as_ref(), &job.job_key_inputs.sanitized_argv);
    let mut add = |flag: &str, value: String| arguments.extend([flag.to_owned(), value]);
    add("-destination", plan.destination.to_owned());
    add("-derivedDataPath", argument(plan.derived_data));
    if job.action.runs_tests() {
        add("-resultBundlePath", argument(&plan.directory.result_bundle()));
        let given = job.job_key_inputs.sanitized_argv.iter().any(|word| word.starts_with("-collect-test-diagnostics"));
        if !given && job.xcode_version.major_minor().0 >= COLLECT_DIAGNOSTICS_SINCE {
            // A failing test would otherwise cost the minutes of a sysdiagnose.
            add("-collect-test-diagnostics", "never".to_owned());
        }
    }
    if plan.packages_pinned {
        // Otherwise xcodebuild resolves anew what Package.resolved does not allow, and builds what the key knows nothing of.
        arguments.push("-onlyUsePackageVersionsFromResolvedFile".to_owned());
    }
    arguments.push("-hideShellScriptEnvironment".to_owned());
    if needs_no_signing(&job.job_key_inputs.destination, &job.job_key_inputs.sanitized_argv) {
        arguments.push("CODE_SIGNING_ALLOWED=NO".to_owned());
    }
    arguments
}

/// The arguments with their paths from the directory that the job runs in. Only `-xcconfig` can stand there: who runs in a directory of the tree
/// opens the package in it, and no container.
fn seen_from(directory: Option<&TreeDirectory>, argv: &[String]) -> Vec<String> {
    let upwards = directory.map_or_else(String::new, |directory| "../".repeat(directory.depth()));
    let mut seen = argv.to_vec();
    for index in 1..seen.len() {
        if seen[index - 1] == "-xcconfig" {
            seen[index].insert_str(0, &upwards);
        }
    }
    seen
}

/// A build for a device that the farm does not have: it could not be signed, unless the repo says how.
fn needs_no_signing(destination: &ResolvedDestination, argv: &[String]) -> bool {
    let ResolvedDestination::Generic { platform, .. } = destination else { return false };
    let is_device = platform.parse().is_ok_and(Platform::is_device);
    is_device && !argv.iter().any(|word| word.starts_with("CODE_SIGNING_ALLOWED="))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rch_schemas::job_key::Provisioning;

    use super::*;
    use crate::attempt::{AttemptDirectory, AttemptKey};
    use crate::sample;

    #[test]
    fn a_settings_file_is_found_from_the_directory_of_a_package() {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let directory = "Packages/Kit".parse().ok();
        let line = "build -scheme Kit -xcconfig Config/CI.xcconfig";
        assert_eq!(seen_from(directory.as_ref(), &words(line)).join(" "), "build -scheme Kit -xcconfig ../../Config/CI.xcconfig");
        assert_eq!(seen_from(None, &words(line)).join(" "), line);
    }

    #[test]
    fn only_a_pinned_tree_forbids_other_versions() {
        let offer = sample::offer();
        let directory = AttemptDirectory::of(Path::new("/attempts"), &AttemptKey::new(&offer.job.job_id, offer.job.attempt));
        for packages_pinned in [true, false] {
            let plan = Plan {
                job: &offer.job,
                directory: &directory,
                working: Path::new("/tree"),
                packages_pinned,
                derived_data: Path::new("/derived"),
                destination: "platform=macOS,arch=arm64",
            };
            let forbids = arguments(&plan).contains(&"-onlyUsePackageVersionsFromResolvedFile".to_owned());
            assert_eq!(forbids, packages_pinned);
        }
    }

    #[test]
    fn a_generic_device_is_not_signed_unless_the_repo_says_so() {
        let generic = |platform: &str| ResolvedDestination::Generic {
            platform: platform.to_owned(),
            os_version: "18.2".to_owned(),
            provisioning: Provisioning::Existing,
            variant: None,
        };
        assert!(needs_no_signing(&generic("iOS"), &[]));
        assert!(!needs_no_signing(&generic("iOS"), &["CODE_SIGNING_ALLOWED=YES".to_owned()]));
        assert!(!needs_no_signing(&generic("iOS Simulator"), &[]));
        assert!(!needs_no_signing(&generic("macOS"), &[]));
    }
}
