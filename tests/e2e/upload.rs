//! What is sent, and when two trees are the same tree.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use crate::harness::{Project, rch, shared};

/// As large as a real app.
const FILES: usize = 5_000;
/// What the contract allows for a small edit.
const CHUNKS_MAX: u64 = 4;

/// A tree of five thousand Swift files beside the sample's own.
fn large() -> Project {
    let project = Project::sample();
    for index in 0..FILES {
        let body = format!("enum Generated{index} {{\n    static let numbers = [{}]\n}}\n", noise(index as u64).join(", "));
        project.write(&format!("Generated/{:02}/Generated{index}.swift", index % 50), &body);
    }
    project
}

/// Numbers that no compression makes short, the same in each run of this test: a linear congruential generator.
fn noise(seed: u64) -> Vec<String> {
    let next = |state: &u64| Some(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
    std::iter::successors(next(&(seed + 1)), next).take(150).map(|number| number.to_string()).collect()
}

/// How many chunks a run sent: "0.2 MiB, 1 of 101 chunks, 0.1 s".
fn chunks_sent(outcome: &crate::harness::Outcome) -> u64 {
    let said = outcome.said("Uploading");
    let Some(text) = said.last() else { return 0 };
    let count = text.split(", ").find_map(|part| part.strip_suffix(" chunks")?.split(" of ").next());
    count.and_then(|count| count.replace(',', "").parse().ok()).unwrap_or_else(|| panic!("no count of chunks in {text:?}"))
}

#[test]
fn after_a_one_line_change_in_a_tree_of_five_thousand_files_four_chunks_are_enough() {
    let (farm, project) = (shared(), large());
    let build = ["xcode", "run", "--action", "build"];
    let first = rch(farm, project.path(), &build).expect(0);
    assert!(chunks_sent(&first) > CHUNKS_MAX, "the tree is too small to show anything: {:?}", first.said("Uploading"));
    assert_eq!(chunks_sent(&rch(farm, project.path(), &build).expect(0)), 0, "an unchanged tree is there already");

    project.append("Generated/25/Generated2525.swift", "// one more line");
    let second = rch(farm, project.path(), &build).expect(0);
    let sent = chunks_sent(&second);
    assert!((1..=CHUNKS_MAX).contains(&sent), "{sent} chunks");
}

#[test]
fn the_same_tree_elsewhere_with_other_times_modes_and_locale_is_the_same_source() {
    let farm = shared();
    let (here, there) = (Project::verbatim(), Project::verbatim());
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_hours(24 * 365);
    for path in crate::harness::paths(there.path()) {
        let is_file = path.is_file();
        fs::set_permissions(&path, fs::Permissions::from_mode(if is_file { 0o600 } else { 0o700 })).unwrap();
        File::open(&path).unwrap().set_modified(long_ago).unwrap();
    }
    let build = ["xcode", "run", "--action", "build"];
    let first = rch(farm, here.path(), &build).expect(0);

    // The same through a shell with another umask, locale, time zone and width.
    let ours = farm.rch(there.path());
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "umask 077 && exec \"$0\" --json \"$@\""]).arg(ours.get_program()).args(build).current_dir(there.path());
    for (name, value) in ours.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.envs([("LC_ALL", "tr_TR.UTF-8"), ("LANG", "tr_TR.UTF-8"), ("TZ", "Pacific/Kiritimati"), ("COLUMNS", "20")]);
    let output = shell.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let source = first.document("build", "source_manifest.json");
    let sets = crate::harness::paths(&there.file(".rch/artifacts"));
    let other = sets.iter().find(|path| path.ends_with("source_manifest.json")).expect("a set of the second run");
    assert_eq!(crate::harness::read_json(other)["source_sha256"], source["source_sha256"]);
}
