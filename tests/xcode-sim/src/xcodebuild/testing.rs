//! Testing: every selected test of every bundle, and the log XCTest and Swift Testing would print.

use super::log::Log;
use super::products::{TestBundle, TestProducts};
use super::swift_testing;
use super::xctest;
use crate::fingerprint::fingerprint;
use crate::project::TestSelection;
use crate::swift::{Script, TestKind, TestMethod};
use crate::tempo::{Interrupted, Phase, Tempo};
use crate::xcresult::{CaseResult, TestBundleResult};

/// What a test run works with.
pub(crate) struct Testing<'a, 'c> {
    pub(crate) log: &'a mut Log<'c>,
    pub(crate) tempo: &'a Tempo,
    pub(crate) selection: &'a TestSelection,
    /// "Clone 1 of iPhone 16", when tests run in parallel.
    pub(crate) clone: Option<String>,
    /// How many tests there are, to share the time out.
    pub(crate) steps: usize,
}

/// The tests of one bundle that are run, by one library.
pub(crate) struct Selected<'a> {
    pub(crate) target: &'a str,
    pub(crate) tests: Vec<&'a TestMethod>,
}

/// Runs the tests. Interrupted, it gives back those that were run.
pub(crate) fn run(products: &TestProducts, mut testing: Testing<'_, '_>) -> (Vec<TestBundleResult>, Option<Interrupted>) {
    let mut results = Vec::new();
    let tempo = testing.tempo;
    let log = &mut *testing.log;
    if let Err(interrupted) = tempo.hang(Phase::Test, &mut || log.line("note: Simulated Xcode: testing, and never done")) {
        return (results, Some(interrupted));
    }
    testing.steps = products.bundles.iter().map(|bundle| selected(bundle, testing.selection).count()).sum();
    for bundle in &products.bundles {
        let mut cases = Vec::new();
        let ended = run_bundle(bundle, &mut testing, &mut cases);
        results.push(TestBundleResult { target: bundle.target.clone(), is_ui: bundle.is_ui, cases });
        if let Err(interrupted) = ended {
            return (results, Some(interrupted));
        }
    }
    (results, None)
}

fn selected<'a>(bundle: &'a TestBundle, selection: &'a TestSelection) -> impl Iterator<Item = &'a TestMethod> {
    bundle.tests.iter().filter(|test| selection.wants(&bundle.target, &test.identifier()))
}

fn run_bundle(bundle: &TestBundle, testing: &mut Testing<'_, '_>, cases: &mut Vec<CaseResult>) -> Result<(), Interrupted> {
    let of = |wanted: fn(TestKind) -> bool| Selected {
        target: &bundle.target,
        tests: selected(bundle, testing.selection).filter(|test| wanted(test.kind)).collect(),
    };
    let swift_tests = of(|kind| kind == TestKind::SwiftTesting);
    let xctests = of(|kind| kind != TestKind::SwiftTesting);
    // XCTest reports its (empty) suites even when all tests are Swift Testing's.
    xctest::run(&xctests, testing, cases)?;
    if !swift_tests.tests.is_empty() {
        swift_testing::run(&swift_tests, testing, cases)?;
    }
    Ok(())
}

impl Testing<'_, '_> {
    /// Lets a test take its time.
    pub(crate) fn pass_time(&mut self) -> Result<(), Interrupted> {
        let log = &mut *self.log;
        self.tempo.step(Phase::Test, self.steps, &mut || {
            log.line("note: Simulated Xcode: still testing");
        })
    }
}

/// How a test that was run ended.
pub(crate) fn case_result(test: &TestMethod) -> CaseResult {
    CaseResult { test: test.clone(), seconds: seconds(test) }
}

/// A made-up duration that is the same each time.
fn seconds(test: &TestMethod) -> f64 {
    let spread = fingerprint(test.identifier().as_bytes()) % 8;
    f64::from(u32::try_from(spread).expect("a remainder of 8 fits")) * 0.0005 + 0.001
}

/// Whether a test failed, a crash included.
pub(crate) const fn has_failed(script: &Script) -> bool {
    match script {
        Script::Fail { .. } | Script::Crash { .. } => true,
        Script::Pass | Script::Skip { .. } => false,
    }
}
