//! The value of `-sdk`: a platform's name, with or without a version.

use std::fmt;
use std::str::FromStr;

use crate::destination::{DestinationSpec, Platform};
use crate::requirement::Version;

/// An SDK by name. A path to one is never read: it would choose files of the worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sdk {
    /// The platform.
    pub platform: Platform,
    /// The version, when it is named: then only an Xcode that has it will do.
    pub version: Option<Version>,
}

/// The text names no SDK.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the name of an SDK: expected iphonesimulator, macosx and the like, with or without a version")]
pub struct UnknownSdk(pub String);

impl FromStr for Sdk {
    type Err = UnknownSdk;
    fn from_str(text: &str) -> Result<Self, UnknownSdk> {
        let unknown = || UnknownSdk(text.chars().take(80).collect());
        let digits = text.find(|c: char| c.is_ascii_digit()).unwrap_or(text.len());
        let (platform, version) = text.split_at(digits);
        let platform = Platform::of_sdk(platform).ok_or_else(unknown)?;
        let version = if version.is_empty() { None } else { Some(version.parse().map_err(|_| unknown())?) };
        Ok(Self { platform, version })
    }
}

impl fmt::Display for Sdk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.platform.sdk_platform(), self.version.as_ref().map_or("", Version::as_str))
    }
}

impl Sdk {
    /// Whether a destination can run what this SDK builds. A destination without a platform may still disagree once it is resolved.
    pub fn agrees_with(&self, destination: &DestinationSpec) -> bool {
        let designed_for_ipad = destination.variant.as_deref().is_some_and(|variant| variant.starts_with("Designed for "));
        match destination.platform {
            None => true,
            Some(platform) if platform == self.platform => true,
            Some(Platform::MacOs) => matches!(self.platform, Platform::DriverKit) || designed_for_ipad && self.platform == Platform::Ios,
            Some(Platform::VisionOs) => designed_for_ipad && self.platform == Platform::Ios,
            Some(Platform::VisionOsSimulator) => designed_for_ipad && self.platform == Platform::IosSimulator,
            Some(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platform_with_or_without_version_is_an_sdk_and_a_path_is_none() {
        for text in ["iphonesimulator", "iphonesimulator18.2", "macosx10.15", "xros2.2", "driverkit"] {
            assert_eq!(text.parse::<Sdk>().map(|sdk| sdk.to_string()), Ok(text.to_owned()));
        }
        for text in
            ["", "14.2", "iPhoneSimulator", "iphoneos26.x", "iphoneos-18", "/Applications/Xcode.app/SDKs/iPhoneOS.sdk", "../iPhoneOS.sdk"]
        {
            assert_eq!(text.parse::<Sdk>(), Err(UnknownSdk(text.to_owned())));
        }
    }
}
