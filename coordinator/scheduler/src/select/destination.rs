//! What a destination means on one worker with one Xcode.

use rch_schemas::Reason;
use rch_schemas::capabilities::{DeviceType, Facts, Runtime, Xcode};
use rch_schemas::destination::{DestinationKind, DestinationSpec, OsRequest, Platform};
use rch_schemas::document::Verdict;
use rch_schemas::job_key::{Provisioning, ResolvedDestination};
use rch_schemas::requirement::{DestinationMode, DestinationRequest, Version};

/// The destination with nothing left to choose, and what was chosen on the way.
pub(super) fn resolve(
    facts: &Facts,
    xcode: &Xcode,
    request: &DestinationRequest,
    spec: &DestinationSpec,
) -> Result<(ResolvedDestination, Vec<String>), Verdict> {
    let asks = Asks { facts, xcode, request, spec };
    match spec.kind() {
        DestinationKind::Generic(platform) => asks.generic(platform),
        DestinationKind::Mac => asks.mac(),
        DestinationKind::Simulator(platform) => asks.simulator(Some(platform)),
        DestinationKind::Open => asks.simulator(None),
        DestinationKind::Device(platform) => Err(asks.no(&format!("no device lab: write platform={platform} Simulator"))),
    }
}

struct Asks<'a> {
    facts: &'a Facts,
    xcode: &'a Xcode,
    request: &'a DestinationRequest,
    spec: &'a DestinationSpec,
}

type Resolved = Result<(ResolvedDestination, Vec<String>), Verdict>;

impl<'a> Asks<'a> {
    fn no(&self, found: &str) -> Verdict {
        Verdict { code: Reason::NoSuchDestination, required: self.request.asked.clone(), found: found.to_owned() }
    }

    fn generic(&self, platform: Platform) -> Resolved {
        let sdk = self
            .xcode
            .sdks
            .iter()
            .filter(|sdk| sdk.platform == platform.sdk_platform())
            .max_by_key(|sdk| sdk.version.parse::<Version>().ok());
        let sdk = sdk.ok_or_else(|| self.no(&format!("Xcode {} without an SDK for {platform}", self.xcode.version)))?;
        let os_version = sdk.version.clone();
        let resolved = ResolvedDestination::Generic {
            platform: platform.to_string(),
            os_version,
            provisioning: Provisioning::Existing,
            variant: self.spec.variant.clone(),
        };
        Ok((resolved, Vec::new()))
    }

    fn mac(&self) -> Resolved {
        if self.spec.id.is_some() || self.spec.name.is_some() {
            return Err(
                self.no("a Mac is chosen by what it has, not by name or id: write platform=macOS, and worker_selection.worker for one Mac")
            );
        }
        let known = |variant: &str| variant == "Mac Catalyst" || variant.starts_with("Designed for ");
        if self.spec.variant.as_deref().is_some_and(|variant| !known(variant)) {
            return Err(self.no("no such variant of macOS: write variant=Mac Catalyst or variant=Designed for [iPad,iPhone]"));
        }
        let arch = self.spec.arch.as_deref().unwrap_or(&self.facts.arch);
        // Apple silicon runs x86_64 through Rosetta; whether it is there is not probed yet, so only the native architecture is offered.
        if arch != self.facts.arch {
            return Err(self.no(&format!("a Mac of {}", self.facts.arch)));
        }
        let version = &self.facts.macos.version;
        if let OsRequest::Version(wanted) = &self.spec.os
            && version.parse::<Version>().ok().as_ref() != Some(wanted)
        {
            return Err(self.no(&format!("macOS {version}")));
        }
        let resolved = ResolvedDestination::Mac {
            platform: Platform::MacOs.to_string(),
            arch: arch.to_owned(),
            os_version: version.clone(),
            provisioning: Provisioning::Existing,
            variant: self.spec.variant.clone(),
        };
        Ok((resolved, Vec::new()))
    }

    fn simulator(&self, platform: Option<Platform>) -> Resolved {
        if self.spec.id.is_some() {
            return Err(self.no("an id means nothing on another machine: write name=… and OS=…"));
        }
        if self.spec.variant.is_some() {
            // It would be lost: a simulator is named by its id alone.
            return Err(self.no("a simulator with a variant is not offered: leave variant=… out"));
        }
        if self.request.mode == DestinationMode::Pinned && self.spec.leaves_choice() {
            return Err(self.no("mode \"pinned\" needs name=… and an exact OS=…"));
        }
        let name = self.spec.name.as_deref().ok_or_else(|| self.no("a simulator needs name=…"))?;
        let platform = match platform {
            Some(platform) => platform,
            None => self.platform_of(name)?,
        };
        let (runtime, notice) = self.runtime(platform)?;
        let (device_type, exact_name) = self.device(name, runtime)?;
        let arch = self.arch(runtime)?;
        let resolved = ResolvedDestination::Simulator {
            platform: platform.to_string(),
            arch,
            os_version: runtime.version.to_string(),
            provisioning: self.request.provisioning,
            name: exact_name,
            device_type_identifier: device_type.identifier.clone(),
            sim_runtime_identifier: runtime.identifier.clone(),
            sim_runtime_build: runtime.build.clone(),
            paired_with: None,
        };
        Ok((resolved, notice.into_iter().collect()))
    }

