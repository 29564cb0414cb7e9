//! `project.pbxproj`: targets, the files of each, and what they depend on.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::file_tree::sources_under;
use super::openstep::{Value, parse};
use super::target::{Dependency, Source, Target, TargetKind};

/// How deep groups may nest; guards against groups that hold themselves.
const GROUPS_DEEP: usize = 64;

/// A project.
#[derive(Clone, Debug)]
pub(crate) struct Project {
    /// The `.xcodeproj`.
    pub(crate) path: PathBuf,
    pub(crate) targets: Vec<Target>,
    pub(crate) configurations: Vec<String>,
    /// Whether it uses Swift packages from elsewhere.
    pub(crate) has_remote_packages: bool,
    /// Other projects it contains.
    pub(crate) subprojects: Vec<PathBuf>,
}

/// Why a project cannot be read, in Xcode's words.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProjectError {
    #[error(
        "Unable to read project '{name}' from folder '{}'.\n\tReason: Project {} cannot be opened because it is missing \
         its project.pbxproj file.",
        folder.display(),
        path.display()
    )]
    NoDocument { name: String, folder: PathBuf, path: PathBuf },
    #[error(
        "Unable to read project '{name}' from folder '{}'.\n\tReason: The project ‘{stem}’ is damaged and cannot be \
         opened due to a parse error. Examine the project file for invalid edits or unresolved source control \
         conflicts.\n\nPath: {}\nException: -[PBXPListUnarchiver parse error at line {line}]",
        folder.display(),
        path.display()
    )]
    Damaged { name: String, stem: String, folder: PathBuf, path: PathBuf, line: usize },
}

/// Reads the project at `path` (a `.xcodeproj`).
pub(crate) fn read_project(path: &Path) -> Result<Project, ProjectError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let folder = path.parent().unwrap_or(Path::new("/")).to_owned();
    let Ok(bytes) = fs::read(path.join("project.pbxproj")) else {
        return Err(ProjectError::NoDocument { name, folder, path: path.to_owned() });
    };
    let document = parse(&String::from_utf8_lossy(&bytes)).map_err(|line| ProjectError::Damaged {
        name,
        stem: stem.clone(),
        folder: folder.clone(),
        path: path.to_owned(),
        line,
    })?;
    Ok(Objects::new(&document, folder).project(path, &stem))
}

/// The objects of a document, and where its files are.
struct Objects<'a> {
    by_id: BTreeMap<&'a str, &'a Value>,
    root: Option<&'a Value>,
    folder: PathBuf,
    /// Every file reference and group that has a place in the file system.
    paths: BTreeMap<&'a str, PathBuf>,
}

impl<'a> Objects<'a> {
    fn new(document: &'a Value, folder: PathBuf) -> Self {
        let objects: BTreeMap<&str, &Value> = match document.get("objects") {
            Some(Value::Dictionary(members)) => members.iter().map(|(id, value)| (id.as_str(), value)).collect(),
            Some(Value::String(_) | Value::Array(_)) | None => BTreeMap::new(),
        };
        let root = document.text("rootObject").and_then(|id| objects.get(id).copied());
        let mut read = Self { by_id: objects, root, folder, paths: BTreeMap::new() };
        if let Some(group) = root.and_then(|root| root.text("mainGroup")) {
            let base = read.source_root();
            read.place(group, &base, 0);
        }
        read
    }

