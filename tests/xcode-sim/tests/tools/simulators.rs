//! Simulators that come and go.

use crate::desk::{Desk, IPHONE};

fn state_of(desk: &Desk, udid: &str) -> Option<String> {
    let list = desk.run("xcrun", &["simctl", "list", "devices", "-j"]).json();
    let rows = list["devices"].as_object().unwrap().values().flat_map(|rows| rows.as_array().unwrap());
    let row = rows.into_iter().find(|row| row["udid"] == udid)?;
    Some(row["state"].as_str().unwrap().to_owned())
}

#[test]
fn a_simulator_is_created_booted_cloned_and_deleted() {
    let desk = Desk::usual();
    let runtime = "com.apple.CoreSimulator.SimRuntime.iOS-18-2";
    let kind = "com.apple.CoreSimulator.SimDeviceType.iPhone-16-Pro";
    let created = desk.run("xcrun", &["simctl", "create", "rch-ephemeral-1-0", kind, runtime]);
    let udid = created.out.trim_end();
    assert_eq!(state_of(&desk, udid).as_deref(), Some("Shutdown"));
    assert_eq!(desk.run("xcrun", &["simctl", "boot", udid]).code, Some(0));
    let again = desk.run("xcrun", &["simctl", "boot", udid]);
    assert_eq!(again.code, Some(149));
    assert!(again.err.ends_with("code=405):\nUnable to boot device in current state: Booted\n"));
    assert!(desk.run("xcrun", &["simctl", "bootstatus", udid, "-b"]).out.contains("Device already booted"));
    let build = desk.run("xcrun", &["simctl", "getenv", udid, "SIMULATOR_RUNTIME_BUILD_VERSION"]);
    assert_eq!(build.out, "22C150\n");
    assert_eq!(desk.run("xcrun", &["simctl", "shutdown", udid]).code, Some(0));
    let clone = desk.run("xcrun", &["simctl", "clone", udid, "copy"]).out;
    assert_ne!(clone.trim_end(), udid);
    let deleted = desk.run("xcrun", &["simctl", "delete", udid, clone.trim_end()]);
    assert_eq!(deleted.code, Some(0));
    assert_eq!(state_of(&desk, udid), None);
    let unknown = desk.run("xcrun", &["simctl", "boot", udid]);
    assert_eq!((unknown.code, unknown.err), (Some(148), format!("Invalid device: {udid}\n")));
}

#[test]
fn many_at_once_lose_none() {
    let desk = Desk::usual();
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let desk = &desk;
            scope.spawn(move || {
                for number in 0..5 {
                    let name = format!("made-{worker}-{number}");
                    assert_eq!(desk.run("xcrun", &["simctl", "create", &name, "iPhone 16"]).code, Some(0));
                }
            });
        }
    });
    let list = desk.run("xcrun", &["simctl", "list", "devices", "made-"]).out;
    assert_eq!(list.matches("made-").count(), 20, "{list}");
}

#[test]
fn testing_boots_the_simulator() {
    let desk = Desk::usual();
    let listed = desk.run("xcrun", &["simctl", "list", "devices", "-j"]).json();
    let rows = listed["devices"]["com.apple.CoreSimulator.SimRuntime.iOS-18-2"].as_array().unwrap();
    let udid = rows.iter().find(|row| row["name"] == "iPhone 16").unwrap()["udid"].as_str().unwrap();
    assert!(IPHONE.contains("iPhone 16"));
    assert_eq!(desk.build("test", &[]).code, Some(0));
    assert_eq!(state_of(&desk, udid).as_deref(), Some("Booted"));
    // By id the same one is found.
    let by_id = format!("platform=iOS Simulator,id={udid}");
    let output = desk.xcodebuild("build", &["-destination", &by_id]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn each_machine_has_ids_of_its_own() {
    let udid = |name: &str| {
        let desk = Desk::new(&rch_xcode_sim::Machine::xcode_16_2().named(name));
        let list = desk.run("xcrun", &["simctl", "list", "devices", "-j"]).json();
        list["devices"]["com.apple.CoreSimulator.SimRuntime.iOS-18-2"][0]["udid"].clone()
    };
    assert_ne!(udid("mac-a"), udid("mac-b"));
    assert_eq!(udid("mac-a"), udid("mac-a"));
}
