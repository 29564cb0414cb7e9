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
