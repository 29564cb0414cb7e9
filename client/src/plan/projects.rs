//! Lines as well-known projects write them in their CI, each with what becomes of it here.
//!
//! Such a line is a fact of public configuration; the variables of a CI matrix are filled in with one of its values, or left in on purpose.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::Path;

use rch_schemas::invocation::Policy;

use super::command_line::CommandLine;
use super::*;
use crate::config::{Layers, Settings};
use crate::environment::Environment;

/// The reading of a line given at the root of a tree with these files, which has no configuration.
fn reading(root: &Path, words: &[&str]) -> Reading {
    let environment = Environment { working_directory: root.to_owned(), ..Environment::default() };
    let merged = Layers::read(&environment, &[]).unwrap().merged();
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    read(&Settings::new(&merged), &words, Directories { root, working: root }, Some(&Policy::default()))
}

fn tree(containers: &[&str]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for path in containers {
        fs::create_dir_all(root.path().join(path)).unwrap();
    }
    root
}

/// The project, what lies at its root, the line, the canonical arguments and the destinations.
const ACCEPTED: &[(&str, &str, &str, &str, &[&str])] = &[
    (
        "Alamofire",
        "Alamofire.xcodeproj",
        r#"env NSUnbufferedIO=YES xcodebuild -project "Alamofire.xcodeproj" -scheme "Alamofire iOS" -destination "OS=17.5,name=iPhone 15 Pro" -testPlan "iOS" clean test"#,
        "test -project Alamofire.xcodeproj -scheme 'Alamofire iOS' -testPlan iOS",
        &["OS=17.5,name=iPhone 15 Pro"],
    ),
    (
        "DuckDuckGo, without its formatter",
        "DuckDuckGo.xcodeproj",
        "xcodebuild test \\\n  -scheme \"DuckDuckGo\" \\\n  -destination \"platform=iOS Simulator,name=iPhone 14\"",
        "test -project DuckDuckGo.xcodeproj -scheme DuckDuckGo",
        &["platform=iOS Simulator,name=iPhone 14"],
    ),
    (
        "Signal, with a device that has a name",
        "Signal.xcworkspace",
        "NSUnbufferedIO=YES TEST_RUNNER_SCHEMA_DUMP_PATH=schema.json xcodebuild -workspace Signal.xcworkspace -scheme Signal -destination 'platform=iOS Simulator,name=iPhone 17' -disableAutomaticPackageResolution -test-timeouts-enabled YES -maximum-test-execution-time-allowance 300 -default-test-execution-time-allowance 60 -resultBundlePath \"$LOG_DIR/TestResult.xcresult\" build test",
        "test -workspace Signal.xcworkspace -scheme Signal -test-timeouts-enabled YES -default-test-execution-time-allowance 60 -maximum-test-execution-time-allowance 300",
        &["platform=iOS Simulator,name=iPhone 17"],
    ),
    (
        "SDWebImage",
        "SDWebImage.xcodeproj",
        "xcodebuild build -project SDWebImage.xcodeproj -scheme 'SDWebImage' -destination 'platform=macOS,arch=x86_64,variant=Mac Catalyst' -configuration Debug",
        "build -project SDWebImage.xcodeproj -scheme SDWebImage -configuration Debug",
        &["platform=macOS,arch=x86_64,variant=Mac Catalyst"],
    ),
    (
        "SDWebImage, an SDK and no destination",
        "SDWebImage.xcodeproj",
        "xcodebuild build -project SDWebImage.xcodeproj -scheme 'SDWebImage' -sdk appletvsimulator -configuration Debug",
        "build -project SDWebImage.xcodeproj -scheme SDWebImage -configuration Debug -sdk appletvsimulator",
        &["generic/platform=tvOS Simulator"],
    ),
    (
        "Kingfisher",
        "Kingfisher.xcworkspace",
        "xcodebuild -workspace Kingfisher.xcworkspace -scheme Kingfisher -sdk iphonesimulator -destination 'platform=iOS Simulator,name=iPhone 16,OS=latest' clean test GCC_INSTRUMENT_PROGRAM_FLOW_ARCS=YES GCC_GENERATE_TEST_COVERAGE_FILES=YES",
        "test -workspace Kingfisher.xcworkspace -scheme Kingfisher -sdk iphonesimulator GCC_GENERATE_TEST_COVERAGE_FILES=YES GCC_INSTRUMENT_PROGRAM_FLOW_ARCS=YES",
        &["platform=iOS Simulator,name=iPhone 16,OS=latest"],
    ),
    (
        "Firebase, a workspace in a sub-directory",
        "FirebaseAuth/Tests/Sample/AuthSample.xcworkspace",
        "xcodebuild -workspace 'FirebaseAuth/Tests/Sample/AuthSample.xcworkspace' -scheme \"SwiftApiTests\" -sdk 'macosx' -destination 'platform=OS X,arch=x86_64' ONLY_ACTIVE_ARCH=YES CODE_SIGNING_REQUIRED=NO CODE_SIGNING_ALLOWED=YES COMPILER_INDEX_STORE_ENABLE=NO build test",
        "test -workspace FirebaseAuth/Tests/Sample/AuthSample.xcworkspace -scheme SwiftApiTests -sdk macosx CODE_SIGNING_ALLOWED=YES CODE_SIGNING_REQUIRED=NO COMPILER_INDEX_STORE_ENABLE=NO ONLY_ACTIVE_ARCH=YES",
        &["platform=OS X,arch=x86_64"],
    ),
    (
        "Firefox for iOS",
        "Client.xcodeproj",
        "xcodebuild clean test -scheme 'Fennec_Enterprise_XCUITests' -destination 'platform=iOS Simulator,OS=latest,name=iPhone 11' -testPlan 'SmokeXCUITests' -resultBundlePath TestResults -derivedDataPath results",
        "test -project Client.xcodeproj -scheme Fennec_Enterprise_XCUITests -testPlan SmokeXCUITests",
        &["platform=iOS Simulator,OS=latest,name=iPhone 11"],
    ),
    (
        "IINA",
        "iina.xcodeproj",
        "xcodebuild -project iina.xcodeproj ONLY_ACTIVE_ARCH=NO -scheme iina -configuration Nightly -destination platform=macOS",
        "build -project iina.xcodeproj -scheme iina -configuration Nightly ONLY_ACTIVE_ARCH=NO",
        &["platform=macOS"],
    ),
    (
        "RevenueCat, a scheme with brackets",
        "RevenueCat.xcworkspace",
        r#"command: xcodebuild -workspace RevenueCat.xcworkspace -scheme "ReceiptParser (RevenueCat Workspace)" -destination "generic/platform=iOS" -sdk iphoneos -configuration Release CODE_SIGN_IDENTITY="" CODE_SIGNING_REQUIRED=NO ONLY_ACTIVE_ARCH=YES build"#,
        "build -workspace RevenueCat.xcworkspace -scheme 'ReceiptParser (RevenueCat Workspace)' -configuration Release -sdk iphoneos CODE_SIGNING_REQUIRED=NO CODE_SIGN_IDENTITY= ONLY_ACTIVE_ARCH=YES",
        &["generic/platform=iOS"],
    ),
    (
        "The Composable Architecture, half a value in quotes",
        "ComposableArchitecture.xcworkspace",
        "xcodebuild test \\\n\t\t-scheme ComposableCoreLocation \\\n\t\t-destination platform=\"tvOS Simulator,name=Apple TV 4K (at 1080p)\" \\\n\t\t-quiet",
        "test -workspace ComposableArchitecture.xcworkspace -scheme ComposableCoreLocation",
        &["platform=tvOS Simulator,name=Apple TV 4K (at 1080p)"],
    ),
    (
        "Charts, on a Mac's own destination",
        "Charts.xcworkspace",
        "env NSUnbufferedIO=YES xcodebuild -workspace Charts.xcworkspace -scheme ChartsDemo-macOS -destination platform=macOS clean build",
        "build -workspace Charts.xcworkspace -scheme ChartsDemo-macOS",
        &["platform=macOS"],
    ),
];

