//! The job key: SHA-256 over everything that can change a job's output, and nothing else.
//!
//! What is not here cannot change an output by contract: timeouts, worker, cache switches, selection, backend, artifact profile, UDID,
//! priority, requester.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::digest::{self, Sha256};
use crate::directory::TreeDirectory;

/// The digest of a job's inputs; equal keys mean interchangeable results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct JobKey(pub Sha256);

impl fmt::Display for JobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Everything that can change the output of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JobKeyInputs {
    /// SHA-256 of the canonical bundle, before compression.
    pub source_sha256: Sha256,
    /// Canonical xcodebuild arguments, without `-destination`.
    pub sanitized_argv: Vec<String>,
    /// The tools that will run.
    pub toolchain: Toolchain,
    /// Where the product will run.
    pub destination: ResolvedDestination,
    /// Variables the repo passes to build and tests.
    pub env: BTreeMap<String, String>,
    /// The directory xcodebuild runs in, for a package that does not lie at the tree's root; absent for the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<TreeDirectory>,
    /// Whether a test action that runs no test succeeds all the same; absent when it does not. It makes another summary of the same run, so a
    /// result that was made under it must not be served to a job that does not have it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_empty: bool,
}

impl JobKeyInputs {
    /// Exactly the hashed bytes, as written to `job_key_inputs.jcs`.
    pub fn canonical(&self) -> Vec<u8> {
        digest::canonical(self).expect("strings, arrays and objects always have a canonical form")
    }

    /// The job key.
    pub fn key(&self) -> JobKey {
        JobKey(Sha256::of(self.canonical()))
    }
}

/// The identity of the tools on one worker.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Toolchain {
    /// Xcode's build number, such as `16C5032a`.
    pub xcode_build: String,
    /// The real path of the developer directory on the worker, links resolved.
    pub developer_dir: String,
    /// Such as `15.3.1`.
    pub macos_version: String,
    /// Such as `24D60`.
    pub macos_build: String,
    /// `arm64` or `x86_64`.
    pub arch: String,
    /// Versions of the tools the repo requires, by name; absent when it requires none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tools: BTreeMap<String, String>,
}

/// Whether a job uses a device that is there, or one made for it alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Provisioning {
    /// A simulator the worker already has.
    #[default]
    Existing,
    /// A simulator created for the attempt and deleted after it.
    Ephemeral,
}

/// A destination with nothing left to choose. The UDID is not part of it: it differs on every Mac and changes no output.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ResolvedDestination {
    /// A simulator.
    Simulator {
        /// Such as `iOS Simulator`.
        platform: String,
        /// The architecture the tests run on.
        arch: String,
        /// The concrete version, never `latest`.
        os_version: String,
        /// Existing or ephemeral.
        provisioning: Provisioning,
        /// The device's name, such as `iPhone 16`.
        name: String,
        /// Such as `com.apple.CoreSimulator.SimDeviceType.iPhone-16`.
        device_type_identifier: String,
        /// Such as `com.apple.CoreSimulator.SimRuntime.iOS-18-2`.
        sim_runtime_identifier: String,
        /// Such as `22C150`; one identifier can hold two builds.
        sim_runtime_build: String,
        /// The device type this one is paired with, when paired.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        paired_with: Option<String>,
    },
    /// The worker itself.
    Mac {
        /// `macOS`.
        platform: String,
        /// The architecture the product runs on.
        arch: String,
        /// The worker's macOS version.
        os_version: String,
        /// Always existing.
        provisioning: Provisioning,
        /// `Mac Catalyst` or `Designed for [iPad,iPhone]`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        variant: Option<String>,
    },
    /// No device: build only.
    Generic {
        /// Such as `iOS` or `iOS Simulator`.
        platform: String,
        /// The SDK's version.
        os_version: String,
        /// Always existing.
        provisioning: Provisioning,
        /// `Mac Catalyst`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        variant: Option<String>,
    },
}

