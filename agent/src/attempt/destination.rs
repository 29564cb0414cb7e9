//! The destination of one attempt: found, or made and always deleted.

use std::time::Duration;

use rch_schemas::job_key::{Provisioning, ResolvedDestination};
use rch_schemas::{Action, Reason};

use super::{AttemptKey, EPHEMERAL_PREFIX};
use crate::probe::{DeviceRow, SimctlList};
use crate::tool::{Call, ToolError, Tools};

/// `simctl create` and `delete` take a second; the first call after a boot starts CoreSimulator.
const SIMCTL_TIMEOUT: Duration = Duration::from_mins(1);
/// A first boot takes minutes on a loaded Mac.
const BOOT_TIMEOUT: Duration = Duration::from_mins(3);
/// Tries to boot: CoreSimulator often recovers from the first failure by itself.
const BOOT_TRIES: u32 = 2;

/// A destination that the backend can be told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Provisioned {
    /// The value of `-destination`.
    pub(crate) argument: String,
    /// The simulator, if it is one.
    pub(crate) udid: Option<String>,
    /// Whether the simulator was made for this attempt, and goes with it.
    pub(crate) ephemeral: bool,
    /// Whether it was made now, ephemeral or not.
    pub(crate) created: bool,
    /// The build of the runtime as read after boot; only where something was booted.
    pub(crate) runtime_build_after_boot: Option<String>,
}

/// Why there is no destination.
#[derive(Debug, thiserror::Error)]
#[error("{detail}")]
pub(crate) struct ProvisionError {
    /// What the farm is told.
    pub(crate) reason: Reason,
    detail: String,
}

/// A simulator as the job key names it.
struct Wanted<'a> {
    name: &'a str,
    device_type: &'a str,
    runtime: &'a str,
}

/// What provisioning needs to know about its attempt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Provisioner<'a> {
    pub(crate) tools: &'a Tools,
    pub(crate) developer_dir: &'a str,
    pub(crate) key: &'a AttemptKey,
    pub(crate) action: Action,
}

impl Provisioner<'_> {
    /// Makes the destination ready. A simulator made for the attempt is noted in `provisioned` before anything else can fail, so that
    /// the caller can always release it.
    pub(crate) async fn provision(&self, wanted: &ResolvedDestination, provisioned: &mut Provisioned) -> Result<(), ProvisionError> {
        match wanted {
            ResolvedDestination::Mac { platform, arch, variant, .. } => {
                let variant = variant.as_ref().map(|variant| format!(",variant={variant}")).unwrap_or_default();
                provisioned.argument = format!("platform={platform},arch={arch}{variant}");
            }
            ResolvedDestination::Generic { platform, variant, .. } => {
                let variant = variant.as_ref().map(|variant| format!(",variant={variant}")).unwrap_or_default();
                provisioned.argument = format!("generic/platform={platform}{variant}");
            }
            ResolvedDestination::Simulator { platform, name, provisioning, device_type_identifier, sim_runtime_identifier, .. } => {
                let simulator = Wanted { name, device_type: device_type_identifier, runtime: sim_runtime_identifier };
                let udid = match provisioning {
                    Provisioning::Existing => self.existing(&simulator, provisioned).await?,
                    Provisioning::Ephemeral => self.ephemeral(&simulator, provisioned).await?,
                };
                provisioned.argument = format!("platform={platform},id={udid}");
            }
        }
        Ok(())
    }

    /// The simulator with this name, type and runtime; one of the name is made where only the type is known, as on a fresh image.
    async fn existing(&self, wanted: &Wanted<'_>, provisioned: &mut Provisioned) -> Result<String, ProvisionError> {
        let list = SimctlList::ask(self.tools, self.developer_dir).await.map_err(|error| trouble(&error))?;
        let udid = if let Some(udid) = lowest_udid(&list.devices, wanted) {
            udid
        } else {
            provisioned.created = true;
            self.create(wanted.name, wanted).await?
        };
        provisioned.udid = Some(udid.clone());
        Ok(udid)
    }

    /// A simulator for this attempt alone. It is booted where tests will run in it; a build only names it.
    async fn ephemeral(&self, wanted: &Wanted<'_>, provisioned: &mut Provisioned) -> Result<String, ProvisionError> {
        let name = format!("{EPHEMERAL_PREFIX}{}-{}", self.key.job_id, self.key.attempt);
        let udid = self.create(&name, wanted).await?;
        provisioned.udid = Some(udid.clone());
        provisioned.created = true;
        provisioned.ephemeral = true;
        if self.action.runs_tests() {
            self.boot(&udid).await?;
            let list = SimctlList::ask(self.tools, self.developer_dir).await.map_err(|error| trouble(&error))?;
            let mut runtimes = list.runtimes.iter().filter(|runtime| runtime.identifier == wanted.runtime);
            provisioned.runtime_build_after_boot =
                runtimes.find(|runtime| runtime.unavailable.is_none()).map(|runtime| runtime.build.clone());
        }
        Ok(udid)
    }

    async fn create(&self, name: &str, wanted: &Wanted<'_>) -> Result<String, ProvisionError> {
        let udid = self.simctl(&["create", name, wanted.device_type, wanted.runtime], SIMCTL_TIMEOUT).await;
        udid.map(|udid| udid.trim().to_owned()).map_err(|error| trouble(&error))
    }

    async fn boot(&self, udid: &str) -> Result<(), ProvisionError> {
        let mut last = String::new();
        for _ in 0..BOOT_TRIES {
            match self.simctl(&["bootstatus", udid, "-b"], BOOT_TIMEOUT).await {
                Ok(_) => return Ok(()),
                Err(error) => last = error.to_string(),
            }
            // A simulator that hangs in Booting boots only from Shutdown.
            let _ = self.simctl(&["shutdown", udid], SIMCTL_TIMEOUT).await;
        }
        Err(ProvisionError { reason: Reason::SimulatorBoot, detail: format!("the simulator did not boot: {last}") })
    }

    /// Deletes the simulator made for the attempt, if there is one; whether that worked. Only after the backend is gone, which would boot
    /// it again.
    pub(crate) async fn release(&self, provisioned: &mut Provisioned) -> bool {
        let Some(udid) = provisioned.udid.take_if(|_| provisioned.ephemeral) else { return true };
        provisioned.ephemeral = false;
        let deleted = delete(self.tools, self.developer_dir, &udid).await;
        // The document still names the simulator that the job ran on.
        provisioned.udid = Some(udid);
        deleted
    }

    async fn simctl(&self, words: &[&str], timeout: Duration) -> Result<String, ToolError> {
        let arguments: Vec<&str> = std::iter::once("simctl").chain(words.iter().copied()).collect();
        self.tools.ask(Call { tool: "xcrun", arguments: &arguments, developer_dir: Some(self.developer_dir), timeout }).await
    }
}

