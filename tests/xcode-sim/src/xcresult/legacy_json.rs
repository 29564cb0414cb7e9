//! `xcresulttool get --format json`: the JSON before Xcode 16, in which every value is wrapped with its type.

use serde_json::{Map, Value, json};

use super::record::{CaseResult, Issue, Record, Status, TestBundleResult};
use super::tests_json::{failure, source_url};
use crate::clock::Moment;
use crate::fingerprint::letters;
use crate::swift::Script;

/// The object of the root, or that of this id; `None` when there is no such object.
pub(super) fn object(record: &Record, id: Option<&str>) -> Option<Value> {
    match id {
        None => Some(root(record)),
        Some(id) if record.tests.is_some() && id == tests_id(record) => Some(tests(record)),
        Some(_) => None,
    }
}

/// An object with its type; a member that is null is left out, as the tool leaves it out.
fn typed<const N: usize>(name: &str, members: [(&str, Value); N]) -> Value {
    let mut object = Map::from_iter([("_type".to_owned(), json!({ "_name": name }))]);
    object.extend(members.into_iter().filter(|(_, value)| !value.is_null()).map(|(member, value)| (member.to_owned(), value)));
    Value::Object(object)
}

fn word(kind: &str, text: &str) -> Value {
    json!({ "_type": { "_name": kind }, "_value": text })
}

fn text(text: &str) -> Value {
    word("String", text)
}

/// An array; without elements it is left out.
fn array(values: &[Value]) -> Value {
    if values.is_empty() { Value::Null } else { json!({ "_type": { "_name": "Array" }, "_values": values }) }
}

fn tests_id(record: &Record) -> String {
    format!("0~{}", letters(&format!("tests of {} at {}", record.title, record.started)))
}

fn root(record: &Record) -> Value {
    let cases =
        || record.tests.iter().flat_map(|tests| &tests.bundles).flat_map(|bundle| bundle.cases.iter().map(move |case| (bundle, case)));
    let failed = cases().filter(|(_, case)| failure(&case.test.script).is_some());
    let failures: Vec<Value> = failed.map(|(bundle, case)| failure_summary(bundle, case)).collect();
    let skipped = cases().filter(|(_, case)| matches!(case.test.script, Script::Skip { .. })).count();
    let (errors, warnings): (Vec<&Issue>, Vec<&Issue>) = record.issues.iter().partition(|issue| issue.is_error());
    let count = |count: usize| if count == 0 { Value::Null } else { word("Int", &count.to_string()) };
    let metrics = typed(
        "ResultMetrics",
        [
            ("errorCount", count(errors.len())),
            ("testsCount", count(cases().count())),
            ("testsFailedCount", count(failures.len())),
            ("testsSkippedCount", count(skipped)),
            ("warningCount", count(warnings.len())),
        ],
    );
    let build = issues(&errors, &warnings, &[]);
    let action = action(record, build, issues(&[], &[], &failures));
    typed(
        "ActionsInvocationRecord",
        [("actions", array(&[action])), ("issues", issues(&errors, &warnings, &failures)), ("metrics", metrics)],
    )
}

fn action(record: &Record, build: Value, of_tests: Value) -> Value {
    let status = |has_failed: bool| text(if has_failed { "failed" } else { "succeeded" });
    let tests = record.tests.as_ref().map_or(Value::Null, |_| typed("Reference", [("id", text(&tests_id(record)))]));
    let build_failed = record.issues.iter().any(Issue::is_error) || (record.tests.is_none() && record.status == Status::Failed);
    let result = |name: &str, status: Value, issues: Value, tests: Value| {
        typed("ActionResult", [("issues", issues), ("resultName", text(name)), ("status", status), ("testsRef", tests)])
    };
    let of_tests_status = if record.tests.is_some() { status(record.status == Status::Failed) } else { text("notRequested") };
    let time = |seconds: f64| word("Date", &Moment::at(seconds).json_form());
    typed(
        "ActionRecord",
        [
            ("actionResult", result("action", of_tests_status, of_tests, tests)),
            ("buildResult", result("build", status(build_failed), build, Value::Null)),
            ("endedTime", time(record.finished)),
            ("runDestination", destination(record)),
            ("startedTime", time(record.started)),
            ("testPlanName", record.tests.as_ref().map_or(Value::Null, |tests| text(&tests.name))),
            ("title", text(&record.title)),
        ],
    )
}

