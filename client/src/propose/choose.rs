//! The guesses, each by a rule that can be said in a sentence.

use std::path::{Path, PathBuf};

use rch_bundle::name::nfc;

use super::device::{OnFarm, destination};
use super::package::Package;
use super::proposal::{Guess, NothingToBuild, Proposal, Topic};
use super::scheme::{self, Scheme};
use super::settings::{Platform, ProjectFile};
use super::survey::{Container, Kind, Survey, read, survey};
use super::text::{Draft, quoted, some};
use super::workspace;
use crate::config::{Layer, Place, REPO_FILE};

/// A configuration for the tree at `root`, by a person who stands in `start`, a directory of the tree.
///
/// # Errors
/// There is no workspace, project or package, or none whose name a configuration can hold.
pub(crate) fn propose(root: &Path, mut start: &Path, farm: Option<&OnFarm>) -> Result<Proposal, NothingToBuild> {
    let mut found = described(root, survey(root, start));
    if found.containers.is_empty() && start != Path::new("") {
        start = Path::new("");
        found = described(root, survey(root, start));
    }
    let mut candidates: Vec<Candidate> = Vec::new();
    found.containers.sort_by(|one, other| (one.depth, one.kind, &one.path).cmp(&(other.depth, other.kind, &other.path)));
    let Some(first) = found.containers.first().cloned() else { return Err(NothingToBuild { generators: found.generators }) };
    for container in found.containers.iter().filter(|other| (other.depth, other.kind) == (first.depth, first.kind)) {
        candidates.push(Candidate::new(root, container.clone()));
    }
    // Of equals, the one that others can test, then the one that others can build, then by name.
    candidates.sort_by_key(|candidate| (!candidate.schemes.iter().any(Scheme::has_tests), candidate.schemes.is_empty()));
    let chosen = candidates.remove(0);
    let equals = candidates.len() + 1;
    let proposal = Chooser { start, equals, ..Chooser::new(root, chosen, &found) }.propose(farm);
    // The names in it are those of a foreign tree: only what we would read ourselves is offered.
    let is_readable = Layer::of_bytes(&root.join(REPO_FILE), proposal.text.as_bytes(), Place::Repo).is_ok();
    if is_readable { Ok(proposal) } else { Err(NothingToBuild { generators: found.generators }) }
}

/// Without left-overs that nothing describes.
fn described(root: &Path, mut survey: Survey) -> Survey {
    survey.containers.retain(|container| {
        let description = match container.kind {
            Kind::Workspace => "contents.xcworkspacedata",
            Kind::Project => "project.pbxproj",
            Kind::Package => "Package.swift",
        };
        root.join(&container.path).join(description).is_file()
    });
    survey
}

struct Candidate {
    container: Container,
    /// The projects it opens.
    projects: Vec<PathBuf>,
    /// Its shared schemes, by name.
    schemes: Vec<Scheme>,
}

impl Candidate {
    fn new(root: &Path, container: Container) -> Self {
        let projects = match container.kind {
            Kind::Workspace => workspace::projects(root, &container.path),
            Kind::Project => vec![container.path.clone()],
            Kind::Package => Vec::new(),
        };
        let own = match container.kind {
            Kind::Workspace => Some(container.path.clone()),
            Kind::Project => None,
            Kind::Package => Some(container.path.join(".swiftpm/xcode")),
        };
        let mut schemes: Vec<Scheme> = Vec::new();
        for home in own.iter().chain(&projects) {
            for scheme in scheme::shared(root, home) {
                if schemes.iter().all(|known| known.name != scheme.name) {
                    schemes.push(scheme);
                }
            }
        }
        schemes.sort_by(|one, other| one.name.cmp(&other.name));
        Self { container, projects, schemes }
    }
}

struct Chooser<'a> {
    root: &'a Path,
    chosen: Candidate,
    found: &'a Survey,
    /// Beneath which directory of the tree was looked.
    start: &'a Path,
    /// How many of its kind are as near as the chosen one, with it.
    equals: usize,
    package: Package,
    draft: Draft,
    guesses: Vec<Guess>,
    open: Vec<String>,
}

impl<'a> Chooser<'a> {
    fn new(root: &'a Path, chosen: Candidate, found: &'a Survey) -> Self {
        let package = match chosen.container.kind {
            Kind::Package => read(&root.join(&chosen.container.path).join("Package.swift")).map(|text| Package::read(&text)),
            Kind::Workspace | Kind::Project => None,
        };
        let package = package.unwrap_or_default();
        Self {
            root,
            chosen,
            found,
            start: Path::new(""),
            equals: 1,
            package,
            draft: Draft::default(),
            guesses: Vec::new(),
            open: Vec::new(),
        }
    }

