//! What simctl does to simulators: create, clone, boot, shut down, erase, delete, and look inside.

use std::thread;
use std::time::Duration;

use super::store::position;
use super::{SimctlError, Simulator, SimulatorState, Store};
use crate::clock::Moment;
use crate::console::Console;
use crate::fingerprint::uuid_from;
use crate::machine::Hang;
use crate::tempo::FOREVER;

pub(super) fn create(words: &[String], store: &Store<'_>, console: &mut Console) -> Result<(), SimctlError> {
    let (name, type_name, runtime_name) = match words {
        [name, type_name] => (name, type_name, None),
        [name, type_name, runtime] => (name, type_name, Some(runtime)),
        _ => return Err(SimctlError::Usage("simctl create <name> <device type id> [<runtime id>]")),
    };
    let machine = store.machine;
    let device_type = machine.device_type(type_name).ok_or_else(|| SimctlError::InvalidDeviceType(type_name.clone()))?;
    let runtime = match runtime_name {
        Some(name) => machine.runtime(name).ok_or_else(|| SimctlError::InvalidRuntime(name.clone()))?,
        None => machine
            .runtimes
            .iter()
            .filter(|runtime| runtime.unavailable.is_none() && runtime.supports(device_type))
            .max_by_key(|runtime| crate::machine::version_key(&runtime.version))
            .ok_or(SimctlError::Incompatible)?,
    };
    if !runtime.supports(device_type) {
        return Err(SimctlError::Incompatible);
    }
    let udid = fresh_udid(&machine.name, name);
    let simulator = Simulator {
        udid: udid.clone(),
        name: name.clone(),
        device_type: device_type.identifier(),
        runtime: runtime.identifier(),
        state: SimulatorState::Shutdown,
        last_booted_at: None,
    };
    store.change(|simulators| {
        simulators.push(simulator);
        Ok(())
    })?;
    console.line(udid);
    Ok(())
}

pub(super) fn clone(words: &[String], store: &Store<'_>, console: &mut Console) -> Result<(), SimctlError> {
    let [device, name] = words else {
        return Err(SimctlError::Usage("simctl clone <device> <new name>"));
    };
    let udid = fresh_udid(&store.machine.name, name);
    store.change(|simulators| {
        let original = simulators[position(simulators, device)?].clone();
        if original.state != SimulatorState::Shutdown {
            return Err(SimctlError::WrongState { verb: "clone device", state: original.state });
        }
        simulators.push(Simulator { udid: udid.clone(), name: name.clone(), last_booted_at: None, ..original });
        Ok(())
    })?;
    console.line(udid);
    Ok(())
}

pub(super) fn boot(words: &[String], store: &Store<'_>, _: &mut Console) -> Result<(), SimctlError> {
    let [device, ..] = words else {
        return Err(SimctlError::Usage("simctl boot <device> [--arch=<arch>]"));
    };
    boot_device(device, store)
}

/// Boots a simulator: it says Booting for as long as the machine's pace demands, then Booted.
fn boot_device(device: &str, store: &Store<'_>) -> Result<(), SimctlError> {
    let udid = store.change(|simulators| {
        let index = position(simulators, device)?;
        let simulator = &mut simulators[index];
        if simulator.state != SimulatorState::Shutdown {
            return Err(SimctlError::WrongState { verb: "boot device", state: simulator.state });
        }
        if store.machine.runtime(&simulator.runtime).is_none() {
            return Err(SimctlError::InvalidRuntime(simulator.runtime.clone()));
        }
        simulator.state = SimulatorState::Booting;
        Ok(simulator.udid.clone())
    })?;
    let pace = &store.machine.pace;
    if pace.hang == Some(Hang::Boot) {
        thread::sleep(FOREVER);
    }
    if pace.boot_seconds > 0.0 {
        thread::sleep(Duration::from_secs_f64(pace.boot_seconds));
    }
    mark_booted(&udid, store)
}

/// Writes down that a simulator is booted, as the end of booting and as what a test run does on its own.
pub(crate) fn mark_booted(udid: &str, store: &Store<'_>) -> Result<(), SimctlError> {
    store.change(|simulators| {
        let index = position(simulators, udid)?;
        simulators[index].state = SimulatorState::Booted;
        simulators[index].last_booted_at = Some(Moment::now().iso_form());
        Ok(())
    })
}

