//! The fixed list: what never belongs to a bundle unless git tracks it. Build products, personal settings, secrets.

use std::ffi::OsStr;
use std::path::Path;

/// Whether the untracked file or directory at `path` (from the root, NFC) is on the list. Its parents were asked before.
pub(super) fn is_excluded(path: &str, is_directory: IsDirectory) -> bool {
    let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
    let extension = Path::new(name).extension().and_then(OsStr::to_str).unwrap_or_default();
    let by_name = name == ".DS_Store" || name.starts_with(".env") || matches!(extension, "p12" | "p8" | "mobileprovision");
    let directory = || {
        matches!(name, "DerivedData" | ".build" | "xcuserdata")
            || extension == "xcresult"
            || (name == "artifacts" && parent.rsplit('/').next() == Some(".rch"))
    };
    by_name || (is_directory == IsDirectory::Yes && directory()) || (is_directory == IsDirectory::No && is_private_swiftpm(path))
}

/// Whether the thing asked about is a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IsDirectory {
    Yes,
    No,
}

/// `.swiftpm/` is one person's, but for what Xcode itself calls shared in it.
fn is_private_swiftpm(path: &str) -> bool {
    let mut inside = path.split('/').skip_while(|component| *component != ".swiftpm");
    inside.next().is_some() && !inside.any(|component| component == "xcshareddata")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn build_products_personal_data_and_secrets_are_out() {
        for path in ["DerivedData", "a/.build", "out/Run.xcresult", "App.xcodeproj/xcuserdata", ".rch/artifacts", ".env.d"] {
            assert!(is_excluded(path, IsDirectory::Yes), "{path}");
        }
        for path in [
            ".DS_Store",
            "a/.env",
            ".env.local",
            "cert.p12",
            "AuthKey.p8",
            "dev.mobileprovision",
            ".swiftpm/xcode/x.plist",
            ".swiftpm/configuration/m",
        ] {
            assert!(is_excluded(path, IsDirectory::No), "{path}");
        }
    }

    #[test]
    fn what_only_resembles_them_is_in() {
        for path in ["artifacts", ".rch", "Build", ".swiftpm", "environment"] {
            assert!(!is_excluded(path, IsDirectory::Yes), "{path}");
        }
        for path in
            ["DerivedData", "env", "a.p12.txt", ".rch/xcode.toml", ".swiftpm/xcode/xcshareddata/xcschemes/A.xcscheme", "Run.xcresult"]
        {
            assert!(!is_excluded(path, IsDirectory::No), "{path}");
        }
    }
}
