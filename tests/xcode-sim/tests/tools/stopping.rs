//! Jobs that never end, and how they are ended.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdout, Command, Stdio};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use crate::desk::{Desk, IPHONE};

/// Starts a job in a process group of its own and reads until a line says it hangs.
fn start_until(mut command: Command, mark: &str) -> (Child, BufReader<ChildStdout>) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains(mark) {
        line.clear();
        assert_ne!(out.read_line(&mut line).unwrap(), 0, "the job ended before {mark:?}");
    }
    (child, out)
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).unwrap())
}

#[test]
fn a_build_that_hangs_is_interrupted_in_an_orderly_way() {
    let desk = Desk::usual();
    let bundle = desk.path("hung.xcresult");
    let mut command = desk.xcodebuild("build", &["-destination", IPHONE, "-resultBundlePath", bundle.to_str().unwrap()]);
    command.env("RCH_XCODE_SIM_HANG", "build");
    let (mut child, _out) = start_until(command, "and never done");
    kill(pid(&child), Signal::SIGINT).unwrap();
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(75));
    assert!(err.contains("** BUILD INTERRUPTED **"), "{err}");
    assert!(bundle.is_dir() && !bundle.join("Info.plist").exists());
    let asked = desk.run("xcrun", &["xcresulttool", "get", "build-results", "--path", bundle.to_str().unwrap()]);
    assert_ne!(asked.code, Some(0));
}

#[test]
fn a_test_run_that_ignores_signals_is_only_killed() {
    let desk = Desk::usual();
    let mut command = desk.xcodebuild("test", &["-destination", IPHONE]);
    command.env("RCH_XCODE_SIM_HANG", "test").env("RCH_XCODE_SIM_IGNORE_SIGNALS", "1");
    let (mut child, mut out) = start_until(command, "testing, and never done");
    kill(pid(&child), Signal::SIGINT).unwrap();
    kill(pid(&child), Signal::SIGTERM).unwrap();
    // It goes on: another sign of life comes after the signals were delivered.
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    assert!(line.contains("testing, and never done"));
    assert!(child.try_wait().unwrap().is_none());
    kill(pid(&child), Signal::SIGKILL).unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9));
}

#[test]
fn a_child_outlives_the_build_and_holds_its_output() {
    let desk = Desk::usual();
    let mut command = desk.xcodebuild("build", &["-destination", IPHONE]);
    command.env("RCH_XCODE_SIM_CHILD", "1");
    let (mut child, mut out) = start_until(command, "** BUILD SUCCEEDED **");
    let group = pid(&child);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    // The group still exists without its leader, and ends with its member.
    killpg(group, Signal::SIGKILL).unwrap();
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    assert_eq!(rest.trim(), "");
}
