//! Trees that cannot be bundled: exit 92, each with its own reason, before anything is uploaded.

use std::fs;
use std::os::unix::fs::symlink;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::table::{Row, check};
use crate::harness::{Project, shared};

const VERIFY: &[&str] = &["xcode", "verify"];

/// Moves the scheme to where only its owner sees it.
fn hide_scheme(project: &Project) {
    for path in crate::harness::paths(project.path()) {
        if path.ends_with("xcshareddata/xcschemes") {
            fs::remove_dir_all(path).unwrap();
        }
    }
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
        Row {
            name: "pods that are not there",
            words: VERIFY,
            prepare: |project| project.write("Podfile.lock", "PODS:\n  - Alamofire (5.8.1)\n"),
        },
        Row {
            name: "a file that Git LFS did not fetch",
            words: VERIFY,
            prepare: |project| {
                project.write("Sources/hero.png", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n");
            },
        },
        Row {
            name: "a submodule that is not checked out",
            words: VERIFY,
            prepare: |project| {
                project.write(".gitmodules", "[submodule \"Vendor/Kit\"]\n\tpath = Vendor/Kit\n\turl = https://example.com/kit.git\n");
                fs::create_dir_all(project.file("Vendor/Kit")).unwrap();
            },
        },
        Row {
            name: "a project that is not in the tree",
            words: VERIFY,
            prepare: |project| fs::remove_dir_all(project.file("SampleApp.xcworkspace")).unwrap(),
        },
        Row { name: "a scheme that is not shared", words: VERIFY, prepare: hide_scheme },
    ];
    check("tree", Some(shared()), &rows);
}
