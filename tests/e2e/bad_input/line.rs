//! Lines for xcodebuild. Nobody is asked: the client's own reading refuses them, by the rules that the coordinator and the agent apply again.

use super::table::{Row, check};

/// A row of a line and nothing else.
fn row(name: &'static str, words: &'static [&'static str]) -> Row {
    Row { name, words, prepare: |_| () }
}

#[test]
fn lines() {
    let rows = [
        row("a toolchain of one's own", &["xcodebuild", "-scheme", "SampleApp", "-toolchain", "/tmp/evil", "build"]),
        row("a setting that replaces the compiler", &["xcodebuild", "-scheme", "SampleApp", "SWIFT_EXEC=/tmp/evil", "build"]),
        row("compiler flags that load code", &["xcodebuild", "-scheme", "SampleApp", "OTHER_SWIFT_FLAGS=-load-plugin-library x", "build"]),
        row("an option nobody knows", &["xcodebuild", "-scheme", "SampleApp", "-shceme", "x", "build"]),
        row("an action that signs", &["xcodebuild", "-scheme", "SampleApp", "archive"]),
        row("an option without its value", &["xcodebuild", "build", "-scheme"]),
        row("two schemes", &["xcodebuild", "-scheme", "SampleApp", "-scheme", "Other", "build"]),
        row(
            "a workspace and a project",
            &["xcodebuild", "-workspace", "A.xcworkspace", "-project", "A.xcodeproj", "-scheme", "A", "build"],
        ),
        row("a workspace outside of the tree", &["xcodebuild", "-workspace", "../Other/A.xcworkspace", "-scheme", "A", "build"]),
        row("a destination nobody can read", &["xcodebuild", "-scheme", "SampleApp", "-destination", "the big iPad", "build"]),
        row("a derived data path of one's own with a wrong neighbour", &["xcodebuild", "-derivedDataPath", "/tmp/dd", "-exportArchive"]),
        row("credentials for a service", &["xcodebuild", "-scheme", "SampleApp", "-authenticationKeyPath", "/tmp/k.p8", "build"]),
        row("a variable before the line that changes the loader", &["xcodebuild", "env", "DYLD_INSERT_LIBRARIES=x", "xcodebuild", "build"]),
        row("a pipe that the shell was not given", &["xcodebuild", "-scheme", "SampleApp", "build", "|", "xcpretty"]),
    ];
    check("line", None, &rows);
}
