//! Configuration and flags. Nobody is asked: all of it is refused here.

use std::fs;

use super::table::{Row, check};
use crate::harness::Project;

const VERIFY: &[&str] = &["xcode", "verify"];

fn add(project: &Project, tables: &str) {
    project.append(".rch/xcode.toml", tables);
}

#[test]
fn configuration() {
    let rows = [
        Row { name: "an unknown key", words: VERIFY, prepare: |project| add(project, "[timeouts]\noveral_seconds = 3") },
        Row { name: "an unknown table", words: VERIFY, prepare: |project| add(project, "[bundel]\nmode = \"worktree\"") },
        Row { name: "a key of another table", words: VERIFY, prepare: |project| add(project, "[run]\nnamespace = \"App\"") },
        Row { name: "a number above its bound", words: VERIFY, prepare: |project| add(project, "[timeouts]\noverall_seconds = 100000") },
        Row { name: "a number below its bound", words: VERIFY, prepare: |project| add(project, "[timeouts]\nidle_log_seconds = 0") },
        Row { name: "a text for a number", words: VERIFY, prepare: |project| add(project, "[timeouts]\nqueue_seconds = \"1h\"") },
        Row {
            name: "a word that is none of those allowed",
            words: VERIFY,
            prepare: |project| add(project, "[run]\npriority = \"urgent\""),
        },
        Row {
            name: "a key given twice",
            words: VERIFY,
            prepare: |project| add(project, "[run]\npriority = \"batch\"\npriority = \"normal\""),
        },
        Row { name: "no TOML", words: VERIFY, prepare: |project| add(project, "[run\npriority = 1") },
        Row {
            name: "no UTF-8",
            words: VERIFY,
            prepare: |project| fs::write(project.file(".rch/xcode.toml"), b"scheme = \"\xff\"").unwrap(),
        },
        Row {
            name: "another version of the configuration",
            words: VERIFY,
            prepare: |project| project.write(".rch/xcode.toml", "schema_version = 2\n"),
        },
        Row {
            name: "both a workspace and a project",
            words: VERIFY,
            prepare: |project| {
                add(project, "[actions.other]\naction = \"build\"\nworkspace = \"A.xcworkspace\"\nproject = \"A.xcodeproj\"");
            },
        },
        Row {
            name: "an action that does what nobody knows",
            words: &["xcode", "run", "--action", "ship"],
            prepare: |project| add(project, "[actions.ship]\naction = \"archive\""),
        },
        Row { name: "an action that is not configured", words: &["xcode", "run", "--action", "lint"], prepare: |_| () },
        Row { name: "a destination without key=value", words: &["xcode", "verify", "--destination", "iPhone 16"], prepare: |_| () },
        Row {
            name: "a destination of an unknown platform",
            words: &["xcode", "verify", "--destination", "platform=Android,name=Pixel"],
            prepare: |_| (),
        },
        Row { name: "a pinned destination without its OS", words: VERIFY, prepare: |project| add(project, "mode = \"pinned\"") },
        Row { name: "an Xcode requirement that is none", words: &["xcode", "verify", "--xcode", ">=sixteen"], prepare: |_| () },
        Row { name: "a worker name that is none", words: &["xcode", "verify", "--worker", "Mac Mini"], prepare: |_| () },
        Row {
            name: "a variable that would change the loader",
            words: VERIFY,
            prepare: |project| add(project, "[env.set]\nDYLD_INSERT_LIBRARIES = \"evil.dylib\""),
        },
        Row { name: "no configuration at all", words: VERIFY, prepare: |project| fs::remove_dir_all(project.file(".rch")).unwrap() },
        Row { name: "a coordinator that is no URL", words: &["--coordinator", "farm:local", "xcode", "verify"], prepare: |_| () },
        Row { name: "a request id that is none", words: &["xcode", "verify", "--request-id", "short"], prepare: |_| () },
        Row { name: "an unknown flag", words: &["xcode", "verify", "--fast"], prepare: |_| () },
        Row { name: "an unknown command", words: &["xcode", "verifi"], prepare: |_| () },
        Row {
            name: "nobody at the coordinator's address",
            words: &["xcode", "verify"],
            prepare: |project| add(project, "[timeouts]\nconnect_seconds = 1"),
        },
    ];
    check("config", None, &rows);
}
