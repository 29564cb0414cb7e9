//! Who runs it, with which tools, and where: the evidence in a few words.

use std::time::{Duration, Instant};

use rch_schemas::destination::{DestinationKind, DestinationSpec, OsRequest};
use rch_schemas::document::{FleetJudgement, SelectionMode, WorkerSelection};
use rch_schemas::wire::http::RunView;

use crate::farm::{FarmClient, read};
use crate::output::{Label, Reporter};

/// The largest evidence: a thousand workers have 64 KiB.
const EVIDENCE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// How long the evidence may be on its way: it is written after the event that makes the choice. The run goes on meanwhile.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(100);

/// Tells the choice for one destination.
pub(super) fn tell(reporter: &mut Reporter, selection: &WorkerSelection) {
    reporter.fact(&Label::Worker, &worker(selection));
    reporter.details(&selection.notices);
    reporter.fact(&Label::Toolchain, &toolchain(selection));
    reporter.fact(&Label::Destination, &destination(selection));
}

/// Tells the choices of a run that was accepted: from the evidence, or from the plan while that is not written yet.
pub(super) async fn tell_run(reporter: &mut Reporter, client: &FarmClient, run: &RunView) {
    let started = Instant::now();
    for destination in &run.plan.destinations {
        let Some(chosen) = &destination.worker else { continue };
        let path = format!("selection/{}/worker_selection.json", destination.index);
        let evidence = loop {
            let bytes = client.run_file(&run.plan.run_id, &path, EVIDENCE_BYTES_MAX).await.ok();
            match bytes.and_then(|bytes| read::<WorkerSelection>(&bytes).ok()) {
                None if started.elapsed() < PATIENCE => tokio::time::sleep(PAUSE).await,
                evidence => break evidence,
            }
        };
        match evidence {
            Some(evidence) => tell(reporter, &evidence),
            None => reporter.fact(&Label::Worker, &format!("{chosen} ({})", mode(destination.mode))),
        }
    }
}

fn mode(mode: SelectionMode) -> &'static str {
    match mode {
        SelectionMode::Deterministic => "deterministic",
        SelectionMode::Adaptive => "adaptive",
    }
}

/// `macmini-02, first of 4 by priority, then name (deterministic)`.
fn worker(selection: &WorkerSelection) -> String {
    let (chosen, mode) = (&selection.selected_worker, mode(selection.mode));
    let judgement = selection.judgement.as_ref();
    if judgement.is_some_and(|judgement| judgement.requirement.worker.is_some()) {
        return format!("{chosen}, as asked for by name ({mode})");
    }
    match (selection.candidate_count, selection.mode) {
        (0 | 1, _) => {
            let considered = judgement.map_or(0, FleetJudgement::considered).max(1);
            format!("{chosen}, the only one of {considered} that can ({mode})")
        }
        (count, SelectionMode::Deterministic) => format!("{chosen}, first of {count} by priority, then name ({mode})"),
        (_, SelectionMode::Adaptive) => match selection.metrics.len() {
            0 | 1 => format!("{chosen}, the first with a free slot ({mode})"),
            several => format!("{chosen}, the best of {several} with a free slot ({mode})"),
        },
    }
}

/// `Xcode 16.2 (16C5032a), macOS 15.3.1 (24D60), arm64`.
fn toolchain(selection: &WorkerSelection) -> String {
    let tools = &selection.toolchain;
    let (xcode, macos) = (&selection.xcode_version, &tools.macos_version);
    format!("Xcode {xcode} ({}), macOS {macos} ({}), {}", tools.xcode_build, tools.macos_build, tools.arch)
}

/// `iPhone 16, iOS 18.2 (OS=latest on macmini-02)`.
fn destination(selection: &WorkerSelection) -> String {
    let resolved = selection.resolved.describe();
    let asked = selection.judgement.as_ref().map(|judgement| &judgement.requirement.destination.asked);
    let left_open = asked.and_then(|asked| DestinationSpec::parse(asked).ok()).is_some_and(|spec| {
        let on_simulator = matches!(spec.kind(), DestinationKind::Simulator(_) | DestinationKind::Open);
        on_simulator && spec.os == OsRequest::Latest
    });
    if left_open { format!("{resolved} (OS=latest on {})", selection.selected_worker) } else { resolved }
}
