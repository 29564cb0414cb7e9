//! `simctl list`: as JSON in the shape of Xcode 16 and later, or as text.

use serde_json::{Map, Value, json};

use super::{SimctlError, Simulator, Store};
use crate::apple_json;
use crate::console::Console;
use crate::machine::{DeviceType, Runtime, version_key};

const SECTIONS: [&str; 4] = ["devicetypes", "runtimes", "devices", "pairs"];

/// What is to be listed.
struct Query {
    json: bool,
    sections: Vec<&'static str>,
    /// "available", "booted", or a part of a name.
    term: Option<String>,
}

pub(super) fn main(words: &[String], store: &Store<'_>, console: &mut Console) -> Result<(), SimctlError> {
    let query = Query::parse(words);
    let simulators = store.read()?;
    if query.json {
        console.line(apple_json::pretty(&as_json(&query, store, &simulators)));
    } else {
        as_text(&query, store, &simulators, console);
    }
    Ok(())
}

impl Query {
    fn parse(words: &[String]) -> Self {
        let mut query = Self { json: false, sections: Vec::new(), term: None };
        for word in words {
            let section = SECTIONS.into_iter().find(|section| section == word);
            match (word.as_str(), section) {
                ("-j" | "--json" | "-json", _) => query.json = true,
                ("-v" | "--verbose", _) => {}
                (_, Some(section)) => query.sections.push(section),
                (term, None) => query.term = Some(term.to_owned()),
            }
        }
        if query.sections.is_empty() {
            query.sections = SECTIONS.to_vec();
        }
        query
    }

    /// Whether a row is asked for: by the words "available" and "booted", else by a part of its name.
    fn wants(&self, name: &str, is_available: bool, is_booted: bool) -> bool {
        match self.term.as_deref() {
            None => true,
            Some("available") => is_available,
            Some("booted") => is_booted,
            Some(part) => name.to_lowercase().contains(&part.to_lowercase()),
        }
    }

    fn wants_simulator(&self, simulator: &Simulator, store: &Store<'_>) -> bool {
        let is_booted = simulator.state == super::SimulatorState::Booted;
        self.wants(&simulator.name, unavailability(simulator, store).is_none(), is_booted)
    }
}

