//! What a worker can do (`Facts`, hashed) and how it is right now (`Observed`, not hashed).
//!
//! Facts hold nothing that changes with use (UDIDs, states, free disk, dates of last use): otherwise each job would make a new snapshot.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::digest::Sha256;
use crate::requirement::Version;

/// The stable facts of a worker; their digest names the snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Facts {
    /// Version of the agent.
    pub agent_version: String,
    /// `arm64` or `x86_64`.
    pub arch: String,
    /// The operating system.
    pub macos: Macos,
    /// Every Xcode by real path; sorted by path.
    pub xcodes: Vec<Xcode>,
    /// Simulator runtimes; sorted by identifier, then build.
    pub runtimes: Vec<Runtime>,
    /// Simulator device types; sorted by identifier.
    pub device_types: Vec<DeviceType>,
    /// Simulators that are there, without UDID; sorted.
    pub devices: Vec<Device>,
    /// Versions of other tools, by name.
    #[serde(default)]
    pub tools: BTreeMap<String, String>,
    /// Versions of the backends the agent can drive, by name.
    #[serde(default)]
    pub backends: BTreeMap<String, String>,
    /// What the worker accepts.
    pub limits: Limits,
    /// SHA-256 of the agent's public key.
    pub key_fingerprint: Sha256,
    /// What the probe could not find out, in words an operator can act on.
    #[serde(default)]
    pub problems: Vec<String>,
}

impl Facts {
    /// SHA-256 of the canonical form: `capabilities_sha256`.
    pub fn digest(&self) -> Sha256 {
        Sha256::of_canonical(self).expect("facts hold strings, booleans and small integers only")
    }
}

/// The operating system of a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Macos {
    /// `macOS`, or `Mac OS X` before 11.
    pub product_name: String,
    /// Such as `15.3.1`.
    pub version: String,
    /// Such as `24D60`.
    pub build: String,
}

/// One Xcode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Xcode {
    /// The developer directory, links resolved.
    pub developer_dir: String,
    /// Other paths that lead to it; sorted.
    #[serde(default)]
    pub links: Vec<String>,
    /// Such as `16.2`.
    pub version: Version,
    /// Such as `16C5032a`.
    pub build: String,
    /// Whether it is a beta; never guessed from the build's last letter.
    pub beta: bool,
    /// Whether it can be used.
    pub state: XcodeState,
    /// Its SDKs; sorted by name.
    #[serde(default)]
    pub sdks: Vec<Sdk>,
    /// Runtime identifier to the build that this Xcode chooses for it.
    #[serde(default)]
    pub runtime_builds: BTreeMap<String, String>,
}

/// Whether an Xcode can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum XcodeState {
    /// It can.
    Ready,
    /// The licence is not agreed to.
    LicenseNotAgreed,
    /// It was never launched.
    FirstLaunchNeeded,
    /// It does not answer as an Xcode does.
    Broken,
}

/// One SDK of an Xcode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sdk {
    /// Canonical name, such as `iphonesimulator18.2`.
    pub name: String,
    /// Platform, such as `iphonesimulator`.
    pub platform: String,
    /// Such as `18.2`.
    pub version: String,
}

/// One build of one simulator runtime.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Runtime {
    /// Such as `com.apple.CoreSimulator.SimRuntime.iOS-18-2`.
    pub identifier: String,
    /// Such as `iOS`, `tvOS`, `watchOS`, `visionOS`.
    pub platform: String,
    /// Such as `18.2`.
    pub version: Version,
    /// Such as `22C150`.
    pub build: String,
    /// Architectures it runs; absent when the tool does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architectures: Option<BTreeSet<String>>,
    /// Why it cannot be used; absent when it can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unavailable: Option<String>,
    /// Whether another build of the same identifier is the one chosen.
    #[serde(default)]
    pub shadowed: bool,
    /// Identifiers of the device types it supports; empty when the tool does not say.
    #[serde(default)]
    pub device_types: BTreeSet<String>,
}

/// One simulator device type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceType {
    /// Such as `com.apple.CoreSimulator.SimDeviceType.iPhone-16`.
    pub identifier: String,
    /// Such as `iPhone 16`.
    pub name: String,
    /// Such as `iPhone`, `iPad`, `Apple TV`, `Apple Watch`, `Apple Vision`.
    pub family: String,
    /// The lowest runtime version it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_runtime: Option<Version>,
    /// The highest runtime version it runs; absent when open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_runtime: Option<Version>,
}

/// A simulator that is there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Device {
    /// Its name, which may differ from its type's.
    pub name: String,
    /// Device type identifier.
    pub device_type: String,
    /// Runtime identifier.
    pub runtime: String,
}

/// What a worker accepts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Limits {
    /// Jobs at once.
    pub slots: u32,
    /// Largest source tree in bytes; 0 means no limit.
    pub max_upload_bytes: u64,
}

/// How a worker is right now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Observed {
    /// Simulators with what changes from hour to hour.
    #[serde(default)]
    pub devices: Vec<ObservedDevice>,
    /// Free disk space in bytes, where work directories lie.
    #[serde(default)]
    pub disk_free_bytes: u64,
    /// How long the probe took, in milliseconds.
    #[serde(default)]
    pub probe_ms: u64,
}

/// A simulator with what changes from hour to hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ObservedDevice {
    /// Its identity on this Mac alone.
    pub udid: String,
    /// Its name.
    pub name: String,
    /// Runtime identifier.
    pub runtime: String,
    /// Such as `Shutdown` or `Booted`.
    pub state: String,
}
