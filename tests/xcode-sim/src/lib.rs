//! A simulated Xcode for machines without one: a test double, and labelled as one.
//!
//! It stands in for `xcodebuild`, `xcrun` (with `simctl` and `xcresulttool`), `sw_vers` and `xcode-select`, so that an
//! agent can be built, tested and shown on any POSIX machine. It reads a real source tree (workspace, projects, shared
//! schemes, targets, Swift files), prints what those tools print, leaves with their exit codes and writes a result
//! bundle, but **no compiler runs**: a Swift file fails when it holds `#error("…")` or unbalanced braces, a test fails
//! when it says `XCTFail(` unconditionally. The first line of every build says so.
//!
//! It owns the shapes of those tools' output and the state of its own simulators. It knows nothing of rch: an agent
//! under test must find out everything through the tools, as it does on a Mac.
//!
//! Start reading at [`run`] (which tool is this?), then [`Machine`] (which Mac is this?).

mod apple_json;
mod clock;
mod console;
mod developer;
mod exit;
mod fingerprint;
mod interrupt;
mod invocation;
mod machine;
mod program;
mod project;
mod simctl;
mod sw_vers;
mod swift;
mod tempo;
mod xcode_select;
mod xcodebuild;
mod xcresult;
mod xcrun;

pub use console::{Captured, Console, EachLine};
pub use exit::Exit;
pub use interrupt::Interrupt;
pub use invocation::Invocation;
pub use machine::{
    Device, DeviceType, Hang, InstallError, MACHINE_FILE, MacOs, Machine, Pace, Platform, Runtime, Sdk, Xcode, XcodeState, install,
};
pub use program::{PROGRAMS, execute, run};
