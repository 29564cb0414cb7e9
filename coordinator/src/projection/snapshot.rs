//! Reading: one consistent moment of the projection.

use std::collections::BTreeSet;
use std::str::FromStr;

use rch_scheduler::{Job, Judgement, Run, State, StateRows, Worker};
use rch_schemas::{JobId, RunId, WorkerName};
use redb::{Database, ReadOnlyTable, ReadTransaction, ReadableDatabase as _, ReadableTable as _, TableDefinition};
use serde::de::DeserializeOwned;

use super::error::ProjectionError;
use super::rows::FarmRow;
use super::table::{ARRIVALS, FARM_KEY, GAPS, JOBS, JUDGEMENTS, META, OLD_JOBS, OLD_JUDGEMENTS, OLD_RUNS, POSITION_KEY, RUNS, WORKERS};
use crate::ledger::Position;

type Rows = ReadOnlyTable<&'static str, &'static [u8]>;

/// One moment: all its answers fit together. Held shortly, since it keeps old pages alive.
pub(crate) struct Snapshot {
    transaction: ReadTransaction,
}

impl Snapshot {
    /// The moment now.
    pub(super) fn of(database: &Database) -> Result<Self, ProjectionError> {
        Ok(Self { transaction: database.begin_read()? })
    }

    /// The end of what is applied.
    pub(crate) fn position(&self) -> Result<Position, ProjectionError> {
        Ok(self.meta(POSITION_KEY)?.unwrap_or_default())
    }

    /// What belongs to no run, job or worker; before the first record, that of an empty state.
    pub(crate) fn farm(&self) -> Result<FarmRow, ProjectionError> {
        Ok(self.meta(FARM_KEY)?.unwrap_or_default())
    }

    /// A run, forgotten or not.
    pub(crate) fn run(&self, run_id: &RunId) -> Result<Option<Run>, ProjectionError> {
        match self.get(RUNS, "runs", run_id.as_str())? {
            Some(run) => Ok(Some(run)),
            None => self.get(OLD_RUNS, "old_runs", run_id.as_str()),
        }
    }

    /// A job, of whatever run.
    pub(crate) fn job(&self, job_id: &JobId) -> Result<Option<Job>, ProjectionError> {
        match self.get(JOBS, "jobs", job_id.as_str())? {
            Some(job) => Ok(Some(job)),
            None => self.get(OLD_JOBS, "old_jobs", job_id.as_str()),
        }
    }

    /// A job with its run.
    pub(crate) fn job_and_run(&self, job_id: &JobId) -> Result<Option<(Job, Run)>, ProjectionError> {
        let Some(job) = self.job(job_id)? else { return Ok(None) };
        Ok(self.run(&job.run_id)?.map(|run| (job, run)))
    }

    /// The jobs of a run, in plan order.
    pub(crate) fn jobs_of(&self, run: &Run) -> Result<Vec<Job>, ProjectionError> {
        run.jobs().filter_map(|job_id| self.job(job_id).transpose()).collect()
    }

    /// What the choices of a run rest on, the run ended or not.
    pub(crate) fn judgements_of(&self, run: &Run) -> Result<Vec<Judgement>, ProjectionError> {
        let wanted: BTreeSet<_> = run.judgements().map(|sha256| sha256.to_string()).collect();
        let mut judgements = Vec::new();
        for sha256 in &wanted {
            let there = self.get(JUDGEMENTS, "judgements", sha256)?;
            judgements.extend(if there.is_some() { there } else { self.get(OLD_JUDGEMENTS, "old_judgements", sha256)? });
        }
        Ok(judgements)
    }

    /// A run as a state of its own: what its documents are made of.
    pub(crate) fn state_of(&self, run: &Run) -> Result<State, ProjectionError> {
        let (jobs, judgements) = (self.jobs_of(run)?, self.judgements_of(run)?);
        Ok(State::from_rows(StateRows { runs: vec![run.clone()], jobs, judgements, ..StateRows::default() }))
    }

    /// A worker.
    pub(crate) fn worker(&self, name: &WorkerName) -> Result<Option<Worker>, ProjectionError> {
        self.get(WORKERS, "workers", name.as_str())
    }

