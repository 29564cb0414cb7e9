//! Plans from a configuration and from lines people wrote.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::config::{Layers, Merged, Settings};
use crate::environment::Environment;

const REPO: &str = r#"
[project]
path = "ios"
workspace = "App.xcworkspace"
scheme = "App"

[actions]
verify = ["build", "unit"]

[actions.build]
action = "build"

[actions.unit]
action = "test"
configuration = "Debug"
test_plan = "Fast"
only_testing = ["AppTests/A", "AppTests/B"]
coverage = true
args = ["-parallel-testing-enabled", "NO"]
settings = { CODE_SIGNING_ALLOWED = false }

[destination]
value = "platform=iOS Simulator,name=iPhone 16"
"#;

fn tree(repo: &str, flags: &[(&'static str, Value)]) -> (TempDir, Merged) {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join(".rch")).unwrap();
    fs::create_dir_all(root.path().join("ios")).unwrap();
    fs::write(root.path().join(".rch/xcode.toml"), repo).unwrap();
    let environment = Environment { working_directory: root.path().to_owned(), ..Environment::default() };
    let merged = Layers::read(&environment, flags).unwrap().merged();
    (root, merged)
}

pub(super) fn configured(repo: &str, flags: &[(&'static str, Value)]) -> Result<Plan, PlanError> {
    let (root, merged) = tree(repo, flags);
    let settings = Settings::new(&merged);
    from_config(&settings, &settings.verify().unwrap(), root.path())
}

pub(super) fn lined(repo: &str, working: &str, line: &str) -> Result<Plan, PlanError> {
    let (root, merged) = tree(repo, &[]);
    let words: Vec<String> = line.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    let at = Directories { root: root.path(), working: &root.path().join(working) };
    let settings = Settings::new(&merged);
    read(&settings, &words, at, None).into_plan(&settings, root.path())
}

fn refusals(result: Result<Plan, PlanError>) -> Vec<String> {
    match result {
        Err(PlanError::Rejected { refused, .. }) => refused.sentences(),
        Err(error) => panic!("{error}"),
        Ok(plan) => panic!("accepted: {:?}", plan.steps[0].argv),
    }
}

#[test]
fn no_value_of_a_variable_is_shown() {
    for words in [
        &["export API_TOKEN=s3cr3t && xcodebuild test"][..],
        &["API_TOKEN=s3cr3t; cd ios && xcodebuild test"],
        &["env -i A='s3cr3t x' make B=s3cr3t && xcodebuild test"],
        &["A=s3 xcodebuild -target x && TOKEN=s3cr3t xcodebuild test | A=s3cr3t tee"],
        &["A=${B:-s3cr3t} xcodebuild test"],
        &["A=s3cr3tvalue1", "A=s3cr3tvalue1", "xcodebuild", "-target", "x"],
        &["A=s3", "env", "B=s3cr3t", "xcrun", "xcodebuild", "-target", "x"],
        &["export", "A=s3cr3t", "xcodebuild", "test"],
        &["DYLD_INSERT_LIBRARIES=s3cr3t", "A B=s3cr3t", "xcodebuild", "test"],
    ] {
        let (root, merged) = tree(REPO, &[]);
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let at = Directories { root: root.path(), working: root.path() };
        let reading = read(&Settings::new(&merged), &words, at, None);
        let refused = reading.refused().unwrap();
        let text = format!("{:?} {:?} {} {:?}", refused.line(), refused.sentences(), refused.document(), reading.notices);
        assert!(!text.contains("s3"), "{text}");
    }
    let (root, merged) = tree(REPO, &[]);
    let words = ["CI=true", "B=NO", "xcodebuild", "-target", "x", "LONG_SETTING=visible"].map(str::to_owned);
    let at = Directories { root: root.path(), working: root.path() };
    let reading = read(&Settings::new(&merged), &words, at, None);
    assert_eq!(reading.pieces().join(" "), words.join(" "));
}

fn asked(plan: &Plan) -> Vec<&str> {
    plan.destinations.iter().map(|destination| destination.asked.as_str()).collect()
}

#[test]
fn an_action_becomes_the_arguments_a_person_would_write() {
    let plan = configured(REPO, &[]).unwrap();
    assert_eq!(plan.project, "App");
    assert_eq!(plan.steps[0].argv.join(" "), "build -workspace ios/App.xcworkspace -scheme App");
    assert_eq!(
        plan.steps[1].argv.join(" "),
        "test -workspace ios/App.xcworkspace -scheme App -configuration Debug -testPlan Fast -enableCodeCoverage YES \
         -only-testing:AppTests/A -only-testing:AppTests/B -parallel-testing-enabled NO CODE_SIGNING_ALLOWED=NO"
    );
    assert_eq!(asked(&plan), ["platform=iOS Simulator,name=iPhone 16"]);
}

#[test]
fn a_denied_argument_is_refused_with_what_to_write_instead() {
    let error = configured(&REPO.replace("\"-parallel-testing-enabled\", \"NO\"", "\"-target\", \"App\""), &[]).unwrap_err();
    let PlanError::Rejected { what, refused } = error else { panic!("{error}") };
    let sentences = refused.sentences();
    assert_eq!((what.as_str(), sentences.len()), ("the action unit", 1));
    assert!(sentences[0].starts_with("-target App: ") && sentences[0].ends_with("write -scheme"), "{sentences:?}");
    assert!(refused.line().iter().any(|row| row.trim() == "^~~~~~~~~~~"), "{:?}", refused.line());
}

#[test]
fn destinations_given_by_a_flag_stand_over_everything() {
    let repo = REPO.replace("[actions.build]", "[actions.build]\ndestinations = [\"platform=macOS\"]");
    let plan = configured(&repo, &[("destination.values", json!(["name=iPad Air", "name=iPhone 16"]))]).unwrap();
    assert_eq!(asked(&plan), ["name=iPad Air", "name=iPhone 16"]);
    assert!(plan.steps.iter().all(|step| plan.own_destinations(step).is_none()), "every step has them all");
}

#[test]
fn a_pinned_destination_must_name_device_and_version() {
    let repo = format!("{REPO}mode = \"pinned\"\n");
    let error = configured(&repo, &[]).unwrap_err().to_string();
    assert!(error.contains("leaves the name or the OS to the farm") && error.contains("mode = \"constraints\""), "{error}");
    assert!(configured(&repo.replace("iPhone 16", "iPhone 16,OS=18.2"), &[]).is_ok());
}

#[test]
fn a_line_is_completed_from_the_configuration() {
    let plan = lined(REPO, "", "env LANG=de DEVELOPER_DIR=/x xcrun xcodebuild -quiet test").unwrap();
    assert_eq!(plan.steps[0].argv.join(" "), "-quiet test -workspace ios/App.xcworkspace -scheme App");
    assert_eq!(plan.project, "App");
    assert_eq!(plan.steps[0].name, "test");
    assert_eq!(plan.env.get("LANG").map(String::as_str), Some("de"));
    assert!(!plan.env.contains_key("DEVELOPER_DIR"));
    assert_eq!(plan.notices.len(), 2, "{:?}", plan.notices);
    assert_eq!(asked(&plan), ["platform=iOS Simulator,name=iPhone 16"]);
}

#[test]
fn a_variable_of_the_worker_is_left_out_of_a_line_and_one_that_no_job_may_set_refuses_it() {
    let plan = lined(REPO, "", "env NSUnbufferedIO=YES PATH=/bin CI=1 xcodebuild test").unwrap();
    assert_eq!(plan.env, [("CI".to_owned(), "1".to_owned())].into());
    assert_eq!(
        plan.notices,
        ["NSUnbufferedIO is left out: it is always YES, so that the log can be followed", "PATH is left out: each attempt has its own"]
    );
    assert_eq!(
        refusals(lined(REPO, "", "DYLD_INSERT_LIBRARIES=shim.dylib xcodebuild test")),
        ["DYLD_INSERT_LIBRARIES=..: it loads code into every program that runs; set it in the scheme's environment"]
    );
}

#[test]
fn a_line_s_own_words_stand_and_its_destinations_are_the_run_s() {
    let plan =
        lined(REPO, "ios", "-workspace ./Other.xcworkspace -scheme Other -destination platform=macOS -xcconfig ../ci.xcconfig build")
            .unwrap();
    assert_eq!(plan.steps[0].argv.join(" "), "-workspace ios/Other.xcworkspace -scheme Other -xcconfig ci.xcconfig build");
    assert_eq!((plan.project.as_str(), asked(&plan)), ("Other", vec!["platform=macOS"]));
}

#[test]
fn a_line_may_not_reach_out_of_the_tree() {
    let error = lined(REPO, "ios", "-project ../../Other.xcodeproj -scheme A").unwrap_err();
    assert!(matches!(error, PlanError::Rejected { .. }), "{error}");
}

#[test]
fn an_sdk_alone_says_where_a_build_goes() {
    let plan = lined(REPO, "", "-sdk iphonesimulator -scheme App build").unwrap();
    assert_eq!(asked(&plan), ["generic/platform=iOS Simulator"]);
}

#[test]
fn without_a_configuration_the_only_container_of_the_directory_is_opened() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("sub/Tool.xcodeproj")).unwrap();
    let environment = Environment { working_directory: root.path().to_owned(), ..Environment::default() };
    let merged = Layers::read(&environment, &[]).unwrap().merged();
    let settings = Settings::new(&merged);
    let line = |working: &Path, text: &str| {
        let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        read(&settings, &words, Directories { root: root.path(), working }, None).into_plan(&settings, root.path())
    };
    let plan = line(&root.path().join("sub"), "-scheme Tool -destination platform=macOS").unwrap();
    assert_eq!(plan.steps[0].argv.join(" "), "-scheme Tool -project sub/Tool.xcodeproj");
    let error = line(root.path(), "-scheme Tool -destination platform=macOS").unwrap_err().to_string();
    assert!(error.contains("add -workspace or -project; found none"), "{error}");
    let error = line(&root.path().join("sub"), "-destination platform=macOS").unwrap_err().to_string();
    assert!(error.contains("add -scheme NAME"), "{error}");
}

/// What an empty tree with these directories makes of a line that was given in one of them.
fn bare(containers: &[&str], working: &str, words: &[&str]) -> Result<Plan, PlanError> {
    let root = tempfile::tempdir().unwrap();
    for path in containers {
        fs::create_dir_all(root.path().join(path)).unwrap();
    }
    let working = root.path().join(working);
    let environment = Environment { working_directory: working.clone(), ..Environment::default() };
    let merged = Layers::read(&environment, &[]).unwrap().merged();
    let settings = Settings::new(&merged);
    let words: Vec<String> = words.iter().map(|word| word.replace("@TREE", root.path().to_str().unwrap())).collect();
    read(&settings, &words, Directories { root: root.path(), working: &working }, None).into_plan(&settings, root.path())
}

#[test]
fn paths_are_from_where_the_line_is_given_and_may_be_absolute_within_the_tree() {
    let containers = ["ios/App.xcworkspace", "ios/sub"];
    for (working, path, expected) in [
        ("", "ios/App.xcworkspace", "ios/App.xcworkspace"),
        ("", "./ios/App.xcworkspace/", "ios/App.xcworkspace"),
        ("ios", "App.xcworkspace", "ios/App.xcworkspace"),
        ("ios/sub", "../App.xcworkspace/", "ios/App.xcworkspace"),
        ("ios/sub", "@TREE/ios/App.xcworkspace", "ios/App.xcworkspace"),
        ("", "@TREE/ios/App.xcworkspace", "ios/App.xcworkspace"),
    ] {
        let plan = bare(&containers, working, &["-workspace", path, "-scheme", "App", "-destination", "platform=macOS"]).unwrap();
        let argv = &plan.steps[0].classified.sanitized_argv;
        assert_eq!(argv.join(" "), format!("build -workspace {expected} -scheme App"), "{working} {path}");
    }
    for path in ["../../Other.xcworkspace", "/elsewhere/App.xcworkspace"] {
        let said = refusals(bare(&containers, "ios", &["-workspace", path, "-scheme", "App", "-destination", "platform=macOS"]));
        assert!(said.len() == 1 && said[0].contains("relative to the root of the tree"), "{said:?}");
        assert!(said[0].starts_with(&format!("-workspace {path}: ")), "as it was typed: {said:?}");
    }
}

#[test]
fn a_line_is_understood_with_all_that_people_put_around_it() {
    let xcode = "/Applications/Xcode-16.2.app/Contents/Developer/usr/bin/xcodebuild";
    let tail = ["-scheme", "App", "-destination", "platform=macOS", "clean", "build", "test"];
    for (head, env) in [
        (&[][..], ""),
        (&["xcodebuild"][..], ""),
        (&["xcrun", "xcodebuild"], ""),
        (&["time", "-p", "xcodebuild"], ""),
        (&[xcode], ""),
        (&["env", "LANG=de", "API=x y", "time", "xcrun", "xcodebuild"], "API LANG"),
        (&["CI=1", "/usr/bin/env", "-i", "PATH=/bin", "xcodebuild"], "CI"),
    ] {
        let plan = bare(&["App.xcodeproj"], "", &[head, &tail].concat()).unwrap_or_else(|error| panic!("{head:?}: {error}"));
        assert_eq!(plan.steps[0].classified.sanitized_argv.join(" "), "test -project App.xcodeproj -scheme App", "{head:?}");
        assert!(plan.is_clean(), "{head:?}");
        assert_eq!(plan.env.keys().map(String::as_str).collect::<Vec<_>>().join(" "), env, "{head:?}");
    }
    let notices = bare(&["App.xcodeproj"], "", &[&[xcode], &tail[..]].concat()).unwrap().notices;
    assert!(notices[0].contains("is not used: the Xcode is chosen by toolchain.xcode"), "{notices:?}");
    assert!(notices[1].starts_with("clean is left out: "), "{notices:?}");
}

#[test]
fn several_destinations_are_several_jobs_of_one_step() {
    let words =
        ["-scheme", "App", "-destination", "name=iPhone 16", "-destination", "name=iPad Air", "-destination", "name=iPhone 16", "test"];
    let plan = bare(&["App.xcodeproj"], "", &words).unwrap();
    assert_eq!((plan.steps.len(), asked(&plan)), (1, vec!["name=iPhone 16", "name=iPad Air"]));
}

#[test]
fn a_whole_line_in_quotes_is_taken_apart_and_an_argument_with_spaces_is_not() {
    let one = |word: &str| bare(&["App.xcodeproj"], "", &[word]);
    let plan = one("xcodebuild -scheme 'My App' -destination \"platform=macOS\" \\\n  test # as always\n").unwrap();
    assert_eq!(plan.steps[0].classified.sanitized_argv, ["test", "-project", "App.xcodeproj", "-scheme", "My App"]);
    assert!(one("`xcodebuild -scheme App -destination platform=macOS`").is_ok(), "as documentation writes it");
    // Without a scheme and a destination, what is said tells how the word was read.
    for (word, said) in [
        ("-scheme App -destination platform=macOS SYMROOT=x", Err("SYMROOT=x: ")),
        ("test -scheme App", Ok("destination.value")),
        ("-only-testing:AppTests/a b()", Ok("-scheme is not set")),
        ("OTHER_LDFLAGS=-ObjC -lz", Ok("-scheme is not set")),
        ("CI=1 xcodebuild archive", Err("archive: ")),
    ] {
        match (one(word), said) {
            (Err(PlanError::Rejected { refused, .. }), Err(said)) => {
                assert!(refused.sentences()[0].starts_with(said), "{word}: {refused:?}");
            }
            (Err(PlanError::Config(error)), Ok(said)) => assert!(error.to_string().contains(said), "{word}: {error}"),
            (other, _) => panic!("{word}: {other:?}"),
        }
    }
}

#[test]
fn what_only_a_shell_does_is_refused_piece_by_piece() {
    for (line, said) in [
        (
            "xcodebuild test -scheme App | xcpretty -c",
            vec![
                "| xcpretty -c: rch prints a readable log by itself; leave out `| xcpretty -c`, and write rch xcodebuild --log short where there is no terminal",
            ],
        ),
        (
            "xcodebuild test -scheme App | bundle exec xcpretty && echo done",
            vec![
                "| bundle exec xcpretty: rch prints a readable log by itself; leave out `| bundle exec xcpretty`, and write rch xcodebuild --log short where there is no terminal",
                "&& echo done: it is a command of its own; leave it out, or write it after rch, outside the quotes",
            ],
        ),
        (
            "cd ios && xcodebuild test -scheme App > build.log",
            vec![
                "cd ios &&: paths are taken from the directory that rch is given in; leave it out, and go there first: cd ios",
                "> build.log: the whole log is kept as build.log under .rch/artifacts; leave it out, or write it after rch, outside the quotes",
            ],
        ),
        (
            "export CI=1; xcodebuild test -scheme App || exit 1",
            vec![
                "export CI=1 ;: it sets a variable of your shell; write NAME=VALUE before the word xcodebuild",
                "|| exit 1: what to do on failure is for your shell; leave it out, or write it after rch, outside the quotes: rch exits as the build or the tests did",
            ],
        ),
        (
            "xcodebuild build -scheme App && xcodebuild test -scheme App",
            vec![
                "&& xcodebuild test -scheme App: it is a second call of xcodebuild; give each an rch of its own, or make them actions of one run in .rch/xcode.toml",
            ],
        ),
        (
            "xcodebuild test\n  -scheme App",
            vec!["; -scheme App: the line before it ends, and a shell takes this for another command; end the line before it with \\"],
        ),
        (
            "(xcodebuild test -scheme App) &",
            vec![
                "(, ): it starts a shell of its own; leave the parentheses out",
                "&: it would go on in the background; leave it out, and write rch xcodebuild --detach: it prints the run's id and leaves",
            ],
        ),
        ("xcodebuild test -scheme 'App", vec!["'App: a quote in it is never closed; close the quote"]),
        (
            "xcodebuild test -scheme App -jobs $(nproc) -testPlan `plan`",
            vec!["`plan`: `plan` is for a shell to run; write what it prints; a setting's own $(…) belongs into single quotes"],
        ),
        (
            "sudo xcodebuild test -scheme App -target X",
            vec![
                "sudo: it runs as another user, and a worker runs jobs as its own; leave it out",
                "-target X: targets have no destination and no tests, and write into the tree; share a scheme that builds the target, and write -scheme",
            ],
        ),
        (
            "API_TOKEN=secret timeout 9 xcodebuild test -scheme App",
            vec!["timeout: it would act on the xcodebuild of this machine, and the farm runs its own; leave it out"],
        ),
        (
            "API_TOKEN=$TOKEN xcodebuild test -scheme App",
            vec!["API_TOKEN=..: $TOKEN is for a shell to fill in; write its value, or put double quotes around the whole line"],
        ),
    ] {
        let result = bare(&["App.xcodeproj"], "", &[line]);
        assert!(!format!("{:?}", result.as_ref().err()).contains("secret"), "values of variables are never shown");
        assert_eq!(refusals(result), said, "{line}");
    }
}

#[test]
fn a_mistake_of_the_configuration_is_shown_with_what_the_configuration_says() {
    let repo = REPO.replace("scheme = \"App\"", "scheme = \"App\"\nconfiguration = \"debug\"");
    let Err(PlanError::Rejected { refused, .. }) = lined(&repo, "", "test -quiet") else { panic!("accepted") };
    assert_eq!(
        refused.line(),
        [
            "xcodebuild test -quiet -workspace ios/App.xcworkspace -scheme App \\",
            "    -configuration debug -destination 'platform=iOS Simulator,name=iPhone 16'",
            "    ^~~~~~~~~~~~~~~~~~~~",
        ]
    );
}

#[test]
fn an_sdk_that_disagrees_with_the_configured_destination_is_refused() {
    let said = refusals(lined(REPO, "", "test -sdk appletvsimulator"));
    assert!(said.len() == 1 && said[0].contains("-sdk appletvsimulator builds for tvOS Simulator"), "{said:?}");
}

#[test]
fn a_destination_is_said_once() {
    let (root, merged) = tree(REPO, &[("destination.values", json!(["name=iPad Air"]))]);
    let settings = Settings::new(&merged);
    let at = Directories { root: root.path(), working: root.path() };
    let line = |text: &str| {
        let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        read(&settings, &words, at, None).into_plan(&settings, root.path())
    };
    assert_eq!(asked(&line("-sdk iphonesimulator build").unwrap()), ["name=iPad Air"], "a flag stands over what an SDK means");
    let error = line("-destination platform=macOS test").unwrap_err().to_string();
    assert_eq!(error, "--destination and -destination both say where to run; leave one of them out");
}
