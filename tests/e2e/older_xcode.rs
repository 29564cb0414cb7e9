//! A Mac whose Xcode reads its result bundles in the form before Xcode 16.

use std::fs;
use std::path::Path;

use rch_local::{AgentPlan, FarmPlan};
use rch_xcode_sim::Machine;

use crate::harness::{PROGRAM, Project, rch, start_farm};

#[test]
fn tests_and_errors_are_read_from_the_older_form_as_from_the_newer() {
    let agent = AgentPlan::simulated("macmini-01", Machine::xcode_15_4()).setting("kill_grace_seconds", 1);
    let farm = start_farm(FarmPlan::new(Path::new(PROGRAM)).agent(agent));
    let project = Project::sample().rich();
    let settings = project.file(".rch/xcode.toml");
    fs::write(&settings, fs::read_to_string(&settings).unwrap().replace("iPhone 16", "iPhone 15")).unwrap();
    let file = project.file("Tests/PostTests.swift");
    let test =
        "import XCTest\nfinal class BrokenTests: XCTestCase {\n    func testOnPurpose() {\n        XCTFail(\"on purpose\")\n    }\n}\n";
    let line = fs::read_to_string(&file).unwrap().lines().count() + 5;
    fs::write(&file, format!("{}\n{test}", fs::read_to_string(&file).unwrap())).unwrap();

    let outcome = rch(&farm, project.path(), &["xcode", "run", "--action", "test"]).expect(50);
    assert_eq!(outcome.reason(), "TEST_FAILED");
    let (summary, tests) = (outcome.document("test", "summary.json"), outcome.document("test", "test_summary.json"));
    assert_eq!(tests["source"], "xcresult");
    for count in ["total", "passed", "failed", "skipped"] {
        assert_eq!(tests["counts"][count], summary["tests"][count], "{count}");
    }
    assert!(tests["counts"]["total"].as_u64() > Some(5) && tests["counts"]["failed"] == 1, "{}", tests["counts"]);
    let failing = &summary["failing_tests"][0];
    assert_eq!((&failing["id"], &failing["path"]), (&"SampleAppTests/BrokenTests/testOnPurpose".into(), &"Tests/PostTests.swift".into()));
    assert_eq!(failing["line"], line, "lines of a bundle count from 0");

    let place = project.append("Sources/Feed/FeedView.swift", "#error(\"broken on purpose\")");
    let outcome = rch(&farm, project.path(), &["xcode", "run", "--action", "test"]).expect(50);
    let build = outcome.document("test", "build_summary.json");
    assert_eq!(build["source"], "xcresult");
    assert_eq!((&build["first_error"]["path"], &build["first_error"]["line"]), (&"Sources/Feed/FeedView.swift".into(), &place.into()));
    assert_eq!(build["counts"]["raw"]["errors"].as_u64(), build["counts"]["unique"]["errors"].as_u64().map(|unique| unique * 2));
}
