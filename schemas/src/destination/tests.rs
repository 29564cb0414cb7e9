//! Destinations as people write them: by table, by property, and against the recorded ones when they are there.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;

fn read(text: &str) -> DestinationSpec {
    DestinationSpec::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn what_people_write_is_read_into_its_canonical_form() {
    for (text, canonical, kind) in [
        (
            "platform=iOS Simulator,name=iPhone 16",
            "platform=iOS Simulator,name=iPhone 16",
            DestinationKind::Simulator(Platform::IosSimulator),
        ),
        ("OS=18.2,name=iPhone 16", "name=iPhone 16,OS=18.2", DestinationKind::Open),
        (
            "platform=iOS Simulator, name=iPhone 16, OS=latest",
            "platform=iOS Simulator,name=iPhone 16",
            DestinationKind::Simulator(Platform::IosSimulator),
        ),
        ("platform=OS X,arch=x86_64", "platform=macOS,arch=x86_64", DestinationKind::Mac),
        ("platform=macOS,arch=arm64,variant=macos,name=My Mac", "platform=macOS,arch=arm64", DestinationKind::Mac),
        ("platform=macOS,variant=mac catalyst", "platform=macOS,variant=Mac Catalyst", DestinationKind::Mac),
        (
            "platform=macOS,variant=Designed for [iPad,iPhone],arch=arm64",
            "platform=macOS,arch=arm64,variant=Designed for [iPad,iPhone]",
            DestinationKind::Mac,
        ),
        ("generic/platform=iphoneos", "generic/platform=iOS", DestinationKind::Generic(Platform::Ios)),
        ("generic/platform=xros", "generic/platform=visionOS", DestinationKind::Generic(Platform::VisionOs)),
        ("generic/platform=xrOS Simulator", "generic/platform=visionOS Simulator", DestinationKind::Generic(Platform::VisionOsSimulator)),
        ("platform=iOS,name=Any iOS Device", "generic/platform=iOS", DestinationKind::Generic(Platform::Ios)),
        ("name=Any iOS Simulator Device", "generic/platform=iOS Simulator", DestinationKind::Generic(Platform::IosSimulator)),
        ("platform=iOS,name=Generic iOS Device", "generic/platform=iOS", DestinationKind::Generic(Platform::Ios)),
        (
            "id=dvtdevice-DVTiOSDeviceSimulatorPlaceholder-xrsimulator:placeholder",
            "generic/platform=visionOS Simulator",
            DestinationKind::Generic(Platform::VisionOsSimulator),
        ),
        (
            "platform=macOS,variant=Mac Catalyst,name=Any Mac",
            "generic/platform=macOS,variant=Mac Catalyst",
            DestinationKind::Generic(Platform::MacOs),
        ),
        (
            "platform=iOS Simulator,name=iPhone 11, 12 (최신)",
            "platform=iOS Simulator,name=iPhone 11, 12 (최신)",
            DestinationKind::Simulator(Platform::IosSimulator),
        ),
        ("platform=iOS,name=My iPad", "platform=iOS,name=My iPad", DestinationKind::Device(Platform::Ios)),
        ("id=5692F856-64BA-47AF-BE17-9CC9AD7C7B0D", "id=5692F856-64BA-47AF-BE17-9CC9AD7C7B0D", DestinationKind::Open),
        (
            "platform=watchsimulator,name=Apple Watch Series 2 - 42mm,OS=3.2",
            "platform=watchOS Simulator,name=Apple Watch Series 2 - 42mm,OS=3.2",
            DestinationKind::Simulator(Platform::WatchOsSimulator),
        ),
    ] {
        let spec = read(text);
        assert_eq!(spec.to_string(), canonical, "{text}");
        assert_eq!(spec.kind(), kind, "{text}");
        assert_eq!(read(canonical), spec, "{text}");
    }
}

#[test]
fn what_is_no_destination_is_refused_with_what_to_write() {
    for (text, said) in [
        ("", "key=value pairs"),
        ("FakeDestination", "key=value pairs"),
        ("a=x,b=y,c=z", "expected platform, name, OS"),
        ("platform=iOS Simulator,os=17.0,name=iPhone 16", "(write OS)"),
        ("name=iPhone 16,name=iPhone 17", "name is given twice"),
        ("platform=iOS Simulator,name=", "name has no value"),
        ("platform=iOS Simlator,name=iPhone 16", "\"iOS Simlator\" is not a platform"),
        ("platform=\"macOS,variant=Mac Catalyst,name=Any Mac", "is not a platform"),
        ("platform=iOS Simulator,OS=newest", "OS=latest, or one such as OS=18.2"),
        ("platform=macOS,arch=$(arch)", "is not an architecture"),
        ("generic/name=iPhone 16", "leave name out"),
        ("generic/platform=iOS,OS=18.2", "leave OS out"),
        ("generic/variant=Mac Catalyst", "needs its platform"),
        ("generic/", "key=value pairs"),
        ("OS=18.2", "add platform=…, name=… or both"),
        ("name=a\u{1b}[2J", "control character"),
    ] {
        let error = DestinationSpec::parse(text).expect_err(text).to_string();
        assert!(error.contains(said), "{text}: {error}");
    }
    assert_eq!(DestinationSpec::parse(&"x".repeat(2000)), Err(DestinationError::TooLong { bytes: 2000 }));
}

#[test]
fn only_a_name_and_an_exact_os_leave_no_choice() {
    for (text, choice) in [
        ("platform=iOS Simulator,name=iPhone 16,OS=18.2", false),
        ("name=iPhone 16,OS=18.2", false),
        ("platform=macOS", false),
        ("generic/platform=iOS", false),
        ("platform=iOS Simulator,name=iPhone 16,OS=latest", true),
        ("platform=iOS Simulator,OS=18.2", true),
    ] {
        assert_eq!(read(text).leaves_choice(), choice, "{text}");
    }
}

#[test]
fn every_platform_is_the_same_in_text_json_and_sdk() {
    for platform in Platform::all() {
        assert_eq!(platform.to_string().parse::<Platform>().unwrap(), platform);
        assert_eq!(serde_json::to_value(platform).unwrap(), serde_json::json!(platform.as_str()));
        assert_eq!(Platform::of_sdk(platform.sdk_platform()), Some(platform));
        assert_eq!(platform.is_simulator(), platform.as_str() == format!("{} Simulator", platform.runtime_platform()));
    }
    assert_eq!(Platform::all().count(), 10);
    assert_eq!(Platform::simulator_of("apple watch"), Some(Platform::WatchOsSimulator));
    assert_eq!(Platform::simulator_of("iPod"), None);
}

/// Recorded data is not part of the project: it is read where it is, and missed where it is not.
fn fixtures() -> Option<PathBuf> {
    let sibling = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/fixtures");
    let folder = std::env::var_os("RCH_FIXTURES").map_or(sibling, PathBuf::from);
    folder.is_dir().then_some(folder)
}

#[test]
fn recorded_destinations_never_panic_and_those_without_a_shell_variable_are_read() {
    let Some(folder) = fixtures() else {
        println!("skipped: no recorded data (RCH_FIXTURES)");
        return;
    };
    let text = std::fs::read_to_string(folder.join("invocations/destinations.txt")).unwrap();
    let (read, refused): (Vec<_>, Vec<_>) =
        text.lines().map(|line| (line, DestinationSpec::parse(line))).partition(|(_, spec)| spec.is_ok());
    println!("{} of {} recorded destinations are read", read.len(), read.len() + refused.len());
    for (line, spec) in &refused {
        println!("refused: {line}: {}", spec.as_ref().expect_err("partitioned"));
        let known_bad = ["FakeDestination", "a=x,b=y,c=z", "platform=\"macOS,variant=Mac Catalyst,name=Any Mac"];
        assert!(line.contains('$') || known_bad.contains(line), "{line}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_and_what_is_read_keeps_its_meaning(
        text in "(generic/)?((platform|name|OS|arch|variant|id)=(iOS Simulator|macOS|iPhone 16|18.2|latest|arm64|Any Mac|[a-z,= ]{0,6}),?){0,4}"
    ) {
        if let Ok(spec) = DestinationSpec::parse(&text) {
            prop_assert_eq!(DestinationSpec::parse(&spec.to_string()), Ok(spec));
        }
    }

    #[test]
    fn arbitrary_text_never_panics(text in "\\PC{0,40}") {
        let _ = DestinationSpec::parse(&text);
    }
}