    fn object(&self, id: &str) -> Option<&'a Value> {
        self.by_id.get(id).copied()
    }

    /// Objects whose ids a member lists.
    fn listed<'b>(&'b self, owner: &'b Value, member: &'b str) -> impl Iterator<Item = (&'b str, &'a Value)> {
        owner.texts(member).into_iter().filter_map(|id| self.object(id).map(|object| (id, object)))
    }

    fn source_root(&self) -> PathBuf {
        let below = self.root.and_then(|root| root.text("projectDirPath")).unwrap_or_default();
        if below.is_empty() { self.folder.clone() } else { self.folder.join(below) }
    }

    /// Notes down where a group or file is, and what is in it.
    fn place(&mut self, id: &str, base: &Path, depth: usize) {
        let Some((id, object)) = self.by_id.get_key_value(id).map(|(id, object)| (*id, *object)) else {
            return;
        };
        let path = object.text("path").unwrap_or_default();
        let place = match object.text("sourceTree").unwrap_or("<group>") {
            "<group>" if path.is_empty() => base.to_owned(),
            "<group>" => base.join(path),
            "SOURCE_ROOT" => self.source_root().join(path),
            "<absolute>" => PathBuf::from(path),
            _ => return,
        };
        if depth < GROUPS_DEEP {
            for child in object.texts("children") {
                self.place(child, &place, depth + 1);
            }
        }
        self.paths.insert(id, place);
    }

    fn project(&self, path: &Path, name: &str) -> Project {
        let targets = self.root.into_iter().flat_map(|root| self.listed(root, "targets"));
        Project {
            path: path.to_owned(),
            targets: targets.map(|(id, target)| self.target(id, target, name)).collect(),
            configurations: self.configurations(),
            has_remote_packages: self.has_remote_packages(),
            subprojects: self.subprojects(),
        }
    }

    fn target(&self, id: &str, object: &'a Value, project: &str) -> Target {
        let phases: Vec<&Value> = self.listed(object, "buildPhases").map(|(_, phase)| phase).collect();
        let is = |phase: &&&Value, isa: &str| phase.text("isa") == Some(isa);
        let mut sources: Vec<Source> =
            phases.iter().filter(|phase| is(phase, "PBXSourcesBuildPhase")).flat_map(|phase| self.phase_sources(phase)).collect();
        sources.extend(self.synchronized_sources(id, object));
        let name = object.text("name").unwrap_or(id).to_owned();
        let product =
            object.text("productReference").and_then(|id| self.object(id)?.text("path")).map_or_else(|| name.clone(), str::to_owned);
        Target {
            id: id.to_owned(),
            project: project.to_owned(),
            kind: kind_of(object.text("productType").unwrap_or_default()),
            product,
            sources,
            dependencies: self.dependencies(object),
            makes_sources: phases.iter().any(|phase| is(&phase, "PBXShellScriptBuildPhase")) || !object.texts("buildRules").is_empty(),
            folder: self.source_root(),
            name,
        }
    }

    /// The files of a sources phase, variants (localisations) included.
    fn phase_sources(&self, phase: &'a Value) -> Vec<Source> {
        self.listed(phase, "files")
            .filter_map(|(_, file)| file.text("fileRef"))
            .filter_map(|id| self.paths.get(id).cloned())
            .filter_map(Source::of)
            .collect()
    }

    /// Files of folders that belong to a target as a whole (Xcode 16), less those the target excludes, plus those of
    /// other targets' folders that it takes.
    fn synchronized_sources(&self, id: &str, target: &'a Value) -> Vec<Source> {
        let own = target.texts("fileSystemSynchronizedGroups");
        let mut sources = Vec::new();
        for (group_id, group) in &self.by_id {
            if group.text("isa") != Some("PBXFileSystemSynchronizedRootGroup") {
                continue;
            }
            let Some(folder) = self.paths.get(group_id) else {
                continue;
            };
            let named: Vec<PathBuf> = self
                .listed(group, "exceptions")
                .filter(|(_, exception)| exception.text("target") == Some(id))
                .flat_map(|(_, exception)| exception.texts("membershipExceptions"))
                .map(|path| folder.join(path))
                .collect();
            if own.contains(group_id) {
                let all = sources_under(folder).into_iter();
                sources.extend(all.filter(|source| !named.iter().any(|path| source.path().starts_with(path))));
            } else {
                sources.extend(named.into_iter().filter_map(Source::of));
            }
        }
        sources
    }

    fn dependencies(&self, target: &'a Value) -> Vec<Dependency> {
        self.listed(target, "dependencies")
            .filter_map(|(_, dependency)| {
                if let Some(id) = dependency.text("target") {
                    return Some(Dependency::Id(id.to_owned()));
                }
                let proxy = dependency.text("targetProxy").and_then(|id| self.object(id));
                let name = proxy.and_then(|proxy| proxy.text("remoteInfo")).or_else(|| dependency.text("name"));
                name.map(|name| Dependency::Name(name.to_owned()))
            })
            .collect()
    }

    fn configurations(&self) -> Vec<String> {
        let list = self.root.and_then(|root| root.text("buildConfigurationList")).and_then(|id| self.object(id));
        list.into_iter()
            .flat_map(|list| self.listed(list, "buildConfigurations"))
            .filter_map(|(_, configuration)| configuration.text("name").map(str::to_owned))
            .collect()
    }

    fn has_remote_packages(&self) -> bool {
        self.by_id.values().any(|object| object.text("isa") == Some("XCRemoteSwiftPackageReference"))
    }

    fn subprojects(&self) -> Vec<PathBuf> {
        self.paths.values().filter(|path| path.extension().is_some_and(|ending| ending == "xcodeproj")).cloned().collect()
    }
}

