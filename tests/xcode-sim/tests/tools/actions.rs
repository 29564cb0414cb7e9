//! Builds and tests of the sample project.

use crate::desk::{Desk, IPHONE};

#[test]
fn building_then_testing_compiles_each_file_once() {
    let desk = Desk::usual();
    let built = desk.build("build", &[]);
    assert_eq!(built.code, Some(0), "{built:?}");
    assert!(built.out.starts_with("Simulated Xcode: nothing was compiled by a real compiler\n"));
    assert!(built.out.contains("compiled 10 of 10 files"), "{}", built.out);
    assert!(built.out.ends_with("** BUILD SUCCEEDED **\n\n"));
    let tested = desk.build("test", &[]);
    assert!(tested.out.contains("compiled 5 of 15 files"), "{}", tested.out);
    assert!(tested.out.contains("Executed 15 tests, with 1 test skipped and 0 failures (0 unexpected)"));
    assert!(tested.out.contains("** TEST SUCCEEDED **"));
    desk.edit("Sources/Model/Post.swift", |text| text + "\n// changed\n");
    assert!(desk.build("test", &[]).out.contains("compiled 1 of 15 files"));
}

#[test]
fn a_broken_file_fails_the_build_at_its_place() {
    let desk = Desk::usual();
    desk.edit("Sources/Model/Feed.swift", |text| text + "#error(\"broken on purpose\")\n");
    let bundle = desk.path("build.xcresult");
    let built = desk.build("build", &["-resultBundlePath", bundle.to_str().unwrap()]);
    assert_eq!(built.code, Some(65));
    let file = desk.path("tree/Sources/Model/Feed.swift");
    let place = format!("{}:33:8: error: broken on purpose\n#error(\"broken on purpose\")\n       ^\n", file.display());
    assert!(built.out.contains(&place), "{}", built.out);
    assert!(built.err.contains("** BUILD FAILED **"));
    assert!(built.err.contains("The following build commands failed:\n\tSwiftCompile normal arm64 "));
    let results = desk.run("xcrun", &["xcresulttool", "get", "build-results", "--path", bundle.to_str().unwrap()]).json();
    assert_eq!(results["status"], "failed");
    assert_eq!(results["errorCount"], 1);
    let url = results["errors"][0]["sourceURL"].as_str().unwrap();
    assert!(url.contains("StartingColumnNumber=7&StartingLineNumber=32"), "lines count from 0 here: {url}");
    let tested = desk.build("test", &[]);
    assert_eq!(tested.code, Some(65));
    assert!(tested.err.contains("Testing failed:\n\tbroken on purpose\n\tTesting cancelled because the build failed.\n"));
}

#[test]
fn a_failing_test_fails_the_run_and_is_in_the_result() {
    let desk = Desk::usual();
    desk.edit("Tests/PostTests.swift", |text| {
        text.replace("func testRelativeTimes() {", "func testRelativeTimes() {\n        XCTFail(\"on purpose\")")
    });
    let bundle = desk.path("test.xcresult");
    let tested = desk.build("test", &["-resultBundlePath", bundle.to_str().unwrap()]);
    assert_eq!(tested.code, Some(65));
    assert!(tested.out.contains("PostTests.swift:18: error: -[SampleAppTests.PostTests testRelativeTimes] : failed - on purpose\n"));
    assert!(tested.err.contains("Failing tests:\n\tPostTests.testRelativeTimes()\n"));
    assert!(tested.err.contains("** TEST FAILED **"));
    let asked = ["xcresulttool", "get", "test-results", "summary", "--path", bundle.to_str().unwrap(), "--compact"];
    let summary = desk.run("xcrun", &asked).json();
    assert_eq!(summary["result"], "Failed");
    assert_eq!(summary["passedTests"], 13);
    assert_eq!(summary["testFailures"][0]["testIdentifierString"], "PostTests/testRelativeTimes()");
    let tests = desk.run("xcrun", &["xcresulttool", "get", "test-results", "tests", "--path", bundle.to_str().unwrap()]).out;
    assert!(tests.contains("PostTests.swift:18: failed - on purpose"));
}

#[test]
fn a_crash_is_a_failure_that_testing_goes_on_from() {
    let desk = Desk::usual();
    desk.edit("Tests/FeedTests.swift", |text| text.replacen("() {\n", "() {\n        fatalError(\"dead\")\n", 1));
    let tested = desk.build("test", &[]);
    assert_eq!(tested.code, Some(65));
    assert!(tested.out.contains("Restarting after unexpected exit, crash, or test timeout in FeedTests.testNewestPostComesFirst()"));
    assert!(tested.out.contains("Executed 15 tests, with 1 test skipped and 1 failure"));
}