/// The project, the line, and all that is said of it.
const REFUSED: &[(&str, &str, &[&str])] = &[
    (
        "Alamofire, with its matrix and its formatter",
        r#"set -o pipefail && env NSUnbufferedIO=YES xcodebuild -project "Alamofire.xcodeproj" -scheme "Alamofire iOS" -destination "${{ matrix.destination }}" -testPlan iOS clean test 2>&1 | xcbeautify --renderer github-actions"#,
        &[
            "set -o pipefail &&: it prepares a shell for a pipe, and rch exits as the build or the tests did; leave it out",
            "\"${{ matrix.destination }}\": ${{ matrix.destination }} is for the CI service to fill in; write its value",
            "2>&1: build.log holds both outputs in one order; leave it out",
            "| xcbeautify --renderer github-actions: rch prints a readable log by itself; leave out `| xcbeautify --renderer github-actions`, and write rch xcodebuild --log short where there is no terminal",
        ],
    ),
    (
        "DuckDuckGo",
        "set -o pipefail && xcodebuild test \\\n  -scheme \"DuckDuckGo\" \\\n  -destination \"platform=iOS Simulator,name=iPhone 14\" \\\n  | xcbeautify --report junit --report-path . --junit-report-filename unittests.xml\n",
        &[
            "set -o pipefail &&: it prepares a shell for a pipe, and rch exits as the build or the tests did; leave it out",
            "| xcbeautify --report junit --report-path . --junit-report-filename unittests.xml: rch prints a readable log by itself; leave out `| xcbeautify --report junit --report-path . --junit-report-filename unittests.xml`, and write rch xcodebuild --log short where there is no terminal",
        ],
    ),
    (
        "Nuke, which tests what another line has built",
        r#"xcodebuild test-without-building -scheme "$scheme" -destination "$destination" -parallel-testing-enabled NO -retry-tests-on-failure | xcbeautify"#,
        &[
            "test-without-building: what another line has built is not there: every job starts with fresh products; write test, or make build-for-testing and test-without-building two actions of one run in .rch/xcode.toml",
            "\"$scheme\": $scheme is for a shell to fill in; write its value, or put double quotes around the whole line",
            "\"$destination\": $destination is for a shell to fill in; write its value, or put double quotes around the whole line",
            "| xcbeautify: rch prints a readable log by itself; leave out `| xcbeautify`, and write rch xcodebuild --log short where there is no terminal",
        ],
    ),
    (
        "Realm, which redirects Xcode's user defaults",
        "xcodebuild -IDECustomDerivedDataLocation=build/DerivedData -scheme Realm -configuration Debug -sdk iphonesimulator -destination 'name=iPhone 16' test",
        &[
            "-IDECustomDerivedDataLocation=build/DerivedData: xcodebuild reads -Name=value as one of Xcode's user defaults, and those can redirect any path; leave it out: the farm chooses paths, and results come back under .rch/artifacts",
        ],
    ),
    (
        "RxSwift, which ships",
        "xcodebuild -workspace Rx.xcworkspace -configuration Release -archivePath \"${BUILD_PATH}/RxSwift.xcarchive\" -destination \"generic/platform=iOS Simulator\" SKIP_INSTALL=NO BUILD_LIBRARIES_FOR_DISTRIBUTION=YES -scheme RxSwift archive | xcbeautify",
        &[
            "-archivePath \"${BUILD_PATH}/RxSwift.xcarchive\": archiving, exporting and signing for others are out of the farm's scope; leave it out, and ship from a machine that holds the certificates",
            "SKIP_INSTALL=NO: it matters to archive alone; leave it out",
            "BUILD_LIBRARIES_FOR_DISTRIBUTION=YES: the farm does not know this setting; did you mean BUILD_LIBRARY_FOR_DISTRIBUTION?",
            "archive: archiving, exporting and signing for others are out of the farm's scope; write build, and ship from a machine that holds the certificates",
            "| xcbeautify: rch prints a readable log by itself; leave out `| xcbeautify`, and write rch xcodebuild --log short where there is no terminal",
        ],
    ),
    (
        "GRDB, with the compiler's flags",
        "xcodebuild -project GRDB.xcodeproj -scheme GRDB -destination 'OS=18.1,name=iPhone 16 Pro' 'OTHER_SWIFT_FLAGS=$(inherited) -D SQLITE_ENABLE_FTS5' clean test",
        &[
            "'OTHER_SWIFT_FLAGS=$(inherited) -D SQLITE_ENABLE_FTS5': its value can hold any flag of the compiler: it is left to the farm's policy, which does not name it; set it in the project, or ask the farm's operators to allow it (policy.settings)",
        ],
    ),
    (
        "Kingfisher, which lets fastlane write the line",
        "bundle exec fastlane test_ci",
        &[
            "bundle: the farm runs xcodebuild, and this is another program; write the xcodebuild line that it stands for, such as xcodebuild test -scheme NAME",
        ],
    ),
    (
        "Signal, which makes the runtime available first",
        "xcodebuild -downloadPlatform iOS",
        &["-downloadPlatform iOS: it changes the Mac it runs on; leave it out: the operators of a worker do this"],
    ),
    (
        "NetNewsWire, which asks first",
        "xcodebuild -scheme NetNewsWire-iOS -showdestinations",
        &["-showdestinations: it asks about one machine, and the farm has many; write rch workers show NAME"],
    ),
    (
        "Rectangle, which exports",
        "xcodebuild -exportArchive -archivePath build/Rectangle.xcarchive -exportPath build -exportOptionsPlist export.plist",
        &[
            "-exportArchive, -archivePath build/Rectangle.xcarchive, -exportPath build, -exportOptionsPlist export.plist: archiving, exporting and signing for others are out of the farm's scope; leave it out, and ship from a machine that holds the certificates",
        ],
    ),
];

