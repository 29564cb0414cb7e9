//! Which tool a multi-call program was called as.

use std::path::Path;
use std::process::ExitCode;

use crate::console::Console;
use crate::developer::Installation;
use crate::exit::Exit;
use crate::interrupt::Interrupt;
use crate::invocation::Invocation;
use crate::{simctl, sw_vers, tempo, xcode_select, xcodebuild, xcresult, xcrun};

/// The tools that lie in a machine's `bin`.
pub const PROGRAMS: [&str; 4] = ["xcodebuild", "xcrun", "sw_vers", "xcode-select"];

/// Runs this process as the simulated tool `program` (a name or a path: `argv[0]`), with its own words, environment
/// and streams. `None` when that is not one of the simulated tools, and nothing was done.
pub fn run(program: &str) -> Option<ExitCode> {
    let name = Path::new(program).file_name()?.to_str()?;
    if !is_simulated(name) {
        return None;
    }
    let mut invocation = Invocation::of_this_process(name);
    if matches!(name, "xcodebuild" | "xcrun") {
        invocation.interrupt = Interrupt::listen(tempo::signals(&invocation));
    }
    let mut console = Console::of_this_process(invocation.each_line());
    let exit = execute(&invocation, &mut console);
    Some(exit.into())
}

/// Runs a simulated tool within the caller's process.
pub fn execute(invocation: &Invocation, console: &mut Console) -> Exit {
    let exit = match Installation::of(invocation) {
        Ok(installation) => dispatch(invocation, &installation, console),
        Err(error) => {
            console.error(error.to_string());
            error.exit()
        }
    };
    console.flush();
    exit
}

/// Runs one tool on a known machine; `xcrun` comes back here with the tool it was asked for.
pub(crate) fn dispatch(invocation: &Invocation, installation: &Installation, console: &mut Console) -> Exit {
    match invocation.program.as_str() {
        "xcodebuild" => xcodebuild::main(invocation, installation, console),
        "xcrun" => xcrun::main(invocation, installation, console),
        "simctl" => simctl::main(invocation, installation, console),
        "xcresulttool" => xcresult::main(invocation, installation, console),
        "sw_vers" => sw_vers::main(invocation, installation, console),
        "xcode-select" => xcode_select::main(invocation, installation, console),
        other => {
            console.error(format!("simulated Xcode: {other} is not simulated"));
            Exit::NO_TOOL
        }
    }
}

/// Whether a tool of this name is simulated.
pub(crate) fn is_simulated(name: &str) -> bool {
    PROGRAMS.contains(&name) || name == "simctl" || name == "xcresulttool"
}