fn destination(record: &Record) -> Value {
    let device = &record.device;
    let platform = typed("ActionPlatformRecord", [("userDescription", text(&device.platform))]);
    let target = typed(
        "ActionDeviceRecord",
        [
            ("identifier", text(&device.id)),
            ("modelName", text(&device.model)),
            ("name", text(&device.name)),
            ("operatingSystemVersion", text(&device.version)),
            ("operatingSystemVersionWithBuildNumber", text(&format!("{} ({})", device.version, device.build))),
            ("platformRecord", platform),
        ],
    );
    typed(
        "ActionRunDestinationRecord",
        [("displayName", text(&device.name)), ("targetArchitecture", text(&device.architecture)), ("targetDeviceRecord", target)],
    )
}

fn issues(errors: &[&Issue], warnings: &[&Issue], failures: &[Value]) -> Value {
    typed(
        "ResultIssueSummaries",
        [
            ("errorSummaries", array(&summaries(errors))),
            ("testFailureSummaries", array(failures)),
            ("warningSummaries", array(&summaries(warnings))),
        ],
    )
}

fn summaries(issues: &[&Issue]) -> Vec<Value> {
    issues.iter().map(|issue| issue_summary(issue)).collect()
}

fn issue_summary(issue: &Issue) -> Value {
    let place = issue.place.as_ref().map_or(Value::Null, |place| location(&source_url(&place.path, place.line, Some(place.column))));
    let kind = if issue.is_error() { "Swift Compiler Error" } else { "Swift Compiler Warning" };
    typed(
        "IssueSummary",
        [
            ("documentLocationInCreatingWorkspace", place),
            ("issueType", text(kind)),
            ("message", text(&issue.message)),
            ("producingTarget", if issue.target.is_empty() { Value::Null } else { text(&issue.target) }),
        ],
    )
}

fn failure_summary(bundle: &TestBundleResult, case: &CaseResult) -> Value {
    let (message, line) = failure(&case.test.script).unwrap_or_default();
    typed(
        "TestFailureIssueSummary",
        [
            ("documentLocationInCreatingWorkspace", location(&source_url(&case.test.file, line, None))),
            ("issueType", text("Uncategorized")),
            ("message", text(&message)),
            ("producingTarget", text(&bundle.target)),
            ("testCaseName", text(&case.test.identifier().replacen('/', ".", 1))),
        ],
    )
}

fn location(url: &str) -> Value {
    typed("DocumentLocation", [("concreteTypeName", text("DVTTextDocumentLocation")), ("url", text(url))])
}

fn tests(record: &Record) -> Value {
    let bundles = record.tests.iter().flat_map(|tests| &tests.bundles);
    let testables = bundles.map(|bundle| {
        let inside = group(&format!("{}.xctest", bundle.target), &suites(bundle));
        typed(
            "ActionTestableSummary",
            [
                ("name", text(&bundle.target)),
                ("targetName", text(&bundle.target)),
                ("testKind", text(if bundle.is_ui { "UI" } else { "app hosted" })),
                ("tests", array(&[group("All tests", &[inside])])),
            ],
        )
    });
    let plan = typed(
        "ActionTestPlanRunSummary",
        [("name", text("Test Scheme Action")), ("testableSummaries", array(&testables.collect::<Vec<_>>()))],
    );
    typed("ActionTestPlanRunSummaries", [("summaries", array(&[plan]))])
}

fn suites(bundle: &TestBundleResult) -> Vec<Value> {
    let mut names: Vec<&str> = bundle.cases.iter().map(|case| case.test.suite.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let cases = |suite: &str| -> Vec<Value> { bundle.cases.iter().filter(|case| case.test.suite == suite).map(metadata).collect() };
    names.into_iter().flat_map(|suite| if suite.is_empty() { cases(suite) } else { vec![group(suite, &cases(suite))] }).collect()
}

fn group(name: &str, nested: &[Value]) -> Value {
    typed("ActionTestSummaryGroup", [("identifier", text(name)), ("name", text(name)), ("subtests", array(nested))])
}

fn metadata(case: &CaseResult) -> Value {
    let status = match case.test.script {
        Script::Pass => "Success",
        Script::Fail { .. } | Script::Crash { .. } => "Failure",
        Script::Skip { .. } => "Skipped",
    };
    typed(
        "ActionTestMetadata",
        [
            ("duration", word("Double", &case.seconds.to_string())),
            ("identifier", text(&case.test.identifier())),
            ("name", text(&case.test.called())),
            ("testStatus", text(status)),
        ],
    )
}