    fn propose(mut self, farm: Option<&OnFarm>) -> Proposal {
        self.container();
        let scheme = self.scheme();
        self.actions(scheme.as_ref());
        self.destination(scheme.as_ref(), farm);
        Proposal { text: self.draft.render(), guesses: self.guesses, open: self.open }
    }

    fn guess(&mut self, topic: Topic, what: String, why: impl Into<String>) {
        self.guesses.push(Guess { topic, what, why: why.into() });
    }

    fn container(&mut self) {
        let container = self.chosen.container.clone();
        self.draft.key = match container.kind {
            Kind::Workspace => "workspace",
            Kind::Project => "project",
            Kind::Package => "package",
        };
        self.draft.path = shown(&container.path);
        let others = self.found.containers.iter().filter(|other| **other != container && !self.chosen.projects.contains(&other.path));
        let others: Vec<String> = others.map(|other| shown(&other.path)).collect();
        let why = if others.is_empty() {
            match self.start.to_str() {
                Some("") => "nothing else can be opened".to_owned(),
                Some(_) | None => format!("nothing else beneath {} can be opened", shown(self.start)),
            }
        } else if self.equals > 1 {
            format!("of {} {}s equally near the first by name whose shared schemes have tests, if any has", self.equals, self.draft.key)
        } else {
            "the nearest one; in one directory a workspace goes before a project, and a project before a package".to_owned()
        };
        let what = format!("{} = {}", self.draft.key, quoted(&self.draft.path));
        self.guess(Topic::Project, what, why);
        self.draft.other_containers = others;
        let needs_pods = container.kind == Kind::Project
            && self.found.generators.iter().any(|(path, _)| path.ends_with("Podfile") && path.parent() == Some(container.directory()));
        if needs_pods {
            self.open.push(
                "a Podfile lies beside the project: run `pod install`, which makes the workspace, and rch xcode init again".to_owned(),
            );
        }
    }

    /// The scheme, when a shared one was found.
    fn scheme(&mut self) -> Option<Scheme> {
        let tested: Vec<&Scheme> = self.chosen.schemes.iter().filter(|scheme| self.tests(scheme)).collect();
        let candidates = if tested.is_empty() { self.chosen.schemes.iter().collect() } else { tested.clone() };
        let named = self.chosen.container.name();
        let chosen = candidates.iter().find(|scheme| scheme.name == named).or(candidates.first()).map(|scheme| (*scheme).clone());
        let Some(scheme) = chosen else {
            self.scheme_of_nobody();
            return None;
        };
        let with_tests = if tested.is_empty() { "" } else { " with tests" };
        let why = match candidates.len() {
            1 => format!("the only shared scheme{with_tests}"),
            _ if scheme.name == named => {
                format!("of the {} shared schemes{with_tests} the one named like the {}", candidates.len(), self.draft.key)
            }
            count => format!("the first by name of {count} shared schemes{with_tests}"),
        };
        if candidates.len() > 1 && scheme.name != named {
            let others: Vec<String> =
                candidates.iter().filter(|other| other.name != scheme.name).map(|other| quoted(&other.name)).collect();
            self.open.push(format!("{} was taken by its name alone; it may as well be {}", quoted(&scheme.name), some(&others, " or ")));
        }
        let others = self.chosen.schemes.iter().filter(|other| other.name != scheme.name).map(|other| nfc(&other.name).into_owned());
        self.draft.other_schemes = others.collect();
        self.take_scheme(&scheme.name, why);
        Some(scheme)
    }

    fn take_scheme(&mut self, name: &str, why: impl Into<String>) {
        self.draft.scheme = nfc(name).into_owned();
        let what = format!("scheme = {}", quoted(&self.draft.scheme));
        self.guess(Topic::Scheme, what, why);
    }

    /// No scheme is shared: a package needs none, another person's is named with what to do, else xcodebuild makes them up.
    fn scheme_of_nobody(&mut self) {
        let container = self.chosen.container.clone();
        if container.kind == Kind::Package {
            let directory = self.root.join(&container.path).file_name().map(|name| name.to_string_lossy().into_owned());
            let scheme = self.package.scheme(&directory.unwrap_or_default());
            self.take_scheme(&scheme, "xcodebuild makes this scheme for the package; none is shared");
            return;
        }
        let named = container.name();
        let homes = std::iter::once(&container.path).chain(&self.chosen.projects);
        let private: Vec<(String, &PathBuf)> =
            homes.flat_map(|home| scheme::private(self.root, home).into_iter().map(move |name| (name, home))).collect();
        if let Some((name, home)) = private.iter().find(|(name, _)| *name == named).or(private.first()).cloned() {
            let place = shown(&home.join("xcshareddata/xcschemes").join(format!("{name}.xcscheme")));
            self.open.push(format!(
                "the scheme {} is not shared, so no other machine sees it: in Xcode choose Product > Scheme > Manage Schemes… and tick Shared, which writes {place}; then commit that file",
                quoted(&name)
            ));
            self.take_scheme(&name, "no scheme is shared; this one is one person's own");
        } else {
            self.open.push(format!(
                "{} has no scheme; xcodebuild makes one up for each target, but a shared one says what is tested: in Xcode choose Product > Scheme > Manage Schemes… and tick Shared",
                shown(&container.path)
            ));
            self.take_scheme(&named, format!("named like the {}, as xcodebuild would name it", self.draft.key));
        }
    }

