//! The outcome of a run: never from the exit code alone.

use rch_schemas::document::{Outcome, TestCounts};
use rch_schemas::{Action, Reason};

use super::log::LogFacts;
use super::markers::Marker;
use super::xcresult::TestResults;
use crate::attempt::{Exit, Stop};

/// `sysexits` that xcodebuild leaves with.
const EXIT_NO_INPUT: i32 = 66;

/// Everything that is known about a run.
#[derive(Debug)]
pub(crate) struct Evidence<'a> {
    pub(crate) action: Action,
    /// What the job says of a test action that runs no test: that it succeeds all the same.
    pub(crate) allow_empty: bool,
    pub(crate) exit: Exit,
    pub(crate) log: &'a LogFacts,
    pub(crate) tests: &'a TestEvidence,
    /// The architecture in the job key, which the destination warning must not contradict; absent for generic destinations.
    pub(crate) arch: Option<&'a str>,
}

/// What is known about tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TestEvidence {
    /// The action runs none.
    NotOwed,
    /// There should be results, and they cannot be read.
    Unreadable(String),
    /// The results.
    Read(TestResults),
}

impl TestEvidence {
    /// The counts, where there are any.
    pub(crate) fn counts(&self) -> Option<TestCounts> {
        match self {
            Self::Read(results) => Some(results.counts),
            Self::NotOwed | Self::Unreadable(_) => None,
        }
    }
}

/// The outcome, with one line for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) outcome: Outcome,
    pub(crate) sentence: String,
}

/// Weighs the evidence. The first rule that applies decides.
pub(crate) fn judge(evidence: &Evidence<'_>) -> Verdict {
    let failed = |reason: Reason| {
        let sentence = detail(evidence, reason).unwrap_or_else(|| reason.sentence().to_owned());
        Verdict { outcome: Outcome::because(reason), sentence: format!("{} failed: {sentence}", evidence.action) }
    };
    if let Some(reason) = stopped(evidence.exit) {
        return failed(reason);
    }
    if is_ambiguous(&evidence.log.destinations, evidence.arch) {
        return failed(Reason::DestinationAmbiguous);
    }
    let clean_exit = evidence.exit.code == Some(0);
    let said_so = evidence.log.marker == Some(Marker::Succeeded);
    let reason = match evidence.tests {
        TestEvidence::Read(results) if results.counts.failed > 0 => test_reason(evidence.log),
        TestEvidence::Read(results) if clean_exit && results.counts.total == 0 && !evidence.allow_empty => Reason::NoTestsRun,
        TestEvidence::NotOwed | TestEvidence::Read(_) if clean_exit && said_so => return succeeded(evidence),
        TestEvidence::Unreadable(_) if clean_exit => Reason::ArtifactsMissing,
        // A success that xcodebuild did not print is none; what it printed instead tells more, if anything does.
        TestEvidence::NotOwed | TestEvidence::Read(_) | TestEvidence::Unreadable(_) => from_log(evidence),
    };
    failed(reason)
}

fn succeeded(evidence: &Evidence<'_>) -> Verdict {
    let sentence = match evidence.tests.counts() {
        Some(counts) if counts.total == 0 => format!("{} succeeded: no tests ran, which allow_empty allows", evidence.action),
        Some(counts) if counts.skipped > 0 => {
            format!("{} succeeded: {} tests passed, {} skipped", evidence.action, counts.passed, counts.skipped)
        }
        Some(counts) => format!("{} succeeded: {} tests passed", evidence.action, counts.passed),
        None => format!("{} succeeded", evidence.action),
    };
    Verdict { outcome: Outcome::SUCCESS, sentence }
}

/// A signal counts as a timeout or a cancel only if we sent it.
fn stopped(exit: Exit) -> Option<Reason> {
    match exit.stopped {
        Some(Stop::Overall) => Some(Reason::TimeoutOverall),
        Some(Stop::Idle) => Some(Reason::TimeoutIdle),
        Some(Stop::Cancelled) => Some(Reason::CancelledByUser),
        Some(Stop::Shutdown) => Some(Reason::Interrupted),
        None => exit.signal.map(|_| Reason::Interrupted),
    }
}

/// Failed tests are the project's, unless the runner never got as far as the project.
fn test_reason(log: &LogFacts) -> Reason {
    match (log.farm, log.project) {
        (Some(reason @ (Reason::RunnerLaunch | Reason::SimulatorBoot)), _) => reason,
        (_, Some(Reason::TestCrash)) => Reason::TestCrash,
        _ => Reason::TestFailed,
    }
}

/// A compiler's error with a place is the project's whatever else stands in the log; then the farm's troubles; then the project's others.
fn from_log(evidence: &Evidence<'_>) -> Reason {
    let log = evidence.log;
    if !log.first_errors.is_empty() {
        return Reason::Compile;
    }
    if let Some(reason) = log.farm.or(log.project) {
        return reason;
    }
    match (log.marker, evidence.exit.code) {
        (Some(Marker::Interrupted), _) => Reason::Interrupted,
        _ if !log.failing_tests.is_empty() => Reason::TestFailed,
        (None, Some(EXIT_NO_INPUT)) => Reason::ProjectMissing,
        // An end without an end marker is not how xcodebuild ends.
        (None, Some(0)) => Reason::Internal,
        _ => Reason::BuildFailed,
    }
}

/// The narrowest thing that can be said in one line.
fn detail(evidence: &Evidence<'_>, reason: Reason) -> Option<String> {
    if reason == Reason::Compile {
        let error = evidence.log.first_errors.first()?;
        return Some(format!("{}:{}: {}", error.path, error.line, error.message));
    }
    if reason == Reason::BuildFailed {
        return evidence.log.said.clone();
    }
    if matches!(reason, Reason::TestFailed | Reason::TestCrash) {
        let counts = evidence.tests.counts()?;
        return Some(format!("{} of {} tests failed", counts.failed, counts.total));
    }
    if reason == Reason::NoTestsRun {
        return Some("no test ran; where that is right, allow_empty = true under the action allows it".to_owned());
    }
    if let (Reason::ArtifactsMissing, TestEvidence::Unreadable(why)) = (reason, evidence.tests) {
        return Some(why.clone());
    }
    let signal = evidence.exit.signal.filter(|_| reason == Reason::Interrupted)?;
    Some(format!("xcodebuild was ended by signal {signal}"))
}

/// Whether xcodebuild had a choice that matters: rows that differ in more than the architecture, or a first row of another architecture.
fn is_ambiguous(rows: &[String], arch: Option<&str>) -> bool {
    let Some(first) = rows.first() else { return false };
    let fields = |row: &str| -> Vec<String> {
        row.trim_matches(['{', '}', ' '])
            .split(", ")
            .map(str::trim)
            .filter(|field| !field.starts_with("arch:"))
            .map(str::to_owned)
            .collect()
    };
    // `Any Mac` and other placeholders are listed too; without an id they are nothing that could have been taken instead.
    let real = || rows.iter().filter(|row| row.contains("id:") && !row.contains(":placeholder"));
    let differs = real().any(|row| fields(row) != fields(first));
    let other_arch = arch.is_some_and(|arch| first.contains("arch:") && !first.contains(&format!("arch:{arch},")));
    differs || other_arch
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
