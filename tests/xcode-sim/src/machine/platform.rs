//! The platforms Xcode builds for, and the many names each has.

use serde::{Deserialize, Serialize};

/// A platform, in the machine document by its SDK's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Platform {
    /// iPhones and iPads.
    #[serde(rename = "iphoneos")]
    Ios,
    /// Simulated iPhones and iPads.
    #[serde(rename = "iphonesimulator")]
    IosSimulator,
    /// Macs.
    #[serde(rename = "macosx")]
    Macos,
    /// Apple TVs.
    #[serde(rename = "appletvos")]
    Tvos,
    /// Simulated Apple TVs.
    #[serde(rename = "appletvsimulator")]
    TvosSimulator,
    /// Apple Watches.
    #[serde(rename = "watchos")]
    Watchos,
    /// Simulated Apple Watches.
    #[serde(rename = "watchsimulator")]
    WatchosSimulator,
    /// Apple Vision.
    #[serde(rename = "xros")]
    Visionos,
    /// Simulated Apple Vision.
    #[serde(rename = "xrsimulator")]
    VisionosSimulator,
}

/// SDK name, destination name, platform folder, product name; a column each of [`Platform::names`].
type Names = (&'static str, &'static str, &'static str, &'static str);

impl Platform {
    /// Every platform.
    pub(crate) const ALL: [Self; 9] = [
        Self::Ios,
        Self::IosSimulator,
        Self::Macos,
        Self::Tvos,
        Self::TvosSimulator,
        Self::Watchos,
        Self::WatchosSimulator,
        Self::Visionos,
        Self::VisionosSimulator,
    ];

    const fn names(self) -> Names {
        match self {
            Self::Ios => ("iphoneos", "iOS", "iPhoneOS", "iPhone OS"),
            Self::IosSimulator => ("iphonesimulator", "iOS Simulator", "iPhoneSimulator", "iPhone OS"),
            Self::Macos => ("macosx", "macOS", "MacOSX", "macOS"),
            Self::Tvos => ("appletvos", "tvOS", "AppleTVOS", "Apple TVOS"),
            Self::TvosSimulator => ("appletvsimulator", "tvOS Simulator", "AppleTVSimulator", "Apple TVOS"),
            Self::Watchos => ("watchos", "watchOS", "WatchOS", "Watch OS"),
            Self::WatchosSimulator => ("watchsimulator", "watchOS Simulator", "WatchSimulator", "Watch OS"),
            Self::Visionos => ("xros", "visionOS", "XROS", "xrOS"),
            Self::VisionosSimulator => ("xrsimulator", "visionOS Simulator", "XRSimulator", "xrOS"),
        }
    }

    /// "iphonesimulator".
    pub const fn sdk_name(self) -> &'static str {
        self.names().0
    }

    /// "iOS Simulator", as `-destination` has it.
    pub const fn destination_name(self) -> &'static str {
        self.names().1
    }

    /// "iPhoneSimulator", as folders have it.
    pub(crate) const fn folder_name(self) -> &'static str {
        self.names().2
    }

    /// "iPhone OS", as `-showsdks` has it.
    pub(crate) const fn product_name(self) -> &'static str {
        self.names().3
    }

    /// Whether it runs in a simulator.
    pub const fn is_simulator(self) -> bool {
        self.device_platform().is_some()
    }

    /// The platform this one simulates.
    pub(crate) const fn device_platform(self) -> Option<Self> {
        match self {
            Self::IosSimulator => Some(Self::Ios),
            Self::TvosSimulator => Some(Self::Tvos),
            Self::WatchosSimulator => Some(Self::Watchos),
            Self::VisionosSimulator => Some(Self::Visionos),
            Self::Ios | Self::Macos | Self::Tvos | Self::Watchos | Self::Visionos => None,
        }
    }

    /// What simctl calls the system that runs in it: "iOS", and "xrOS" for visionOS.
    pub(crate) const fn system_name(self) -> &'static str {
        match self {
            Self::Ios | Self::IosSimulator => "iOS",
            Self::Macos => "macOS",
            Self::Tvos | Self::TvosSimulator => "tvOS",
            Self::Watchos | Self::WatchosSimulator => "watchOS",
            Self::Visionos | Self::VisionosSimulator => "xrOS",
        }
    }

    /// What `-destination` and `-sdk` may call it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let sdk = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        Self::ALL.into_iter().find(|platform| platform.destination_name() == name || platform.sdk_name() == sdk).or(match name {
            "OS X" => Some(Self::Macos),
            _ => None,
        })
    }

    /// "Debug-iphonesimulator"; Macs have no suffix.
    pub(crate) fn products_folder(self, configuration: &str) -> String {
        match self {
            Self::Macos => configuration.to_owned(),
            Self::Ios
            | Self::IosSimulator
            | Self::Tvos
            | Self::TvosSimulator
            | Self::Watchos
            | Self::WatchosSimulator
            | Self::Visionos
            | Self::VisionosSimulator => format!("{configuration}-{}", self.sdk_name()),
        }
    }
}
