//! What destinations mean on one worker: by table, and the recorded ones on recorded machines when they are there.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;

use rch_schemas::capabilities::{Device, Sdk};

use super::*;
use crate::tests::farm;

mod recorded;

const IOS_17: &str = "com.apple.CoreSimulator.SimRuntime.iOS-17-0";
const IOS_18: &str = "com.apple.CoreSimulator.SimRuntime.iOS-18-2";

fn runtime(identifier: &str, platform: &str, version: &str, build: &str) -> Runtime {
    Runtime {
        identifier: identifier.to_owned(),
        platform: platform.to_owned(),
        version: version.parse().unwrap(),
        build: build.to_owned(),
        architectures: None,
        unavailable: None,
        shadowed: false,
        device_types: BTreeSet::new(),
    }
}

fn device_type(name: &str, family: &str, range: (&str, Option<&str>)) -> DeviceType {
    DeviceType {
        identifier: format!("type.{}", name.replace(' ', "-")),
        name: name.to_owned(),
        family: family.to_owned(),
        min_runtime: Some(range.0.parse().unwrap()),
        max_runtime: range.1.map(|version| version.parse().unwrap()),
    }
}

/// A Mac with Xcode 16.2, two builds of one iOS runtime, a beta, one that cannot be used, and few devices.
fn machine() -> Facts {
    let shadowed = Runtime { shadowed: true, ..runtime(IOS_17, "iOS", "17.0", "21A328") };
    let broken = Runtime { unavailable: Some("image missing".to_owned()), ..runtime("iOS-18-4", "iOS", "18.4", "22E238") };
    let arm = Runtime { architectures: Some(["arm64".to_owned()].into()), ..runtime(IOS_18, "iOS", "18.2", "22C150") };
    let device = |name: &str, device_type: &str, runtime: &str| Device {
        name: name.to_owned(),
        device_type: format!("type.{device_type}"),
        runtime: runtime.to_owned(),
    };
    let sdk = |platform: &str, version: &str| Sdk {
        name: format!("{platform}{version}"),
        platform: platform.to_owned(),
        version: version.to_owned(),
    };
    let mut facts = farm::facts("mac-1");
    facts.xcodes[0].sdks = vec![sdk("iphoneos", "18.2"), sdk("iphonesimulator", "18.2"), sdk("macosx", "15.2"), sdk("xros", "2.2")];
    facts.xcodes[0].runtime_builds = [(IOS_17.to_owned(), "21A342".to_owned())].into();
    facts.runtimes = vec![
        shadowed,
        runtime(IOS_17, "iOS", "17.0.1", "21A342"),
        arm,
        runtime("iOS-18-3", "iOS", "18.3", "22D5034e"),
        broken,
        runtime("tvOS-18-2", "tvOS", "18.2", "22K154"),
        runtime("watchOS-26-0", "watchOS", "26.0", "23R5287g"),
        runtime("xrOS-2-2", "visionOS", "2.2", "22N840"),
        runtime("iOS-26-0", "iOS", "26.0", ""),
    ];
    facts.device_types = vec![
        device_type("iPhone 8", "iPhone", ("11.0", Some("16.999"))),
        device_type("iPhone 15", "iPhone", ("17.0", None)),
        device_type("iPhone 16", "iPhone", ("18.0", None)),
        device_type("iPad Air 11-inch (M2)", "iPad", ("17.4", None)),
        device_type("Apple TV 4K (3rd generation)", "Apple TV", ("16.1", None)),
        device_type("Apple Watch Series 10 (46mm)", "Apple Watch", ("11.0", None)),
        device_type("Apple Vision Pro", "Apple Vision", ("1.0", None)),
    ];
    facts.devices = vec![
        device("Kim's phone, the \"old\" one", "iPhone-15", IOS_17),
        device("iPhone 16", "iPhone-16", IOS_18),
        device("iPhone 16", "iPhone-16", IOS_18),
        device("16프로", "iPhone-16", IOS_18),
    ];
    facts
}

fn ask(facts: &Facts, asked: &str, mode: DestinationMode) -> Result<(String, Vec<String>), String> {
    let spec = DestinationSpec::parse(asked).unwrap_or_else(|error| panic!("{asked}: {error}"));
    let request = DestinationRequest { asked: asked.to_owned(), mode, ..DestinationRequest::default() };
    let resolved = resolve(facts, &facts.xcodes[0], &request, &spec);
    resolved.map(|(resolved, notices)| (told(&resolved), notices)).map_err(|verdict| {
        assert_eq!((verdict.code, verdict.required.as_str()), (Reason::NoSuchDestination, asked));
        verdict.found
    })
}

