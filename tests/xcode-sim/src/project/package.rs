//! `Package.swift`: a package's targets, read without running it.

use std::fs;
use std::path::{Path, PathBuf};

use super::file_tree::sources_under;
use super::target::{Dependency, Target, TargetKind};
use crate::swift::{Kind, Token, lex};

/// A Swift package in the tree.
#[derive(Clone, Debug)]
pub(crate) struct Package {
    pub(crate) folder: PathBuf,
    pub(crate) name: String,
    pub(crate) targets: Vec<Target>,
    pub(crate) products: Vec<String>,
    /// Whether it uses packages from elsewhere.
    pub(crate) has_remote_packages: bool,
}

impl Package {
    /// The schemes Xcode makes for it.
    pub(crate) fn scheme_names(&self) -> Vec<String> {
        match self.products.as_slice() {
            [] => vec![self.name.clone()],
            [only] => vec![only.clone()],
            several => {
                let mut names = vec![format!("{}-Package", self.name)];
                names.extend(several.iter().cloned());
                names
            }
        }
    }
}

/// Reads the package in `folder`, when there is one.
pub(crate) fn read_package(folder: &Path) -> Option<Package> {
    let bytes = fs::read(folder.join("Package.swift")).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let tokens = lex(&text).tokens;
    let mut package = Package {
        folder: folder.to_owned(),
        name: folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        targets: Vec::new(),
        products: Vec::new(),
        has_remote_packages: false,
    };
    for (index, token) in tokens.iter().enumerate() {
        let follows_dot = index > 0 && tokens[index - 1].is('.');
        let is_call = tokens.get(index + 1).is_some_and(|next| next.is('('));
        if token.kind != Kind::Word || !is_call {
            continue;
        }
        let call = Call::read(&tokens[index + 1..]);
        match token.text {
            "Package" if !follows_dot => package.name = call.text("name").unwrap_or(package.name),
            "package" if follows_dot => package.has_remote_packages |= call.text("url").is_some(),
            "library" | "executable" if follows_dot => package.products.extend(call.text("name")),
            "target" | "executableTarget" | "testTarget" | "macro" if follows_dot => {
                let name = call.text("name");
                package.targets.extend(name.map(|name| target(&call, name, token.text, folder)));
            }
            _ => {}
        }
    }
    // `.target(name: "X")` in a list of dependencies looks like a declaration of X; the one with files is meant.
    package.targets.sort_by_key(|target| std::cmp::Reverse(target.sources.len()));
    let mut seen = std::collections::BTreeSet::new();
    package.targets.retain(|target| seen.insert(target.name.clone()));
    for target in &mut package.targets {
        target.project.clone_from(&package.name);
    }
    package.targets.sort_by(|left, right| left.name.cmp(&right.name));
    Some(package)
}

fn target(call: &Call<'_>, name: String, keyword: &str, folder: &Path) -> Target {
    let is_tests = keyword == "testTarget";
    let usual: &[&str] = if is_tests { &["Tests", "Sources"] } else { &["Sources", "Source", "src", "srcs"] };
    let below = call.text("path").map(|path| folder.join(path));
    let below = below.or_else(|| {
        let candidates = usual.iter().map(|usual| folder.join(usual).join(&name));
        candidates.into_iter().find(|path| path.is_dir())
    });
    Target {
        id: name.clone(),
        project: String::new(),
        kind: if is_tests { TargetKind::UnitTests } else { TargetKind::Other },
        product: if is_tests { format!("{name}.xctest") } else { format!("{name}.o") },
        sources: below.map(|below| sources_under(&below)).unwrap_or_default(),
        dependencies: call.strings_in("dependencies").into_iter().map(Dependency::Name).collect(),
        makes_sources: false,
        folder: folder.to_owned(),
        name,
    }
}

/// The arguments of a call: the tokens between its brackets.
struct Call<'a>(&'a [Token<'a>]);

impl<'a> Call<'a> {
    /// Reads from the opening bracket on.
    fn read(tokens: &'a [Token<'a>]) -> Self {
        let mut depth = 0_usize;
        let end = tokens.iter().position(|token| {
            match token.kind {
                Kind::Symbol('(' | '[' | '{') => depth += 1,
                Kind::Symbol(')' | ']' | '}') => depth = depth.saturating_sub(1),
                Kind::Word | Kind::Text | Kind::Directive | Kind::Attribute | Kind::Regex | Kind::Symbol(_) => {}
            }
            depth == 0
        });
        Self(&tokens[..end.unwrap_or(tokens.len())])
    }

    /// Where the value of a labelled argument starts, when it is this call's own and not a nested one's.
    fn argument(&self, label: &str) -> Option<&'a [Token<'a>]> {
        let mut depth = 0_usize;
        for (index, token) in self.0.iter().enumerate() {
            match token.kind {
                Kind::Symbol('(' | '[' | '{') => depth += 1,
                Kind::Symbol(')' | ']' | '}') => depth = depth.saturating_sub(1),
                Kind::Word if depth == 1 && token.text == label => {
                    let is_label = self.0.get(index + 1).is_some_and(|next| next.is(':'));
                    if is_label {
                        return self.0.get(index + 2..);
                    }
                }
                Kind::Word | Kind::Text | Kind::Directive | Kind::Attribute | Kind::Regex | Kind::Symbol(_) => {}
            }
        }
        None
    }

    fn text(&self, label: &str) -> Option<String> {
        self.argument(label)?.first()?.string()
    }

    /// Every string in a list argument.
    fn strings_in(&self, label: &str) -> Vec<String> {
        let list = self.argument(label).map(Call::read);
        list.map(|list| list.0.iter().filter_map(Token::string).collect()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn targets_products_and_remote_packages_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = r#"// swift-tools-version: 6.0
            import PackageDescription
            let package = Package(
                name: "Kit",
                products: [.library(name: "Kit", targets: ["Kit"])],
                dependencies: [.package(url: "https://example.com/a.git", from: "1.0.0")],
                targets: [
                    .target(name: "Core", path: "Core/Code"),
                    .target(name: "Kit", dependencies: [.target(name: "Core"), "Util"]),
                    .testTarget(name: "KitTests", dependencies: ["Kit"]),
                ]
            )"#;
        fs::write(folder.path().join("Package.swift"), manifest).unwrap();
        for file in ["Core/Code/a.swift", "Sources/Kit/b.swift", "Tests/KitTests/c.swift"] {
            fs::create_dir_all(folder.path().join(file).parent().unwrap()).unwrap();
            fs::write(folder.path().join(file), "").unwrap();
        }
        let package = read_package(folder.path()).unwrap();
        assert_eq!((package.name.as_str(), package.has_remote_packages), ("Kit", true));
        assert_eq!(package.scheme_names(), ["Kit"]);
        let rows: Vec<_> = package.targets.iter().map(|one| (one.name.as_str(), one.sources.len())).collect();
        assert_eq!(rows, [("Core", 1), ("Kit", 1), ("KitTests", 1)]);
        let kit = &package.targets[1];
        assert_eq!(kit.dependencies, [Dependency::Name("Core".into()), Dependency::Name("Util".into())]);
        assert!(package.targets[2].kind.is_tests());
    }
}
