//! Whether the versions of a job's Swift packages are pinned by its tree.

use rch_schemas::document::SourceEntry;
use rch_schemas::job_key::JobKeyInputs;

/// The name of the file that pins versions.
const RESOLVED: &str = "Package.resolved";
/// Where a workspace keeps it.
const IN_WORKSPACE: &str = "xcshareddata/swiftpm";

/// Whether the tree holds the `Package.resolved` that xcodebuild reads for this job. The tree as it was sent decides, not as the steps before
/// left it: a file that xcodebuild wrote itself pins nothing that the job key knows of.
pub(crate) fn are_pinned(inputs: &JobKeyInputs, entries: &[SourceEntry]) -> bool {
    let wanted = resolved_file(inputs);
    entries.binary_search_by(|entry| entry.path.as_bytes().cmp(wanted.as_bytes())).is_ok()
}

/// Beside `Package.swift`, or in the workspace, which every project has one of.
fn resolved_file(inputs: &JobKeyInputs) -> String {
    let value = |flag: &str| {
        let at = inputs.sanitized_argv.iter().position(|word| word == flag)?;
        inputs.sanitized_argv.get(at + 1)
    };
    match (value("-workspace"), value("-project"), &inputs.directory) {
        (Some(workspace), _, _) => format!("{workspace}/{IN_WORKSPACE}/{RESOLVED}"),
        (None, Some(project), _) => format!("{project}/project.xcworkspace/{IN_WORKSPACE}/{RESOLVED}"),
        (None, None, Some(directory)) => format!("{directory}/{RESOLVED}"),
        (None, None, None) => RESOLVED.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn pins_are_looked_for_where_xcodebuild_reads_them() {
        let inputs = |words: &[&str], directory: Option<&str>| {
            let mut inputs = sample::offer().job.job_key_inputs;
            inputs.sanitized_argv = words.iter().map(|word| (*word).to_owned()).collect();
            inputs.directory = directory.and_then(|directory| directory.parse().ok());
            inputs
        };
        for (words, directory, expected) in [
            (&["build", "-scheme", "Kit"][..], None, "Package.resolved"),
            (&["build", "-scheme", "Kit"], Some("Packages/Kit"), "Packages/Kit/Package.resolved"),
            (&["build", "-workspace", "ios/A.xcworkspace"], None, "ios/A.xcworkspace/xcshareddata/swiftpm/Package.resolved"),
            (&["build", "-project", "A.xcodeproj"], None, "A.xcodeproj/project.xcworkspace/xcshareddata/swiftpm/Package.resolved"),
        ] {
            let inputs = inputs(words, directory);
            assert_eq!(resolved_file(&inputs), expected);
            let entry = |path: &str| sample::entry(path);
            assert!(are_pinned(&inputs, &[entry("A.swift"), entry(expected)]));
            assert!(!are_pinned(&inputs, &[entry("A.swift"), entry("Other/Package.resolved")]));
        }
    }
}
