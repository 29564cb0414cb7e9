//! A first `.rch/xcode.toml`, proposed from what lies in a tree.

use std::fs;
use std::path::{Path, PathBuf};

/// How deep containers are looked for: most lie at the root, some one directory down.
const DEPTH_MAX: usize = 2;
/// Entries looked at, so that a run in a home directory ends.
const ENTRIES_MAX: usize = 5_000;
/// Directories that hold containers of others.
const SKIPPED: [&str; 6] = ["Pods", "Carthage", "DerivedData", "build", "node_modules", "vendor"];

/// The text of a configuration for the tree at `root`; `None` when there is nothing to build.
pub(crate) fn propose(root: &Path) -> Option<String> {
    let mut found = Found::default();
    let mut budget = ENTRIES_MAX;
    found.search(root, Path::new(""), DEPTH_MAX, &mut budget);
    let (line, container) = found.container()?;
    let mut schemes = container.as_ref().map(|path| schemes(&root.join(path))).unwrap_or_default();
    if schemes.is_empty() {
        // A workspace shows the schemes of its projects.
        schemes = found.projects.iter().flat_map(|path| schemes_of(root, path)).collect();
    }
    let named = container.as_deref().unwrap_or(root).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let chosen = schemes.iter().find(|scheme| Some(&scheme.name) == named.as_ref()).or(schemes.first());
    let scheme = chosen.map_or_else(|| named.clone().unwrap_or_else(|| "SCHEME".to_owned()), |scheme| scheme.name.clone());
    let tests = chosen.is_none_or(|scheme| scheme.has_tests);
    Some(text(&line, &scheme, tests, destination(root, &found.projects)))
}

#[derive(Default)]
struct Found {
    workspaces: Vec<PathBuf>,
    projects: Vec<PathBuf>,
    has_package: bool,
}

impl Found {
    fn search(&mut self, root: &Path, inner: &Path, depth: usize, budget: &mut usize) {
        let Ok(entries) = fs::read_dir(root.join(inner)) else { return };
        let mut names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
        names.sort();
        for name in names {
            if *budget == 0 {
                return;
            }
            *budget -= 1;
            let path = inner.join(&name);
            if name.ends_with(".xcworkspace") {
                self.workspaces.push(path);
            } else if name.ends_with(".xcodeproj") {
                self.projects.push(path);
            } else if inner == Path::new("") && name == "Package.swift" {
                self.has_package = true;
            } else if depth > 0 && !name.starts_with('.') && !SKIPPED.contains(&name.as_str()) && root.join(&path).is_dir() {
                self.search(root, &path, depth - 1, budget);
            }
        }
    }

    /// The line of `[project]`, and the container's path when there is one.
    fn container(&self) -> Option<(String, Option<PathBuf>)> {
        let of = |key: &str, path: &PathBuf| (format!("{key} = {:?}", path.to_string_lossy()), Some(path.clone()));
        self.workspaces
            .first()
            .map(|path| of("workspace", path))
            .or_else(|| self.projects.first().map(|path| of("project", path)))
            .or_else(|| self.has_package.then(|| ("package = \".\"".to_owned(), None)))
    }
}

struct Scheme {
    name: String,
    has_tests: bool,
}

fn schemes_of(root: &Path, project: &Path) -> Vec<Scheme> {
    schemes(&root.join(project))
}

/// The shared schemes of a container, by name.
fn schemes(container: &Path) -> Vec<Scheme> {
    let Ok(entries) = fs::read_dir(container.join("xcshareddata/xcschemes")) else { return Vec::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.extension().is_some_and(|it| it == "xcscheme"));
    let mut schemes: Vec<Scheme> = paths
        .filter_map(|path| {
            let name = path.file_stem()?.to_str()?.to_owned();
            let text = fs::read_to_string(&path).unwrap_or_default();
            Some(Scheme { name, has_tests: text.contains("<TestableReference") || text.contains("<TestPlanReference") })
        })
        .collect();
    schemes.sort_by(|one, other| one.name.cmp(&other.name));
    schemes
}

/// Where the product most likely runs, by the first project's SDK.
fn destination(root: &Path, projects: &[PathBuf]) -> &'static str {
    let text = projects.first().and_then(|path| fs::read_to_string(root.join(path).join("project.pbxproj")).ok()).unwrap_or_default();
    let is_mac = text.contains("SDKROOT = macosx") && !text.contains("SDKROOT = iphoneos");
    if is_mac { "platform=macOS" } else { "platform=iOS Simulator,name=iPhone 16,OS=latest" }
}

fn text(container: &str, scheme: &str, tests: bool, destination: &str) -> String {
    let verify = if tests { "test" } else { "build" };
    format!(
        "schema_version = 1\n\n[project]\n{container}\nscheme = {scheme:?}\n\n[actions]\nverify = [\"{verify}\"]\n\n[actions.{verify}]\naction = \"{verify}\"\n\n[destination]\nvalue = {destination:?}\n"
    )
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn a_workspace_with_a_tested_scheme_is_proposed_as_it_lies() {
        let root = tempfile::tempdir().unwrap();
        let schemes = root.path().join("App.xcodeproj/xcshareddata/xcschemes");
        fs::create_dir_all(&schemes).unwrap();
        fs::create_dir_all(root.path().join("App.xcworkspace")).unwrap();
        fs::create_dir_all(root.path().join("Pods/Pods.xcodeproj")).unwrap();
        fs::write(root.path().join("App.xcodeproj/project.pbxproj"), "SDKROOT = iphoneos;").unwrap();
        fs::write(schemes.join("App.xcscheme"), "<Scheme><TestableReference/></Scheme>").unwrap();
        fs::write(schemes.join("Aardvark.xcscheme"), "<Scheme/>").unwrap();
        let text = propose(root.path()).unwrap();
        assert!(text.contains("workspace = \"App.xcworkspace\"\nscheme = \"App\""), "{text}");
        assert!(text.contains("verify = [\"test\"]") && text.contains("iPhone 16"), "{text}");
    }

    #[test]
    fn a_scheme_without_tests_is_built_and_a_mac_project_runs_on_the_mac() {
        let root = tempfile::tempdir().unwrap();
        let schemes = root.path().join("sub/Tool.xcodeproj/xcshareddata/xcschemes");
        fs::create_dir_all(&schemes).unwrap();
        fs::write(schemes.join("Tool.xcscheme"), "<Scheme/>").unwrap();
        fs::write(root.path().join("sub/Tool.xcodeproj/project.pbxproj"), "SDKROOT = macosx;").unwrap();
        let text = propose(root.path()).unwrap();
        assert!(text.contains("project = \"sub/Tool.xcodeproj\"") && text.contains("verify = [\"build\"]"), "{text}");
        assert!(text.contains("value = \"platform=macOS\""), "{text}");
    }

    #[test]
    fn a_tree_with_nothing_to_build_gets_no_proposal() {
        assert_eq!(propose(tempfile::tempdir().unwrap().path()), None);
    }
}