#[test]
fn tests_run_without_building_what_was_built_for_testing() {
    let desk = Desk::usual();
    let too_early = desk.build("test-without-building", &[]);
    assert_eq!(too_early.code, Some(70));
    assert!(too_early.err.contains("There are no test bundles available to test."));
    assert!(desk.build("build-for-testing", &[]).out.contains("** TEST BUILD SUCCEEDED **"));
    let tested = desk.build("test-without-building", &["-skip-testing:SampleAppTests/FeedTests"]);
    assert_eq!(tested.code, Some(0));
    assert!(tested.out.contains("Executed 10 tests"));
    assert!(!tested.out.contains("SwiftCompile"));
    assert!(tested.out.contains("** TEST EXECUTE SUCCEEDED **"));
}

#[test]
fn built_tests_run_far_from_their_tree() {
    let desk = Desk::usual();
    let products = desk.path("sample.xctestproducts");
    let products = products.to_str().unwrap();
    assert_eq!(desk.build("build-for-testing", &["-testProductsPath", products]).code, Some(0));
    let mut command = desk.tool("xcodebuild", &["test-without-building", "-testProductsPath", products, "-destination", IPHONE]);
    let tested = crate::desk::Answer::of(&command.current_dir("/").output().unwrap());
    assert_eq!(tested.code, Some(0), "{tested:?}");
    assert!(tested.out.contains("Executed 15 tests"));
}

#[test]
fn selecting_nothing_runs_nothing_and_succeeds_as_xcodebuild_does() {
    let desk = Desk::usual();
    let nothing = desk.build("test", &["-only-testing:SampleAppTests/Nope"]);
    assert_eq!(nothing.code, Some(0));
    assert!(nothing.out.contains("Executed 0 tests, with 0 failures (0 unexpected) in 0.000 (0.001) seconds"));
    let stranger = desk.build("test", &["-only-testing:Nope"]);
    assert_eq!(stranger.code, Some(70));
    assert!(stranger.err.contains("isn’t a member of the specified test plan or scheme."));
}

#[test]
fn what_is_not_there_is_refused_with_xcodebuilds_text_and_code() {
    let desk = Desk::usual();
    let taken = desk.path("derived");
    let rows: [(&[&str], i32, &str); 5] = [
        (&["build", "-workspace", "No.xcworkspace", "-scheme", "A"], 66, "xcodebuild: error: 'No.xcworkspace' does not exist.\n"),
        (
            &["build", "-workspace", "SampleApp.xcworkspace", "-scheme", "No"],
            65,
            "xcodebuild: error: The workspace named \"SampleApp\" does not contain a scheme named \"No\".",
        ),
        (
            &["build", "-scheme", "SampleApp", "-destination", "platform=iOS Simulator,id=97A3E744-F44C-4551-84B9-D04B2107C520"],
            70,
            "xcodebuild: error: Unable to find a destination matching the provided destination specifier:\n\t\t{ platform:iOS \
             Simulator, id:97A3E744-F44C-4551-84B9-D04B2107C520 }\n",
        ),
        (
            &["build", "-scheme", "SampleApp", "-destination", "platform=iOS Simulator,name=iPhone 3G"],
            70,
            "\tThe requested device could not be found because no available devices matched the request.\n",
        ),
        (&["build", "-dry-run"], 64, "xcodebuild: error: invalid option '-dry-run'"),
    ];
    for (words, code, text) in rows {
        let answer = desk.run("xcodebuild", words);
        assert_eq!(answer.code, Some(code), "{words:?}");
        assert!(answer.err.contains(text), "{}", answer.err);
    }
    desk.build("build", &[]);
    let existing = desk.build("build", &["-resultBundlePath", taken.to_str().unwrap()]);
    assert_eq!(existing.code, Some(64));
}

#[test]
fn a_file_that_is_missing_from_the_tree_fails_the_build() {
    let desk = Desk::usual();
    std::fs::remove_file(desk.path("tree/Sources/Feed/PostRow.swift")).unwrap();
    let built = desk.build("build", &[]);
    assert_eq!(built.code, Some(65));
    assert!(built.out.contains("error: Build input file cannot be found: '"), "{}", built.out);
}

#[test]
fn the_log_has_as_many_lines_as_are_asked_for() {
    let desk = Desk::usual();
    let mut command = desk.xcodebuild("build", &["-destination", IPHONE]);
    let answer = crate::desk::Answer::of(&command.env("RCH_XCODE_SIM_LOG_LINES", "1000").output().unwrap());
    let numbered: Vec<&str> = answer.out.lines().filter(|line| line.starts_with("note: Simulated Xcode: log line ")).collect();
    assert_eq!(numbered.len(), 1000);
    assert!(numbered.iter().all(|line| line.len() == 63));
    assert!(numbered[999].contains(" 00001000 "));
}
