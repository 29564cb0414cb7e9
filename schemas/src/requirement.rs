//! What a job asks of a worker, before one is chosen.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{InvalidId, WorkerName};
use crate::job_key::Provisioning;
use crate::protocol::Feature;

/// A dotted version.
const VERSION_PATTERN: &str = "^[0-9]+(\\.[0-9]+){0,3}$";
/// A build, a version, or bounds.
const XCODE_PATTERN: &str = "^([0-9]+[A-Z][0-9]+[a-z]?|[0-9]+(\\.[0-9]+){0,3}|(>=|<=|==|>|<|=)\\s*[0-9]+(\\.[0-9]+){0,3}\
                             (\\s*,\\s*(>=|<=|==|>|<|=)\\s*[0-9]+(\\.[0-9]+){0,3})*)$";

/// Everything a worker must satisfy to be a candidate. Jobs with equal requirements form a class.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Requirement {
    /// Tags the worker must carry, `macos` and `xcode` among them.
    pub tags: BTreeSet<String>,
    /// Which Xcode; absent means the highest that is ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xcode: Option<XcodeRequirement>,
    /// SDKs that the Xcode must have, by full name (`iphonesimulator18.2`): those that a `-sdk` of the run names with a version. Absent when none is.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub sdks: BTreeSet<String>,
    /// The destination as asked.
    pub destination: DestinationRequest,
    /// Agent features the job cannot do without.
    pub features: BTreeSet<Feature>,
    /// Tools whose versions enter the job key.
    pub tools: BTreeSet<String>,
    /// The only worker that will do, when one is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<WorkerName>,
}

/// A destination as the user wrote it, with the two switches that decide how it is resolved.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct DestinationRequest {
    /// The text after `-destination`.
    pub asked: String,
    /// How much may be left to the farm.
    #[serde(default)]
    pub mode: DestinationMode,
    /// Existing or ephemeral.
    #[serde(default)]
    pub provisioning: Provisioning,
}

/// How much of a destination may be left to the farm.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DestinationMode {
    /// Missing parts are resolved on the chosen worker.
    #[default]
    Constraints,
    /// Name and exact OS must be given; nothing falls back.
    Pinned,
}

