//! Swift packages: resolved from `Package.resolved` alone, since nothing is fetched here.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::arguments::Arguments;
use super::error::XcodebuildError;
use super::log::Log;
use crate::invocation::Invocation;
use crate::project::Container;

/// Says what is resolved, as a build does before it starts. A tree that uses packages from elsewhere and may only use
/// resolved versions needs its `Package.resolved`.
pub(super) fn resolve(
    container: &Container,
    arguments: &Arguments,
    invocation: &Invocation,
    log: &mut Log<'_>,
) -> Result<(), XcodebuildError> {
    if let Some(path) = arguments.value("clonedSourcePackagesDirPath") {
        let folder = invocation.absolute(path);
        fs::create_dir_all(&folder).map_err(XcodebuildError::derived_data)?;
    }
    if !container.has_remote_packages() && container.packages.is_empty() {
        return Ok(());
    }
    log.progress("Resolve Package Graph\n");
    let resolved = container.resolved_file();
    let only_resolved = arguments.has("onlyUsePackageVersionsFromResolvedFile") || arguments.has("disableAutomaticPackageResolution");
    if container.has_remote_packages() && only_resolved && !resolved.is_file() {
        return Err(XcodebuildError::Packages(resolved));
    }
    log.progress("\nResolved source packages:");
    for package in &container.packages {
        log.progress(format!("  {}: {} @ local", package.name, package.folder.display()));
    }
    for line in pins(&resolved) {
        log.progress(line);
    }
    log.progress("");
    Ok(())
}

/// "  swift-log: https://github.com/apple/swift-log.git @ 1.6.4" for every pin.
fn pins(resolved: &Path) -> Vec<String> {
    let document: Value = fs::read(resolved).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
    let pins = document["pins"].as_array().map(Vec::as_slice).unwrap_or_default();
    let line = |pin: &Value| {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let version = text(&pin["state"]["version"]).or_else(|| text(&pin["state"]["branch"]));
        let name = text(&pin["identity"])?;
        Some(format!("  {name}: {} @ {}", text(&pin["location"])?, version.unwrap_or_default()))
    };
    pins.iter().filter_map(line).collect()
}
