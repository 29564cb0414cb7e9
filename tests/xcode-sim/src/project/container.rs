//! The workspace, project or package a command names, and the schemes in it.

use std::fs;
use std::path::{Path, PathBuf};

use super::package::{Package, read_package};
use super::pbxproj::{Project, ProjectError, read_project};
use super::scheme::{BuildEntry, Reference, Scheme, TestEntry, shared_schemes};
use super::target::{Dependency, Target, TargetKind};
use super::xml::{Event, events};
use crate::exit::Exit;

/// How many projects one container may lead to; a guard against projects that contain each other.
const PROJECTS_MAX: usize = 500;

/// What was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContainerKind {
    Workspace,
    Project,
    Package,
}

impl ContainerKind {
    /// As xcodebuild's sentences have it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Workspace => "workspace",
            Self::Project => "project",
            Self::Package => "package",
        }
    }
}

/// A workspace, project or package.
#[derive(Debug)]
pub(crate) struct Container {
    pub(crate) kind: ContainerKind,
    pub(crate) name: String,
    /// The workspace or project itself, or the package's folder.
    pub(crate) path: PathBuf,
    pub(crate) projects: Vec<Project>,
    pub(crate) packages: Vec<Package>,
    /// Projects that are named and cannot be read. They matter when something is looked for in vain.
    unreadable: Vec<ProjectError>,
}

