//! Trees that cannot be bundled: exit 92, each with its own reason, before anything is uploaded.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::table::{Row, check};
use crate::harness::{Project, shared};

const VERIFY: &[&str] = &["xcode", "verify"];

/// Moves the scheme to where only its owner sees it.
fn hide_scheme(project: &Project) {
    let container = project.file("SampleApp.xcodeproj");
    let own = container.join("xcuserdata/kim.xcuserdatad");
    fs::create_dir_all(&own).unwrap();
    fs::rename(container.join("xcshareddata/xcschemes"), own.join("xcschemes")).unwrap();
}

/// Makes the workspace one of CocoaPods.
fn need_pods(project: &Project) {
    let path = project.file("SampleApp.xcworkspace/contents.xcworkspacedata");
    let pods = "<FileRef location = \"group:Pods/Pods.xcodeproj\"></FileRef>\n</Workspace>";
    fs::write(&path, fs::read_to_string(&path).unwrap().replace("</Workspace>", pods)).unwrap();
}

/// Makes the tree a checkout whose submodule nobody fetched.
fn forget_submodule(project: &Project) {
    let kit = "160000,9f86d081884c7d659a2feaa0c55ad015a3bf4f1b,Vendor/Kit";
    for words in [&["init", "--quiet"][..], &["update-index", "--add", "--cacheinfo", kit]] {
        let git = Command::new("git").args(words).current_dir(project.path()).env("HOME", project.path()).status().unwrap();
        assert!(git.success(), "git {words:?}");
    }
    fs::create_dir_all(project.file("Vendor/Kit")).unwrap();
}

#[test]
fn trees() {
    let rows = [
        Row {
            name: "a link that leaves the tree",
            words: VERIFY,
            prepare: |project| symlink("../../secrets", project.file("Sources/Secrets")).unwrap(),
        },
        Row {
            name: "a link to an absolute path",
            words: VERIFY,
            prepare: |project| symlink("/etc/hosts", project.file("Sources/Hosts")).unwrap(),
        },
        Row {
            name: "two names that are one on a Mac",
            words: VERIFY,
            prepare: |project| project.write("Sources/Model/POST.swift", "// the same to APFS\n"),
        },
        Row {
            name: "two spellings of one name",
            words: VERIFY,
            prepare: |project| {
                project.write("Sources/Caf\u{e9}.swift", "// composed\n");
                project.write("Sources/Cafe\u{301}.swift", "// decomposed\n");
            },
        },
        Row {
            name: "a pipe among the sources",
            words: VERIFY,
            prepare: |project| mkfifo(&project.file("Sources/pipe"), Mode::S_IRUSR).unwrap(),
        },
        Row {
            name: "a tree larger than allowed",
            words: VERIFY,
            prepare: |project| {
                project.append(".rch/xcode.toml", "[bundle]\nmax_bytes = 4096");
            },
        },
        Row { name: "pods that are not there", words: VERIFY, prepare: need_pods },
        Row {
            name: "a file that Git LFS did not fetch",
            words: VERIFY,
            prepare: |project| {
                project.write("Sources/hero.png", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n");
            },
        },
        Row { name: "a submodule that is not checked out", words: VERIFY, prepare: forget_submodule },
        Row {
            name: "a project that is not in the tree",
            words: VERIFY,
            prepare: |project| fs::remove_dir_all(project.file("SampleApp.xcworkspace")).unwrap(),
        },
        Row {
            name: "an include pattern that is none",
            words: VERIFY,
            prepare: |project| {
                project.append(".rch/xcode.toml", "[bundle]\ninclude = [\"a[\"]");
            },
        },
        Row { name: "a scheme that is not shared", words: VERIFY, prepare: hide_scheme },
    ];
    check("tree", Some(shared()), &rows);
}