impl ResolvedDestination {
    /// Such as `iOS Simulator`.
    pub fn platform(&self) -> &str {
        match self {
            Self::Simulator { platform, .. } | Self::Mac { platform, .. } | Self::Generic { platform, .. } => platform,
        }
    }

    /// For people: `iPhone 16, iOS 18.2`.
    pub fn describe(&self) -> String {
        match self {
            Self::Simulator { platform, name, os_version, .. } => {
                format!("{name}, {} {os_version}", platform.trim_end_matches(" Simulator"))
            }
            Self::Mac { arch, os_version, variant: None, .. } => format!("macOS {os_version}, {arch}"),
            Self::Mac { arch, os_version, variant: Some(variant), .. } => format!("macOS {os_version}, {arch}, {variant}"),
            Self::Generic { platform, os_version, variant: None, .. } => format!("any {platform} {os_version}"),
            Self::Generic { platform, os_version, variant: Some(variant), .. } => format!("any {platform} {os_version}, {variant}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs() -> JobKeyInputs {
        JobKeyInputs {
            source_sha256: Sha256::of("tree"),
            sanitized_argv: vec!["build".to_owned(), "-scheme".to_owned(), "SampleApp".to_owned()],
            toolchain: Toolchain {
                xcode_build: "16C5032a".to_owned(),
                developer_dir: "/Applications/Xcode.app/Contents/Developer".to_owned(),
                macos_version: "15.3.1".to_owned(),
                macos_build: "24D60".to_owned(),
                arch: "arm64".to_owned(),
                tools: BTreeMap::new(),
            },
            destination: ResolvedDestination::Generic {
                platform: "iOS".to_owned(),
                os_version: "18.2".to_owned(),
                provisioning: Provisioning::Existing,
                variant: None,
            },
            env: BTreeMap::new(),
            directory: None,
            allow_empty: false,
        }
    }

    #[test]
    fn the_key_is_pinned_by_a_golden_vector() {
        // Any change here makes every cached result of every farm miss: it must be on purpose.
        assert_eq!(inputs().key().to_string(), "fc293fb776477048ef8fb3c222959fe8e3891af70b72bf10953c5bc5c3a6bee3");
        assert_eq!(
            String::from_utf8(inputs().canonical()).expect("JSON is UTF-8"),
            format!(
                "{{\"destination\":{{\"kind\":\"generic\",\"os_version\":\"18.2\",\"platform\":\"iOS\",\"provisioning\":\"existing\"}},\"env\":{{}},\
                 \"sanitized_argv\":[\"build\",\"-scheme\",\"SampleApp\"],\"source_sha256\":\"{}\",\"toolchain\":{{\"arch\":\"arm64\",\
                 \"developer_dir\":\"/Applications/Xcode.app/Contents/Developer\",\"macos_build\":\"24D60\",\"macos_version\":\"15.3.1\",\
                 \"xcode_build\":\"16C5032a\"}}}}",
                Sha256::of("tree")
            )
        );
    }

    #[test]
    fn what_a_step_may_add_is_in_the_hash_only_where_it_is_not_the_usual() {
        let usual = String::from_utf8(inputs().canonical()).expect("JSON is UTF-8");
        assert!(!usual.contains("directory\"") && !usual.contains("allow_empty"), "{usual}");
        let directory = "./Packages/Kit/".parse().ok();
        let unusual = JobKeyInputs { directory, allow_empty: true, ..inputs() };
        let text = String::from_utf8(unusual.canonical()).expect("JSON is UTF-8");
        assert!(text.starts_with("{\"allow_empty\":true,") && text.contains("\"directory\":\"Packages/Kit\""), "{text}");
        assert_eq!(serde_json::from_str::<JobKeyInputs>(&text).expect("it reads back"), unusual);
        assert_ne!(unusual.key(), inputs().key());
    }

    /// Inputs in which every optional member is there, one for each kind of destination. A new member does not compile until it stands here.
    fn complete() -> [JobKeyInputs; 3] {
        let text = |text: &str| text.to_owned();
        let (provisioning, arch, os_version) = (Provisioning::Ephemeral, text("arm64"), text("18.2"));
        let destinations = [
            ResolvedDestination::Simulator {
                platform: text("iOS Simulator"),
                arch: arch.clone(),
                os_version: os_version.clone(),
                provisioning,
                name: text("iPhone 16"),
                device_type_identifier: text("com.apple.CoreSimulator.SimDeviceType.iPhone-16"),
                sim_runtime_identifier: text("com.apple.CoreSimulator.SimRuntime.iOS-18-2"),
                sim_runtime_build: text("22C150"),
                paired_with: Some(text("com.apple.CoreSimulator.SimDeviceType.Apple-Watch-Series-10-46mm")),
            },
            ResolvedDestination::Mac {
                platform: text("macOS"),
                arch,
                os_version: os_version.clone(),
                provisioning,
                variant: Some(text("Mac Catalyst")),
            },
            ResolvedDestination::Generic { platform: text("iOS"), os_version, provisioning, variant: Some(text("Mac Catalyst")) },
        ];
        destinations.map(|destination| JobKeyInputs {
            source_sha256: Sha256::of("tree"),
            sanitized_argv: vec![text("test"), text("-scheme"), text("App")],
            toolchain: Toolchain { tools: [(text("swiftlint"), text("0.57"))].into(), ..inputs().toolchain },
            destination,
            env: [(text("CI"), text("1"))].into(),
            directory: "Packages/Kit".parse().ok(),
            allow_empty: true,
        })
    }

    /// The places of all values that are neither object nor array, as JSON pointers.
    fn leaves(place: &str, value: &serde_json::Value) -> Vec<String> {
        use serde_json::Value;
        match value {
            Value::Object(members) => members.iter().flat_map(|(name, member)| leaves(&format!("{place}/{name}"), member)).collect(),
            Value::Array(items) => items.iter().enumerate().flat_map(|(index, item)| leaves(&format!("{place}/{index}"), item)).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => vec![place.to_owned()],
        }
    }

    #[test]
    fn every_input_alone_makes_another_key() {
        let mut keys = std::collections::BTreeSet::new();
        for inputs in complete() {
            assert!(keys.insert(inputs.key()));
            let value = serde_json::to_value(&inputs).expect("inputs serialize");
            // What is there and what kind of destination it is are told by the constants of the format, not by values that could differ.
            for place in leaves("", &value).iter().filter(|place| *place != "/destination/kind") {
                let mut other = value.clone();
                let leaf = other.pointer_mut(place).expect("the place comes from the value");
                *leaf = match (place.as_str(), &leaf) {
                    ("/source_sha256", _) => Sha256::of("another").to_string().into(),
                    ("/destination/provisioning", _) => "existing".into(),
                    (_, serde_json::Value::Bool(on)) => (!on).into(),
                    (_, text) => format!("{}x", text.as_str().expect("texts and switches are all there is")).into(),
                };
                let other: JobKeyInputs = serde_json::from_value(other).unwrap_or_else(|error| panic!("{place}: {error}"));
                assert!(keys.insert(other.key()), "{place} changes nothing");
            }
        }
        assert!(keys.len() > 50, "{}", keys.len());
    }

    #[test]
    fn the_order_and_the_number_of_arguments_are_in_the_key() {
        let key = |argv: &[&str]| JobKeyInputs { sanitized_argv: argv.iter().map(|word| (*word).to_owned()).collect(), ..inputs() }.key();
        let keys = [key(&["build"]), key(&["build", "a", "b"]), key(&["build", "b", "a"]), key(&["build", "ab"]), key(&["build", "a b"])];
        assert_eq!(std::collections::BTreeSet::from(keys).len(), keys.len());
    }

    #[test]
    fn an_unknown_input_is_refused_rather_than_left_out_of_the_hash() {
        let mut value = serde_json::to_value(inputs()).expect("inputs serialize");
        value["surprise"] = serde_json::json!(1);
        assert!(serde_json::from_value::<JobKeyInputs>(value).is_err());
    }
}