fn told(resolved: &ResolvedDestination) -> String {
    match resolved {
        ResolvedDestination::Simulator { platform, arch, os_version, name, device_type_identifier, sim_runtime_build, .. } => {
            format!("{platform} | {name} | {device_type_identifier} | {os_version} {sim_runtime_build} | {arch}")
        }
        ResolvedDestination::Mac { platform, arch, os_version, variant, .. } => format!("{platform} | {os_version} | {arch} | {variant:?}"),
        ResolvedDestination::Generic { platform, os_version, variant, .. } => format!("generic {platform} | {os_version} | {variant:?}"),
    }
}

#[test]
fn a_destination_has_one_meaning_on_one_worker() {
    const PHONE: &str = "iOS Simulator | iPhone 16 | type.iPhone-16 | 18.2 22C150 | arm64";
    let facts = machine();
    for (asked, expected, notices) in [
        // No OS is the latest; betas, unusable runtimes and those without a build are not meant by it.
        ("platform=iOS Simulator,name=iPhone 16", PHONE, &[][..]),
        ("platform=iOS Simulator,name=iPhone 16,OS=latest", PHONE, &[]),
        ("name=iphone 16", PHONE, &[]),
        ("name=IPHONE 16,OS=18.2,platform=iphonesimulator,arch=arm64", PHONE, &[]),
        // A beta is meant by who names it.
        ("name=iPhone 16,OS=18.3", "iOS Simulator | iPhone 16 | type.iPhone-16 | 18.3 22D5034e | arm64", &[]),
        // The platform is that of the device type's family, or of the device's.
        (
            "name=Apple TV 4K (3rd generation)",
            "tvOS Simulator | Apple TV 4K (3rd generation) | type.Apple-TV-4K-(3rd-generation) | 18.2 22K154 | arm64",
            &[],
        ),
        ("name=Apple Vision Pro", "visionOS Simulator | Apple Vision Pro | type.Apple-Vision-Pro | 2.2 22N840 | arm64", &[]),
        ("name=16프로", "iOS Simulator | 16프로 | type.iPhone-16 | 18.2 22C150 | arm64", &[]),
        (
            "name=Kim's phone, the \"old\" one,OS=17.0",
            "iOS Simulator | Kim's phone, the \"old\" one | type.iPhone-15 | 17.0.1 21A342 | arm64",
            &["OS 17.0 is met by 17.0.1"],
        ),
        // A version is met exactly, else by the highest with the same first two numbers; of two builds by the one this Xcode chooses.
        ("name=iPhone 15,OS=17.0", "iOS Simulator | iPhone 15 | type.iPhone-15 | 17.0.1 21A342 | arm64", &["OS 17.0 is met by 17.0.1"]),
        ("name=iPhone 15,OS=17.0.1", "iOS Simulator | iPhone 15 | type.iPhone-15 | 17.0.1 21A342 | arm64", &[]),
        // The Mac itself, and no device at all.
        ("platform=OS X", "macOS | 15.3.1 | arm64 | None", &[]),
        ("platform=macOS,arch=arm64,variant=mac catalyst,name=My Mac", "macOS | 15.3.1 | arm64 | Some(\"Mac Catalyst\")", &[]),
        ("platform=macOS,variant=Designed for [iPad,iPhone]", "macOS | 15.3.1 | arm64 | Some(\"Designed for [iPad,iPhone]\")", &[]),
        ("generic/platform=iOS", "generic iOS | 18.2 | None", &[]),
        ("name=Any iOS Simulator Device", "generic iOS Simulator | 18.2 | None", &[]),
        ("generic/platform=macOS,variant=Mac Catalyst", "generic macOS | 15.2 | Some(\"Mac Catalyst\")", &[]),
        ("generic/platform=xrOS", "generic visionOS | 2.2 | None", &[]),
    ] {
        let notices: Vec<String> = notices.iter().map(|notice| (*notice).to_owned()).collect();
        assert_eq!(ask(&facts, asked, DestinationMode::Constraints), Ok((expected.to_owned(), notices)), "{asked}");
    }
}

