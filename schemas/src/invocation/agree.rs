//! What each argument alone allows, but not beside the others.

use super::classified::Rejected;
use super::classify::{Asked, Kept};
use super::sdk::Sdk;
use super::value::Refusal;
use crate::Action;
use crate::destination::DestinationKind;

/// Everything in the line that disagrees with something else in it.
pub(super) fn check(action: Action, kept: &[Kept], asked: &[Asked]) -> Vec<Rejected> {
    let mut rejected: Vec<Rejected> = Vec::new();
    for argument in kept {
        let refusal = excluded(argument, kept).or_else(|| unneeded(argument, action)).or_else(|| lonely(argument, kept));
        rejected.extend(refusal.map(|refusal| argument.span.reject(refusal)));
    }
    let sdk = kept.iter().find(|argument| argument.name == "-sdk").and_then(|argument| argument.value.parse().ok());
    let archs: Vec<&str> = kept.iter().filter(|argument| argument.name == "-arch").map(|argument| argument.value.as_str()).collect();
    for destination in asked {
        let refusal =
            other_sdk(destination, sdk.as_ref()).or_else(|| other_arch(destination, &archs)).or_else(|| no_device(destination, action));
        rejected.extend(refusal.map(|refusal| destination.span.reject(refusal)));
    }
    rejected
}

/// The later of two arguments that exclude each other.
fn excluded(argument: &Kept, kept: &[Kept]) -> Option<Refusal> {
    let earlier = kept.iter().find(|other| argument.row.excludes.contains(&other.name) && other.span.index < argument.span.index)?;
    Some(Refusal {
        reason: format!("{} cannot stand beside {}", argument.name, earlier.name),
        fix: format!("leave one of the two out: {} or {}", earlier.name, argument.name),
    })
}

fn unneeded(argument: &Kept, action: Action) -> Option<Refusal> {
    let reason = format!("{} is for tests, and the action is {action}", argument.name);
    (argument.row.tests_only && action == Action::Build).then(|| Refusal { reason, fix: "write test, or leave it out".to_owned() })
}

fn lonely(argument: &Kept, kept: &[Kept]) -> Option<Refusal> {
    let needs = argument.row.needs;
    let reason = || format!("{} repeats nothing by itself", argument.name);
    let fix = || format!("write one of {} beside it, or leave it out", needs.join(", "));
    (!needs.is_empty() && !kept.iter().any(|other| needs.contains(&other.name))).then(|| Refusal { reason: reason(), fix: fix() })
}

fn other_sdk(destination: &Asked, sdk: Option<&Sdk>) -> Option<Refusal> {
    let sdk = sdk.filter(|sdk| !sdk.agrees_with(&destination.spec))?;
    let platform = destination.spec.platform?;
    Some(Refusal {
        reason: format!("-sdk {sdk} builds for {}, and this destination is {platform}", sdk.platform),
        fix: format!("leave -sdk out, or write -sdk {}", platform.sdk_platform()),
    })
}

fn other_arch(destination: &Asked, archs: &[&str]) -> Option<Refusal> {
    let arch = destination.spec.arch.as_deref().filter(|arch| !archs.is_empty() && !archs.contains(arch))?;
    Some(Refusal {
        reason: format!("-arch {} does not build for the destination's arch={arch}", archs.join(" ")),
        fix: "leave -arch out: the destination's arch is enough".to_owned(),
    })
}

fn no_device(destination: &Asked, action: Action) -> Option<Refusal> {
    let DestinationKind::Generic(platform) = destination.spec.kind() else { return None };
    action.runs_tests().then(|| Refusal {
        reason: "a generic destination has no device to run tests on".to_owned(),
        fix: if platform.is_simulator() {
            format!("name a device: platform={platform},name=…")
        } else if platform.is_device() {
            format!("name a simulator: platform={platform} Simulator,name=…")
        } else {
            format!("write platform={platform}")
        },
    })
}
