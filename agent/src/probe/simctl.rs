//! What `simctl` lists: runtimes, device types, devices, and which runtime build an Xcode chooses.
//!
//! Tolerant: availability has three spellings, devices are keyed by a runtime's identifier or its name, warnings may stand before the
//! JSON. A row that cannot be used is left out or says why; an unknown member changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rch_schemas::capabilities::{DeviceType, Runtime};
use rch_schemas::requirement::Version;
use serde_json::Value;

use crate::tool::{Call, ToolError, Tools};

/// `simctl list` answers in a second; the first call after a boot starts CoreSimulator.
const TIMEOUT: Duration = Duration::from_secs(30);
/// What every runtime's identifier begins with.
const RUNTIME_PREFIX: &str = "com.apple.CoreSimulator.SimRuntime.";

/// One answer of `simctl list -j`.
#[derive(Debug, Clone, Default)]
pub(crate) struct SimctlList {
    /// Sorted by identifier, then build; a runtime may occur with two builds.
    pub(crate) runtimes: Vec<Runtime>,
    /// Sorted by identifier.
    pub(crate) device_types: Vec<DeviceType>,
    /// Every simulator, usable or not.
    pub(crate) devices: Vec<DeviceRow>,
}

/// One simulator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeviceRow {
    pub(crate) udid: String,
    pub(crate) name: String,
    pub(crate) device_type: String,
    /// The runtime's identifier.
    pub(crate) runtime: String,
    pub(crate) state: String,
    pub(crate) available: bool,
}

impl SimctlList {
    /// Asks the `simctl` of an Xcode.
    pub(crate) async fn ask(tools: &Tools, developer_dir: &str) -> Result<Self, ToolError> {
        let call = Call { tool: "xcrun", arguments: &["simctl", "list", "-j"], developer_dir: Some(developer_dir), timeout: TIMEOUT };
        let text = tools.ask(call).await?;
        Ok(first_json(&text).map(|value| Self::parse(&value)).unwrap_or_default())
    }

    /// Reads an answer.
    pub(crate) fn parse(value: &Value) -> Self {
        let mut runtimes: Vec<Runtime> = rows(&value["runtimes"]).iter().filter_map(runtime).collect();
        runtimes.sort_by(|a, b| (&a.identifier, &a.build).cmp(&(&b.identifier, &b.build)));
        let mut device_types: Vec<DeviceType> = rows(&value["devicetypes"]).iter().filter_map(device_type).collect();
        device_types.sort_by(|a, b| a.identifier.cmp(&b.identifier));
        let names: BTreeMap<String, String> = rows(&value["runtimes"])
            .iter()
            .filter_map(|row| Some((row["name"].as_str()?.to_owned(), row["identifier"].as_str()?.to_owned())))
            .collect();
        let mut devices = Vec::new();
        for (key, listed) in value["devices"].as_object().into_iter().flatten() {
            let identifier = names.get(key).unwrap_or(key);
            devices.extend(rows(listed).iter().filter_map(|row| device(row, identifier, &device_types)));
        }
        Self { runtimes, device_types, devices }
    }
}