pub(super) fn boot_status(words: &[String], store: &Store<'_>, console: &mut Console) -> Result<(), SimctlError> {
    let Some(device) = words.iter().find(|word| !word.starts_with('-')) else {
        return Err(SimctlError::Usage("simctl bootstatus <device> [-bcd]"));
    };
    let simulator = store.find(device)?;
    let Simulator { name, udid, state, .. } = &simulator;
    console.line(format!("Monitoring boot status for {name} ({udid})."));
    if *state == SimulatorState::Booted {
        console.line("Device already booted, nothing to do.");
        return Ok(());
    }
    console.flush();
    if *state == SimulatorState::Shutdown {
        if !words.iter().any(|word| word == "-b") {
            // The real one waits for somebody else to boot it.
            thread::sleep(FOREVER);
        }
        boot_device(udid, store)?;
    }
    console.line("Status=4294967295, isTerminal=YES");
    console.line("Finished");
    Ok(())
}

pub(super) fn shutdown(words: &[String], store: &Store<'_>) -> Result<(), SimctlError> {
    let [device, ..] = words else {
        return Err(SimctlError::Usage("simctl shutdown <device> | all"));
    };
    store.change(|simulators| {
        if device == "all" {
            for simulator in simulators.iter_mut() {
                simulator.state = SimulatorState::Shutdown;
            }
            return Ok(());
        }
        let index = position(simulators, device)?;
        if simulators[index].state == SimulatorState::Shutdown {
            return Err(SimctlError::WrongState { verb: "shutdown device", state: SimulatorState::Shutdown });
        }
        simulators[index].state = SimulatorState::Shutdown;
        Ok(())
    })
}

pub(super) fn erase(words: &[String], store: &Store<'_>) -> Result<(), SimctlError> {
    if words.is_empty() {
        return Err(SimctlError::Usage("simctl erase <device> [... <device n>] | all"));
    }
    store.change(|simulators| {
        for index in meant(words, simulators)? {
            if simulators[index].state != SimulatorState::Shutdown {
                return Err(SimctlError::WrongState { verb: "erase contents and settings", state: simulators[index].state });
            }
            simulators[index].last_booted_at = None;
        }
        Ok(())
    })
}

pub(super) fn delete(words: &[String], store: &Store<'_>) -> Result<(), SimctlError> {
    if words.is_empty() {
        return Err(SimctlError::Usage("simctl delete <device> [... <device n>] | unavailable | all"));
    }
    let machine = store.machine;
    store.change(|simulators| {
        if words == ["unavailable"] {
            simulators.retain(|simulator| machine.runtime(&simulator.runtime).is_some());
            return Ok(());
        }
        let mut gone: Vec<usize> = meant(words, simulators)?;
        gone.sort_unstable();
        gone.dedup();
        for index in gone.into_iter().rev() {
            simulators.remove(index);
        }
        Ok(())
    })
}

fn meant(words: &[String], simulators: &[Simulator]) -> Result<Vec<usize>, SimctlError> {
    if words == ["all"] {
        return Ok((0..simulators.len()).collect());
    }
    words.iter().map(|word| position(simulators, word)).collect()
}

/// The variables of a booted simulator that say what it is.
pub(super) fn getenv(words: &[String], store: &Store<'_>, console: &mut Console) -> Result<(), SimctlError> {
    let [device, variable] = words else {
        return Err(SimctlError::Usage("simctl getenv <device> <variable name>"));
    };
    let simulator = store.find(device)?;
    if simulator.state != SimulatorState::Booted {
        return Err(SimctlError::WrongState { verb: "lookup in current environment", state: simulator.state });
    }
    let runtime = store.machine.runtime(&simulator.runtime);
    let device_type = store.machine.device_type(&simulator.device_type);
    let value = match variable.as_str() {
        "SIMULATOR_UDID" => Some(simulator.udid),
        "SIMULATOR_DEVICE_NAME" => Some(simulator.name),
        "SIMULATOR_RUNTIME_VERSION" => runtime.map(|runtime| runtime.version.clone()),
        "SIMULATOR_RUNTIME_BUILD_VERSION" => runtime.map(|runtime| runtime.build.clone()),
        "SIMULATOR_MODEL_IDENTIFIER" => device_type.map(|kind| kind.model.clone()),
        _ => None,
    };
    console.line(value.unwrap_or_default());
    Ok(())
}

/// A new simulator's id: its name, this process and the moment make it unlike any other.
fn fresh_udid(machine: &str, name: &str) -> String {
    let moment = format!("{:?}", std::time::SystemTime::now());
    uuid_from(&[machine, name, &std::process::id().to_string(), &moment])
}
