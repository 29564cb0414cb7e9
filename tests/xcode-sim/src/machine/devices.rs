//! Runtimes, kinds of devices and the simulators a machine starts with.

use serde::{Deserialize, Serialize};

use super::{Machine, Platform};
use crate::fingerprint::uuid_from;

/// A simulator runtime.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Runtime {
    /// The simulated platform.
    pub platform: Platform,
    /// "18.2".
    pub version: String,
    /// "22C150".
    pub build: String,
    /// What it can run: `["arm64", "x86_64"]`. Empty leaves the member out, as older systems do.
    #[serde(default)]
    pub architectures: Vec<String>,
    /// Why it cannot be used, when it cannot.
    #[serde(default)]
    pub unavailable: Option<String>,
}

/// A kind of simulated device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceType {
    /// "iPhone 16 Pro".
    pub name: String,
    /// The simulated platform it belongs to.
    pub platform: Platform,
    /// "iPhone", "iPad", "Apple TV", "Apple Watch", "Apple Vision".
    pub family: String,
    /// "iPhone17,1".
    pub model: String,
    /// The first runtime that has it: "18.0".
    pub min_runtime: String,
}

/// A simulator that is there from the start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// "iPhone 16".
    pub name: String,
    /// Its kind, by name.
    pub device_type: String,
    /// Its runtime, by name: "iOS 18.2".
    pub runtime: String,
    /// Its id; without one it follows from the machine's name and its own.
    #[serde(default)]
    pub udid: Option<String>,
}

impl Runtime {
    /// "iOS 18.2"; visionOS keeps its name here.
    pub(crate) fn name(&self) -> String {
        let system = match self.platform.system_name() {
            "xrOS" => "visionOS",
            system => system,
        };
        format!("{system} {}", self.version)
    }

    /// "com.apple.CoreSimulator.SimRuntime.iOS-18-2".
    pub(crate) fn identifier(&self) -> String {
        let version = self.version.split('.').take(2).collect::<Vec<_>>().join("-");
        format!("com.apple.CoreSimulator.SimRuntime.{}-{version}", self.platform.system_name())
    }

    /// Whether it runs devices of this kind.
    pub(crate) fn supports(&self, device_type: &DeviceType) -> bool {
        self.platform == device_type.platform && version_key(&self.version) >= version_key(&device_type.min_runtime)
    }
}

impl DeviceType {
    /// "com.apple.CoreSimulator.SimDeviceType.iPhone-16-Pro": letters and digits, joined with dashes.
    pub(crate) fn identifier(&self) -> String {
        let words: Vec<&str> = self.name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        format!("com.apple.CoreSimulator.SimDeviceType.{}", words.join("-"))
    }
}

impl Machine {
    /// The id of a simulator that is there from the start.
    pub fn udid_of(&self, device: &Device) -> String {
        device.udid.clone().unwrap_or_else(|| uuid_from(&[&self.name, &device.name, &device.device_type, &device.runtime]))
    }

    /// Finds a kind of device by its name or identifier.
    pub(crate) fn device_type(&self, name: &str) -> Option<&DeviceType> {
        self.device_types.iter().find(|device_type| device_type.name == name || device_type.identifier() == name)
    }

    /// Finds a usable runtime by its identifier, name or, as simctl allows, "iOS18.2". Of two builds under one
    /// identifier it is the higher one, as CoreSimulator prefers it.
    pub(crate) fn runtime(&self, name: &str) -> Option<&Runtime> {
        let plain = |text: &str| text.replace(' ', "").to_lowercase();
        self.runtimes
            .iter()
            .filter(|runtime| runtime.unavailable.is_none())
            .filter(|runtime| runtime.identifier() == name || plain(&runtime.name()) == plain(name))
            .max_by(|left, right| left.build.cmp(&right.build))
    }
}

/// A version in the order versions have: 18.10 after 18.9.
pub(crate) fn version_key(version: &str) -> Vec<u32> {
    let mut key: Vec<u32> = version.split('.').map(|part| part.parse().unwrap_or(0)).collect();
    key.resize(3.max(key.len()), 0);
    key
}
