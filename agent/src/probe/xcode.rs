//! The Xcodes of a machine: where they are, which they are, and whether they can be used.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rch_schemas::capabilities::{Sdk, Xcode, XcodeState};
use rch_schemas::requirement::Version;
use serde_json::Value;

use super::plist;
use super::simctl::first_json;
use crate::tool::{Call, ToolError, ToolOutput, Tools};

/// `xcodebuild` takes seconds after an update; `-showBuildSettings` has been seen to hang, so nothing is waited for without end.
const TIMEOUT: Duration = Duration::from_mins(1);
/// `xcode-select` only reads a link.
const SELECT_TIMEOUT: Duration = Duration::from_secs(30);

/// A developer directory, links resolved, and the other paths that lead to it.
pub(super) type Found = BTreeMap<PathBuf, BTreeSet<String>>;

/// Every Xcode in `search`, and the selected one, by real path.
pub(super) async fn find(tools: &Tools, search: &[PathBuf], problems: &mut Vec<String>) -> Found {
    let mut found = Found::new();
    for dir in search {
        match apps_in(dir) {
            Ok(apps) => apps.iter().for_each(|app| add(&mut found, &app.join("Contents/Developer"))),
            Err(error) => problems.push(format!("xcode_search: cannot list {}: {error}", dir.display())),
        }
    }
    match tools.ask(Call { tool: "xcode-select", arguments: &["-p"], developer_dir: None, timeout: SELECT_TIMEOUT }).await {
        Ok(path) => {
            let path = Path::new(path.trim());
            if path.ends_with("CommandLineTools") {
                problems.push(format!("xcode-select points at {}, which is no Xcode: run xcode-select -s", path.display()));
            } else {
                add(&mut found, path);
            }
        }
        Err(error) => problems.push(error.to_string()),
    }
    found
}

fn apps_in(dir: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut apps = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("Xcode") && Path::new(&name).extension().is_some_and(|extension| extension == "app") {
            apps.push(entry.path());
        }
    }
    Ok(apps)
}

fn add(found: &mut Found, developer_dir: &Path) {
    if let Ok(real) = std::fs::canonicalize(developer_dir) {
        let links = found.entry(real.clone()).or_default();
        if real != developer_dir {
            links.insert(developer_dir.display().to_string());
        }
    }
}

/// What one developer directory holds; `None` when it does not even say its version.
pub(super) async fn ask(tools: &Tools, dir: &Path, links: BTreeSet<String>, problems: &mut Vec<String>) -> Option<Xcode> {
    let developer_dir = dir.display().to_string();
    let answer = version(tools, &developer_dir).await;
    let (version, build, state) = match answer {
        Ok((version, build)) => (version, build, XcodeState::Ready),
        Err(trouble) => {
            problems.push(format!("{developer_dir}: {}", trouble.message));
            let (version, build) = plist::version_of_bundle(dir)?;
            (version, build, trouble.state)
        }
    };
    let Ok(parsed) = version.parse() else {
        problems.push(format!("{developer_dir}: {version:?} is no version"));
        return None;
    };
    let mut sdks = Vec::new();
    if state == XcodeState::Ready {
        match show_sdks(tools, &developer_dir).await {
            Ok(found) => sdks = found,
            Err(message) => problems.push(format!("{developer_dir}: {message}")),
        }
    }
    Some(Xcode {
        developer_dir,
        links: links.into_iter().collect(),
        version: parsed,
        build,
        beta: plist::is_beta(dir),
        state,
        sdks,
        runtime_builds: BTreeMap::new(),
    })
}

/// An Xcode that does not answer as one does.
struct Trouble {
    state: XcodeState,
    message: String,
}

async fn version(tools: &Tools, developer_dir: &str) -> Result<(String, String), Trouble> {
    let broken = |message: String| Trouble { state: XcodeState::Broken, message };
    let call = Call { tool: "xcodebuild", arguments: &["-version"], developer_dir: Some(developer_dir), timeout: TIMEOUT };
    let output = tools.run(call).await.map_err(|error| broken(error.to_string()))?;
    if !output.status.success() {
        return Err(Trouble { state: state_of(&output), message: output.complaint() });
    }
    parse_version(&output.stdout).ok_or_else(|| broken(format!("xcodebuild -version said {:?}", output.complaint())))
}

/// The build of the Xcode in a developer directory, as its tool says it now.
pub(super) async fn build(tools: &Tools, developer_dir: &str) -> Result<String, ToolError> {
    let call = Call { tool: "xcodebuild", arguments: &["-version"], developer_dir: Some(developer_dir), timeout: TIMEOUT };
    let text = tools.ask(call).await?;
    Ok(parse_version(&text).map(|(_, build)| build).unwrap_or_default())
}