#[test]
fn lines_of_well_known_projects_run_as_they_stand_in_their_ci() {
    for (project, container, line, canonical, destinations) in ACCEPTED {
        let root = tree(&[container]);
        let reading = reading(root.path(), &[line]);
        assert_eq!(reading.refused().map(|refused| refused.sentences()), None, "{project}");
        assert_eq!(reading.missing.iter().map(ToString::to_string).collect::<Vec<_>>(), Vec::<String>::new(), "{project}");
        let argv: Vec<String> = reading.classified.sanitized_argv.iter().map(|word| quoted(word)).collect();
        assert_eq!(argv.join(" "), *canonical, "{project}");
        assert_eq!(reading.classified.destinations, *destinations, "{project}");
    }
}

#[test]
fn what_is_not_run_of_well_known_projects_is_refused_with_what_to_write() {
    let root = tree(&["App.xcodeproj"]);
    for (project, line, said) in REFUSED {
        let refused = reading(root.path(), &[line]).refused().unwrap_or_else(|| panic!("{project} is accepted"));
        assert_eq!(refused.sentences(), *said, "{project}");
        let marks: usize = refused.line().iter().map(|row| row.matches('^').count()).sum();
        assert!(marks >= said.len(), "{project}: {:#?}", refused.line());
    }
}

