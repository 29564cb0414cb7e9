//! Which Xcode of a worker a job gets.

use rch_schemas::Reason;
use rch_schemas::capabilities::{Facts, Xcode, XcodeState};
use rch_schemas::document::Verdict;
use rch_schemas::requirement::XcodeRequirement;

/// The Xcode that satisfies the requirement: the exact build, else the highest version that is ready; betas only when their build is named.
pub(super) fn resolve<'a>(facts: &'a Facts, requirement: Option<&XcodeRequirement>) -> Result<(&'a Xcode, Vec<String>), Verdict> {
    let accepted = |xcode: &&Xcode| match requirement {
        Some(requirement) => requirement.accepts(&xcode.version, &xcode.build) && (!xcode.beta || requirement.names_build(&xcode.build)),
        None => !xcode.beta,
    };
    let matching: Vec<_> = facts.xcodes.iter().filter(accepted).collect();
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
    let asked = requirement.map(XcodeRequirement::as_str);
    let exact = asked.is_some_and(|asked| asked == chosen.build || asked == chosen.version.as_str());
    let notices = match asked {
        Some(asked) if !exact => vec![format!("Xcode {} ({}) is the highest that satisfies {asked}", chosen.version, chosen.build)],
        Some(_) | None => Vec::new(),
    };
    Ok((chosen, notices))
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
