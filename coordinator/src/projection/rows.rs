//! What one record changed, ready to be written.

use rch_scheduler::{FarmConfig, Run, State, Touched};
use rch_schemas::{LedgerId, RunId};
use serde::{Deserialize, Serialize};

use crate::ledger::Position;

/// The rows that one record changed, and the position after it.
#[derive(Debug)]
pub(crate) struct Rows {
    /// The end of what is applied with these rows.
    pub(crate) position: Position,
    /// Which rows they are.
    pub(crate) touched: Touched,
    pub(super) farm: Option<Vec<u8>>,
    pub(super) runs: Vec<RunRow>,
    /// Id and row; jobs of forgotten runs are not among them.
    pub(super) jobs: Vec<(String, Vec<u8>)>,
    /// Name and row.
    pub(super) workers: Vec<(String, Vec<u8>)>,
    /// Digest and row; one without a row left the state, and moves to the old ones.
    pub(super) judgements: Vec<(String, Option<Vec<u8>>)>,
}

/// What belongs to no run, job or worker.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct FarmRow {
    /// The ledger's name.
    pub(crate) ledger_id: Option<LedgerId>,
    /// Counts leaders.
    pub(crate) term: u64,
    /// The configuration in force.
    pub(crate) config: FarmConfig,
    /// Counts changes of the fleet.
    pub(crate) fleet_version: u64,
}

impl FarmRow {
    fn of(state: &State) -> Self {
        Self { ledger_id: state.ledger_id.clone(), term: state.term, config: state.config.clone(), fleet_version: state.fleet_version }
    }
}

#[derive(Debug)]
pub(super) enum RunRow {
    /// It is in the state.
    Kept { run_id: RunId, accepted: (u64, u32), has_gap: bool, bytes: Vec<u8> },
    /// It left the state: its rows move to the old ones.
    Forgotten { run_id: RunId },
}

impl Rows {
    /// The rows of `touched` as they are in `state`, which is at `position`.
    pub(crate) fn of(state: &State, position: Position, touched: Touched) -> Self {
        let runs = touched.runs.iter().map(|run_id| run_row(run_id, state.runs.get(run_id))).collect();
        let jobs = touched.jobs.iter().filter_map(|id| Some((id.to_string(), bytes(state.jobs.get(id)?)))).collect();
        let workers = touched.workers.iter().filter_map(|name| Some((name.to_string(), bytes(state.workers.get(name)?)))).collect();
        let farm = touched.meta.then(|| bytes(&FarmRow::of(state)));
        let judgements = touched.judgements.iter().map(|sha256| (sha256.to_string(), state.judgement(sha256).map(bytes))).collect();
        Self { position, touched, farm, runs, jobs, workers, judgements }
    }
}

fn run_row(run_id: &RunId, run: Option<&Run>) -> RunRow {
    match run {
        Some(run) => RunRow::Kept {
            run_id: run_id.clone(),
            accepted: (run.accepted.0.0, run.accepted.1),
            has_gap: run.source_gap.is_some() && run.ended.is_none(),
            bytes: bytes(run),
        },
        None => RunRow::Forgotten { run_id: run_id.clone() },
    }
}

pub(super) fn bytes(row: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(row).expect("rows serialize: their maps have text keys")
}
