//! Protocol versions and features, and how two parties agree on them.

use std::collections::BTreeSet;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The lowest protocol version this build speaks.
pub const PROTOCOL_MIN: u32 = 1;
/// The highest protocol version this build speaks.
pub const PROTOCOL_MAX: u32 = 1;

/// An inclusive range of protocol versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct ProtocolRange {
    /// The lowest version spoken.
    pub min: u32,
    /// The highest version spoken.
    pub max: u32,
}

impl ProtocolRange {
    /// What this build speaks.
    pub const OURS: Self = Self { min: PROTOCOL_MIN, max: PROTOCOL_MAX };

    /// The versions both speak; `None` when they share none.
    #[must_use]
    pub fn intersect(self, other: Self) -> Option<Self> {
        let common = Self { min: self.min.max(other.min), max: self.max.min(other.max) };
        (common.min <= common.max).then_some(common)
    }

    /// Whether everything spoken here is too old for `other`: then it is this side that is to be upgraded.
    pub fn is_behind(self, other: Self) -> bool {
        self.max < other.min
    }

    /// Whether `version` is in the range.
    pub fn contains(self, version: u32) -> bool {
        (self.min..=self.max).contains(&version)
    }
}

impl fmt::Display for ProtocolRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.min == self.max { write!(f, "{}", self.min) } else { write!(f, "{} to {}", self.min, self.max) }
    }
}

/// An optional ability of an agent. Unknown ones of newer agents are kept as text, since a reader ignores what it does not know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Feature(pub String);

impl Feature {
    /// Serves gaps of a log on request.
    pub const TAIL: &'static str = "tail";
    /// Signs what it attests.
    pub const ATTESTATION_SIGNING: &'static str = "attestation_signing";
    /// Makes simulators for one attempt.
    pub const EPHEMERAL_SIMULATORS: &'static str = "ephemeral_simulators";
    /// Writes structured events: the rich profile.
    pub const EVENTS: &'static str = "events";
    /// Drives XcodeBuildMCP.
    pub const MCP_BACKEND: &'static str = "mcp_backend";
    /// Runs a step in a directory of the tree.
    pub const STEP_DIRECTORY: &'static str = "step_directory";
    /// Lets a test action succeed that runs no test.
    pub const ALLOW_EMPTY: &'static str = "allow_empty";
    /// A coordinator's: a run takes the place of older ones of its label.
    pub const SUPERSEDE: &'static str = "supersede";
    /// A coordinator's: steps of one run may differ in their destinations.
    pub const STEP_DESTINATIONS: &'static str = "step_destinations";

    /// The feature of this name.
    pub fn named(name: &str) -> Self {
        Self(name.to_owned())
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a build of an agent speaks and can do beside the minimum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dialect {
    /// The protocol versions.
    pub protocol: ProtocolRange,
    /// The optional abilities.
    pub features: BTreeSet<Feature>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_ranges_agree_on_what_both_speak_or_on_nothing() {
        let range = |min, max| ProtocolRange { min, max };
        assert_eq!(range(1, 3).intersect(range(2, 5)), Some(range(2, 3)));
        assert_eq!(range(1, 1).intersect(range(2, 2)), None);
        assert!(range(1, 1).is_behind(range(2, 2)) && !range(2, 2).is_behind(range(1, 1)) && !range(1, 2).is_behind(range(2, 3)));
    }
}