/// `"16C5032a"` (a build), `"16.2"` (a version) or `">=16,<17"` (bounds joined by commas).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("pattern" = XCODE_PATTERN))]
pub struct XcodeRequirement {
    text: String,
    kind: XcodeRequirementKind,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum XcodeRequirementKind {
    Build(String),
    Version(Version),
    Bounds(Vec<(Comparison, Version)>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Comparison {
    AtLeast,
    Above,
    AtMost,
    Below,
    Equal,
}

impl XcodeRequirement {
    /// Whether an Xcode of this version and build satisfies the requirement.
    pub fn accepts(&self, version: &Version, build: &str) -> bool {
        match &self.kind {
            XcodeRequirementKind::Build(wanted) => wanted == build,
            XcodeRequirementKind::Version(wanted) => version == wanted,
            XcodeRequirementKind::Bounds(bounds) => bounds.iter().all(|(comparison, bound)| comparison.holds(version, bound)),
        }
    }

    /// Whether exactly this build is named, so that a beta is meant on purpose.
    pub fn names_build(&self, build: &str) -> bool {
        matches!(&self.kind, XcodeRequirementKind::Build(wanted) if wanted == build)
    }

    /// As the user wrote it.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl Comparison {
    fn holds(self, version: &Version, bound: &Version) -> bool {
        match self {
            Self::AtLeast => version >= bound,
            Self::Above => version > bound,
            Self::AtMost => version <= bound,
            Self::Below => version < bound,
            Self::Equal => version == bound,
        }
    }
}

impl fmt::Display for XcodeRequirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for XcodeRequirement {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = || InvalidId::new("Xcode requirement", "a build (16C5032a), a version (16.2) or bounds (>=16,<17)", text);
        let kind = if text.starts_with(['<', '>', '=']) {
            XcodeRequirementKind::Bounds(
                text.split(',').map(|bound| parse_bound(bound.trim()).ok_or_else(invalid)).collect::<Result<_, _>>()?,
            )
        } else if let Ok(version) = text.parse() {
            XcodeRequirementKind::Version(version)
        } else if is_build(text) {
            XcodeRequirementKind::Build(text.to_owned())
        } else {
            return Err(invalid());
        };
        Ok(Self { text: text.to_owned(), kind })
    }
}

fn parse_bound(bound: &str) -> Option<(Comparison, Version)> {
    [
        (">=", Comparison::AtLeast),
        ("<=", Comparison::AtMost),
        ("==", Comparison::Equal),
        (">", Comparison::Above),
        ("<", Comparison::Below),
        ("=", Comparison::Equal),
    ]
    .into_iter()
    .find_map(|(sign, comparison)| Some((comparison, bound.strip_prefix(sign)?.trim().parse().ok()?)))
}

/// Apple build numbers: digits, one capital letter, digits, and for some builds a lower-case letter (`16C5032a`, `12D4e`).
fn is_build(text: &str) -> bool {
    let digits = |s: &str| s.bytes().take_while(u8::is_ascii_digit).count();
    let major = digits(text);
    let rest = &text[major..];
    if major == 0 || !rest.starts_with(|c: char| c.is_ascii_uppercase()) {
        return false;
    }
    let minor = digits(&rest[1..]);
    let suffix = &rest[1 + minor..];
    minor > 0 && suffix.len() <= 1 && suffix.bytes().all(|b| b.is_ascii_lowercase())
}

impl TryFrom<String> for XcodeRequirement {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<XcodeRequirement> for String {
    fn from(requirement: XcodeRequirement) -> Self {
        requirement.text
    }
}

/// A dotted version of one to four numbers; missing numbers count as zero, so `16` equals `16.0`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("pattern" = VERSION_PATTERN))]
pub struct Version {
    text: String,
    numbers: [u32; 4],
}

impl Version {
    /// As written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first two numbers.
    pub fn major_minor(&self) -> (u32, u32) {
        (self.numbers[0], self.numbers[1])
    }
}

impl FromStr for Version {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = || InvalidId::new("version", "one to four numbers joined by dots, such as 16.2", text);
        let mut numbers = [0; 4];
        for (index, part) in text.split('.').enumerate() {
            let digits_only = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
            let slot = numbers.get_mut(index).filter(|_| digits_only).ok_or_else(invalid)?;
            *slot = part.parse().map_err(|_| invalid())?;
        }
        Ok(Self { text: text.to_owned(), numbers })
    }
}

impl TryFrom<String> for Version {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.text
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.numbers == other.numbers
    }
}

impl Eq for Version {}

impl std::hash::Hash for Version {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.numbers.hash(state);
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.numbers.cmp(&other.numbers)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn a_requirement_is_a_build_a_version_or_bounds() {
        for (text, version, build, accepted) in [
            ("16C5032a", "16.2", "16C5032a", true),
            ("16C5032a", "16.2", "16C5032b", false),
            ("16.2", "16.2", "16C5032a", true),
            ("16.2", "16.2.1", "16C5032a", false),
            ("16", "16.0", "16A242d", true),
            (">=16,<17", "16.4", "16F6", true),
            (">=16,<17", "17.0", "17A1", false),
            ("> 15.4", "15.4", "15F31d", false),
            ("=16.2", "16.2", "16C5032a", true),
        ] {
            let requirement: XcodeRequirement = text.parse().unwrap();
            assert_eq!(requirement.accepts(&version.parse().unwrap(), build), accepted, "{text} on {version} ({build})");
        }
    }

    #[test]
    fn nonsense_is_refused_with_the_three_forms() {
        for bad in ["", "latest", "16.x", ">=", ">=16,", "1.2.3.4.5", "C5032a", "16C", "16c50", "99999999999"] {
            let error = bad.parse::<XcodeRequirement>().expect_err(bad).to_string();
            assert!(error.contains("16C5032a") && error.contains(">=16,<17"), "{error}");
        }
    }
}