/// Deletes every simulator whose name starts so: all that were ever made for an attempt, or that of one.
pub(crate) async fn sweep(tools: &Tools, developer_dir: &str, prefix: &str) {
    let Ok(list) = SimctlList::ask(tools, developer_dir).await else { return };
    for device in list.devices.iter().filter(|device| device.name.starts_with(prefix)) {
        tracing::info!(name = device.name, udid = device.udid, "deleting a simulator that outlived its attempt");
        delete(tools, developer_dir, &device.udid).await;
    }
}

async fn delete(tools: &Tools, developer_dir: &str, udid: &str) -> bool {
    let simctl = |verb| async move {
        let arguments = ["simctl", verb, udid];
        tools.ask(Call { tool: "xcrun", arguments: &arguments, developer_dir: Some(developer_dir), timeout: SIMCTL_TIMEOUT }).await
    };
    // Shutting down what is shut down is an error, and no trouble.
    let _ = simctl("shutdown").await;
    match simctl("delete").await {
        Ok(_) => true,
        Err(error) => {
            tracing::warn!(udid, %error, "a simulator made for an attempt could not be deleted");
            false
        }
    }
}

/// Of several devices that fit, the one with the lowest UDID; names are compared without case, as xcodebuild does.
fn lowest_udid(devices: &[DeviceRow], wanted: &Wanted<'_>) -> Option<String> {
    let fits = |device: &&DeviceRow| {
        device.available
            && device.name.to_lowercase() == wanted.name.to_lowercase()
            && device.device_type == wanted.device_type
            && device.runtime == wanted.runtime
    };
    devices.iter().filter(fits).map(|device| device.udid.clone()).min()
}

fn trouble(error: &ToolError) -> ProvisionError {
    let detail = error.to_string();
    let reason = if detail.contains("No space left") { Reason::DiskFull } else { Reason::CoresimulatorDown };
    ProvisionError { reason, detail }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(udid: &str, name: &str, runtime: &str, available: bool) -> DeviceRow {
        DeviceRow {
            udid: udid.to_owned(),
            name: name.to_owned(),
            device_type: "iPhone-16".to_owned(),
            runtime: runtime.to_owned(),
            state: "Shutdown".to_owned(),
            available,
        }
    }

    #[test]
    fn of_two_equal_devices_the_lowest_udid_is_taken_and_a_dead_one_never() {
        let devices = [
            device("A0", "iPhone 16", "iOS-18-2", false),
            device("C0", "iphone 16", "iOS-18-2", true),
            device("B0", "iPhone 16", "iOS-18-2", true),
            device("A1", "iPhone 16", "iOS-17-0", true),
            device("A2", "my iPhone 16", "iOS-18-2", true),
        ];
        let wanted = |runtime| Wanted { name: "iPhone 16", device_type: "iPhone-16", runtime };
        assert_eq!(lowest_udid(&devices, &wanted("iOS-18-2")).as_deref(), Some("B0"));
        assert_eq!(lowest_udid(&devices, &wanted("iOS-26-0")), None);
    }
}
