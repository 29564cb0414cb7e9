//! Recorded destinations on recorded machines, when they are there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rch_schemas::requirement::Requirement;
use serde_json::Value;

use super::*;
use crate::select::xcode;

/// Recorded data is not part of the project: it is read where it is, and missed where it is not.
fn recorded(file: &str) -> Option<String> {
    let sibling = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures");
    let folder = std::env::var_os("RCH_FIXTURES").map_or(sibling, PathBuf::from);
    if !folder.is_dir() {
        println!("skipped: no recorded data (RCH_FIXTURES)");
        return None;
    }
    Some(std::fs::read_to_string(folder.join(file)).unwrap())
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn family(name: &str) -> &'static str {
    ["iPhone", "iPad", "Apple TV", "Apple Watch", "Apple Vision"].into_iter().find(|family| name.starts_with(family)).unwrap_or("iPhone")
}

/// What the published list of a hosted image says, as the facts of a worker. The list has no builds of runtimes; those here are made up.
fn facts_of(image: &Value) -> Facts {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut facts = farm::facts("mac-1");
    facts.arch = text(&image["arch"]);
    facts.macos.build = text(&image["macos_build"]);
    facts.macos.version = text(&image["macos"]).trim_start_matches("macOS ").to_owned();
    facts.xcodes = image["xcodes"].as_array().unwrap().iter().map(|row| xcode_of(image, row)).collect();
    (facts.runtimes, facts.device_types, facts.devices) = (Vec::new(), Vec::new(), Vec::new());
    for row in image["simulator_runtimes"].as_array().unwrap() {
        let name = text(&row["name"]);
        let Some((platform, version)) = name.rsplit_once(' ') else { continue };
        let version = row["os"].as_str().filter(|os| os.parse::<Version>().is_ok()).unwrap_or(version);
        if version.parse::<Version>().is_err() {
            continue;
        }
        let mut found = runtime(&name, platform, version, &format!("build-of-{version}"));
        for device in texts(&row["devices"]) {
            let kind = device_type(device, family(device), ("1.0", None));
            found.device_types.insert(kind.identifier.clone());
            facts.devices.push(Device { name: device.to_owned(), device_type: kind.identifier.clone(), runtime: name.clone() });
            facts.device_types.push(kind);
        }
        facts.runtimes.push(found);
    }
    facts
}

fn xcode_of(image: &Value, row: &Value) -> Xcode {
    let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let version = text("version");
    let in_it = |sdk: &&Value| texts(&sdk["xcodes"]).contains(&version.as_str());
    let sdk = |sdk: &Value| {
        let name = sdk["name"].as_str()?.to_owned();
        let digits = name.find(|c: char| c.is_ascii_digit())?;
        Some(Sdk { platform: name[..digits].to_owned(), version: name[digits..].to_owned(), name })
    };
    Xcode {
        developer_dir: format!("{}/Contents/Developer", text("path")),
        version: version.split(' ').next().and_then(|version| version.parse().ok()).unwrap_or_else(|| "0".parse().unwrap()),
        build: text("build"),
        beta: row["beta"].as_bool().unwrap_or_default(),
        sdks: image["sdks"].as_array().unwrap().iter().filter(in_it).filter_map(sdk).collect(),
        ..farm::facts("mac-1").xcodes.remove(0)
    }
}

/// Any Xcode, any machine.
fn nothing_in_particular() -> Requirement {
    Requirement {
        tags: BTreeSet::new(),
        xcode: None,
        sdks: BTreeSet::new(),
        destination: DestinationRequest::default(),
        features: BTreeSet::new(),
        tools: BTreeSet::new(),
        worker: None,
    }
}

#[test]
fn recorded_destinations_are_met_or_refused_in_words_on_every_recorded_machine() {
    let (Some(destinations), Some(fleet)) = (recorded("invocations/destinations.txt"), recorded("fleet/fleet-images.json")) else { return };
    let fleet: Value = serde_json::from_str(&fleet).unwrap();
    let specs: Vec<_> = destinations.lines().filter_map(|text| Some((text, DestinationSpec::parse(text).ok()?))).collect();
    let mut met: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for image in fleet["images"].as_array().unwrap() {
        let (facts, mut count) = (facts_of(image), 0);
        let Ok((xcode, _)) = xcode::resolve(&facts, &nothing_in_particular()) else {
            println!("{}: no Xcode but betas", image["image"]);
            continue;
        };
        for (text, spec) in &specs {
            let request = DestinationRequest { asked: (*text).to_owned(), ..DestinationRequest::default() };
            match resolve(&facts, xcode, &request, spec) {
                Ok((resolved, _)) => {
                    count += 1;
                    met.entry(text).or_default().push(told(&resolved));
                }
                Err(verdict) => assert!(verdict.found.len() > 5 && verdict.code == Reason::NoSuchDestination, "{text}: {}", verdict.found),
            }
        }
        println!("{} (Xcode {}): {count} of {} recorded destinations", image["image"], xcode.version, specs.len());
    }
    let unmet: Vec<&str> = specs.iter().map(|(text, _)| *text).filter(|text| !met.contains_key(text)).collect();
    println!("{} of {} are met by some machine; not by any: {unmet:#?}", met.len(), specs.len());
    for (text, expected) in [
        ("platform=macOS", "macOS | "),
        ("generic/platform=iphoneos", "generic iOS | "),
        ("platform=iOS Simulator,name=iPhone 16,OS=latest", "iOS Simulator | iPhone 16 | "),
        ("OS=1.0,name=Apple Vision Pro", "visionOS Simulator | Apple Vision Pro | "),
    ] {
        assert!(met[text].iter().all(|told| told.starts_with(expected)), "{text}: {:?}", met[text]);
    }
    assert!(met.len() * 2 > specs.len(), "{} of {}", met.len(), specs.len());
}
