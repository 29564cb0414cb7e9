//! What a project says of its targets: for which platform, and whether there are tests.

use std::path::Path;

use super::openstep::{self, Value};

/// Where a product runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Platform {
    Ios,
    Macos,
    Tvos,
    Watchos,
    Visionos,
}

impl Platform {
    /// In the order in which one is taken of several.
    pub(super) const ALL: [Self; 5] = [Self::Ios, Self::Macos, Self::Tvos, Self::Watchos, Self::Visionos];

    /// The name in destinations and of runtimes.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ios => "iOS",
            Self::Macos => "macOS",
            Self::Tvos => "tvOS",
            Self::Watchos => "watchOS",
            Self::Visionos => "visionOS",
        }
    }

    /// The SDK of devices, as SDKROOT and SUPPORTED_PLATFORMS have it.
    fn sdk(self) -> &'static str {
        match self {
            Self::Ios => "iphoneos",
            Self::Macos => "macosx",
            Self::Tvos => "appletvos",
            Self::Watchos => "watchos",
            Self::Visionos => "xros",
        }
    }

    fn deployment_target(self) -> &'static str {
        match self {
            Self::Ios => "IPHONEOS_DEPLOYMENT_TARGET",
            Self::Macos => "MACOSX_DEPLOYMENT_TARGET",
            Self::Tvos => "TVOS_DEPLOYMENT_TARGET",
            Self::Watchos => "WATCHOS_DEPLOYMENT_TARGET",
            Self::Visionos => "XROS_DEPLOYMENT_TARGET",
        }
    }
}

/// A `project.pbxproj`.
#[derive(Debug)]
pub(super) struct ProjectFile(Value);

impl ProjectFile {
    /// Reads that of the project at `path` of the tree.
    pub(super) fn read(root: &Path, path: &Path) -> Option<Self> {
        openstep::parse(&super::survey::read(&root.join(path).join("project.pbxproj"))?).map(Self)
    }

    /// Whether any target is one of tests.
    pub(super) fn has_tests(&self) -> bool {
        let kinds = self.0.get("objects").into_iter().flat_map(Value::members).filter_map(|(_, object)| object.text("productType"));
        kinds.into_iter().any(|kind| kind.contains("unit-test") || kind.contains("ui-testing"))
    }

    /// The platform of a target, or of the first target when none is known, and what says so.
    pub(super) fn platform(&self, target: Option<&str>) -> Option<(Platform, String)> {
        let project = self.object(self.0.text("rootObject")?)?;
        let named = target.and_then(|id| self.object(id));
        let first = || project.texts("targets").first().and_then(|id| self.object(id));
        let levels: Vec<Vec<&Value>> =
            [named.or_else(first), Some(project)].into_iter().flatten().map(|level| self.settings(level)).collect();
        levels.iter().find_map(|level| by_sdk(level)).or_else(|| levels.iter().find_map(|level| by_deployment_target(level)))
    }

    fn object(&self, id: &str) -> Option<&Value> {
        self.0.get("objects")?.get(id)
    }

    /// The build settings of each configuration of a target or of the project.
    fn settings(&self, of: &Value) -> Vec<&Value> {
        let list = of.text("buildConfigurationList").and_then(|id| self.object(id));
        let configurations = list.map(|list| list.texts("buildConfigurations")).unwrap_or_default();
        configurations.into_iter().filter_map(|id| self.object(id)?.get("buildSettings")).collect()
    }
}

fn by_sdk(settings: &[&Value]) -> Option<(Platform, String)> {
    let first = |key: &str| settings.iter().map(|settings| settings.texts(key).join(" ")).find(|value| !value.is_empty());
    if let Some(sdk) = first("SDKROOT")
        && let Some(platform) = Platform::ALL.into_iter().find(|platform| sdk.starts_with(platform.sdk()))
    {
        return Some((platform, format!("SDKROOT = {sdk}")));
    }
    let supported = first("SUPPORTED_PLATFORMS")?;
    let platform = Platform::ALL.into_iter().find(|platform| supported.split_whitespace().any(|sdk| sdk == platform.sdk()))?;
    Some((platform, format!("SUPPORTED_PLATFORMS = {supported}")))
}

fn by_deployment_target(settings: &[&Value]) -> Option<(Platform, String)> {
    Platform::ALL.into_iter().find_map(|platform| {
        let key = platform.deployment_target();
        let version = settings.iter().find_map(|settings| settings.text(key))?;
        Some((platform, format!("{key} = {version}")))
    })
}
