//! Building: every target of the plan in order, until one fails.

use super::compile::{Outcome, Stop, compile_target};
use super::derived_data::DerivedData;
use super::destination::Destination;
use super::log::Log;
use crate::project::{Dependency, Plan, Target};
use crate::tempo::{Phase, Tempo};

/// What a build works with.
pub(crate) struct Building<'a, 'c> {
    pub(crate) log: &'a mut Log<'c>,
    pub(crate) tempo: &'a Tempo,
    pub(crate) derived: &'a mut DerivedData,
    pub(crate) destination: &'a Destination,
    /// How many files there are, to share the time out.
    pub(crate) steps: usize,
    /// Whether products are signed.
    pub(crate) signs: bool,
}

/// Builds a plan's targets. What was compiled is kept in DerivedData, however this ends.
pub(crate) fn build(plan: &Plan, mut building: Building<'_, '_>) -> Result<Outcome, Stop> {
    preparation(plan, building.log);
    building.tempo.leave_child();
    for number in 1..=building.tempo.log_lines {
        building.log.line(numbered_line(number));
    }
    let mut outcome = Outcome::default();
    let ended = build_targets(plan, &mut building, &mut outcome);
    building.derived.save()?;
    ended?;
    building.log.progress(format!("note: Simulated Xcode: compiled {} of {} files", outcome.compiled, outcome.files));
    Ok(outcome)
}

fn build_targets(plan: &Plan, building: &mut Building<'_, '_>, outcome: &mut Outcome) -> Result<(), Stop> {
    let tempo = building.tempo;
    let log = &mut *building.log;
    tempo.hang(Phase::Build, &mut || log.line("note: Simulated Xcode: compiling, and never done"))?;
    for target in &plan.targets {
        compile_target(target, building, outcome)?;
        if !outcome.is_success() {
            return Ok(());
        }
    }
    if outcome.compiled == 0 {
        // Nothing to compile: the time a build takes passes all the same.
        let log = &mut *building.log;
        tempo.step(Phase::Build, 1, &mut || log.progress("note: Simulated Xcode: still building"))?;
    }
    Ok(())
}

/// A line of 64 bytes, its end included, that says which it is.
fn numbered_line(number: usize) -> String {
    format!("note: Simulated Xcode: log line {number:08} {}", ".".repeat(22))
}

fn preparation(plan: &Plan, log: &mut Log<'_>) {
    for line in [
        "ComputePackagePrebuildTargetDependencyGraph\n",
        "Prepare packages\n",
        "CreateBuildRequest\n",
        "SendProjectDescription\n",
        "CreateBuildOperation\n",
        "ComputeTargetDependencyGraph",
        "note: Building targets in dependency order",
    ] {
        log.progress(line);
    }
    let count = plan.targets.len();
    let noun = if count == 1 { "target" } else { "targets" };
    log.progress(format!("note: Target dependency graph ({count} {noun})"));
    for target in plan.targets.iter().rev() {
        let Target { name, project, .. } = target;
        let needed: Vec<&Target> = plan.targets.iter().filter(|other| needs(target, other)).collect();
        let suffix = if needed.is_empty() { " (no dependencies)" } else { "" };
        log.progress(format!("    Target '{name}' in project '{project}'{suffix}"));
        for other in needed {
            let Target { name, project, .. } = other;
            log.progress(format!("        ➜ Explicit dependency on target '{name}' in project '{project}'"));
        }
    }
    log.progress("\nGatherProvisioningInputs\n\nCreateBuildDescription\n");
}

fn needs(target: &Target, other: &Target) -> bool {
    target.dependencies.iter().any(|dependency| match dependency {
        Dependency::Id(id) => other.id == *id && other.project == target.project,
        Dependency::Name(name) => other.name == *name,
    })
}

/// "The following build commands failed", behind the end marker.
pub(crate) fn print_failed_commands(outcome: &Outcome, building_line: &str, log: &mut Log<'_>) {
    let count = outcome.failed_commands.len() + 1;
    let head = "\nThe following build commands failed:";
    let commands = outcome.failed_commands.join("\n\t");
    log.console.error(format!("{head}\n\t{commands}\n\t{building_line}\n({count} failures)"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_numbered_line_has_64_bytes_with_its_end() {
        assert_eq!(numbered_line(1).len() + 1, 64);
        assert_eq!(numbered_line(99_999_999).len() + 1, 64);
    }
}
