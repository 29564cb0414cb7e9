//! What the tests came to; `test_summary.json` of the rich profile.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::build_summary::ReportSource;
use super::document;

document! {
    /// What the tests came to, case by case.
    job TestSummary = "test_summary" @ 1 {
        /// Where this was read from.
        pub source: ReportSource,
        /// The test plan; absent when the scheme has none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub plan: Option<String>,
        /// The devices the tests ran on; a clone is listed under its own name.
        pub devices: Vec<TestDevice>,
        /// From the start of testing to its end, in milliseconds.
        pub duration_ms: u64,
        /// How many cases came to what.
        pub counts: CaseCounts,
        /// The same for each configuration and device, when there are several.
        pub counts_by_place: Vec<PlaceCounts>,
        /// Every case; told apart by `id`, `configuration`, `device` and `arguments` together, since an id alone may repeat.
        pub cases: Vec<TestCase>,
        /// Failures of no case, such as a runner that could not be launched.
        pub unattributed_failures: Vec<TestFailure>,
        /// Processes that crashed while tests ran.
        pub crashed_processes: Vec<CrashedProcess>,
    }
}

/// A device that tests ran on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TestDevice {
    /// Such as `iPhone 16` or `Clone 1 of iPhone 16`.
    pub name: String,
    /// Such as `iOS Simulator`.
    pub platform: String,
    /// Such as `18.2`.
    pub os_version: String,
    /// The build of the runtime, such as `22C150`; of macOS itself for a Mac. Absent when the tool does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os_build: Option<String>,
    /// The architecture the tests ran on; absent when the tool does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
}

/// Cases by what they came to. `total` is the sum of `passed`, `failed`, `skipped`, `expected_failures`, `not_run` and `unknown`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CaseCounts {
    /// All cases.
    pub total: u32,
    /// Passed, be it at the last repetition.
    pub passed: u32,
    /// Failed, crashed ones among them.
    pub failed: u32,
    /// Skipped.
    pub skipped: u32,
    /// Failed as they were expected to.
    pub expected_failures: u32,
    /// Of the passed ones, those that failed before.
    pub flaky: u32,
    /// Found and never started.
    pub not_run: u32,
    /// With a result that the farm does not know; never counted as passed.
    pub unknown: u32,
}

impl CaseCounts {
    /// The counts of these cases.
    pub fn of<'a>(cases: impl IntoIterator<Item = &'a TestCase>) -> Self {
        let mut counts = Self::default();
        for case in cases {
            counts.total += 1;
            counts.flaky += u32::from(case.flaky);
            *match case.result {
                TestResult::Passed => &mut counts.passed,
                TestResult::Failed => &mut counts.failed,
                TestResult::Skipped => &mut counts.skipped,
                TestResult::ExpectedFailure => &mut counts.expected_failures,
                TestResult::NotRun => &mut counts.not_run,
                TestResult::Unknown => &mut counts.unknown,
            } += 1;
        }
        counts
    }
}

/// Counts of one configuration on one device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlaceCounts {
    /// The configuration of the test plan; absent when the plan has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<String>,
    /// The device's name.
    pub device: String,
    /// How many cases came to what.
    pub counts: CaseCounts,
}

/// One case: one test function with one set of arguments, in one configuration on one device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TestCase {
    /// `target/suite/name`; `target/name` for a case without a suite.
    pub id: String,
    /// The name that people gave it, or the function's.
    pub display_name: String,
    /// The configuration of the test plan; absent when the plan has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<String>,
    /// The device's name; absent when the tool does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// The arguments of a parameterised case, as printed; empty for others.
    pub arguments: Vec<String>,
    /// Each time it ran, in order; empty when it never did.
    pub repetitions: Vec<Repetition>,
    /// What it came to: the result of the last repetition.
    pub result: TestResult,
    /// Whether it passed after it had failed.
    pub flaky: bool,
    /// Why it was skipped, when the test says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped_reason: Option<String>,
    /// Why it was expected to fail, when it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_failure: Option<String>,
    /// Files that the test attached.
    pub attachments: Vec<TestAttachment>,
    /// The crash that ended it, when one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crash: Option<Crash>,
}

/// What a case or a repetition of it came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TestResult {
    /// It passed.
    Passed,
    /// It failed or crashed; also when it was expected to fail and did not.
    Failed,
    /// It was skipped.
    Skipped,
    /// It failed as it was expected to.
    ExpectedFailure,
    /// It was never started.
    NotRun,
    /// The tool says something that the farm does not know.
    Unknown,
}

/// One time a case ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Repetition {
    /// What it came to.
    pub result: TestResult,
    /// Milliseconds; absent when the tool does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// What failed; also where it failed as expected.
    pub failures: Vec<TestFailure>,
}

/// One failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TestFailure {
    /// The message, without the place that tools put before it.
    pub message: String,
    /// Relative to the tree, absolute when outside it; absent when the tool does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// From 1, though result bundles count from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub line: Option<u32>,
}

/// A file that a test attached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TestAttachment {
    /// The name the test gave it.
    pub name: String,
    /// Where it lies in the artifact set; absent when attachments were not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// A crash that ended a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Crash {
    /// The process that crashed; absent when the tool does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<String>,
    /// What the tool says of it, such as `Crash: SampleAppTests at FeedTests.testOrder()`.
    pub message: String,
}

/// A process that crashed while tests ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CrashedProcess {
    /// The process's name.
    pub process: String,
    /// Its process id; absent when the tool does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// What the tool says of it.
    pub message: String,
    /// The case that ran; absent when none did or the tool does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
}
