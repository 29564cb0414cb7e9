//! What a `Package.swift` says, read without running it: enough to guess by, and no more.

use super::settings::Platform;

/// A package.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Package {
    pub(super) name: Option<String>,
    /// The names of its products.
    pub(super) products: Vec<String>,
    /// The names of its test targets.
    pub(super) tests: Vec<String>,
    /// The platforms it names; none means that it has no minimum anywhere.
    pub(super) platforms: Vec<Platform>,
}

impl Package {
    /// Reads a manifest.
    pub(super) fn read(text: &str) -> Self {
        let text: String = text.lines().map(without_comment).collect::<Vec<_>>().join("\n");
        let products = [".library(", ".executable(", ".plugin("].into_iter().flat_map(|call| names(&text, call));
        let declared = |platform: &Platform| text.contains(&format!(".{}(", platform.name()));
        Self {
            name: names(&text, "Package(").next(),
            products: products.collect(),
            tests: names(&text, ".testTarget(").collect(),
            platforms: Platform::ALL.into_iter().filter(declared).collect(),
        }
    }

    /// The scheme that xcodebuild makes for everything in it, tests included.
    pub(super) fn scheme(&self, directory: &str) -> String {
        let name = self.name.clone().unwrap_or_else(|| directory.to_owned());
        match self.products.as_slice() {
            [] => name,
            [only] => only.clone(),
            _ => format!("{name}-Package"),
        }
    }

    /// Where its tests run soonest: on the Mac, unless it names platforms and the Mac is not among them.
    pub(super) fn platform(&self) -> (Platform, String) {
        match self.platforms.as_slice() {
            [] => (Platform::Macos, "the package names no platforms".to_owned()),
            named if named.contains(&Platform::Macos) => (Platform::Macos, "macOS is among the package's platforms".to_owned()),
            [first, ..] => (*first, format!("the package names {} and not macOS", first.name())),
        }
    }
}

fn without_comment(line: &str) -> &str {
    // Two slashes stand in URLs too, always after a colon.
    let comment = line.match_indices("//").map(|(at, _)| at).find(|at| !line[..*at].ends_with(':'));
    comment.map_or(line, |at| &line[..at])
}

/// The text after `name:` in each call.
fn names<'a>(text: &'a str, call: &'a str) -> impl Iterator<Item = String> + 'a {
    text.match_indices(call).filter_map(move |(at, _)| {
        let arguments = text[at + call.len()..].trim_start().strip_prefix("name:")?;
        let (name, _) = arguments.trim_start().strip_prefix('"')?.split_once('"')?;
        (!name.is_empty() && !name.contains(char::is_control)).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_read_as_far_as_it_is_plain() {
        let package = Package::read(
            "// swift-tools-version:5.9\nimport PackageDescription\nlet package = Package(\n  name: \"Kit\", // \"x\"\n  platforms: [.iOS(.v15)],\n  products: [.library(name: \"Kit\", targets: [\"Kit\"]), .executable(name: \"kit\", targets: [\"k\"])],\n  dependencies: [.package(url: \"https://example.com/a.git\", from: \"1.0.0\")],\n  targets: [.target(name: \"Kit\"), .testTarget(name: \"KitTests\", dependencies: [\"Kit\"])]\n)\n",
        );
        assert_eq!(
            (package.name.as_deref(), package.products.len(), package.tests.as_slice()),
            (Some("Kit"), 2, &["KitTests".to_owned()][..])
        );
        assert_eq!((package.scheme("dir"), package.platform().0), ("Kit-Package".to_owned(), Platform::Ios));
        for text in ["", "Package(", "Package(name:", "Package(name: \"", "\u{feff}//", "Package(name: variable)"] {
            assert_eq!(Package::read(text), Package::default(), "{text}");
        }
    }
}