    /// Whether a test of the scheme would run something.
    fn tests(&self, scheme: &Scheme) -> bool {
        scheme.has_tests() || scheme.gathers_tests && self.projects_have_tests()
    }

    fn projects_have_tests(&self) -> bool {
        self.chosen.projects.iter().filter_map(|path| ProjectFile::read(self.root, path)).any(|project| project.has_tests())
    }

    fn actions(&mut self, scheme: Option<&Scheme>) {
        let named = |what: &str, names: &[String]| format!("{what} {}", some(names, ", "));
        let why = match scheme {
            Some(scheme) if !scheme.tests.is_empty() => Some(named("the scheme tests", &scheme.tests)),
            Some(scheme) if scheme.has_tests() => scheme.plan().map(|plan| format!("the scheme has the test plan {}", plan.name)),
            Some(scheme) if self.tests(scheme) => Some("the scheme gathers its tests itself, and there are some".to_owned()),
            Some(_) => None,
            None if !self.package.tests.is_empty() => Some(named("the package has the test target", &self.package.tests)),
            None => self.projects_have_tests().then(|| "there are targets of tests".to_owned()),
        };
        self.draft.action = if why.is_some() { "test" } else { "build" };
        let what = format!("verify = [{}]", quoted(self.draft.action));
        self.guess(Topic::Actions, what, why.unwrap_or_else(|| "nothing is tested by it".to_owned()));
        if let Some(scheme) = scheme {
            self.plans(scheme);
        }
    }

    /// A plan is named only when it is not the one that is run anyway.
    fn plans(&mut self, scheme: &Scheme) {
        let Some(taken) = scheme.plan() else { return };
        for gone in scheme.plans.iter().filter(|plan| plan.targets.is_none()) {
            self.open.push(format!("the scheme names the test plan {}, which cannot be read in this tree", quoted(&gone.name)));
        }
        let is_named = scheme.plans.iter().any(|plan| plan.is_default) && !taken.is_default;
        if is_named {
            self.draft.plan = Some(nfc(&taken.name).into_owned());
            let what = format!("test_plan = {}", quoted(&taken.name));
            self.guess(Topic::Actions, what, "the plan that is run when none is named tests nothing");
        }
        let others = scheme.plans.iter().filter(|plan| plan.name != taken.name && plan.targets.is_some());
        self.draft.other_plans = others.map(|plan| nfc(&plan.name).into_owned()).collect();
    }

    fn destination(&mut self, scheme: Option<&Scheme>, farm: Option<&OnFarm>) {
        let (platform, why) = match self.chosen.container.kind {
            Kind::Package => self.package.platform(),
            Kind::Workspace | Kind::Project => self.platform(scheme).unwrap_or_else(|| {
                self.open.push("no project says for which platform it is: check the destination".to_owned());
                (Platform::Ios, "most are for iOS".to_owned())
            }),
        };
        let (value, device) = destination(platform, farm);
        self.guess(Topic::Destination, value.clone(), format!("{why}; {device}"));
        self.draft.destination = value;
    }

    /// By the first target of the scheme, else by the first project.
    fn platform(&self, scheme: Option<&Scheme>) -> Option<(Platform, String)> {
        let target = scheme.and_then(|scheme| scheme.builds.iter().find(|target| target.project.is_some()));
        let of_target = target.and_then(|target| {
            let (platform, says) = ProjectFile::read(self.root, target.project.as_ref()?)?.platform(Some(&target.id))?;
            Some((platform, format!("{says} of {}", target.name)))
        });
        of_target.or_else(|| {
            self.chosen.projects.iter().find_map(|path| {
                let (platform, says) = ProjectFile::read(self.root, path)?.platform(None)?;
                Some((platform, format!("{says} in {}", shown(path))))
            })
        })
    }
}

/// A path of the tree as the bundle has it; the root is `.`.
fn shown(path: &Path) -> String {
    let text = path.to_string_lossy();
    if text.is_empty() { ".".to_owned() } else { nfc(&text).into_owned() }
}
