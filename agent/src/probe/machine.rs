//! The whole machine in one reading.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use rch_schemas::Sha256;
use rch_schemas::capabilities::{Device, Facts, Limits, Macos, Observed, ObservedDevice, Runtime, Xcode, XcodeState};

use super::simctl::{SimctlList, chosen_builds};
use super::{macos, xcode};
use crate::attempt::EPHEMERAL_PREFIX;
use crate::clock::Uptime;
use crate::config::Config;
use crate::disk;
use crate::tool::Tools;

/// Everything a probe needs to know about the agent it belongs to.
#[derive(Debug, Clone)]
pub(crate) struct Prober {
    tools: Tools,
    xcode_search: Vec<PathBuf>,
    data_dir: PathBuf,
    limits: Limits,
    key_fingerprint: Sha256,
}

/// One reading of the machine.
#[derive(Debug, Clone)]
pub(crate) struct Probe {
    /// What is stable.
    pub(crate) facts: Arc<Facts>,
    /// What changes.
    pub(crate) observed: Observed,
}

impl Prober {
    /// A prober for an agent with this configuration and key.
    pub(crate) fn new(config: &Config, tools: Tools, key_fingerprint: Sha256) -> Self {
        let limits = Limits { slots: config.slots, max_upload_bytes: config.max_upload_bytes };
        Self { tools, xcode_search: config.xcode_search.clone(), data_dir: config.data_dir.clone(), limits, key_fingerprint }
    }

    /// Reads the machine. Takes as long as its tools, each of which has a timeout; never fails.
    pub(crate) async fn probe(&self) -> Probe {
        let started = Uptime::now();
        let mut problems = Vec::new();
        let macos = macos::ask(&self.tools).await.unwrap_or_else(|error| {
            problems.push(error.to_string());
            Macos { product_name: String::new(), version: String::new(), build: String::new() }
        });
        let mut xcodes = self.xcodes(&mut problems).await;
        let newest = xcodes.iter().filter(|xcode| xcode.state == XcodeState::Ready).max_by(|a, b| a.version.cmp(&b.version));
        let newest = newest.map(|xcode| xcode.developer_dir.clone());
        let arch = macos::arch(&self.tools, newest.as_deref()).await.unwrap_or_else(|error| {
            problems.push(format!("architecture taken from the agent itself: {error}"));
            macos::own_arch()
        });
        let simulators = self.simulators(newest.as_deref(), &mut problems).await;
        let mut runtimes = simulators.runtimes;
        self.choose_runtimes(&mut xcodes, &mut runtimes, &mut problems).await;
        problems.sort();
        let backend = newest.iter().flat_map(|dir| xcodes.iter().filter(move |xcode| xcode.developer_dir == *dir));
        let facts = Facts {
            agent_version: env!("CARGO_PKG_VERSION").to_owned(),
            arch,
            macos,
            devices: stable_devices(&simulators.devices),
            device_types: simulators.device_types,
            tools: BTreeMap::new(),
            backends: backend.map(|xcode| ("xcodebuild".to_owned(), xcode.version.to_string())).collect(),
            limits: self.limits.clone(),
            key_fingerprint: self.key_fingerprint,
            xcodes,
            runtimes,
            problems,
        };
        let observed = Observed {
            devices: simulators.devices.iter().map(observed_device).collect(),
            disk_free_bytes: disk::free_bytes(&self.data_dir),
            probe_ms: started.elapsed_ms(),
        };
        Probe { facts: Arc::new(facts), observed }
    }

    async fn xcodes(&self, problems: &mut Vec<String>) -> Vec<Xcode> {
        let mut xcodes = Vec::new();
        for (dir, links) in xcode::find(&self.tools, &self.xcode_search, problems).await {
            xcodes.extend(xcode::ask(&self.tools, &dir, links, problems).await);
        }
        if xcodes.is_empty() {
            problems.push("no Xcode was found: check xcode_search and xcode-select -p".to_owned());
        }
        xcodes.sort_by(|a, b| a.developer_dir.cmp(&b.developer_dir));
        xcodes
    }

    async fn simulators(&self, developer_dir: Option<&str>, problems: &mut Vec<String>) -> SimctlList {
        let Some(dir) = developer_dir else { return SimctlList::default() };
        SimctlList::ask(&self.tools, dir).await.unwrap_or_else(|error| {
            problems.push(error.to_string());
            SimctlList::default()
        })
    }

