//! What the rich profile says of a build and its tests, wherever it was read from.

use std::collections::BTreeMap;

use rch_schemas::document::{
    CaseCounts, CrashedProcess, Diagnostic, DiagnosticCounts, FailedCommand, FailedScript, FirstError, PackageVersion, PhaseTime,
    PlaceCounts, ReportSource, TargetSummary, TestCase, TestDevice, TestFailure,
};

use super::diagnostic::Diagnostics;
use super::log::LogReading;

/// Everything of `test_summary.json` but its header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TestReport {
    pub(crate) source: ReportSource,
    pub(crate) plan: Option<String>,
    pub(crate) devices: Vec<TestDevice>,
    pub(crate) duration_ms: u64,
    pub(crate) cases: Vec<TestCase>,
    pub(crate) unattributed_failures: Vec<TestFailure>,
    pub(crate) crashed_processes: Vec<CrashedProcess>,
}

impl TestReport {
    /// The counts of every configuration and device, when there are several.
    pub(crate) fn counts_by_place(&self) -> Vec<PlaceCounts> {
        let mut places: BTreeMap<(Option<&str>, &str), Vec<&TestCase>> = BTreeMap::new();
        for case in &self.cases {
            let place = (case.configuration.as_deref(), case.device.as_deref().unwrap_or_default());
            places.entry(place).or_default().push(case);
        }
        if places.len() < 2 {
            return Vec::new();
        }
        let counted = places.into_iter().map(|((configuration, device), cases)| PlaceCounts {
            configuration: configuration.map(str::to_owned),
            device: device.to_owned(),
            counts: CaseCounts::of(cases),
        });
        counted.collect()
    }
}

/// The diagnostics of a result bundle, with the time the build took.
#[derive(Debug, Clone, Default)]
pub(crate) struct BuildResults {
    pub(super) diagnostics: Diagnostics,
    pub(super) duration_ms: Option<u64>,
}

/// Everything of `build_summary.json` but its header and the job's status.
#[derive(Debug)]
pub(crate) struct BuildReport {
    pub(crate) source: ReportSource,
    pub(crate) duration_ms: u64,
    pub(crate) phases: Vec<PhaseTime>,
    pub(crate) targets: Vec<TargetSummary>,
    pub(super) diagnostics: Diagnostics,
    pub(crate) first_error: Option<FirstError>,
    pub(crate) failed_commands: Vec<FailedCommand>,
    pub(crate) failed_scripts: Vec<FailedScript>,
    pub(crate) packages: Vec<PackageVersion>,
}

impl BuildReport {
    /// Unique diagnostics, as far as they are listed.
    pub(crate) fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics.list
    }

    /// Those beyond.
    pub(crate) fn diagnostics_omitted(&self) -> u32 {
        self.diagnostics.omitted
    }

    /// All of them.
    pub(crate) fn counts(&self) -> DiagnosticCounts {
        self.diagnostics.counts
    }
}

impl LogReading {
    /// The tests as the log tells them, which took `duration_ms`.
    pub(crate) fn test_report(&self, duration_ms: u64) -> TestReport {
        TestReport {
            source: ReportSource::Log,
            plan: None,
            devices: Vec::new(),
            duration_ms,
            cases: self.tests.cases.clone(),
            unattributed_failures: self.tests.unattributed.clone(),
            crashed_processes: Vec::new(),
        }
    }

    /// The build: its diagnostics from the result bundle where there is one, with their places in the log; what only the log tells from there.
    pub(crate) fn build_report(&self, results: Option<BuildResults>, ran_ms: u64) -> BuildReport {
        let log = &self.build;
        // The log has the order in which errors were reported.
        let first_error = log.diagnostics.placed_errors().next();
        let (source, duration_ms, mut diagnostics) = match results {
            Some(results) => (ReportSource::Xcresult, results.duration_ms.unwrap_or(ran_ms), results.diagnostics),
            None => (ReportSource::Log, ran_ms, log.diagnostics.clone()),
        };
        if source == ReportSource::Xcresult {
            diagnostics.find_in(&log.diagnostics);
        }
        BuildReport {
            source,
            duration_ms,
            phases: log.phases.clone(),
            targets: log.targets.clone(),
            first_error: first_error.or_else(|| diagnostics.placed_errors().next()),
            diagnostics,
            failed_commands: log.failed_commands.clone(),
            failed_scripts: log.failed_scripts.clone(),
            packages: log.packages.clone(),
        }
    }
}