fn rows(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(row: &Value, member: &str) -> Option<String> {
    row[member].as_str().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// Whether a row says that it can be used, in any of the three spellings; a row that says nothing can.
fn is_available(row: &Value) -> bool {
    let spelled = match (&row["isAvailable"], &row["availability"]) {
        (Value::Bool(available), _) => return *available,
        (Value::String(spelled), _) | (_, Value::String(spelled)) => spelled.trim(),
        _ => return true,
    };
    spelled == "YES" || spelled == "(available)"
}

fn runtime(row: &Value) -> Option<Runtime> {
    let identifier = text(row, "identifier")?;
    let version: Version = text(row, "version")?.parse().ok()?;
    let build = text(row, "buildversion").unwrap_or_default();
    let unavailable = if !is_available(row) {
        Some(
            text(row, "availabilityError")
                .or_else(|| text(row, "availability"))
                .unwrap_or_else(|| "simctl calls it unavailable".to_owned()),
        )
    } else if build.is_empty() || build == "UnknownBuildNumber" {
        Some("simctl does not know its build".to_owned())
    } else {
        None
    };
    let strings = |value: &Value| rows(value).iter().filter_map(Value::as_str).map(str::to_owned).collect::<BTreeSet<_>>();
    Some(Runtime {
        platform: text(row, "platform").map_or_else(|| platform_of(&identifier), |platform| platform_word(&platform)),
        architectures: row["supportedArchitectures"].is_array().then(|| strings(&row["supportedArchitectures"])),
        device_types: rows(&row["supportedDeviceTypes"]).iter().filter_map(|supported| text(supported, "identifier")).collect(),
        shadowed: false,
        identifier,
        version,
        build,
        unavailable,
    })
}

/// The platform in an identifier: `iOS` of `com.apple.CoreSimulator.SimRuntime.iOS-18-2`.
fn platform_of(identifier: &str) -> String {
    let name = identifier.strip_prefix(RUNTIME_PREFIX).unwrap_or(identifier);
    platform_word(name.split('-').next().unwrap_or_default())
}

/// `xrOS` is what the tools say for visionOS.
fn platform_word(word: &str) -> String {
    if word == "xrOS" { "visionOS".to_owned() } else { word.to_owned() }
}

fn device_type(row: &Value) -> Option<DeviceType> {
    let name = text(row, "name")?;
    let version = |member: &str| text(row, member)?.parse::<Version>().ok();
    Some(DeviceType {
        identifier: text(row, "identifier")?,
        family: text(row, "productFamily").unwrap_or_else(|| family_of(&name)),
        min_runtime: version("minRuntimeVersionString"),
        // 65535.255.255 is how an open end is written.
        max_runtime: version("maxRuntimeVersionString").filter(|version| version.major_minor().0 < 65_535),
        name,
    })
}

/// Families by the name's beginning, for lists from before the tool said them.
fn family_of(name: &str) -> String {
    let families = ["iPhone", "iPad", "Apple TV", "Apple Watch", "Apple Vision"];
    families.into_iter().find(|family| name.starts_with(family)).unwrap_or_default().to_owned()
}

fn device(row: &Value, runtime: &str, device_types: &[DeviceType]) -> Option<DeviceRow> {
    let name = text(row, "name")?;
    // Lists from before Xcode 11 do not say the type; a device that still has its type's name says it that way.
    let named = || device_types.iter().find(|device_type| device_type.name == name).map(|device_type| device_type.identifier.clone());
    Some(DeviceRow {
        udid: text(row, "udid")?,
        device_type: text(row, "deviceTypeIdentifier").or_else(named).unwrap_or_default(),
        runtime: runtime.to_owned(),
        state: text(row, "state").unwrap_or_default(),
        available: is_available(row),
        name,
    })
}

/// For each SDK platform (`iphoneos`), the build of the runtime that the Xcode in `developer_dir` chooses. Empty where the tool is too old to say.
pub(super) async fn chosen_builds(tools: &Tools, developer_dir: &str) -> BTreeMap<String, String> {
    let arguments = ["simctl", "runtime", "match", "list", "-j"];
    let call = Call { tool: "xcrun", arguments: &arguments, developer_dir: Some(developer_dir), timeout: TIMEOUT };
    match tools.ask(call).await {
        Ok(text) => first_json(&text).map(|value| parse_chosen(&value)).unwrap_or_default(),
        Err(_) => BTreeMap::new(),
    }
}

fn parse_chosen(value: &Value) -> BTreeMap<String, String> {
    let rows = value.as_object().into_iter().flatten();
    rows.filter_map(|(_, row)| {
        let platform = text(row, "platform")?;
        let platform = platform.strip_prefix("com.apple.platform.").unwrap_or(&platform).to_owned();
        Some((platform, text(row, "chosenRuntimeBuild")?))
    })
    .collect()
}

/// The first JSON document in a tool's answer: warnings may stand before it, other text behind.
pub(crate) fn first_json(answer: &str) -> Option<Value> {
    let mut offset = 0;
    for line in answer.split_inclusive('\n') {
        if line.trim_start().starts_with(['{', '[']) {
            let mut documents = serde_json::Deserializer::from_str(&answer[offset..]).into_iter::<Value>();
            if let Some(Ok(value)) = documents.next()
                && (value.is_object() || value.is_array())
            {
                return Some(value);
            }
        }
        offset += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::path::Path;

    use super::*;
    use crate::fixture::recorded;

    fn list(path: &Path) -> SimctlList {
        SimctlList::parse(&first_json(&std::fs::read_to_string(path).unwrap()).unwrap())
    }

    #[test]
    fn warnings_before_the_json_are_skipped() {
        let text = "--- xcodebuild: WARNING: Using the first:\n{ platform:macOS, name:Any Mac }\n{\"devices\": {}}\ntrailing";
        assert_eq!(first_json(text), Some(serde_json::json!({ "devices": {} })));
        assert_eq!(first_json("[]"), Some(serde_json::json!([])));
        assert_eq!(first_json("no such file {"), None);
    }

    #[test]
    fn availability_has_three_spellings() {
        for (row, expected) in [
            (serde_json::json!({ "isAvailable": true }), true),
            (serde_json::json!({ "isAvailable": "YES" }), true),
            (serde_json::json!({ "isAvailable": "NO" }), false),
            (serde_json::json!({ "availability": "(available)" }), true),
            (serde_json::json!({ "availability": " (unavailable, runtime profile not found)" }), false),
            (serde_json::json!({}), true),
        ] {
            assert_eq!(is_available(&row), expected, "{row}");
        }
    }

    #[test]
    fn a_runtime_without_a_known_build_is_not_offered() {
        let row = serde_json::json!({ "identifier": "com.apple.CoreSimulator.SimRuntime.xrOS-2-0", "version": "2.0", "buildversion": "UnknownBuildNumber" });
        let runtime = runtime(&row).unwrap();
        assert_eq!((runtime.platform.as_str(), runtime.unavailable.is_some()), ("visionOS", true));
    }

    #[test]
    fn every_recorded_list_is_read_without_losing_a_usable_device() {
        let Some(fixtures) = recorded("simctl") else { return };
        for entry in std::fs::read_dir(fixtures).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let raw = first_json(&std::fs::read_to_string(&path).unwrap()).unwrap();
            let read = SimctlList::parse(&raw);
            let listed: usize = raw["devices"].as_object().map_or(0, |by| by.values().map(|rows| rows.as_array().unwrap().len()).sum());
            assert_eq!(read.devices.len(), listed, "{}", path.display());
        }
    }

    #[test]
    fn a_list_of_today_and_one_of_ten_years_ago_give_the_same_facts() {
        let Some(fixtures) = recorded("simctl") else { return };
        let new = list(&fixtures.join("macios-xcode26-list-full.json"));
        let iphone = new.device_types.iter().find(|device_type| device_type.name == "iPhone 11").unwrap();
        assert_eq!((iphone.family.as_str(), iphone.max_runtime.as_ref()), ("iPhone", None));
        assert!(new.runtimes.iter().any(|runtime| runtime.build == "23B80" && runtime.unavailable.is_none()));

        let old = list(&fixtures.join("detox-list-full.json"));
        assert!(old.runtimes.iter().any(|runtime| runtime.platform == "iOS" && runtime.version.as_str() == "9.2"));
        let watch = old.devices.iter().find(|device| device.runtime.contains("watchOS")).unwrap();
        assert!(watch.runtime.starts_with(RUNTIME_PREFIX), "{}", watch.runtime);
    }

    #[test]
    fn the_chosen_build_is_known_by_platform() {
        let Some(fixtures) = recorded("simctl") else { return };
        let text = std::fs::read_to_string(fixtures.join("fastlane-runtime-match-list-xcode26.json")).unwrap();
        assert_eq!(parse_chosen(&first_json(&text).unwrap())["iphoneos"], "26A5000a");
    }
}
