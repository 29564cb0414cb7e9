//! Which Mac this is: its macOS, its Xcodes, runtimes and simulators, as one JSON document.
//!
//! The document is data for the tools and nothing else; what changes while simulators come and go is kept beside it by
//! [`crate::simctl`].

mod devices;
mod install;
mod platform;
mod presets;

use serde::{Deserialize, Serialize};

pub(crate) use devices::version_key;
pub use devices::{Device, DeviceType, Runtime};
pub use install::{InstallError, MACHINE_FILE, install};
pub use platform::Platform;

/// What a machine document must say in `format`.
pub(crate) const FORMAT: &str = "rch-xcode-sim machine 1";

/// A Mac.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// Always "rch-xcode-sim machine 1".
    pub format: String,
    /// Tells machines apart: simulators' ids follow from it.
    pub name: String,
    /// `arm64` or `x86_64`.
    pub architecture: String,
    /// The system.
    pub macos: MacOs,
    /// What `xcode-select -p` leads to: an Xcode's folder name ("Xcode-16.2.app"), or the path of a developer
    /// directory, which may be Command Line Tools or nothing at all.
    pub selected: String,
    /// Every Xcode that is installed.
    pub xcodes: Vec<Xcode>,
    /// Simulator runtimes.
    pub runtimes: Vec<Runtime>,
    /// Kinds of simulated devices.
    pub device_types: Vec<DeviceType>,
    /// Simulators that are there from the start.
    pub devices: Vec<Device>,
    /// How slow it is.
    #[serde(default)]
    pub pace: Pace,
}

/// What `sw_vers` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MacOs {
    /// "macOS"; "Mac OS X" before 11.
    pub product_name: String,
    /// "15.3.1".
    pub version: String,
    /// "24D60".
    pub build: String,
}

/// One Xcode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Xcode {
    /// Its folder's name: "Xcode-16.2.app".
    pub app: String,
    /// "16.2".
    pub version: String,
    /// "16C5032a".
    pub build: String,
    /// Whether it works.
    #[serde(default)]
    pub state: XcodeState,
    /// Its Swift: "6.0.3".
    pub swift: String,
    /// Whether `-showdestinations` names simulators' architectures: Xcode 26 does, 16 does not.
    #[serde(default)]
    pub lists_architectures: bool,
    /// What it can build for.
    pub sdks: Vec<Sdk>,
}

/// Whether an Xcode can be used, and if not, what it says instead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum XcodeState {
    /// It works.
    #[default]
    Ready,
    /// Builds and queries are refused until an administrator agrees.
    LicenseNotAgreed,
    /// Its packages were not installed.
    FirstLaunchNeeded,
    /// Its programs do not start.
    Broken,
}

/// One SDK of an Xcode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sdk {
    /// What it builds for.
    pub platform: Platform,
    /// "18.2".
    pub version: String,
    /// "22C146".
    pub build: String,
}

impl Sdk {
    /// "iphonesimulator18.2".
    pub(crate) fn canonical_name(&self) -> String {
        format!("{}{}", self.platform.sdk_name(), self.version)
    }
}

/// How slow a machine is. Environment variables of one job, where set, come first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pace {
    /// What a build takes at least, in seconds.
    pub build_seconds: f64,
    /// What the tests take at least, in seconds.
    pub test_seconds: f64,
    /// What booting a simulator takes, in seconds.
    pub boot_seconds: f64,
    /// Whether something never ends.
    pub hang: Option<Hang>,
}

/// What never ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hang {
    /// Compiling, while lines go on being printed.
    Build,
    /// Compiling, in silence.
    BuildSilent,
    /// Testing, while lines go on being printed.
    Test,
    /// Testing, in silence.
    TestSilent,
    /// Booting a simulator.
    Boot,
}

impl Machine {
    /// The same machine under another name, and so with other simulator ids.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// The same machine with an Xcode more. The first one stays selected.
    #[must_use]
    pub fn with_xcode_of(mut self, other: &Self) -> Self {
        self.xcodes.extend(other.xcodes.iter().cloned());
        for runtime in &other.runtimes {
            if !self.runtimes.contains(runtime) {
                self.runtimes.push(runtime.clone());
            }
        }
        for device_type in &other.device_types {
            if !self.device_types.contains(device_type) {
                self.device_types.push(device_type.clone());
            }
        }
        for device in &other.devices {
            if !self.devices.contains(device) {
                self.devices.push(device.clone());
            }
        }
        self
    }
}
