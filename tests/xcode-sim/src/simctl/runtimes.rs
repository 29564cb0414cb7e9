//! `simctl runtime list` and `simctl runtime match list`.

use serde_json::{Map, Value, json};

use super::SimctlError;
use super::list::bundle_path;
use crate::apple_json;
use crate::console::Console;
use crate::developer::{Developer, Installation};
use crate::fingerprint::uuid_from;
use crate::invocation::Invocation;
use crate::machine::{Machine, Platform, Runtime, Sdk, version_key};

pub(super) fn main(
    words: &[String],
    invocation: &Invocation,
    installation: &Installation,
    console: &mut Console,
) -> Result<(), SimctlError> {
    let json = words.iter().any(|word| word == "-j" || word == "--json");
    let plain: Vec<&str> = words.iter().map(String::as_str).filter(|word| !word.starts_with('-')).collect();
    let machine = &installation.machine;
    match plain.as_slice() {
        ["list"] if json => console.line(apple_json::pretty(&installed(machine))),
        ["list"] => installed_text(machine, console),
        ["match", "list"] => {
            let Ok(developer) = installation.developer(invocation, "simctl") else {
                return Err(SimctlError::Usage("simctl runtime match list [-j]"));
            };
            let matches = matches(machine, developer);
            if json {
                console.line(apple_json::pretty(&matches));
            } else {
                matches_text(&matches, console);
            }
        }
        _ => return Err(SimctlError::Usage("simctl runtime <list|match list> [-j]")),
    }
    Ok(())
}

fn installed(machine: &Machine) -> Value {
    let mut rows = Map::new();
    for runtime in &machine.runtimes {
        let identifier = image_identifier(machine, runtime);
        let mount = format!("/Library/Developer/CoreSimulator/Volumes/{}_{}", runtime.platform.system_name(), runtime.build);
        let row = json!({
            "build": runtime.build,
            "deletable": true,
            "identifier": identifier,
            "kind": "Disk Image",
            "mountPath": mount,
            "path": format!("/Library/Developer/CoreSimulator/Images/{identifier}.dmg"),
            "platformIdentifier": format!("com.apple.platform.{}", runtime.platform.sdk_name()),
            "runtimeBundlePath": bundle_path(runtime),
            "runtimeIdentifier": runtime.identifier(),
            "signatureState": "Verified",
            "sizeBytes": 7_826_714_624_u64,
            "state": if runtime.unavailable.is_none() { "Ready" } else { "Unusable" },
            "version": runtime.version,
        });
        rows.insert(identifier, row);
    }
    Value::Object(rows)
}

fn image_identifier(machine: &Machine, runtime: &Runtime) -> String {
    uuid_from(&[&machine.name, "image", &runtime.identifier(), &runtime.build])
}

fn installed_text(machine: &Machine, console: &mut Console) {
    console.line("== Disk Images ==");
    for platform in Platform::ALL {
        let of_platform: Vec<&Runtime> = machine.runtimes.iter().filter(|runtime| runtime.platform == platform).collect();
        if of_platform.is_empty() {
            continue;
        }
        console.line(format!("-- {} --", platform.system_name()));
        for runtime in of_platform {
            let identifier = image_identifier(machine, runtime);
            let state = if runtime.unavailable.is_none() { "Ready" } else { "Unusable" };
            console.line(format!("{} ({}) - {identifier} ({state})", runtime.name(), runtime.build));
        }
    }
}

/// Which runtime build an Xcode uses for each of its device SDKs: the highest that is installed under the SDK's
/// version, else the SDK's own.
fn matches(machine: &Machine, developer: Developer<'_>) -> Value {
    let mut rows = Map::new();
    for sdk in &developer.xcode.sdks {
        let Some(simulated) = Platform::ALL.into_iter().find(|platform| platform.device_platform() == Some(sdk.platform)) else {
            continue;
        };
        let chosen = chosen_build(machine, simulated, sdk);
        let row = json!({
            "chosenRuntimeBuild": chosen,
            "defaultBuild": sdk.build,
            "platform": format!("com.apple.platform.{}", sdk.platform.sdk_name()),
            "preferredBuild": chosen,
            "sdkBuild": sdk.build,
            "sdkDirectory": developer.sdk_path(sdk).to_string_lossy(),
            "sdkVersion": sdk.version,
        });
        rows.insert(sdk.canonical_name(), row);
    }
    Value::Object(rows)
}

fn chosen_build(machine: &Machine, platform: Platform, sdk: &Sdk) -> String {
    let family = |version: &str| version_key(version)[..2].to_vec();
    machine
        .runtimes
        .iter()
        .filter(|runtime| runtime.platform == platform && runtime.unavailable.is_none())
        .filter(|runtime| family(&runtime.version) == family(&sdk.version))
        .map(|runtime| runtime.build.clone())
        .max()
        .unwrap_or_else(|| sdk.build.clone())
}

fn matches_text(matches: &Value, console: &mut Console) {
    for (name, row) in matches.as_object().into_iter().flatten() {
        console.line(format!("{name}:"));
        for member in ["defaultBuild", "chosenRuntimeBuild", "sdkBuild"] {
            let value = row[member].as_str().unwrap_or_default();
            console.line(format!("    {member}: {value}"));
        }
    }
}
