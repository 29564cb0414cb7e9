//! Which Xcode of a worker a job gets.

use rch_schemas::Reason;
use rch_schemas::capabilities::{Facts, Xcode, XcodeState};
use rch_schemas::document::Verdict;
use rch_schemas::requirement::{Requirement, XcodeRequirement};

/// The Xcode that satisfies the requirement: the exact build, else the highest version that is ready and has the SDKs; betas only when their
/// build is named.
pub(super) fn resolve<'a>(facts: &'a Facts, asked: &Requirement) -> Result<(&'a Xcode, Vec<String>), Verdict> {
    let requirement = asked.xcode.as_ref();
    let accepted = |xcode: &&Xcode| match requirement {
        Some(requirement) => requirement.accepts(&xcode.version, &xcode.build) && (!xcode.beta || requirement.names_build(&xcode.build)),
        None => !xcode.beta,
    };
    let has_sdks = |xcode: &&Xcode| asked.sdks.iter().all(|name| xcode.sdks.iter().any(|sdk| sdk.name == *name));
    let (matching, without_sdk): (Vec<_>, Vec<_>) = facts.xcodes.iter().filter(accepted).partition(has_sdks);
    if matching.is_empty() && !without_sdk.is_empty() {
        return Err(no_sdk(&without_sdk, asked));
    }
    let Some(best) = matching.iter().filter(|xcode| xcode.state == XcodeState::Ready).max_by(|a, b| a.version.cmp(&b.version)) else {
        return Err(none_ready(facts, &matching, requirement));
    };
    let same_version: Vec<_> = matching.iter().filter(|xcode| xcode.version == best.version && xcode.state == XcodeState::Ready).collect();
    if let Some(other) = same_version.iter().find(|xcode| xcode.build != best.build) {
        return Err(Verdict {
            code: Reason::NoSuchXcode,
            required: format!("one build of Xcode {}", best.version),
            found: format!("{} and {}: name the build", best.build, other.build),
        });
    }
    // Facts are sorted by path, so that of two copies of one build the first path is chosen everywhere.
    let chosen = same_version.first().copied().copied().unwrap_or(best);
    let text = requirement.map(XcodeRequirement::as_str);
    let exact = text.is_some_and(|text| text == chosen.build || text == chosen.version.as_str());
    let notices = match text {
        Some(text) if !exact => vec![format!("Xcode {} ({}) is the highest that satisfies {text}", chosen.version, chosen.build)],
        Some(_) | None => Vec::new(),
    };
    Ok((chosen, notices))
}

fn no_sdk(xcodes: &[&Xcode], asked: &Requirement) -> Verdict {
    let platform = |name: &str| name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').to_owned();
    let wanted: Vec<_> = asked.sdks.iter().map(|name| platform(name)).collect();
    let has = |xcode: &&Xcode| {
        let sdks: Vec<_> = xcode.sdks.iter().filter(|sdk| wanted.contains(&sdk.platform)).map(|sdk| sdk.name.as_str()).collect();
        format!("Xcode {} with {}", xcode.version, if sdks.is_empty() { "none for that platform".to_owned() } else { sdks.join(", ") })
    };
    let names: Vec<_> = asked.sdks.iter().map(String::as_str).collect();
    let found = xcodes.iter().map(has).collect::<Vec<_>>().join("; ");
    Verdict { code: Reason::NoSuchXcode, required: format!("an Xcode with the SDK {}", names.join(", ")), found }
}

fn none_ready(facts: &Facts, matching: &[&Xcode], requirement: Option<&XcodeRequirement>) -> Verdict {
    let required = requirement.map_or_else(|| "any release of Xcode".to_owned(), |requirement| format!("Xcode {requirement}"));
    if let Some(unready) = matching.first() {
        let (code, why) = match unready.state {
            XcodeState::LicenseNotAgreed => (Reason::License, "its licence is not agreed to"),
            XcodeState::FirstLaunchNeeded => (Reason::DeveloperDir, "it was never launched"),
            XcodeState::Broken | XcodeState::Ready => (Reason::DeveloperDir, "it does not work"),
        };
        return Verdict { code, required, found: format!("Xcode {} ({}), but {why}", unready.version, unready.build) };
    }
    let found = match facts.xcodes.as_slice() {
        [] => "no Xcode".to_owned(),
        xcodes => xcodes.iter().map(|xcode| format!("{} ({})", xcode.version, xcode.build)).collect::<Vec<_>>().join(", "),
    };
    Verdict { code: Reason::NoSuchXcode, required, found }
}
