//! The four things a job can ask xcodebuild to do.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What one job does, in xcodebuild's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Compile the scheme.
    Build,
    /// Compile and run the scheme's tests.
    Test,
    /// Compile what a later `test-without-building` runs.
    BuildForTesting,
    /// Run what an earlier `build-for-testing` of the same run compiled.
    TestWithoutBuilding,
}

impl Action {
    /// All actions, in the order of the argument table.
    pub const ALL: [Self; 4] = [Self::Build, Self::Test, Self::BuildForTesting, Self::TestWithoutBuilding];

    /// The word on xcodebuild's command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Test => "test",
            Self::BuildForTesting => "build-for-testing",
            Self::TestWithoutBuilding => "test-without-building",
        }
    }

    /// Whether tests run, so that a result bundle is owed.
    pub fn runs_tests(self) -> bool {
        matches!(self, Self::Test | Self::TestWithoutBuilding)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word is no action a job can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an action: expected build, test, build-for-testing or test-without-building")]
pub struct UnknownAction(pub String);

impl FromStr for Action {
    type Err = UnknownAction;
    fn from_str(text: &str) -> Result<Self, UnknownAction> {
        Self::ALL.into_iter().find(|action| action.as_str() == text).ok_or_else(|| UnknownAction(text.to_owned()))
    }
}
