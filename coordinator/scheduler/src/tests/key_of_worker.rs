//! What of a worker changes the key of a job on it, member by member, and how one job is spelled in many ways.

use proptest::prelude::*;
use rch_schemas::capabilities::{Device, DeviceType, Facts, Limits, Macos, Runtime, Sdk, Xcode};

use super::farm::Farm;
use super::key::{Apart, Changes, Keeps, Scene, members, try_all};

#[test]
fn every_fact_of_a_worker_changes_the_key_or_cannot() {
    try_all(
        |scene| &mut scene.facts,
        members!(Facts {
            agent_version: Keeps(|it| it.agent_version = "9.9.9".to_owned()),
            arch: Changes(|it| {
                it.arch = "x86_64".to_owned();
                it.runtimes[0].architectures = None;
            }),
            macos: Apart,
            xcodes: Apart,
            runtimes: Apart,
            device_types: Apart,
            devices: Keeps(|it| it.devices.clear()),
            // Only those that are required are in the key.
            tools: Changes(|it| drop(it.tools.insert("swiftlint".to_owned(), "0.58.0".to_owned()))),
            backends: Keeps(|it| drop(it.backends.insert("mcp".to_owned(), "2.5.2".to_owned()))),
            limits: Apart,
            // The inventory pins it.
            key_fingerprint: Apart,
            problems: Keeps(|it| it.problems.push("no Rosetta".to_owned())),
        }),
    );
    try_all(
        |scene| &mut scene.facts.macos,
        members!(Macos {
            product_name: Keeps(|it| it.product_name = "Mac OS X".to_owned()),
            version: Changes(|it| it.version = "15.4".to_owned()),
            build: Changes(|it| it.build = "24E248".to_owned()),
        }),
    );
    try_all(
        |scene| &mut scene.facts.limits,
        members!(Limits { slots: Keeps(|it| it.slots += 1), max_upload_bytes: Keeps(|it| it.max_upload_bytes = 1 << 30) }),
    );
    try_all(
        |scene| &mut scene.facts.devices[0],
        members!(Device {
            name: Keeps(|it| it.name = "Kim's".to_owned()),
            // The type of the device that is asked for is in the key; this one is another's.
            device_type: Apart,
            runtime: Keeps(|it| it.runtime = "another".to_owned()),
        }),
    );
}

#[test]
fn every_fact_of_an_xcode_and_of_what_it_simulates_changes_the_key_or_cannot() {
    try_all(
        |scene| &mut scene.facts.xcodes[0],
        members!(Xcode {
            developer_dir: Changes(|it| it.developer_dir = "/Applications/Other.app/Contents/Developer".to_owned()),
            links: Keeps(|it| it.links.push("/Applications/Xcode.app".to_owned())),
            // The build is the identity.
            version: Keeps(|it| it.version = "16.2.1".parse().unwrap()),
            // The requirement names it.
            build: Apart,
            beta: Keeps(|it| it.beta = true),
            // One that is not ready is not chosen.
            state: Apart,
            sdks: Keeps(|it| it.sdks.clear()),
            runtime_builds: Keeps(|it| drop(
                it.runtime_builds.insert("com.apple.CoreSimulator.SimRuntime.iOS-18-2".to_owned(), "22C150".to_owned())
            )),
        }),
    );
    try_all(
        |scene| &mut scene.facts.xcodes[0].sdks[0],
        members!(Sdk {
            name: Keeps(|it| it.name = "iphoneos18.3".to_owned()),
            platform: Keeps(|it| it.platform = "macosx".to_owned()),
            version: Keeps(|it| it.version = "18.3".to_owned()),
        }),
    );
    try_all(
        |scene| &mut scene.facts.runtimes[0],
        members!(Runtime {
            identifier: Changes(|it| it.identifier = "com.apple.CoreSimulator.SimRuntime.iOS-18-2-b".to_owned()),
            // Another platform's runtime is not chosen.
            platform: Apart,
            version: Changes(|it| it.version = "18.2.1".parse().unwrap()),
            build: Changes(|it| it.build = "22C151".to_owned()),
            architectures: Keeps(|it| it.architectures = None),
            // One that cannot be used is not chosen.
            unavailable: Apart,
            shadowed: Apart,
            device_types: Keeps(|it| it.device_types.clear()),
        }),
    );
    try_all(
        |scene| &mut scene.facts.device_types[0],
        members!(DeviceType {
            // Runtimes and devices name it, too.
            identifier: Apart,
            name: Keeps(|it| it.name = "Another".to_owned()),
            family: Keeps(|it| it.family = "iPad".to_owned()),
            min_runtime: Keeps(|it| it.min_runtime = Some("17".parse().unwrap())),
            max_runtime: Keeps(|it| it.max_runtime = Some("27".parse().unwrap())),
        }),
    );
}