#[test]
fn a_destination_that_a_worker_cannot_provide_is_refused_with_what_it_has_or_what_to_write() {
    let facts = machine();
    for (asked, found) in [
        ("name=iPhone 16,OS=18.4", "iOS 17.0.1, 18.2, 18.3"),
        ("name=iPhone 16,OS=17.0", "iOS 17.0.1 without a device or device type named \"iPhone 16\""),
        ("name=iPhone 8", "iOS 18.2 without a device or device type named \"iPhone 8\""),
        ("name=iPhone 99", "no device or device type named \"iPhone 99\""),
        ("platform=iOS Simulator,name=iPhone 99", "iOS 18.2 without a device or device type named \"iPhone 99\""),
        ("name=Apple Watch Series 10 (46mm)", "watchOS 26.0, and only as beta: name the version to mean it"),
        ("platform=iOS Simulator,name=iPhone 16,arch=x86_64", "iOS 18.2 does not run x86_64"),
        ("platform=iOS Simulator,OS=18.2", "a simulator needs name=…"),
        ("platform=iOS Simulator,id=8E8EDF7E-01A0-4A8D-B708-8A78DA14BB69", "an id means nothing on another machine: write name=… and OS=…"),
        ("id=8E8EDF7E-01A0-4A8D-B708-8A78DA14BB69", "an id means nothing on another machine: write name=… and OS=…"),
        (
            "platform=visionOS Simulator,name=Apple Vision Pro,variant=Designed for [iPad,iPhone]",
            "a simulator with a variant is not offered: leave variant=… out",
        ),
        ("platform=iOS,name=My iPad", "no device lab: write platform=iOS Simulator"),
        ("platform=watchOS", "no device lab: write platform=watchOS Simulator"),
        ("platform=macOS,arch=x86_64", "a Mac of arm64"),
        ("platform=macOS,OS=14.0", "macOS 15.3.1"),
        (
            "platform=macOS,id=00006020-0011",
            "a Mac is chosen by what it has, not by name or id: write platform=macOS, and worker_selection.worker for one Mac",
        ),
        (
            "platform=macOS,name=Kim's",
            "a Mac is chosen by what it has, not by name or id: write platform=macOS, and worker_selection.worker for one Mac",
        ),
        ("platform=macOS,variant=DriverKit", "no such variant of macOS: write variant=Mac Catalyst or variant=Designed for [iPad,iPhone]"),
        ("generic/platform=tvOS", "Xcode 16.2 without an SDK for tvOS"),
    ] {
        assert_eq!(ask(&facts, asked, DestinationMode::Constraints), Err(found.to_owned()), "{asked}");
    }
}

#[test]
fn pinned_leaves_nothing_to_the_farm_and_rounds_nothing() {
    let facts = machine();
    let pinned = |asked: &str| ask(&facts, asked, DestinationMode::Pinned);
    for asked in ["name=iPhone 16", "name=iPhone 16,OS=latest", "platform=iOS Simulator,OS=18.2"] {
        assert_eq!(pinned(asked), Err("mode \"pinned\" needs name=… and an exact OS=…".to_owned()), "{asked}");
    }
    assert_eq!(pinned("name=iPhone 15,OS=17.0"), Err("iOS 17.0.1, 18.2, 18.3".to_owned()));
    for asked in ["name=iPhone 16,OS=18.2", "platform=macOS", "generic/platform=iOS"] {
        assert!(pinned(asked).is_ok(), "{asked}");
    }
}

#[test]
fn with_a_beta_of_xcode_the_latest_may_be_one_too() {
    let mut facts = machine();
    facts.xcodes[0].beta = true;
    let (told, _) = ask(&facts, "name=iPhone 16", DestinationMode::Constraints).unwrap();
    assert!(told.contains("18.3 22D5034e"), "{told}");
}

#[test]
fn the_build_of_a_runtime_tells_a_beta() {
    for beta in ["21C5046b", "20R5332f", "21N5300a", "23A5260l", "22D5034e"] {
        assert!(is_beta(beta), "{beta}");
    }
    for release in ["22C150", "21A328", "20B72", "13C75", "17A844", "23J579", "20R355", "UnknownBuildNumber", "", "5", "a", "21C5", "é5a"]
    {
        assert!(!is_beta(release), "{release}");
    }
}

#[test]
fn another_xcode_may_choose_the_other_build_of_a_runtime() {
    let mut facts = machine();
    facts.xcodes[0].runtime_builds = [(IOS_17.to_owned(), "21A328".to_owned())].into();
    let (told, notices) = ask(&facts, "name=iPhone 15,OS=17.0", DestinationMode::Constraints).unwrap();
    assert!(told.contains("17.0 21A328") && notices.is_empty(), "{told}");
}
