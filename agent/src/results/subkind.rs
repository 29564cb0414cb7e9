//! Which text in a log means which reason. The first row that matches counts; rows above are narrower or stronger than rows below.

use rch_schemas::Reason;

/// One row: any of these texts in one line of the log means this.
pub(super) struct Row {
    pub(super) reason: Reason,
    /// Each alternative is a list of parts that all stand in the line.
    pub(super) texts: &'static [&'static [&'static str]],
}

/// The farm's troubles, which beat everything the project did: what they broke says nothing about the project.
pub(super) const FARM: &[Row] = &[
    Row { reason: Reason::License, texts: &[&["have not agreed to the Xcode"], &["Agreeing to the Xcode"]] },
    Row {
        reason: Reason::DeveloperDir,
        texts: &[&["invalid active developer path"], &["missing DEVELOPER_DIR path"], &["requires Xcode, but active developer directory"]],
    },
    Row { reason: Reason::SdkMissing, texts: &[&["SDK \"", "cannot be located"]] },
    Row {
        reason: Reason::PlatformMissing,
        texts: &[&["is not installed. To use with Xcode"], &["is not installed. Please download and install the platform"]],
    },
    Row { reason: Reason::NoSuchDestination, texts: &[&["Unable to find a destination matching"], &["Unable to find a device matching"]] },
    Row { reason: Reason::DiskFull, texts: &[&["No space left on device"], &["NSPOSIXErrorDomain Code=28"]] },
    Row {
        reason: Reason::PackageResolution,
        texts: &[&["Could not resolve package dependencies"], &["xcodebuild: error: Couldn\u{2019}t resolve"]],
    },
    Row {
        reason: Reason::SimulatorBoot,
        texts: &[&["simulator to boot"], &["Unable to boot the Simulator"], &["Failed to boot"], &["Unable to boot device"]],
    },
    Row {
        reason: Reason::RunnerLaunch,
        texts: &[
            &["Failed to install or launch the test runner"],
            &["Failed to background test runner"],
            &["operation never finished bootstrapping"],
            &["Timed out registering for testing event"],
            &["Test runner failed to initialize"],
            &["test runner failed to launch"],
        ],
    },
    Row {
        reason: Reason::CoresimulatorDown,
        texts: &[&["CoreSimulatorService connection became invalid"], &["Unable to locate device set"]],
    },
];

/// What the project did, and what it asked of the farm.
pub(super) const PROJECT: &[Row] = &[
    Row {
        reason: Reason::Signing,
        texts: &[
            &["error:", "requires a development team"],
            &["error:", "requires a provisioning profile"],
            &["error:", "No signing certificate"],
        ],
    },
    Row {
        reason: Reason::Link,
        texts: &[&["linker command failed with exit code"], &["Undefined symbols for architecture"], &["error: undefined symbol"]],
    },
    Row { reason: Reason::SandboxDenied, texts: &[&["Sandbox: ", " deny("]] },
    Row {
        reason: Reason::ScriptPhase,
        texts: &[&["Command PhaseScriptExecution failed with a nonzero exit code"], &["PhaseScriptExecution", "(in target", "failed"]],
    },
    Row { reason: Reason::TestCrash, texts: &[&["Restarting after unexpected exit"], &["Test crashed with signal"], &["Crash: ", " at "]] },
];

/// The first row of a table that a line satisfies, by its place.
pub(super) fn find(table: &[Row], line: &str) -> Option<usize> {
    table.iter().position(|row| row.texts.iter().any(|parts| parts.iter().all(|part| line.contains(part))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line for each reason, as the tools word it.
    const FARM_LINES: [(Reason, &str); 10] = [
        (Reason::License, "You have not agreed to the Xcode license agreements. Please run 'sudo xcodebuild -license'"),
        (Reason::DeveloperDir, "xcrun: error: invalid active developer path (/Library/Developer/CommandLineTools)"),
        (Reason::SdkMissing, "xcodebuild: error: SDK \"iphoneos99.0\" cannot be located."),
        (Reason::PlatformMissing, "error: iOS 18.2 is not installed. To use with Xcode, first download and install the platform"),
        (Reason::NoSuchDestination, "xcodebuild: error: Unable to find a destination matching the provided destination specifier:"),
        (Reason::DiskFull, "error: unable to write 'A.o': No space left on device"),
        (Reason::PackageResolution, "xcodebuild: error: Could not resolve package dependencies:"),
        (Reason::SimulatorBoot, "Unable to boot the Simulator."),
        (Reason::RunnerLaunch, "Early unexpected exit, operation never finished bootstrapping - no restart will be attempted"),
        (Reason::CoresimulatorDown, "CoreSimulatorService connection became invalid.  Simulator services will no longer be available."),
    ];
    const PROJECT_LINES: [(Reason, &str); 5] = [
        (Reason::Signing, "error: Signing for \"App\" requires a development team. (in target 'App' from project 'App')"),
        (Reason::Link, "clang: error: linker command failed with exit code 1 (use -v to see invocation)"),
        (Reason::SandboxDenied, "error: Sandbox: bash(4711) deny(1) file-read-data /tmp/x"),
        (Reason::ScriptPhase, "Command PhaseScriptExecution failed with a nonzero exit code"),
        (Reason::TestCrash, "Restarting after unexpected exit, crash, or test timeout in A.testB(); summary will include totals"),
    ];

    #[test]
    fn every_reason_of_the_tables_has_a_line_that_means_it_and_nothing_else() {
        for (table, other, lines) in [(FARM, PROJECT, &FARM_LINES[..]), (PROJECT, FARM, &PROJECT_LINES[..])] {
            let reasons: Vec<Reason> = table.iter().map(|row| row.reason).collect();
            assert_eq!(reasons, lines.iter().map(|(reason, _)| *reason).collect::<Vec<_>>());
            for (reason, line) in lines {
                assert_eq!(find(table, line).map(|row| table[row].reason), Some(*reason), "{line}");
                assert_eq!(find(other, line), None, "{line}");
            }
        }
        for line in ["** TEST SUCCEEDED **", "/s/A.swift:3:5: error: no such thing", "note: Using new build system"] {
            assert_eq!((find(FARM, line), find(PROJECT, line)), (None, None), "{line}");
        }
    }
}