#[test]
fn another_build_of_xcode_and_another_device_type_make_another_key() {
    let mut scene = Scene::new();
    scene.submitted.request.options.xcode = None;
    let key = scene.key();
    assert_eq!(key, Scene::new().key());
    let mut other = scene.clone();
    other.facts.xcodes[0].build = "16C5032b".to_owned();
    assert_ne!(other.key(), key);
    let (kind, name) = ("com.apple.CoreSimulator.SimDeviceType.iPhone-16-Pro".to_owned(), "iPhone 16".to_owned());
    let mut other = scene.clone();
    other.facts.device_types[0] = DeviceType { identifier: kind.clone(), name, ..other.facts.device_types[0].clone() };
    other.facts.runtimes[0].device_types = [kind.clone()].into();
    other.facts.devices[0].device_type = kind;
    assert_ne!(other.key(), key);
}

#[test]
fn the_name_of_the_worker_and_who_asks_when_are_not_in_the_key() {
    let mut farm = Farm::with(&["mac-1", "mac-2"]);
    let key = |farm: &mut Farm, name: &str| {
        let mut submitted = Scene::new().submitted;
        submitted.request.options.tools.clear();
        submitted.request.options.worker = Some(super::farm::worker(name));
        submitted.request.request_id = format!("request-{}", farm.ledger.len() + 1000).parse().unwrap();
        let run_id = farm.submit_request(submitted);
        farm.job(&run_id, 0).job_key.unwrap()
    };
    let first = key(&mut farm, "mac-1");
    farm.tick += 10_000;
    for name in ["mac-1", "mac-2"] {
        farm.hear(name);
        assert_eq!(key(&mut farm, name), first);
    }
}

/// Arguments that mean one thing, each as people write it.
fn spelling() -> impl Strategy<Value = Vec<String>> {
    let one_of = |choices: &[&str]| prop::sample::select(choices.iter().map(|words| (*words).to_owned()).collect::<Vec<_>>());
    let groups = (
        one_of(&["test", "build|test", "test|build", "clean|test", "test|clean|build"]),
        one_of(&["-workspace|SampleApp.xcworkspace", "-workspace|./SampleApp.xcworkspace/", "-workspace|.//SampleApp.xcworkspace"]),
        one_of(&[
            "-only-testing:A/b|-only-testing:C",
            "-only-testing|C|-only-testing|A/b",
            "-only-testing:C|-only-testing|A/b|-only-testing:C",
        ]),
        one_of(&["-test-iterations|3|-retry-tests-on-failure", "-retry-tests-on-failure|-test-iterations|03"]),
        one_of(&["CODE_SIGN_IDENTITY=|ONLY_ACTIVE_ARCH=NO", "ONLY_ACTIVE_ARCH=NO|CODE_SIGN_IDENTITY="]),
        one_of(&[
            "",
            "-quiet",
            "-derivedDataPath|build|-jobs|4",
            "-resultBundlePath|out.xcresult|-parallelizeTargets",
            "-skipMacroValidation",
        ]),
    );
    let words = |group: String| group.split('|').filter(|word| !word.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    groups
        .prop_map(move |(a, b, c, d, e, f)| [a, b, c, d, e, f, "-scheme|SampleApp".to_owned()].map(words).to_vec())
        .prop_shuffle()
        .prop_map(|groups| groups.concat())
}

/// Texts of one destination.
const DESTINATIONS: [&str; 8] = [
    "platform=iOS Simulator,name=iPhone 16,OS=18.2",
    "OS=18.2,name=iPhone 16,platform=iOS Simulator",
    "platform=iphonesimulator,name=iPhone 16,OS=18.2",
    "platform=iOS Simulator,name=iphone 16,OS=latest",
    "platform=iOS Simulator, name=iPhone 16",
    "name=iPhone 16",
    "platform=iOS Simulator,name=iPhone 16,OS=18.2,arch=arm64",
    "platform=ios simulator,name=IPHONE 16,OS=18.2",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn two_spellings_of_one_invocation_give_one_key(
        (one, other) in (spelling(), spelling()), (here, there) in (0..DESTINATIONS.len(), 0..DESTINATIONS.len())
    ) {
        let key = |argv: Vec<String>, destination: usize| {
            let mut scene = Scene::new();
            scene.submitted.request.steps[0].argv = argv;
            scene.submitted.request.destinations[0].asked = DESTINATIONS[destination].to_owned();
            scene.key()
        };
        let first = key(one, here);
        prop_assert!(first.is_some());
        prop_assert_eq!(first, key(other, there));
    }
}