/// Why there is no container or scheme, in xcodebuild's words.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ContainerError {
    #[error("'{0}' does not exist.")]
    Missing(String),
    #[error("The directory {} does not contain an Xcode project, workspace or package.", .0.display())]
    NothingHere(PathBuf),
    #[error(
        "The directory {} contains {count} projects, including multiple projects with the current extension \
         (.xcodeproj). Specify the project to use with the -project option.",
        folder.display()
    )]
    SeveralHere { folder: PathBuf, count: usize },
    #[error(
        "The {kind} named \"{container}\" does not contain a scheme named \"{scheme}\". The \"-list\" option can be used \
         to find the names of the schemes in the {kind}."
    )]
    NoScheme { kind: &'static str, container: String, scheme: String },
    #[error(transparent)]
    Project(#[from] ProjectError),
}

impl ContainerError {
    pub(crate) const fn exit(&self) -> Exit {
        match self {
            Self::Missing(_) | Self::NothingHere(_) | Self::SeveralHere { .. } => Exit::NO_INPUT,
            Self::NoScheme { .. } => Exit::DATA,
            Self::Project(_) => Exit::IO,
        }
    }
}

impl Container {
    /// Opens what `-workspace` or `-project` names, else the one that lies in `folder`.
    pub(crate) fn open(folder: &Path, workspace: Option<&str>, project: Option<&str>) -> Result<Self, ContainerError> {
        let existing = |name: &str| {
            let path = folder.join(name.trim_end_matches('/'));
            path.is_dir().then_some(path).ok_or_else(|| ContainerError::Missing(name.to_owned()))
        };
        match (workspace, project) {
            (Some(name), _) => Ok(Self::workspace(&existing(name)?)),
            (None, Some(name)) => Self::project(&existing(name)?),
            (None, None) => Self::lying_in(folder),
        }
    }

    fn lying_in(folder: &Path) -> Result<Self, ContainerError> {
        let here = |ending: &str| -> Vec<PathBuf> {
            let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
            entries.filter(|path| path.extension().is_some_and(|found| found == ending)).collect()
        };
        let projects = here("xcodeproj");
        match (projects.as_slice(), here("xcworkspace").as_slice()) {
            ([project], _) => Self::project(project),
            ([], [workspace, ..]) => Ok(Self::workspace(workspace)),
            ([], []) if folder.join("Package.swift").is_file() => Ok(Self::package(folder)),
            ([], []) => Err(ContainerError::NothingHere(folder.to_owned())),
            ([_, ..], _) => Err(ContainerError::SeveralHere { folder: folder.to_owned(), count: projects.len() }),
        }
    }

    fn empty(kind: ContainerKind, path: &Path) -> Self {
        Self {
            kind,
            name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            path: path.to_owned(),
            projects: Vec::new(),
            packages: Vec::new(),
            unreadable: Vec::new(),
        }
    }

    fn workspace(path: &Path) -> Self {
        let mut container = Self::empty(ContainerKind::Workspace, path);
        for member in workspace_members(path) {
            if member.extension().is_some_and(|ending| ending == "xcodeproj") {
                container.add_project(&member);
            } else {
                container.packages.extend(read_package(&member));
            }
        }
        container
    }

    fn project(path: &Path) -> Result<Self, ContainerError> {
        let mut container = Self::empty(ContainerKind::Project, path);
        container.add_project(path);
        if container.projects.is_empty()
            && let Some(error) = container.unreadable.pop()
        {
            return Err(error.into());
        }
        Ok(container)
    }

    fn package(folder: &Path) -> Self {
        let mut container = Self::empty(ContainerKind::Package, folder);
        container.packages.extend(read_package(folder));
        if let Some(package) = container.packages.first() {
            container.name.clone_from(&package.name);
        }
        container
    }

    /// Adds a project and those within it. A project that is not there (CocoaPods not installed) is not missed.
    fn add_project(&mut self, path: &Path) {
        let known = self.projects.iter().any(|project| project.path == path);
        if known || self.projects.len() >= PROJECTS_MAX || !path.is_dir() {
            return;
        }
        match read_project(path) {
            Ok(project) => {
                let below = project.subprojects.clone();
                self.projects.push(project);
                for subproject in below {
                    self.add_project(&subproject);
                }
            }
            Err(error) => self.unreadable.push(error),
        }
    }

    /// The folder that relative paths start from.
    pub(crate) fn folder(&self) -> &Path {
        match self.kind {
            ContainerKind::Package => &self.path,
            ContainerKind::Workspace | ContainerKind::Project => self.path.parent().unwrap_or(&self.path),
        }
    }

    /// Every scheme: shared ones, those Xcode makes where a project shares none, and those of packages.
    pub(crate) fn schemes(&self) -> Vec<Scheme> {
        let mut schemes = match self.kind {
            ContainerKind::Workspace => shared_schemes(&self.path, self.folder()),
            ContainerKind::Package => shared_schemes(&self.path.join(".swiftpm/xcode"), self.folder()),
            ContainerKind::Project => Vec::new(),
        };
        let projects = match self.kind {
            ContainerKind::Project => &self.projects[..1.min(self.projects.len())],
            ContainerKind::Workspace | ContainerKind::Package => &self.projects[..],
        };
        for project in projects {
            let base = project.path.parent().unwrap_or(&project.path);
            let mut shared = shared_schemes(&project.path, base);
            shared.extend(shared_schemes(&project.path.join("project.xcworkspace"), base));
            if shared.is_empty() {
                shared = project.targets.iter().filter_map(|target| made_scheme(target, project)).collect();
            }
            schemes.extend(shared);
        }
        for package in &self.packages {
            schemes.extend(package.scheme_names().into_iter().map(|name| package_scheme(name, package)));
        }
        let mut seen = std::collections::BTreeSet::new();
        schemes.retain(|scheme| seen.insert(scheme.name.clone()));
        schemes.sort_by(|left, right| left.name.cmp(&right.name));
        schemes
    }

    pub(crate) fn scheme(&self, name: &str) -> Result<Scheme, ContainerError> {
        let found = self.schemes().into_iter().find(|scheme| scheme.name == name);
        found.ok_or_else(|| ContainerError::NoScheme { kind: self.kind.word(), container: self.name.clone(), scheme: name.to_owned() })
    }

    /// The target a scheme means: by container and id, then by id, then by name.
    pub(crate) fn target(&self, reference: &Reference, base: &Path) -> Option<&Target> {
        let path = base.join(&reference.container);
        let same = |other: &Path| other == path || matches!((fs::canonicalize(other), fs::canonicalize(&path)), (Ok(a), Ok(b)) if a == b);
        let named = self.projects.iter().filter(|project| same(&project.path)).flat_map(|project| &project.targets);
        let all = || self.all_targets();
        named.chain(all()).find(|target| target.id == reference.id).or_else(|| all().find(|target| target.name == reference.name))
    }

    /// Every target of every project and package.
    pub(crate) fn all_targets(&self) -> impl Iterator<Item = &Target> {
        let of_projects = self.projects.iter().flat_map(|project| &project.targets);
        of_projects.chain(self.packages.iter().flat_map(|package| &package.targets))
    }

    /// Whether packages from elsewhere are used.
    pub(crate) fn has_remote_packages(&self) -> bool {
        self.projects.iter().any(|project| project.has_remote_packages) || self.packages.iter().any(|package| package.has_remote_packages)
    }

    /// Where Xcode keeps the resolved versions of packages.
    pub(crate) fn resolved_file(&self) -> PathBuf {
        let below = "xcshareddata/swiftpm/Package.resolved";
        match self.kind {
            ContainerKind::Workspace => self.path.join(below),
            ContainerKind::Project => self.path.join("project.xcworkspace").join(below),
            ContainerKind::Package => self.path.join("Package.resolved"),
        }
    }
}

/// The projects and folders a workspace lists.
fn workspace_members(workspace: &Path) -> Vec<PathBuf> {
    let base = workspace.parent().unwrap_or(workspace);
    let text = fs::read(workspace.join("contents.xcworkspacedata")).unwrap_or_default();
    let mut groups = vec![base.to_owned()];
    let mut members = Vec::new();
    for event in events(&String::from_utf8_lossy(&text)) {
        match event {
            Event::Start { name, attributes } => {
                let location = attributes.get("location").map_or("", String::as_str);
                let (kind, path) = location.split_once(':').unwrap_or(("group", location));
                let group = groups.last().map_or(base, PathBuf::as_path);
                let place = match kind {
                    "container" => base.join(path),
                    "absolute" => PathBuf::from(path),
                    "self" => workspace.parent().unwrap_or(base).to_owned(),
                    _ => group.join(path),
                };
                match name.as_str() {
                    "Group" => groups.push(place),
                    "FileRef" => members.push(place),
                    _ => {}
                }
            }
            Event::End { name } => {
                if name == "Group" {
                    groups.pop();
                }
            }
        }
    }
    members
}

/// The scheme Xcode makes for a target of a project without shared schemes. Test targets get none of their own: those
/// that test this target join its scheme.
fn made_scheme(target: &Target, project: &Project) -> Option<Scheme> {
    if target.kind.is_tests() {
        return None;
    }
    let container = project.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let reference = |target: &Target| Reference { id: target.id.clone(), name: target.name.clone(), container: container.clone() };
    let depends = |tests: &&Target| {
        let on = |dependency: &Dependency| match dependency {
            Dependency::Id(id) => *id == target.id,
            Dependency::Name(name) => *name == target.name,
        };
        tests.kind.is_tests() && tests.dependencies.iter().any(on)
    };
    let entry = |target| TestEntry { target: reference(target), skipped_tests: Vec::new() };
    Some(Scheme {
        name: target.name.clone(),
        base: project.path.parent().unwrap_or(&project.path).to_owned(),
        build: vec![BuildEntry { target: reference(target), for_running: true, for_testing: true }],
        tests: project.targets.iter().filter(depends).map(entry).collect(),
        ..Scheme::default()
    })
}

/// The scheme Xcode makes for a package or a product of it: everything is built, every test target is tested.
fn package_scheme(name: String, package: &Package) -> Scheme {
    let reference = |target: &Target| Reference { id: target.id.clone(), name: target.name.clone(), container: String::new() };
    let (tests, build): (Vec<&Target>, Vec<&Target>) = package.targets.iter().partition(|target| target.kind == TargetKind::UnitTests);
    Scheme {
        name,
        base: package.folder.clone(),
        build: build.into_iter().map(|target| BuildEntry { target: reference(target), for_running: true, for_testing: true }).collect(),
        tests: tests.into_iter().map(|target| TestEntry { target: reference(target), skipped_tests: Vec::new() }).collect(),
        ..Scheme::default()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    fn sample() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/SampleApp")
    }

    #[test]
    fn the_sample_is_found_by_workspace_by_project_and_by_folder() {
        for (workspace, project) in [(Some("SampleApp.xcworkspace/"), None), (None, Some("SampleApp.xcodeproj")), (None, None)] {
            let container = Container::open(&sample(), workspace, project).unwrap();
            let names: Vec<String> = container.schemes().into_iter().map(|scheme| scheme.name).collect();
            assert_eq!(names, ["SampleApp"]);
        }
    }

    #[test]
    fn what_is_not_there_is_refused_in_xcodebuilds_words() {
        let missing = Container::open(&sample(), Some("No.xcworkspace"), None).unwrap_err();
        assert_eq!(missing.to_string(), "'No.xcworkspace' does not exist.");
        assert_eq!(missing.exit(), Exit::NO_INPUT);
        let container = Container::open(&sample(), Some("SampleApp.xcworkspace"), None).unwrap();
        let no_scheme = container.scheme("Nope").unwrap_err();
        assert_eq!(
            no_scheme.to_string(),
            "The workspace named \"SampleApp\" does not contain a scheme named \"Nope\". The \"-list\" option can be \
             used to find the names of the schemes in the workspace."
        );
        assert_eq!(no_scheme.exit(), Exit::DATA);
        let empty = tempfile::tempdir().unwrap();
        assert_eq!(Container::open(empty.path(), None, None).unwrap_err().exit(), Exit::NO_INPUT);
    }

    #[test]
    fn groups_of_a_workspace_are_folders() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = folder.path().join("W.xcworkspace");
        fs::create_dir_all(&workspace).unwrap();
        let text = "<Workspace><Group location='group:Libs' name='Libs'><FileRef location='group:A/A.xcodeproj'/></Group>\
             <FileRef location='container:B.xcodeproj'></FileRef></Workspace>";
        fs::write(workspace.join("contents.xcworkspacedata"), text).unwrap();
        let expected = [folder.path().join("Libs/A/A.xcodeproj"), folder.path().join("B.xcodeproj")];
        assert_eq!(workspace_members(&workspace), expected);
    }
}
