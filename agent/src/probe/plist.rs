//! The two facts that lie in files of an Xcode rather than in a tool's answer.

use std::path::Path;

/// The text after `<key>` in an XML property list, such as `version.plist`, which Apple ships as XML.
pub(super) fn string_of(plist: &str, key: &str) -> Option<String> {
    let (_, rest) = plist.split_once(&format!("<key>{key}</key>"))?;
    let (_, rest) = rest.split_once("<string>")?;
    let (value, _) = rest.split_once("</string>")?;
    Some(value.trim().to_owned())
}

/// Version and build as an Xcode's bundle says them, for when its tools do not answer.
pub(super) fn version_of_bundle(developer_dir: &Path) -> Option<(String, String)> {
    let plist = std::fs::read_to_string(developer_dir.parent()?.join("version.plist")).ok()?;
    Some((string_of(&plist, "CFBundleShortVersionString")?, string_of(&plist, "ProductBuildVersion")?))
}

/// Whether a bundle's licence information calls it a beta. By experience, not verified on a Mac: a text or binary list with `Beta` in it.
pub(super) fn is_beta(developer_dir: &Path) -> bool {
    let Some(contents) = developer_dir.parent() else { return false };
    let bytes = std::fs::read(contents.join("Resources/LicenseInfo.plist")).unwrap_or_default();
    bytes.windows(4).any(|window| window == b"Beta")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_s_string_is_found_and_a_missing_one_is_not() {
        let plist = "<dict>\n\t<key>A</key>\n\t<string>1</string>\n\t<key>ProductBuildVersion</key>\n\t<string>16C5032a</string>\n</dict>";
        assert_eq!(string_of(plist, "ProductBuildVersion").as_deref(), Some("16C5032a"));
        assert_eq!(string_of(plist, "B"), None);
    }
}
