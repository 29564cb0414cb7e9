//! What xcodebuild answers without a project: its version and its SDKs.

use serde_json::{Value, json};

use super::arguments::{Arguments, Query};
use super::error::XcodebuildError;
use crate::apple_json;
use crate::console::Console;
use crate::developer::{Developer, sdk_folder};
use crate::exit::Exit;
use crate::fingerprint::uuid_from;
use crate::machine::{Platform, Sdk};

/// Sections of `-showsdks`, and the platform of each.
const SECTIONS: [(&str, Platform); 9] = [
    ("iOS SDKs", Platform::Ios),
    ("iOS Simulator SDKs", Platform::IosSimulator),
    ("macOS SDKs", Platform::Macos),
    ("tvOS SDKs", Platform::Tvos),
    ("tvOS Simulator SDKs", Platform::TvosSimulator),
    ("visionOS SDKs", Platform::Visionos),
    ("visionOS Simulator SDKs", Platform::VisionosSimulator),
    ("watchOS SDKs", Platform::Watchos),
    ("watchOS Simulator SDKs", Platform::WatchosSimulator),
];

pub(super) fn version(arguments: &Arguments, developer: Developer<'_>, console: &mut Console) -> Result<Exit, XcodebuildError> {
    if let Some(name) = arguments.value("sdk") {
        let sdk = developer.sdk(name).ok_or_else(|| XcodebuildError::NoSdk(name.to_owned()))?;
        sdk_text(sdk, developer, console);
        return Ok(Exit::OK);
    }
    console.line(format!("Xcode {}", developer.xcode.version));
    console.line(format!("Build version {}", developer.xcode.build));
    Ok(Exit::OK)
}

fn sdk_text(sdk: &Sdk, developer: Developer<'_>, console: &mut Console) {
    let Sdk { version, build, .. } = sdk;
    console.line(format!("{} - {} ({})", sdk_folder(sdk), display_name(sdk), sdk.canonical_name()));
    console.line(format!("SDKVersion: {version}"));
    console.line(format!("Path: {}", developer.sdk_path(sdk).display()));
    console.line(format!("PlatformVersion: {version}"));
    console.line(format!("PlatformPath: {}", developer.platform_path(sdk.platform).display()));
    console.line(format!("BuildID: {}", uuid_from(&[build])));
    console.line(format!("ProductBuildVersion: {build}"));
    console.line("ProductCopyright: 1983-2025 Apple Inc.");
    console.line(format!("ProductName: {}", sdk.platform.product_name()));
    console.line(format!("ProductVersion: {version}\n"));
}

pub(super) fn show_sdks(arguments: &Arguments, developer: Developer<'_>, console: &mut Console) -> Exit {
    if arguments.has("json") {
        let rows: Vec<Value> = developer.xcode.sdks.iter().map(|sdk| sdk_row(sdk, developer)).collect();
        console.line(apple_json::pretty(&Value::Array(rows)));
        return Exit::OK;
    }
    for (title, platform) in SECTIONS {
        let sdks = developer.xcode.sdks.iter().filter(|sdk| sdk.platform == platform);
        for sdk in sdks {
            console.line(format!("{title}:"));
            console.line(format!("\t{:<32}\t-sdk {}\n", display_name(sdk), sdk.canonical_name()));
        }
    }
    Exit::OK
}

fn sdk_row(sdk: &Sdk, developer: Developer<'_>) -> Value {
    let mut row = json!({
        "buildID": uuid_from(&[&sdk.build]),
        "canonicalName": sdk.canonical_name(),
        "displayName": display_name(sdk),
        "isBaseSdk": true,
        "platform": sdk.platform.sdk_name(),
        "platformPath": developer.platform_path(sdk.platform).to_string_lossy(),
        "platformVersion": sdk.version,
        "productBuildVersion": sdk.build,
        "productCopyright": "1983-2025 Apple Inc.",
        "productName": sdk.platform.product_name(),
        "productVersion": sdk.version,
        "sdkPath": developer.sdk_path(sdk).to_string_lossy(),
        "sdkVersion": sdk.version,
    });
    if sdk.platform == Platform::Macos {
        row["productUserVisibleVersion"] = json!(sdk.version);
        if let Some(ios) = developer.sdk_of(Platform::Ios) {
            row["iOSSupportVersion"] = json!(ios.version);
        }
    }
    row
}

/// "Simulator - iOS 18.2".
fn display_name(sdk: &Sdk) -> String {
    match sdk.platform.device_platform() {
        Some(device) => format!("Simulator - {} {}", device.destination_name(), sdk.version),
        None => format!("{} {}", sdk.platform.destination_name(), sdk.version),
    }
}

/// Answers a query that needs no project.
pub(super) fn answer(arguments: &Arguments, developer: Developer<'_>, console: &mut Console) -> Result<Exit, XcodebuildError> {
    match arguments.query {
        Some(Query::Version) => version(arguments, developer, console),
        Some(Query::ShowSdks) => Ok(show_sdks(arguments, developer, console)),
        Some(Query::List | Query::ShowDestinations | Query::ResolvePackages) | None => Ok(Exit::USAGE),
    }
}
