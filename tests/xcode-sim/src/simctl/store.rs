//! The simulators there are, in one file: read whole, changed under a lock, replaced whole.

use std::fmt;
use std::fs::{self, File};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::SimctlError;
use crate::machine::Machine;

/// A simulator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Simulator {
    pub(crate) udid: String,
    pub(crate) name: String,
    /// The device type's identifier.
    pub(crate) device_type: String,
    /// The runtime's identifier.
    pub(crate) runtime: String,
    pub(crate) state: SimulatorState,
    /// When it was booted last: "2025-02-17T12:38:15Z".
    pub(crate) last_booted_at: Option<String>,
}

/// What a simulator does. Others exist in reality (Creating, Shutting Down), but pass in no time here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum SimulatorState {
    Shutdown,
    Booting,
    Booted,
}

impl fmt::Display for SimulatorState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Shutdown => "Shutdown",
            Self::Booting => "Booting",
            Self::Booted => "Booted",
        })
    }
}

/// A set of simulators and the machine they are on.
#[derive(Debug)]
pub(crate) struct Store<'a> {
    pub(crate) machine: &'a Machine,
    path: PathBuf,
    at_first: AtFirst,
}

#[derive(Debug, PartialEq, Eq)]
enum AtFirst {
    MachinesDevices,
    Empty,
}

impl<'a> Store<'a> {
    /// The machine's own set: until something changes, it holds the devices of the machine document.
    pub(crate) const fn new(machine: &'a Machine, path: PathBuf) -> Self {
        Self { machine, path, at_first: AtFirst::MachinesDevices }
    }

    /// Another set (`--set`), which starts without any.
    pub(crate) const fn empty_at_first(machine: &'a Machine, path: PathBuf) -> Self {
        Self { machine, path, at_first: AtFirst::Empty }
    }

    /// Every simulator. A replaced file is never seen half, so no lock is needed.
    pub(crate) fn read(&self) -> Result<Vec<Simulator>, SimctlError> {
        let text = match fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(self.first_simulators()),
            Err(error) => return Err(SimctlError::store("read", self.path.clone(), &error)),
        };
        serde_json::from_slice(&text).map_err(|error| SimctlError::Store {
            verb: "read",
            path: self.path.clone(),
            reason: error.to_string(),
        })
    }

    /// Changes the simulators while nobody else does. When `change` fails, nothing is written.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Vec<Simulator>) -> Result<T, SimctlError>) -> Result<T, SimctlError> {
        let failed = |error: std::io::Error| SimctlError::store("change", self.path.clone(), &error);
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let lock = File::create(self.path.with_extension("lock")).map_err(failed)?;
        lock.lock().map_err(failed)?;
        let mut simulators = self.read()?;
        let outcome = change(&mut simulators)?;
        let text = serde_json::to_vec_pretty(&simulators).expect("a simulator has only string keys");
        let fresh = self.path.with_extension("new");
        fs::write(&fresh, text).map_err(failed)?;
        fs::rename(&fresh, &self.path).map_err(failed)?;
        Ok(outcome)
    }

    /// One simulator, by its id, or by its name when only one has it (as simctl allows).
    pub(crate) fn find(&self, device: &str) -> Result<Simulator, SimctlError> {
        let simulators = self.read()?;
        position(&simulators, device).map(|index| simulators[index].clone())
    }

    fn first_simulators(&self) -> Vec<Simulator> {
        if self.at_first == AtFirst::Empty {
            return Vec::new();
        }
        let runtime_named = |name: &str| self.machine.runtimes.iter().find(|runtime| runtime.name() == name);
        self.machine
            .devices
            .iter()
            .map(|device| Simulator {
                udid: self.machine.udid_of(device),
                name: device.name.clone(),
                device_type: self
                    .machine
                    .device_type(&device.device_type)
                    .map_or_else(|| device.device_type.clone(), crate::machine::DeviceType::identifier),
                // A device whose runtime is gone keeps its runtime's identifier.
                runtime: runtime_named(&device.runtime)
                    .map_or_else(|| identifier_of_missing(&device.runtime), crate::machine::Runtime::identifier),
                state: SimulatorState::Shutdown,
                last_booted_at: None,
            })
            .collect()
    }
}

/// Where `device` (an id, a name that only one has, or "booted") is.
pub(crate) fn position(simulators: &[Simulator], device: &str) -> Result<usize, SimctlError> {
    let unknown = || SimctlError::InvalidDevice(device.to_owned());
    let is_meant = |simulator: &Simulator| {
        simulator.udid.eq_ignore_ascii_case(device)
            || simulator.name == device
            || (device == "booted" && simulator.state == SimulatorState::Booted)
    };
    simulators.iter().position(is_meant).ok_or_else(unknown)
}

fn identifier_of_missing(name: &str) -> String {
    let dashed = name.replace([' ', '.'], "-");
    format!("com.apple.CoreSimulator.SimRuntime.{dashed}")
}