/// Why a simulator cannot be used.
fn unavailability(simulator: &Simulator, store: &Store<'_>) -> Option<&'static str> {
    if store.machine.runtime(&simulator.runtime).is_none() {
        return Some("runtime profile not found using \"System\" match policy");
    }
    if store.machine.device_type(&simulator.device_type).is_none() {
        return Some("device type profile not found");
    }
    None
}

fn as_json(query: &Query, store: &Store<'_>, simulators: &[Simulator]) -> Value {
    let mut document = Map::new();
    for section in &query.sections {
        let value = match *section {
            "devicetypes" => store.machine.device_types.iter().map(device_type_row).collect(),
            "runtimes" => runtimes_rows(query, store),
            "devices" => devices_rows(query, store, simulators),
            _ => json!({}),
        };
        document.insert((*section).to_owned(), value);
    }
    Value::Object(document)
}

fn device_type_row(device_type: &DeviceType) -> Value {
    json!({
        "bundlePath": device_type_path(device_type),
        "identifier": device_type.identifier(),
        "maxRuntimeVersion": u32::MAX,
        "maxRuntimeVersionString": "65535.255.255",
        "minRuntimeVersion": packed_version(&device_type.min_runtime),
        "minRuntimeVersionString": format!("{}.0", device_type.min_runtime),
        "modelIdentifier": device_type.model,
        "name": device_type.name,
        "productFamily": device_type.family,
    })
}

fn device_type_path(device_type: &DeviceType) -> String {
    format!("/Library/Developer/CoreSimulator/Profiles/DeviceTypes/{}.simdevicetype", device_type.name)
}

/// A version as one number: 18.2.1 is 0x120201.
fn packed_version(version: &str) -> u32 {
    let key = version_key(version);
    key[0] << 16 | key[1] << 8 | key[2]
}

fn runtimes_rows(query: &Query, store: &Store<'_>) -> Value {
    store
        .machine
        .runtimes
        .iter()
        .filter(|runtime| query.wants(&runtime.name(), runtime.unavailable.is_none(), false))
        .map(|runtime| runtime_row(runtime, &store.machine.device_types))
        .collect()
}

fn runtime_row(runtime: &Runtime, device_types: &[DeviceType]) -> Value {
    let bundle = bundle_path(runtime);
    let supported: Vec<Value> = device_types
        .iter()
        .filter(|device_type| runtime.supports(device_type))
        .map(|device_type| {
            json!({
                "bundlePath": device_type_path(device_type),
                "identifier": device_type.identifier(),
                "name": device_type.name,
                "productFamily": device_type.family,
            })
        })
        .collect();
    let mut row = json!({
        "bundlePath": bundle,
        "buildversion": runtime.build,
        "identifier": runtime.identifier(),
        "isAvailable": runtime.unavailable.is_none(),
        "isInternal": false,
        "name": runtime.name(),
        "platform": runtime.platform.system_name(),
        "runtimeRoot": format!("{bundle}/Contents/Resources/RuntimeRoot"),
        "supportedDeviceTypes": supported,
        "version": runtime.version,
    });
    if !runtime.architectures.is_empty() {
        row["supportedArchitectures"] = json!(runtime.architectures);
    }
    if let Some(reason) = &runtime.unavailable {
        row["availabilityError"] = json!(reason);
    }
    row
}

/// Where a runtime is mounted.
pub(super) fn bundle_path(runtime: &Runtime) -> String {
    format!(
        "/Library/Developer/CoreSimulator/Volumes/{}_{}/Library/Developer/CoreSimulator/Profiles/Runtimes/{}.simruntime",
        runtime.platform.system_name(),
        runtime.build,
        runtime.name()
    )
}

fn devices_rows(query: &Query, store: &Store<'_>, simulators: &[Simulator]) -> Value {
    let mut by_runtime = Map::new();
    for runtime in &store.machine.runtimes {
        by_runtime.insert(runtime.identifier(), json!([]));
    }
    for simulator in simulators.iter().filter(|simulator| query.wants_simulator(simulator, store)) {
        let rows = by_runtime.entry(simulator.runtime.clone()).or_insert_with(|| json!([]));
        if let Value::Array(rows) = rows {
            rows.push(device_row(simulator, store));
        }
    }
    Value::Object(by_runtime)
}

fn device_row(simulator: &Simulator, store: &Store<'_>) -> Value {
    let udid = &simulator.udid;
    let home = "/Users/simulated/Library";
    let unavailability = unavailability(simulator, store);
    let mut row = json!({
        "dataPath": format!("{home}/Developer/CoreSimulator/Devices/{udid}/data"),
        "dataPathSize": 18_333_696,
        "deviceTypeIdentifier": simulator.device_type,
        "isAvailable": unavailability.is_none(),
        "logPath": format!("{home}/Logs/CoreSimulator/{udid}"),
        "name": simulator.name,
        "state": simulator.state.to_string(),
        "udid": udid,
    });
    if let Some(reason) = unavailability {
        row["availabilityError"] = json!(reason);
    }
    if let Some(moment) = &simulator.last_booted_at {
        row["lastBootedAt"] = json!(moment);
    }
    row
}

fn as_text(query: &Query, store: &Store<'_>, simulators: &[Simulator], console: &mut Console) {
    for section in &query.sections {
        match *section {
            "devicetypes" => {
                console.line("== Device Types ==");
                for device_type in &store.machine.device_types {
                    console.line(format!("{} ({})", device_type.name, device_type.identifier()));
                }
            }
            "runtimes" => {
                console.line("== Runtimes ==");
                for runtime in &store.machine.runtimes {
                    let Runtime { version, build, .. } = runtime;
                    let (name, identifier) = (runtime.name(), runtime.identifier());
                    console.line(format!("{name} ({version} - {build}) - {identifier}"));
                }
            }
            "devices" => devices_text(query, store, simulators, console),
            _ => console.line("== Device Pairs =="),
        }
    }
}

fn devices_text(query: &Query, store: &Store<'_>, simulators: &[Simulator], console: &mut Console) {
    console.line("== Devices ==");
    let wanted: Vec<&Simulator> = simulators.iter().filter(|simulator| query.wants_simulator(simulator, store)).collect();
    for runtime in &store.machine.runtimes {
        console.line(format!("-- {} --", runtime.name()));
        for simulator in wanted.iter().filter(|one| one.runtime == runtime.identifier()) {
            let Simulator { name, udid, state, .. } = simulator;
            console.line(format!("    {name} ({udid}) ({state}) "));
        }
    }
}
