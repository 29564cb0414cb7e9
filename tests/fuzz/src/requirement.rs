//! Which Xcode is asked for: written again it is the same, and it answers for every version.

use rch_schemas::requirement::{Version, XcodeRequirement};

use crate::input::Input;

/// The requirement, then a version on a line of its own.
pub(crate) fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let (Ok(text), Some(version)) = (std::str::from_utf8(input.line()), input.text()) else { return };
    if let Ok(version) = version.parse::<Version>() {
        assert_eq!(version.as_str().parse::<Version>().as_ref(), Ok(&version));
    }
    let Ok(requirement) = text.parse::<XcodeRequirement>() else { return };
    let json = serde_json::to_string(&requirement).expect("a text");
    assert_eq!(serde_json::from_str::<XcodeRequirement>(&json).ok().as_ref(), Some(&requirement));
    assert_eq!(requirement.as_str(), text);
    for version in ["0", "16.2", "16.2.1.9", "4294967295.4294967295", version] {
        let Ok(version) = version.parse::<Version>() else { continue };
        let accepted = requirement.accepts(&version, "16C5032a");
        assert_eq!(accepted, requirement.accepts(&version, "16C5032a"));
        assert!(!requirement.names_build("16C5032a") || accepted, "{text:?}");
        // Missing numbers count as zero.
        if let Ok(longer) = format!("{version}.0").parse::<Version>() {
            assert_eq!(requirement.accepts(&longer, "16C5032a"), accepted, "{text:?} for {version}");
        }
    }
}