fn kind_of(product_type: &str) -> TargetKind {
    match product_type.trim_start_matches("com.apple.product-type.") {
        "application" | "application.watchapp2" | "application.on-demand-install-capable" => TargetKind::Application,
        "bundle.unit-test" => TargetKind::UnitTests,
        "bundle.ui-testing" => TargetKind::UiTests,
        _ => TargetKind::Other,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    fn sample() -> Project {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/SampleApp/SampleApp.xcodeproj");
        read_project(&path).unwrap()
    }

    fn project_of(objects: &str) -> (tempfile::TempDir, Project) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("P.xcodeproj");
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("project.pbxproj"), format!("{{ rootObject = R; objects = {{ {objects} }}; }}")).unwrap();
        let project = read_project(&path).unwrap();
        (folder, project)
    }

    #[test]
    fn the_sample_projects_targets_have_their_files() {
        let project = sample();
        let names: Vec<&str> = project.targets.iter().map(|target| target.name.as_str()).collect();
        assert_eq!(names, ["SampleApp", "SampleAppTests"]);
        assert_eq!(project.targets[0].sources.len(), 10);
        assert_eq!(project.targets[1].kind, TargetKind::UnitTests);
        assert_eq!(project.targets[1].dependencies, [Dependency::Id(project.targets[0].id.clone())]);
        assert_eq!(project.configurations, ["Debug", "Release"]);
        for target in &project.targets {
            for source in &target.sources {
                assert!(source.path().is_file(), "{source:?}");
            }
        }
    }

    #[test]
    fn groups_without_a_path_and_odd_source_trees_are_placed() {
        let (folder, project) = project_of(
            "R = { mainGroup = G; targets = (T); }; G = { children = (V, W, X); };
             V = { name = Virtual; sourceTree = \"<group>\"; children = (A); };
             A = { path = a.swift; sourceTree = \"<group>\"; };
             W = { path = \"deep/b.swift\"; sourceTree = SOURCE_ROOT; };
             X = { path = \"/abs/c.m\"; sourceTree = \"<absolute>\"; };
             T = { name = T; productType = \"com.apple.product-type.framework\"; buildPhases = (S); };
             S = { isa = PBXSourcesBuildPhase; files = (FA, FW, FX, MISSING); };
             FA = { fileRef = A; }; FW = { fileRef = W; }; FX = { fileRef = X; };",
        );
        let expected = [
            Source::Swift(folder.path().join("a.swift")),
            Source::Swift(folder.path().join("deep/b.swift")),
            Source::Clang(PathBuf::from("/abs/c.m")),
        ];
        assert_eq!(project.targets[0].sources, expected);
    }

    #[test]
    fn folders_that_belong_to_a_target_give_it_their_files() {
        let objects = "R = { mainGroup = G; targets = (T); }; G = { children = (F); };
             F = { isa = PBXFileSystemSynchronizedRootGroup; path = App; sourceTree = \"<group>\"; exceptions = (E); };
             E = { target = T; membershipExceptions = (\"Out.swift\"); };
             T = { name = T; buildPhases = (); fileSystemSynchronizedGroups = (F); };";
        let (folder, _) = project_of(objects);
        fs::create_dir_all(folder.path().join("App/Sub")).unwrap();
        for file in ["App/In.swift", "App/Out.swift", "App/Sub/Deep.swift"] {
            fs::write(folder.path().join(file), "").unwrap();
        }
        let project = read_project(&folder.path().join("P.xcodeproj")).unwrap();
        let names: Vec<_> = project.targets[0].sources.iter().map(|source| source.path().file_name().unwrap()).collect();
        assert_eq!(names, ["In.swift", "Deep.swift"]);
    }

    #[test]
    fn a_damaged_project_is_refused_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("P.xcodeproj");
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("project.pbxproj"), "{\n<<<<<<< HEAD\n}").unwrap();
        assert!(matches!(read_project(&path), Err(ProjectError::Damaged { .. })));
    }
}