/// Reads `Xcode 16.2` and `Build version 16C5032a`.
fn parse_version(text: &str) -> Option<(String, String)> {
    let value = |prefix: &str| text.lines().find_map(|line| line.trim().strip_prefix(prefix)).map(|value| value.trim().to_owned());
    Some((value("Xcode ")?.split_whitespace().next()?.to_owned(), value("Build version ")?))
}

/// What an error says about the state; the wordings are recorded ones.
fn state_of(output: &ToolOutput) -> XcodeState {
    let text = output.all_text().to_lowercase();
    if text.contains("license") {
        XcodeState::LicenseNotAgreed
    } else if text.contains("first launch") || text.contains("-runfirstlaunch") {
        XcodeState::FirstLaunchNeeded
    } else {
        XcodeState::Broken
    }
}

async fn show_sdks(tools: &Tools, developer_dir: &str) -> Result<Vec<Sdk>, String> {
    let call = Call { tool: "xcodebuild", arguments: &["-showsdks", "-json"], developer_dir: Some(developer_dir), timeout: TIMEOUT };
    let text = tools.ask(call).await.map_err(|error| error.to_string())?;
    let value = first_json(&text).ok_or_else(|| "xcodebuild -showsdks -json printed no JSON".to_owned())?;
    Ok(parse_sdks(&value))
}

/// The version of an Xcode's SDK for a platform such as `iphoneos`; the highest, when it has several.
pub(super) async fn sdk_version(tools: &Tools, developer_dir: &str, platform: &str) -> Result<Option<String>, ToolError> {
    let call = Call { tool: "xcodebuild", arguments: &["-showsdks", "-json"], developer_dir: Some(developer_dir), timeout: TIMEOUT };
    let sdks = first_json(&tools.ask(call).await?).map(|value| parse_sdks(&value)).unwrap_or_default();
    let of_platform = sdks.into_iter().filter(|sdk| sdk.platform == platform);
    Ok(of_platform.map(|sdk| sdk.version).max_by_key(|version| version.parse::<Version>().ok()))
}

/// Base SDKs only: the others (asset runtimes, additional SDKs) cannot be named by `-sdk` alone.
fn parse_sdks(value: &Value) -> Vec<Sdk> {
    let rows = value.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut sdks: Vec<Sdk> = rows
        .iter()
        .filter(|row| row["isBaseSdk"].as_bool() != Some(false))
        .filter_map(|row| {
            let text = |member: &str| row[member].as_str().map(str::to_owned);
            Some(Sdk { name: text("canonicalName")?, platform: text("platform")?, version: text("sdkVersion")? })
        })
        .collect();
    sdks.sort_by(|a, b| a.name.cmp(&b.name));
    sdks
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use crate::fixture::recorded;

    #[test]
    fn a_version_is_read_and_a_beta_s_too() {
        assert_eq!(parse_version("Xcode 16.2\nBuild version 16C5032a\n"), Some(("16.2".to_owned(), "16C5032a".to_owned())));
        assert_eq!(parse_version("warning: x\nXcode 27.0 Beta\nBuild version 27A1\n"), Some(("27.0".to_owned(), "27A1".to_owned())));
        assert_eq!(parse_version("xcode-select: error"), None);
    }

    #[test]
    fn every_recorded_wording_of_a_missing_licence_is_told_apart_from_a_broken_xcode() {
        let Some(fixtures) = recorded("xcodebuild-version") else { return };
        for entry in std::fs::read_dir(fixtures).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if !name.starts_with("error-") {
                continue;
            }
            let stderr = std::fs::read_to_string(&path).unwrap();
            let output = ToolOutput { status: std::process::ExitStatus::default(), stdout: String::new(), stderr };
            let expected = if name.contains("license") { XcodeState::LicenseNotAgreed } else { XcodeState::Broken };
            assert_eq!(state_of(&output), expected, "{name}");
        }
    }

    #[test]
    fn every_recorded_list_of_sdks_names_the_platforms() {
        let Some(fixtures) = recorded("xcodebuild-version") else { return };
        let mut lists = 0;
        for entry in std::fs::read_dir(fixtures).unwrap() {
            let path = entry.unwrap().path();
            if !path.to_string_lossy().ends_with("showsdks.json") {
                continue;
            }
            lists += 1;
            let sdks = parse_sdks(&first_json(&std::fs::read_to_string(&path).unwrap()).unwrap());
            let platforms: BTreeSet<_> = sdks.iter().map(|sdk| sdk.platform.as_str()).collect();
            assert!(platforms.contains("iphoneos") && platforms.contains("iphonesimulator"), "{}: {platforms:?}", path.display());
            assert!(sdks.iter().all(|sdk| !sdk.name.starts_with("assetruntime")), "{}", path.display());
        }
        assert!(lists >= 3);
    }
}