    /// All workers by name.
    pub(crate) fn workers(&self) -> Result<Vec<Worker>, ProjectionError> {
        self.all(WORKERS, "workers")
    }

    /// Ids of the newest runs, newest first, those that left the state among them.
    pub(crate) fn newest_runs(&self, limit: usize) -> Result<Vec<RunId>, ProjectionError> {
        let table = self.transaction.open_table(ARRIVALS)?;
        let mut ids = Vec::new();
        for entry in table.iter()?.rev().take(limit) {
            let (_, id) = entry?;
            ids.extend(id.value().parse());
        }
        Ok(ids)
    }

    /// Ids of runs that start with `prefix`, at most `limit`, those that left the state among them.
    pub(crate) fn runs_starting_with(&self, prefix: &str, limit: usize) -> Result<Vec<RunId>, ProjectionError> {
        self.starting_with([RUNS, OLD_RUNS], prefix, limit)
    }

    /// Ids of jobs that start with `prefix`, at most `limit`, those that left the state among them.
    pub(crate) fn jobs_starting_with(&self, prefix: &str, limit: usize) -> Result<Vec<JobId>, ProjectionError> {
        self.starting_with([JOBS, OLD_JOBS], prefix, limit)
    }

    fn starting_with<T: FromStr>(
        &self,
        tables: [TableDefinition<&'static str, &'static [u8]>; 2],
        prefix: &str,
        limit: usize,
    ) -> Result<Vec<T>, ProjectionError> {
        let mut ids = Vec::new();
        for table in tables {
            let table = self.transaction.open_table(table)?;
            for entry in table.range(prefix..)? {
                let (key, _) = entry?;
                if !key.value().starts_with(prefix) || ids.len() >= limit {
                    break;
                }
                ids.extend(key.value().parse());
            }
        }
        Ok(ids)
    }

    /// Runs that wait for chunks of their source.
    pub(crate) fn runs_with_gap(&self) -> Result<Vec<Run>, ProjectionError> {
        let table = self.transaction.open_table(GAPS)?;
        let mut runs = Vec::new();
        for entry in table.iter()? {
            let (key, ()) = entry.map(|(key, _)| (key, ()))?;
            runs.extend(self.get(RUNS, "runs", key.value())?);
        }
        Ok(runs)
    }

    /// The runs of the state, in order of id.
    pub(crate) fn runs(&self) -> Result<Vec<Run>, ProjectionError> {
        self.all(RUNS, "runs")
    }

    /// The rows the state is made of.
    pub(crate) fn state_rows(&self) -> Result<StateRows, ProjectionError> {
        let FarmRow { ledger_id, term, config, fleet_version } = self.farm()?;
        let (workers, runs, jobs) = (self.workers()?, self.runs()?, self.all(JOBS, "jobs")?);
        let judgements = self.all(JUDGEMENTS, "judgements")?;
        Ok(StateRows { ledger_id, term, config, fleet_version, workers, runs, jobs, judgements })
    }

    fn meta<T: DeserializeOwned>(&self, key: &'static str) -> Result<Option<T>, ProjectionError> {
        self.get(META, "meta", key)
    }

    fn get<T: DeserializeOwned>(
        &self,
        definition: TableDefinition<&'static str, &'static [u8]>,
        table: &'static str,
        key: &str,
    ) -> Result<Option<T>, ProjectionError> {
        let rows: Rows = self.transaction.open_table(definition)?;
        let Some(value) = rows.get(key)? else { return Ok(None) };
        parse(table, key, value.value()).map(Some)
    }

    fn all<T: DeserializeOwned>(
        &self,
        definition: TableDefinition<&'static str, &'static [u8]>,
        table: &'static str,
    ) -> Result<Vec<T>, ProjectionError> {
        let rows: Rows = self.transaction.open_table(definition)?;
        let mut all = Vec::new();
        for entry in rows.iter()? {
            let (key, value) = entry?;
            all.push(parse(table, key.value(), value.value())?);
        }
        Ok(all)
    }
}

fn parse<T: DeserializeOwned>(table: &'static str, key: &str, bytes: &[u8]) -> Result<T, ProjectionError> {
    serde_json::from_slice(bytes).map_err(|source| ProjectionError::Row { table, key: key.to_owned(), source })
}
