//! A destination for a platform: a device that people have, or that the farm's workers have.

use std::collections::BTreeMap;

use rch_schemas::capabilities::{DeviceType, Facts, Runtime};

use super::settings::Platform;

/// What the workers of a farm can do.
#[derive(Debug, Clone)]
pub(crate) struct OnFarm {
    farm: String,
    workers: Vec<Facts>,
}

impl OnFarm {
    /// The workers of the farm of this name.
    pub(crate) fn new(farm: String, workers: Vec<Facts>) -> Self {
        Self { farm, workers }
    }

    /// How many workers have each device type for the platform, by name.
    fn devices(&self, platform: Platform) -> BTreeMap<&str, usize> {
        let mut devices = BTreeMap::new();
        for worker in &self.workers {
            let runtimes: Vec<&Runtime> = worker.runtimes.iter().filter(|runtime| is_usable(runtime, platform)).collect();
            let runs = |device: &&DeviceType| is_of(device, platform) && runtimes.iter().any(|runtime| supports(runtime, device));
            for device in worker.device_types.iter().filter(runs) {
                *devices.entry(device.name.as_str()).or_default() += 1;
            }
        }
        devices
    }
}

fn is_usable(runtime: &Runtime, platform: Platform) -> bool {
    runtime.platform == platform.name() && runtime.unavailable.is_none() && !runtime.shadowed
}

fn is_of(device: &DeviceType, platform: Platform) -> bool {
    match platform {
        Platform::Ios => device.family == "iPhone",
        Platform::Macos => false,
        Platform::Tvos => device.family == "Apple TV",
        Platform::Watchos => device.family == "Apple Watch",
        Platform::Visionos => device.family == "Apple Vision",
    }
}

/// Old tools do not list what a runtime supports; then the device type's own bounds say it.
fn supports(runtime: &Runtime, device: &DeviceType) -> bool {
    if !runtime.device_types.is_empty() {
        return runtime.device_types.contains(&device.identifier);
    }
    let above = device.min_runtime.as_ref().is_none_or(|min| runtime.version >= *min);
    above && device.max_runtime.as_ref().is_none_or(|max| runtime.version <= *max)
}

/// The device that is named when no farm is asked.
fn usual(platform: Platform) -> Option<&'static str> {
    match platform {
        Platform::Ios => Some("iPhone 16"),
        Platform::Macos => None,
        Platform::Tvos => Some("Apple TV"),
        Platform::Watchos => Some("Apple Watch Series 10 (46mm)"),
        Platform::Visionos => Some("Apple Vision Pro"),
    }
}

/// A destination, and why that device.
pub(super) fn destination(platform: Platform, farm: Option<&OnFarm>) -> (String, String) {
    let Some(usual) = usual(platform) else { return ("platform=macOS".to_owned(), "built and tested on the Mac itself".to_owned()) };
    let of = |device: &str| format!("platform={} Simulator,name={device},OS=latest", platform.name());
    let Some(farm) = farm else { return (of(usual), format!("{usual} is a usual choice; no farm was asked what it has")) };
    let devices = farm.devices(platform);
    let had_by = |count: usize| format!("{count} of {} workers of {} can run it", farm.workers.len(), farm.farm);
    if let Some(count) = devices.get(usual) {
        return (of(usual), format!("{usual}: {}", had_by(*count)));
    }
    // What most have; of those the newest plain one: "iPhone 15" before "iPhone 15 Pro" and "iPhone 14".
    match devices.iter().max_by_key(|(name, count)| (**count, number(name), std::cmp::Reverse(name.len()))) {
        Some((device, count)) => (of(device), format!("{device}: {}", had_by(*count))),
        None => (of(usual), format!("{usual} is a usual choice; no worker of {} has a simulator for {}", farm.farm, platform.name())),
    }
}

/// The first number in a name.
fn number(name: &str) -> u32 {
    name.split(|c: char| !c.is_ascii_digit()).find_map(|digits| digits.parse().ok()).unwrap_or(0)
}
