//! The exit codes these tools leave with.

use std::process::ExitCode;

/// An exit code, as `sysexits.h` and Apple's tools number them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit(pub u8);

impl Exit {
    /// It worked.
    pub const OK: Self = Self(0);
    /// It did not, and no better number is known.
    pub const FAILURE: Self = Self(1);
    /// The command line is wrong.
    pub const USAGE: Self = Self(64);
    /// The build or a test failed, or a scheme does not exist.
    pub const DATA: Self = Self(65);
    /// A project, workspace or test action does not exist.
    pub const NO_INPUT: Self = Self(66);
    /// The licence was not agreed to.
    pub const UNAVAILABLE: Self = Self(69);
    /// No such destination, or nothing to test.
    pub const SOFTWARE: Self = Self(70);
    /// `xcrun` knows no such tool.
    pub const NO_TOOL: Self = Self(72);
    /// A project cannot be read, or packages cannot be resolved.
    pub const IO: Self = Self(74);
    /// Ended by SIGINT.
    pub const INTERRUPTED: Self = Self(75);

    /// Whether it is zero.
    pub const fn is_success(self) -> bool {
        self.0 == 0
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.0)
    }
}
