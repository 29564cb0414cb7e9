//! Schemes: those that are shared, those that are one person's own, and what a test of one would run.

use std::path::{Path, PathBuf};

use super::plan::{self, TestPlan};
use super::survey::with_ending;
use super::workspace::lexical;
use super::xml::{Event, events};

/// A target of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// Its identifier in the project.
    pub(super) id: String,
    pub(super) name: String,
    /// The project, from the tree's root; `None` for a target of a package.
    pub(super) project: Option<PathBuf>,
}

/// A shared scheme.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Scheme {
    pub(super) name: String,
    /// What it builds, first the one it is about.
    pub(super) builds: Vec<Target>,
    /// The names of the targets it tests.
    pub(super) tests: Vec<String>,
    pub(super) plans: Vec<TestPlan>,
    /// Whether Xcode gathers the targets to test by itself.
    pub(super) gathers_tests: bool,
}

impl Scheme {
    /// Whether a test of it would run something, as far as the scheme and its plans tell.
    pub(super) fn has_tests(&self) -> bool {
        !self.tests.is_empty() || self.plan().is_some_and(TestPlan::has_tests)
    }

    /// The plan to run: the one that is run when none is named, unless it runs nothing and another runs something.
    pub(super) fn plan(&self) -> Option<&TestPlan> {
        let default = self.plans.iter().find(|plan| plan.is_default).or(self.plans.first());
        default.filter(|plan| plan.has_tests()).or_else(|| self.plans.iter().find(|plan| plan.has_tests())).or(default)
    }
}

/// The schemes that `container` shares, by name.
pub(super) fn shared(root: &Path, container: &Path) -> Vec<Scheme> {
    let base = container.parent().unwrap_or(Path::new(""));
    let files = with_ending(&root.join(container).join("xcshareddata/xcschemes"), ".xcscheme");
    files.into_iter().map(|(name, file)| read(root, base, name, &file)).collect()
}

/// The names of schemes in `container` that only one person sees.
pub(super) fn private(root: &Path, container: &Path) -> Vec<String> {
    let users = std::fs::read_dir(root.join(container).join("xcuserdata")).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        users.flat_map(|user| with_ending(&user.path().join("xcschemes"), ".xcscheme")).map(|(name, _)| name).collect();
    names.sort();
    names.dedup();
    names
}

fn read(root: &Path, base: &Path, name: String, file: &Path) -> Scheme {
    let text = super::survey::read(file).unwrap_or_default();
    let mut reader = Reader { scheme: Scheme { name, ..Scheme::default() }, root, base, within: Vec::new(), is_skipped: false };
    for event in events(&text) {
        match event {
            Event::Start { name, attributes } => {
                reader.start(&name, |attribute| attributes.get(attribute).map(String::as_str));
                reader.within.push(name);
            }
            Event::End { name } => {
                // What was never closed ends with what it stands in.
                if let Some(at) = reader.within.iter().rposition(|open| *open == name) {
                    reader.within.truncate(at);
                }
            }
        }
    }
    reader.scheme
}

struct Reader<'a> {
    scheme: Scheme,
    root: &'a Path,
    base: &'a Path,
    /// The elements that are open.
    within: Vec<String>,
    /// Whether the test that is read is switched off.
    is_skipped: bool,
}

impl Reader<'_> {
    fn is_within(&self, element: &str) -> bool {
        self.within.iter().any(|open| open == element)
    }

    fn start<'b>(&mut self, element: &str, attribute: impl Fn(&str) -> Option<&'b str>) {
        match element {
            "TestAction" => self.scheme.gathers_tests = attribute("shouldAutocreateTestPlan") == Some("YES"),
            "TestableReference" => self.is_skipped = attribute("skipped") == Some("YES"),
            "TestPlanReference" => {
                let path = attribute("reference").and_then(|reference| self.place(reference));
                let is_default = attribute("default") == Some("YES");
                self.scheme.plans.extend(path.and_then(|path| plan::read(self.root, &path, is_default)));
            }
            "BuildableReference" => self.target(attribute),
            _ => {}
        }
    }

    fn target<'b>(&mut self, attribute: impl Fn(&str) -> Option<&'b str>) {
        let Some(name) = attribute("BlueprintName").filter(|name| !name.contains(char::is_control)).map(str::to_owned) else { return };
        if self.is_within("TestableReference") {
            if !self.is_skipped {
                self.scheme.tests.push(name);
            }
        } else if self.is_within("BuildActionEntry") {
            let project = attribute("ReferencedContainer").and_then(|container| self.place(container));
            let project = project.filter(|path| path.extension().is_some_and(|ending| ending == "xcodeproj"));
            let id = attribute("BlueprintIdentifier").unwrap_or_default().to_owned();
            self.scheme.builds.push(Target { id, name, project });
        }
    }

    /// `container:` paths are from the directory that the container lies in.
    fn place(&self, reference: &str) -> Option<PathBuf> {
        lexical(&self.base.join(reference.strip_prefix("container:")?))
    }
}
