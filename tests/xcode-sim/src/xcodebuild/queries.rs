//! What xcodebuild answers instead of building: its version, its SDKs, what a container holds, where it could run.

use serde_json::{Value, json};

use super::arguments::{Arguments, Query};
use super::destination::rows;
use super::error::XcodebuildError;
use super::job::Command;
use super::log::Log;
use super::packages;
use crate::apple_json;
use crate::console::Console;
use crate::developer::{Developer, sdk_folder};
use crate::exit::Exit;
use crate::fingerprint::uuid_from;
use crate::machine::{Platform, Sdk};
use crate::project::{Container, ContainerKind};
use crate::simctl::Store;

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

fn version(arguments: &Arguments, developer: Developer<'_>, console: &mut Console) -> Result<Exit, XcodebuildError> {
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

fn show_sdks(arguments: &Arguments, developer: Developer<'_>, console: &mut Console) -> Exit {
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

/// Answers what is asked instead of an action.
pub(super) fn answer(query: Query, command: Command<'_>, console: &mut Console) -> Result<Exit, XcodebuildError> {
    let Command { invocation, arguments, developer, installation } = command;
    let open = || {
        let (workspace, project) = (arguments.value("workspace"), arguments.value("project"));
        Container::open(&invocation.directory, workspace, project)
    };
    match query {
        Query::Version => version(arguments, developer, console),
        Query::ShowSdks => Ok(show_sdks(arguments, developer, console)),
        Query::List => Ok(list(&open()?, arguments, console)),
        Query::ShowDestinations => {
            let container = open()?;
            let scheme = arguments.value("scheme").ok_or(XcodebuildError::SchemeNeeded)?;
            container.scheme(scheme)?;
            let simulators = Store::new(&installation.machine, installation.state.clone()).read()?;
            console.line(format!("\n\n\tAvailable destinations for the \"{scheme}\" scheme:"));
            for row in rows(installation, developer, &simulators) {
                console.line(format!("\t\t{row}"));
            }
            Ok(Exit::OK)
        }
        Query::ResolvePackages => {
            let container = open()?;
            let mut log = Log::new(console, arguments.has("quiet"));
            packages::resolve(&container, arguments, invocation, &mut log)?;
            log.progress("resolved source packages: (simulated: nothing was fetched)");
            Ok(Exit::OK)
        }
    }
}

/// `-list`: a container's targets, configurations and schemes.
fn list(container: &Container, arguments: &Arguments, console: &mut Console) -> Exit {
    let schemes: Vec<String> = container.schemes().into_iter().map(|scheme| scheme.name).collect();
    let name = &container.name;
    let project = match container.kind {
        ContainerKind::Project => container.projects.first(),
        ContainerKind::Workspace | ContainerKind::Package => None,
    };
    let targets: Vec<&str> = project.iter().flat_map(|project| &project.targets).map(|target| target.name.as_str()).collect();
    let configurations = project.map_or(&[][..], |project| &project.configurations);
    if arguments.has("json") {
        let value = match project {
            Some(_) => json!({ "project": {
                "configurations": configurations, "name": name, "schemes": schemes, "targets": targets,
            } }),
            None => json!({ "workspace": { "name": name, "schemes": schemes } }),
        };
        console.line(apple_json::pretty(&value));
        return Exit::OK;
    }
    console.line(format!("Information about {} \"{name}\":", container.kind.word()));
    if project.is_some() {
        console.line(format!("    Targets:\n        {}\n", targets.join("\n        ")));
        console.line(format!("    Build Configurations:\n        {}\n", configurations.join("\n        ")));
    }
    console.line(format!("    Schemes:\n        {}\n", schemes.join("\n        ")));
    Exit::OK
}
