//! The platforms xcodebuild can build for, with the names each of Apple's tools has for them.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A platform, in the words of `xcodebuild -showdestinations`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Platform {
    /// The Mac itself, Catalyst included.
    #[serde(rename = "macOS")]
    MacOs,
    /// iPhones and iPads.
    #[serde(rename = "iOS")]
    Ios,
    /// Simulated iPhones and iPads.
    #[serde(rename = "iOS Simulator")]
    IosSimulator,
    /// Apple TVs.
    #[serde(rename = "tvOS")]
    TvOs,
    /// Simulated Apple TVs.
    #[serde(rename = "tvOS Simulator")]
    TvOsSimulator,
    /// Apple Watches.
    #[serde(rename = "watchOS")]
    WatchOs,
    /// Simulated Apple Watches.
    #[serde(rename = "watchOS Simulator")]
    WatchOsSimulator,
    /// Apple Vision.
    #[serde(rename = "visionOS")]
    VisionOs,
    /// Simulated Apple Vision.
    #[serde(rename = "visionOS Simulator")]
    VisionOsSimulator,
    /// Drivers for the Mac.
    DriverKit,
}

/// What the tools call one platform. `aliases` are what people write besides; compared without case.
struct Names {
    platform: Platform,
    text: &'static str,
    runtime: &'static str,
    sdk: &'static str,
    simulator: bool,
    aliases: &'static [&'static str],
}

#[rustfmt::skip]
const NAMES: [Names; 10] = [
    Names { platform: Platform::MacOs, text: "macOS", runtime: "macOS", sdk: "macosx", simulator: false, aliases: &["OS X", "Mac OS X"] },
    Names { platform: Platform::Ios, text: "iOS", runtime: "iOS", sdk: "iphoneos", simulator: false, aliases: &[] },
    Names { platform: Platform::IosSimulator, text: "iOS Simulator", runtime: "iOS", sdk: "iphonesimulator", simulator: true, aliases: &[] },
    Names { platform: Platform::TvOs, text: "tvOS", runtime: "tvOS", sdk: "appletvos", simulator: false, aliases: &[] },
    Names { platform: Platform::TvOsSimulator, text: "tvOS Simulator", runtime: "tvOS", sdk: "appletvsimulator", simulator: true, aliases: &[] },
    Names { platform: Platform::WatchOs, text: "watchOS", runtime: "watchOS", sdk: "watchos", simulator: false, aliases: &[] },
    Names { platform: Platform::WatchOsSimulator, text: "watchOS Simulator", runtime: "watchOS", sdk: "watchsimulator", simulator: true, aliases: &[] },
    Names { platform: Platform::VisionOs, text: "visionOS", runtime: "visionOS", sdk: "xros", simulator: false, aliases: &[] },
    Names { platform: Platform::VisionOsSimulator, text: "visionOS Simulator", runtime: "visionOS", sdk: "xrsimulator", simulator: true, aliases: &["xrOS Simulator"] },
    Names { platform: Platform::DriverKit, text: "DriverKit", runtime: "DriverKit", sdk: "driverkit", simulator: false, aliases: &[] },
];

/// Families of device types, as `productFamily` of `simctl list` names them, and where each is simulated.
const FAMILIES: [(&str, Platform); 5] = [
    ("iPhone", Platform::IosSimulator),
    ("iPad", Platform::IosSimulator),
    ("Apple TV", Platform::TvOsSimulator),
    ("Apple Watch", Platform::WatchOsSimulator),
    ("Apple Vision", Platform::VisionOsSimulator),
];

impl Platform {
    /// Every platform.
    pub fn all() -> impl Iterator<Item = Self> {
        NAMES.iter().map(|names| names.platform)
    }

    /// As xcodebuild writes it: `iOS Simulator`.
    pub fn as_str(self) -> &'static str {
        self.names().text
    }

    /// Whether products run in a simulator.
    pub fn is_simulator(self) -> bool {
        self.names().simulator
    }

    /// Whether a destination of this platform that is not generic is a device on a desk: neither simulated nor the Mac itself.
    pub fn is_device(self) -> bool {
        !self.is_simulator() && !matches!(self, Self::MacOs | Self::DriverKit)
    }

    /// The platform of the simulator runtime, which is also the platform's name for people: `iOS` for `iOS Simulator`.
    pub fn runtime_platform(self) -> &'static str {
        self.names().runtime
    }

    /// The platform's name among SDKs: `iphonesimulator`.
    pub fn sdk_platform(self) -> &'static str {
        self.names().sdk
    }

    /// The platform of an SDK's name without version: `iphonesimulator` is iOS Simulator. Exact case, as xcodebuild wants it.
    pub fn of_sdk(sdk_platform: &str) -> Option<Self> {
        NAMES.iter().find(|names| names.sdk == sdk_platform).map(|names| names.platform)
    }

    /// Where devices of a family (`iPhone`, `iPad`, `Apple TV`, `Apple Watch`, `Apple Vision`) are simulated.
    pub fn simulator_of(family: &str) -> Option<Self> {
        FAMILIES.iter().find(|(name, _)| name.eq_ignore_ascii_case(family)).map(|(_, platform)| *platform)
    }

    fn names(self) -> &'static Names {
        NAMES.iter().find(|names| names.platform == self).expect("every platform has a row; a test walks them")
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a platform: expected macOS, DriverKit, or iOS, tvOS, watchOS or visionOS with or without \" Simulator\", \
     such as \"iOS Simulator\""
)]
pub struct UnknownPlatform(pub String);

impl FromStr for Platform {
    type Err = UnknownPlatform;
    /// Accepts the platform's own name, its SDK's, and what people write besides (`OS X`, `xrOS`), without regard to case.
    fn from_str(text: &str) -> Result<Self, UnknownPlatform> {
        NAMES
            .iter()
            .find(|names| [names.text, names.sdk].iter().chain(names.aliases).any(|name| name.eq_ignore_ascii_case(text)))
            .map(|names| names.platform)
            .ok_or_else(|| UnknownPlatform(text.chars().take(80).collect()))
    }
}