    /// The platform of the device type or device of this name, when the request does not say one.
    fn platform_of(&self, name: &str) -> Result<Platform, Verdict> {
        let by_type = self.facts.device_types.iter().find(|known| same(&known.name, name));
        let by_device = || {
            let device = self.facts.devices.iter().find(|device| same(&device.name, name))?;
            self.facts.device_types.iter().find(|known| known.identifier == device.device_type)
        };
        by_type
            .or_else(by_device)
            .and_then(|known| Platform::simulator_of(&known.family))
            .ok_or_else(|| self.no(&format!("no device or device type named {name:?}")))
    }

    /// Runtimes of the platform that can be used with this Xcode, lowest version first.
    fn usable(&self, platform: Platform) -> Vec<&'a Runtime> {
        let chosen = |runtime: &&Runtime| match self.xcode.runtime_builds.get(&runtime.identifier) {
            Some(build) => *build == runtime.build,
            None => !runtime.shadowed,
        };
        let mut usable: Vec<_> = self
            .facts
            .runtimes
            .iter()
            .filter(|runtime| runtime.platform == platform.runtime_platform() && runtime.unavailable.is_none() && !runtime.build.is_empty())
            .filter(chosen)
            .collect();
        usable.sort_by(|a, b| a.version.cmp(&b.version));
        usable
    }

    fn runtime(&self, platform: Platform) -> Result<(&'a Runtime, Option<String>), Verdict> {
        let usable = self.usable(platform);
        let listed = || match usable.as_slice() {
            [] => format!("no {} runtime", platform.runtime_platform()),
            some => format!(
                "{} {}",
                platform.runtime_platform(),
                some.iter().map(|runtime| runtime.version.as_str()).collect::<Vec<_>>().join(", ")
            ),
        };
        // Only who names a beta's version, or works with a beta of Xcode, means it.
        let unasked = |runtime: &&&Runtime| self.xcode.beta || !is_beta(&runtime.build);
        match &self.spec.os {
            OsRequest::Latest => match usable.iter().rev().find(unasked) {
                Some(runtime) => Ok((runtime, None)),
                None if usable.is_empty() => Err(self.no(&listed())),
                None => Err(self.no(&format!("{}, and only as beta: name the version to mean it", listed()))),
            },
            OsRequest::Version(wanted) => {
                if let Some(exact) = usable.iter().find(|runtime| runtime.version == *wanted) {
                    return Ok((exact, None));
                }
                let close = |runtime: &&&Runtime| runtime.version.major_minor() == wanted.major_minor() && unasked(runtime);
                match usable.iter().rev().find(close).filter(|_| self.request.mode == DestinationMode::Constraints) {
                    Some(runtime) => Ok((runtime, Some(format!("OS {wanted} is met by {}", runtime.version)))),
                    None => Err(self.no(&listed())),
                }
            }
        }
    }

    /// The device of this name under the runtime, else a device type that the runtime supports, which the agent makes a device of.
    fn device(&self, name: &str, runtime: &Runtime) -> Result<(&'a DeviceType, String), Verdict> {
        let type_of = |identifier: &str| self.facts.device_types.iter().find(|known| known.identifier == identifier);
        let device = self.facts.devices.iter().find(|device| device.runtime == runtime.identifier && same(&device.name, name));
        if let Some(device) = device
            && let Some(device_type) = type_of(&device.device_type)
        {
            return Ok((device_type, device.name.clone()));
        }
        let supported = |known: &&DeviceType| {
            if runtime.device_types.is_empty() {
                let above = known.min_runtime.as_ref().is_none_or(|min| runtime.version >= *min);
                above && known.max_runtime.as_ref().is_none_or(|max| runtime.version <= *max)
            } else {
                runtime.device_types.contains(&known.identifier)
            }
        };
        let device_type = self.facts.device_types.iter().filter(supported).find(|known| same(&known.name, name));
        device_type
            .map(|known| (known, known.name.clone()))
            .ok_or_else(|| self.no(&format!("{} {} without a device or device type named {name:?}", runtime.platform, runtime.version)))
    }

    fn arch(&self, runtime: &Runtime) -> Result<String, Verdict> {
        let wanted = self.spec.arch.as_deref().unwrap_or(&self.facts.arch);
        let runs = runtime.architectures.as_ref().map_or(wanted == self.facts.arch, |known| known.contains(wanted));
        if runs { Ok(wanted.to_owned()) } else { Err(self.no(&format!("{} {} does not run {wanted}", runtime.platform, runtime.version))) }
    }
}

/// Whether the build of a runtime is a beta's: `21C5046b`, where a release has `21C52`. True of runtimes alone: Xcode's releases look like this, too
/// (16C5032a).
fn is_beta(build: &str) -> bool {
    build.ends_with(|c: char| c.is_ascii_lowercase())
        && build
            .trim_start_matches(|c: char| c.is_ascii_digit())
            .get(1..)
            .is_some_and(|number| number.starts_with('5') && number.len() == 5)
}

/// Names of devices are compared without case, as xcodebuild does.
fn same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

#[cfg(test)]
mod tests;
