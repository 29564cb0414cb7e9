//! Which machine and which Xcode the tools see.

use rch_xcode_sim::{Machine, XcodeState};

use crate::desk::Desk;

#[test]
fn tools_find_their_machine_by_their_own_link() {
    let first = Desk::usual();
    let second = Desk::new(&Machine::xcode_16_4());
    assert_eq!(first.run("xcodebuild", &["-version"]).out, "Xcode 16.2\nBuild version 16C5032a\n");
    assert_eq!(second.run("xcrun", &["xcodebuild", "-version"]).out, "Xcode 16.4\nBuild version 16F6\n");
    assert_eq!(second.run("sw_vers", &["-buildVersion"]).out, "24F74\n");
    assert_eq!(second.run("xcrun", &["clang", "-dumpmachine"]).out, "arm64-apple-darwin24.5.0\n");
}

#[test]
fn developer_dir_chooses_among_the_xcodes_of_a_machine() {
    let machine = Machine::xcode_16_4().with_xcode_of(&Machine::xcode_16_2());
    let desk = Desk::new(&machine);
    let version = |dir: &str| {
        let mut command = desk.tool("xcodebuild", &["-version"]);
        crate::desk::Answer::of(&command.env("DEVELOPER_DIR", dir).output().unwrap())
    };
    let own = |app: &str| desk.path("mac").join(app).display().to_string();
    assert!(version(&own("Xcode-16.2.app/Contents/Developer")).out.contains("16C5032a"));
    assert!(version(&own("Xcode-16.2.app")).out.contains("16C5032a"));
    assert!(desk.run("xcodebuild", &["-version"]).out.contains("16F6"));
    let nowhere = version("/nowhere/Developer");
    assert_eq!(nowhere.err, "xcrun: error: missing DEVELOPER_DIR path: /nowhere/Developer\n");
    assert_eq!(nowhere.code, Some(1));
    let selected = desk.run("xcode-select", &["-p"]).out;
    assert_eq!(selected.trim_end(), own("Xcode-16.4.app/Contents/Developer"));
}

#[test]
fn an_xcode_that_cannot_be_used_says_why() {
    let mut machine = Machine::xcode_16_2();
    machine.xcodes[0].state = XcodeState::LicenseNotAgreed;
    let answer = Desk::new(&machine).run("xcodebuild", &["-version"]);
    assert_eq!(answer.code, Some(69));
    assert!(answer.err.starts_with("You have not agreed to the Xcode license agreements."));
    let mut machine = Machine::xcode_16_2();
    machine.selected = "/Library/Developer/CommandLineTools".to_owned();
    let answer = Desk::new(&machine).run("xcodebuild", &["-version"]);
    assert!(answer.err.contains("is a command line tools instance"));
}

#[test]
fn a_machine_document_that_is_not_understood_is_named() {
    let desk = Desk::usual();
    std::fs::write(desk.path("mac/machine.json"), "{}").unwrap();
    let answer = desk.run("sw_vers", &[]);
    assert_ne!(answer.code, Some(0));
    assert!(answer.err.contains("machine.json") && answer.err.contains("missing field"), "{}", answer.err);
}
