//! The farm that `up` and `demo` start: two agents, on the Xcode of this machine or on simulated ones, and the words that say which.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::farm::{AgentPlan, Farm, FarmPlan, Mac};
use crate::report;

/// Said wherever a farm without a real Xcode is shown.
const SIMULATED: &str = "No Xcode on this machine: using the simulated one; nothing is compiled for real.";

/// The plan of a farm in `directory`, with what this machine has.
pub(super) fn plan(directory: &Path) -> io::Result<FarmPlan> {
    let plan = FarmPlan::new(&std::env::current_exe()?).at(directory);
    if has_xcode() {
        return Ok(plan.agent(AgentPlan::of_this_machine("macmini-01")).agent(AgentPlan::of_this_machine("macmini-02")));
    }
    Ok(plan.two_simulated_macs())
}

/// Whether this is a Mac with an Xcode that works. Command Line Tools alone have an `xcodebuild` that refuses every word.
fn has_xcode() -> bool {
    let version = || Command::new("xcodebuild").arg("-version").stdin(Stdio::null()).output();
    cfg!(target_os = "macos") && version().is_ok_and(|output| output.status.success())
}

/// Says what runs.
pub(super) fn describe(farm: &Farm) {
    report::fact("Farm", farm.url());
    let workers: Vec<String> = farm.plan().agents().iter().map(worker).collect();
    report::fact("Workers", &workers.join(", "));
    if farm.plan().agents().iter().any(|agent| matches!(agent.mac(), Mac::Simulated(_))) {
        report::fact("Xcode", SIMULATED);
    }
}

fn worker(agent: &AgentPlan) -> String {
    match agent.mac() {
        Mac::Simulated(machine) => {
            let xcodes: Vec<&str> = machine.xcodes.iter().map(|xcode| xcode.version.as_str()).collect();
            format!("{} with Xcode {}", agent.name(), xcodes.join(" and "))
        }
        Mac::This => format!("{} with the Xcode of this machine", agent.name()),
    }
}