/// What a shell hands over as words reads as what was pasted.
#[test]
fn a_line_typed_and_a_line_pasted_are_the_same_line() {
    for (project, container, line, ..) in ACCEPTED.iter().filter(|(_, _, line, ..)| !line.contains('$') && !line.starts_with("command:")) {
        let root = tree(&[container]);
        let words: Vec<String> = shell_words(line);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let (typed, pasted) = (reading(root.path(), &words), reading(root.path(), &[line]));
        assert_eq!(typed.classified, pasted.classified, "{project}");
        assert_eq!(typed.env, pasted.env, "{project}");
    }
}

/// Recorded lines are not part of the project: they are read where they are, and missed where they are not.
#[test]
fn recorded_lines_are_split_as_their_shell_split_them_and_no_piece_of_one_is_too_odd_to_read() {
    let sibling = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/fixtures");
    let folder = std::env::var_os("RCH_FIXTURES").map_or(sibling, std::path::PathBuf::from);
    let Ok(text) = fs::read_to_string(folder.join("invocations/invocations.jsonl")) else {
        println!("skipped: no recorded data (RCH_FIXTURES)");
        return;
    };
    let (mut same, mut whole) = (0, 0);
    for line in text.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let raw = format!("{} {}", line["raw"].as_str().unwrap(), line["rest"].as_str().unwrap_or_default());
        // A line that was cut anywhere is still something a person may paste.
        for (end, _) in raw.char_indices().step_by(7) {
            let cut = CommandLine::read(&[raw[..end].to_owned()]);
            assert!(cut.places.iter().all(|place| *place < cut.pieces.len()), "{raw}");
            assert!(cut.refusals.iter().all(|refusal| refusal.place.end <= cut.pieces.len() && !refusal.place.is_empty()), "{raw}");
        }
        // Others stand in prose, or in the strings of another language.
        if line.get("template").is_some() || line.get("odd").is_some() || !raw.starts_with("xcodebuild ") {
            continue;
        }
        let argv: Vec<&str> = line["argv"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
        whole += 1;
        let argv: Vec<String> = argv.into_iter().map(str::to_owned).collect();
        same += usize::from(CommandLine::read(&[raw]).words.ends_with(&argv));
    }
    println!("{same} of {whole} recorded lines without variables are split as recorded");
    assert!(same * 100 >= whole * 97 && whole > 300, "{same} of {whole}");
}

fn shell_words(line: &str) -> Vec<String> {
    super::shell::tokens(line)
        .into_iter()
        .map(|token| match token {
            super::shell::Token::Word(word) => word.value,
            super::shell::Token::Operator(text) | super::shell::Token::Redirection(text) => panic!("{text}"),
        })
        .collect()
}
