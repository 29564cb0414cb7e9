//! The facts of one job's toolchain and destination, read from the machine again, just before and after the job.

use std::collections::BTreeMap;

use rch_schemas::JobKeyInputs;
use rch_schemas::destination::Platform;
use rch_schemas::job_key::{ResolvedDestination, Toolchain};
use rch_schemas::seal::Reading;

use super::simctl::{SimctlList, chosen_builds};
use super::{macos, xcode};
use crate::tool::{ToolError, Tools};

/// Reads what the inputs of a job key claim. What the machine no longer has is read as an empty text, which equals nothing.
pub(crate) async fn read(tools: &Tools, inputs: &JobKeyInputs) -> Result<Reading, ToolError> {
    let dir = &inputs.toolchain.developer_dir;
    let macos = macos::ask(tools).await?;
    let real = std::fs::canonicalize(dir).map(|path| path.display().to_string()).unwrap_or_default();
    let toolchain = Toolchain {
        xcode_build: xcode::build(tools, dir).await?,
        developer_dir: real,
        macos_version: macos.version,
        macos_build: macos.build,
        arch: macos::arch(tools, Some(dir)).await?,
        // No tool's version is probed yet, so none can be confirmed.
        tools: BTreeMap::new(),
    };
    let destination = destination(tools, inputs, &toolchain).await?;
    Ok(Reading { toolchain, destination })
}

/// The first value that differs from the inputs, in words.
pub(crate) fn difference(reading: &Reading, inputs: &JobKeyInputs) -> Option<String> {
    first_difference(&members(&reading.toolchain), &members(&inputs.toolchain))
        .or_else(|| first_difference(&members(&reading.destination), &members(&inputs.destination)))
}

fn first_difference(found: &Members, expected: &Members) -> Option<String> {
    let names = expected.keys().chain(found.keys());
    let mut differing = names.filter(|name| found.get(*name) != expected.get(*name));
    differing.next().map(|name| format!("{name} is {}, expected {}", text(found.get(name)), text(expected.get(name))))
}

type Members = serde_json::Map<String, serde_json::Value>;

fn members(value: &impl serde::Serialize) -> Members {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::Object(members)) => members,
        _ => Members::new(),
    }
}

fn text(value: Option<&serde_json::Value>) -> String {
    value.map_or_else(|| "absent".to_owned(), ToString::to_string)
}

async fn destination(tools: &Tools, inputs: &JobKeyInputs, toolchain: &Toolchain) -> Result<ResolvedDestination, ToolError> {
    let mut destination = inputs.destination.clone();
    match &mut destination {
        ResolvedDestination::Simulator {
            platform, os_version, device_type_identifier, sim_runtime_identifier, sim_runtime_build, ..
        } => {
            let list = SimctlList::ask(tools, &toolchain.developer_dir).await?;
            let chosen = chosen_builds(tools, &toolchain.developer_dir).await;
            let runtimes =
                list.runtimes.iter().filter(|runtime| runtime.identifier == *sim_runtime_identifier && runtime.unavailable.is_none());
            let runtimes: Vec<_> = runtimes.collect();
            let in_use = match runtimes[..] {
                [only] => Some(only),
                _ => runtimes.into_iter().find(|runtime| chosen.values().any(|build| *build == runtime.build)),
            };
            let same_platform =
                in_use.filter(|runtime| platform.parse().is_ok_and(|platform: Platform| platform.runtime_platform() == runtime.platform));
            *os_version = same_platform.map(|runtime| runtime.version.to_string()).unwrap_or_default();
            *sim_runtime_build = in_use.map(|runtime| runtime.build.clone()).unwrap_or_default();
            if !list.device_types.iter().any(|device_type| device_type.identifier == *device_type_identifier) {
                device_type_identifier.clear();
            }
        }
        ResolvedDestination::Mac { os_version, .. } => os_version.clone_from(&toolchain.macos_version),
        ResolvedDestination::Generic { platform, os_version, .. } => {
            let sdk = platform.parse().map(Platform::sdk_platform).unwrap_or_default();
            *os_version = xcode::sdk_version(tools, &toolchain.developer_dir, sdk).await?.unwrap_or_default();
        }
    }
    Ok(destination)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use rch_schemas::Sha256;
    use rch_schemas::job_key::Provisioning;

    use super::*;

    #[test]
    fn a_difference_names_the_member_and_both_values() {
        let toolchain = Toolchain {
            xcode_build: "16C5032a".to_owned(),
            developer_dir: "/Applications/Xcode.app/Contents/Developer".to_owned(),
            macos_version: "15.3.1".to_owned(),
            macos_build: "24D60".to_owned(),
            arch: "arm64".to_owned(),
            tools: BTreeMap::new(),
        };
        let destination = ResolvedDestination::Mac {
            platform: "macOS".to_owned(),
            arch: "arm64".to_owned(),
            os_version: "15.3.1".to_owned(),
            provisioning: Provisioning::Existing,
            variant: None,
        };
        let inputs = JobKeyInputs {
            source_sha256: Sha256::of("tree"),
            sanitized_argv: Vec::new(),
            toolchain: toolchain.clone(),
            destination: destination.clone(),
            env: BTreeMap::new(),
            directory: None,
            allow_empty: false,
        };
        let mut reading = Reading { toolchain, destination };
        assert_eq!(difference(&reading, &inputs), None);
        reading.toolchain.xcode_build = "16D1".to_owned();
        assert_eq!(difference(&reading, &inputs).unwrap(), "xcode_build is \"16D1\", expected \"16C5032a\"");
    }
}
