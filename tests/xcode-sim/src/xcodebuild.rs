//! `xcodebuild`: queries, builds and tests.

mod action;
mod arguments;
mod build;
mod compile;
mod derived_data;
mod destination;
mod error;
mod job;
mod log;
mod packages;
mod products;
mod queries;
mod subject;
mod swift_testing;
mod testing;
mod xctest;

use crate::console::Console;
use crate::developer::{Developer, Installation};
use crate::exit::Exit;
use crate::invocation::Invocation;
use crate::machine::XcodeState;
use action::perform;
use arguments::Arguments;
use job::Command;

pub(crate) fn main(invocation: &Invocation, installation: &Installation, console: &mut Console) -> Exit {
    let developer = match installation.developer(invocation, "xcodebuild") {
        Ok(developer) => developer,
        Err(error) => {
            console.error(error.to_string());
            return error.exit();
        }
    };
    if let Some(exit) = refuse_unready(developer, console) {
        return exit;
    }
    let result = Arguments::parse(&invocation.arguments).and_then(|arguments| {
        let command = Command { invocation, installation, developer, arguments: &arguments };
        match arguments.query {
            Some(query) => queries::answer(query, command, console),
            None => perform(command, console),
        }
    });
    match result {
        Ok(exit) => exit,
        Err(error) => {
            console.error(format!("xcodebuild: error: {error}"));
            error.exit()
        }
    }
}

/// What an Xcode says that cannot be used yet.
fn refuse_unready(developer: Developer<'_>, console: &mut Console) -> Option<Exit> {
    match developer.xcode.state {
        XcodeState::Ready => None,
        XcodeState::LicenseNotAgreed => {
            console.error(
                "You have not agreed to the Xcode license agreements. Please run 'sudo xcodebuild -license' from \
                 within a Terminal window to review and agree to the Xcode and Apple SDKs license.",
            );
            Some(Exit::UNAVAILABLE)
        }
        XcodeState::FirstLaunchNeeded => {
            console.error(
                "xcodebuild: error: A required plugin failed to load. Please ensure system content is up-to-date — \
                 try running 'xcodebuild -runFirstLaunch'.",
            );
            Some(Exit::SOFTWARE)
        }
        XcodeState::Broken => {
            console.error(format!(
                "dyld[1]: Library not loaded: @rpath/DVTCocoaAdditionsKit.framework/Versions/A/DVTCocoaAdditionsKit\n  \
                 Referenced from: {}/usr/bin/xcodebuild",
                developer.path().display()
            ));
            Some(Exit(134))
        }
    }
}