    /// Finds for each Xcode which build of each runtime it uses, and marks the builds that no Xcode uses.
    async fn choose_runtimes(&self, xcodes: &mut [Xcode], runtimes: &mut [Runtime], problems: &mut Vec<String>) {
        for xcode in xcodes.iter_mut().filter(|xcode| xcode.state == XcodeState::Ready) {
            let chosen = chosen_builds(&self.tools, &xcode.developer_dir).await;
            xcode.runtime_builds = runtime_builds(runtimes, &chosen);
        }
        for index in 0..runtimes.len() {
            let Runtime { identifier, build, .. } = &runtimes[index];
            let alone = runtimes.iter().filter(|other| other.identifier == *identifier).count() == 1;
            let used = xcodes.iter().any(|xcode| xcode.runtime_builds.get(identifier) == Some(build));
            if !alone && !used {
                problems.push(format!("runtime {identifier} build {build} is shadowed by another build of the same identifier"));
                runtimes[index].shadowed = true;
            }
        }
    }
}

/// Identifier to build: the only usable one, or among several the one the Xcode chooses. Several of which none is chosen: none.
fn runtime_builds(runtimes: &[Runtime], chosen: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut builds = BTreeMap::new();
    for runtime in runtimes.iter().filter(|runtime| runtime.unavailable.is_none()) {
        let rivals = runtimes.iter().filter(|other| other.identifier == runtime.identifier && other.unavailable.is_none()).count();
        if rivals == 1 || chosen.values().any(|build| *build == runtime.build) {
            builds.insert(runtime.identifier.clone(), runtime.build.clone());
        }
    }
    builds
}

/// What does not change with use: usable devices without UDID and state, and none of ours.
fn stable_devices(rows: &[super::DeviceRow]) -> Vec<Device> {
    let usable = rows.iter().filter(|row| row.available && !row.device_type.is_empty() && !row.name.starts_with(EPHEMERAL_PREFIX));
    let mut devices: Vec<Device> =
        usable.map(|row| Device { name: row.name.clone(), device_type: row.device_type.clone(), runtime: row.runtime.clone() }).collect();
    devices.sort();
    devices.dedup();
    devices
}

fn observed_device(row: &super::DeviceRow) -> ObservedDevice {
    ObservedDevice { udid: row.udid.clone(), name: row.name.clone(), runtime: row.runtime.clone(), state: row.state.clone() }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    fn runtime(identifier: &str, build: &str) -> Runtime {
        Runtime {
            identifier: identifier.to_owned(),
            platform: "iOS".to_owned(),
            version: "17.0".parse().unwrap(),
            build: build.to_owned(),
            architectures: None,
            unavailable: None,
            shadowed: false,
            device_types: std::collections::BTreeSet::new(),
        }
    }

    #[test]
    fn of_two_builds_of_one_identifier_the_chosen_one_counts_and_without_a_choice_none() {
        let runtimes = [runtime("iOS-17-0", "21A328"), runtime("iOS-17-0", "21A342"), runtime("iOS-18-2", "22C150")];
        let chosen = BTreeMap::from([("iphoneos".to_owned(), "21A342".to_owned())]);
        let builds = runtime_builds(&runtimes, &chosen);
        assert_eq!((builds["iOS-17-0"].as_str(), builds["iOS-18-2"].as_str()), ("21A342", "22C150"));
        assert!(!runtime_builds(&runtimes, &BTreeMap::new()).contains_key("iOS-17-0"));
    }

    #[test]
    fn using_a_machine_does_not_change_its_facts() {
        let row = |udid: &str, name: &str, state: &str| super::super::DeviceRow {
            udid: udid.to_owned(),
            name: name.to_owned(),
            device_type: "iPhone-16".to_owned(),
            runtime: "iOS-18-2".to_owned(),
            state: state.to_owned(),
            available: true,
        };
        let before = stable_devices(&[row("A", "iPhone 16", "Shutdown")]);
        let after = stable_devices(&[row("B", "rch-ephemeral-job-000001-1", "Booted"), row("A", "iPhone 16", "Booted")]);
        assert_eq!(before, after);
    }
}
