//! Machines that exist in the world, as far as their tools' output says.

use super::{Device, DeviceType, FORMAT, MacOs, Machine, Pace, Platform, Runtime, Sdk, Xcode, XcodeState};

/// Version and build of the five systems an Xcode has SDKs for: iOS, macOS, tvOS, watchOS, visionOS.
type Sdks = [(&'static str, &'static str); 5];

/// The kinds of devices that are known: name, platform, family, model, first runtime.
const DEVICE_TYPES: [(&str, Platform, &str, &str, &str); 11] = [
    ("iPhone 15", Platform::IosSimulator, "iPhone", "iPhone15,4", "17.0"),
    ("iPhone 16", Platform::IosSimulator, "iPhone", "iPhone17,3", "18.0"),
    ("iPhone 16 Plus", Platform::IosSimulator, "iPhone", "iPhone17,4", "18.0"),
    ("iPhone 16 Pro", Platform::IosSimulator, "iPhone", "iPhone17,1", "18.0"),
    ("iPhone 16 Pro Max", Platform::IosSimulator, "iPhone", "iPhone17,2", "18.0"),
    ("iPhone 17 Pro", Platform::IosSimulator, "iPhone", "iPhone18,1", "26.0"),
    ("iPhone SE (3rd generation)", Platform::IosSimulator, "iPhone", "iPhone14,6", "15.4"),
    ("iPad Pro 11-inch (M4)", Platform::IosSimulator, "iPad", "iPad16,3", "17.5"),
    ("Apple TV 4K (3rd generation)", Platform::TvosSimulator, "Apple TV", "AppleTV14,1", "16.1"),
    ("Apple Watch Series 10 (46mm)", Platform::WatchosSimulator, "Apple Watch", "Watch7,9", "11.0"),
    ("Apple Vision Pro", Platform::VisionosSimulator, "Apple Vision", "RealityDevice14,1", "1.0"),
];

impl Machine {
    /// An Apple silicon Mac with macOS 14.5, Xcode 15.4 (15F31d) and iOS 17.5, whose result bundles are read in the older form.
    pub fn xcode_15_4() -> Self {
        Self {
            xcodes: vec![xcode(
                "15.4",
                "15F31d",
                "5.10",
                [("17.5", "21F77"), ("14.5", "23F73"), ("17.5", "21L569"), ("10.5", "21T575"), ("1.2", "21O209")],
            )],
            runtimes: vec![runtime(Platform::IosSimulator, "17.5", "21F79")],
            ..mac("sim-mac-15-4", "14.5", "23F79")
        }
        .with_usual_devices()
    }

    /// An Apple silicon Mac with macOS 15.3.1, Xcode 16.2 (16C5032a) and iOS 18.2.
    pub fn xcode_16_2() -> Self {
        Self {
            xcodes: vec![xcode(
                "16.2",
                "16C5032a",
                "6.0.3",
                [("18.2", "22C146"), ("15.2", "24C94"), ("18.2", "22K154"), ("11.2", "22S97"), ("2.2", "22N840")],
            )],
            runtimes: vec![runtime(Platform::IosSimulator, "18.2", "22C150")],
            ..mac("sim-mac-16-2", "15.3.1", "24D60")
        }
        .with_usual_devices()
    }

    /// An Apple silicon Mac with macOS 15.5, Xcode 16.4 (16F6), iOS 18.5 and an older iOS 17.5.
    pub fn xcode_16_4() -> Self {
        Self {
            xcodes: vec![xcode(
                "16.4",
                "16F6",
                "6.1.2",
                [("18.5", "22F76"), ("15.5", "24F74"), ("18.5", "22L572"), ("11.5", "22T572"), ("2.5", "22O473")],
            )],
            runtimes: vec![
                runtime(Platform::IosSimulator, "17.5", "21F79"),
                runtime(Platform::IosSimulator, "18.5", "22F77"),
                runtime(Platform::TvosSimulator, "18.5", "22L572"),
            ],
            ..mac("sim-mac-16-4", "15.5", "24F74")
        }
        .with_usual_devices()
    }

    /// An Apple silicon Mac with macOS 26.1, Xcode 26.1.1 (17B100) and iOS 26.1, which runs arm64 only.
    pub fn xcode_26_1() -> Self {
        let mut xcode = xcode(
            "26.1.1",
            "17B100",
            "6.2.1",
            [("26.1", "23B77"), ("26.1", "25B74"), ("26.1", "23J576"), ("26.1", "23S34"), ("26.1", "23N45")],
        );
        xcode.lists_architectures = true;
        let mut ios = runtime(Platform::IosSimulator, "26.1", "23B86");
        ios.architectures = vec!["arm64".to_owned()];
        Self { xcodes: vec![xcode], runtimes: vec![ios], ..mac("sim-mac-26-1", "26.1", "25B78") }.with_usual_devices()
    }

    /// A simulator of each known kind, named like its kind, under each runtime that supports it.
    fn with_usual_devices(mut self) -> Self {
        self.selected.clone_from(&self.xcodes[0].app);
        for runtime in &self.runtimes {
            for device_type in self.device_types.iter().filter(|kind| runtime.supports(kind)) {
                self.devices.push(Device {
                    name: device_type.name.clone(),
                    device_type: device_type.name.clone(),
                    runtime: runtime.name(),
                    udid: None,
                });
            }
        }
        self
    }
}

fn mac(name: &str, version: &str, build: &str) -> Machine {
    Machine {
        format: FORMAT.to_owned(),
        name: name.to_owned(),
        architecture: "arm64".to_owned(),
        macos: MacOs { product_name: "macOS".to_owned(), version: version.to_owned(), build: build.to_owned() },
        selected: String::new(),
        xcodes: Vec::new(),
        runtimes: Vec::new(),
        device_types: DEVICE_TYPES.into_iter().map(device_type).collect(),
        devices: Vec::new(),
        pace: Pace::default(),
    }
}

fn xcode(version: &str, build: &str, swift: &str, sdks: Sdks) -> Xcode {
    let [ios, macos, tvos, watchos, visionos] = sdks;
    let platforms = [
        (Platform::Ios, ios),
        (Platform::IosSimulator, ios),
        (Platform::Macos, macos),
        (Platform::Tvos, tvos),
        (Platform::TvosSimulator, tvos),
        (Platform::Visionos, visionos),
        (Platform::VisionosSimulator, visionos),
        (Platform::Watchos, watchos),
        (Platform::WatchosSimulator, watchos),
    ];
    Xcode {
        app: format!("Xcode-{version}.app"),
        version: version.to_owned(),
        build: build.to_owned(),
        state: XcodeState::Ready,
        swift: swift.to_owned(),
        lists_architectures: false,
        sdks: platforms
            .into_iter()
            .map(|(platform, (version, build))| Sdk { platform, version: version.to_owned(), build: build.to_owned() })
            .collect(),
    }
}

fn runtime(platform: Platform, version: &str, build: &str) -> Runtime {
    Runtime {
        platform,
        version: version.to_owned(),
        build: build.to_owned(),
        architectures: vec!["x86_64".to_owned(), "arm64".to_owned()],
        unavailable: None,
    }
}

fn device_type(row: (&str, Platform, &str, &str, &str)) -> DeviceType {
    let (name, platform, family, model, min_runtime) = row;
    DeviceType { name: name.to_owned(), platform, family: family.to_owned(), model: model.to_owned(), min_runtime: min_runtime.to_owned() }
}
