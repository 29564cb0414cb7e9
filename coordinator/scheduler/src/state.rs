//! The state: what is not yet over, workers, and ended runs until they are forgotten.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use rch_schemas::document::Resolution;
use rch_schemas::{JobId, LedgerId, LedgerSeq, RequestId, RunId, Sha256, WorkerName};

use crate::config::FarmConfig;
use crate::estimate::Durations;
use crate::job::Job;
use crate::judgement::{Judgement, Judgements};
use crate::queue::Index;
use crate::run::{Label, MadeSelection, Run};
use crate::worker::Worker;

/// Everything that decisions are made from, beside [`crate::Observed`]. Changed by [`crate::apply`] alone.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    /// The ledger's name; absent before its first record.
    pub ledger_id: Option<LedgerId>,
    /// Counts leaders.
    pub term: u64,
    /// The configuration in force.
    pub config: FarmConfig,
    /// Counts changes of the fleet.
    pub fleet_version: u64,
    /// Workers by name.
    pub workers: BTreeMap<WorkerName, Worker>,
    /// Runs by id.
    pub runs: BTreeMap<RunId, Run>,
    /// Jobs by id.
    pub jobs: BTreeMap<JobId, Job>,
    /// Judgements of the present fleet, and those that runs which have not ended rest on.
    pub(crate) judgements: Judgements,
    /// Runs that have not ended, in order of arrival.
    pub(crate) active: BTreeMap<(LedgerSeq, u32), RunId>,
    /// Who waits for which worker, and what time makes due: made of the rows above.
    pub(crate) index: Index,
    /// Runs that have not ended, by label.
    pub(crate) labelled: BTreeMap<Label, BTreeSet<RunId>>,
    /// Requests by requester and id.
    pub(crate) requests: BTreeMap<(String, RequestId), RunId>,
    /// How long ended jobs took.
    pub(crate) durations: Durations,
}

impl State {
    /// The state whose rows these are: what a projection holds.
    pub fn from_rows(rows: StateRows) -> Self {
        let mut state = Self {
            ledger_id: rows.ledger_id,
            term: rows.term,
            config: rows.config,
            fleet_version: rows.fleet_version,
            workers: rows.workers.into_iter().map(|worker| (worker.name.clone(), worker)).collect(),
            jobs: rows.jobs.into_iter().map(|job| (job.job_id.clone(), job)).collect(),
            judgements: Judgements::from_rows(rows.fleet_version, rows.judgements),
            ..Self::default()
        };
        for run in rows.runs {
            state.insert_run(run);
        }
        state.rebuild_index();
        let ended: Vec<_> = state.jobs.values().filter(|job| job.outcome().is_some()).map(|job| job.job_id.clone()).collect();
        for job_id in ended {
            state.measure(&job_id);
        }
        state
    }

    /// Runs that have not ended, in order of arrival.
    pub fn active_runs(&self) -> impl Iterator<Item = &Run> {
        self.active.values().filter_map(|run_id| self.runs.get(run_id))
    }

    /// The run of a request, with the digest of the request's body.
    pub fn request(&self, requester: &str, request_id: &RequestId) -> Option<(&RunId, &Sha256)> {
        let run_id = self.requests.get(&(requester.to_owned(), request_id.clone()))?;
        self.runs.get(run_id).map(|run| (run_id, &run.body_sha256))
    }

    /// The jobs of a run, in plan order.
    pub fn jobs_of<'a>(&'a self, run: &'a Run) -> impl Iterator<Item = &'a Job> {
        run.jobs().filter_map(|job_id| self.jobs.get(job_id))
    }

    /// The judgement of this digest, while the fleet is the one that was judged or a run that has not ended rests on it.
    pub fn judgement(&self, sha256: &Sha256) -> Option<&Judgement> {
        self.judgements.get(sha256)
    }

    /// The judgement of a class for the present fleet, if it was ever asked for.
    pub(crate) fn judgement_of_class(&self, class: &Sha256) -> Option<&Judgement> {
        self.judgements.of_class(class)
    }

    /// All judgements, by digest.
    pub fn judgements(&self) -> impl Iterator<Item = &Judgement> {
        self.judgements.iter()
    }

    /// What the chosen worker makes of the requirement; `None` when the judgement is no longer here.
    pub fn resolution(&self, made: &MadeSelection) -> Option<&Resolution> {
        self.judgements.get(&made.selection.judgement_sha256)?.resolution_of(&made.selection.worker)
    }

    /// A job and its run.
    pub fn job_and_run(&self, job_id: &JobId) -> Option<(&Job, &Run)> {
        let job = self.jobs.get(job_id)?;
        Some((job, self.runs.get(&job.run_id)?))
    }

    pub(crate) fn insert_run(&mut self, run: Run) {
        self.requests.insert((run.requester.clone(), run.request_id.clone()), run.run_id.clone());
        if run.ended.is_none() {
            self.active.insert(run.accepted, run.run_id.clone());
            run.judgements().for_each(|sha256| self.judgements.rest_on(sha256));
            if let Some(label) = run.label() {
                self.labelled.entry(label).or_default().insert(run.run_id.clone());
            }
        }
        self.runs.insert(run.run_id.clone(), run);
    }

    /// The run is over: no newer one need take its place.
    pub(crate) fn unlabel(&mut self, label: Option<Label>, run_id: &RunId) {
        if let Some(Entry::Occupied(mut runs)) = label.map(|label| self.labelled.entry(label)) {
            runs.get_mut().remove(run_id);
            if runs.get().is_empty() {
                runs.remove();
            }
        }
    }

    pub(crate) fn forget_run(&mut self, run_id: &RunId) {
        let jobs: Vec<_> = self.runs.get(run_id).map_or_else(Vec::new, |run| run.jobs().cloned().collect());
        for job_id in &jobs {
            self.unmeasure(job_id);
        }
        if let Some(run) = self.runs.remove(run_id) {
            self.requests.remove(&(run.requester.clone(), run.request_id.clone()));
            self.active.remove(&run.accepted);
            self.unlabel(run.label(), run_id);
            for job_id in &jobs {
                self.jobs.remove(job_id);
            }
        }
    }
}

/// The rows a state is made of.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StateRows {
    /// The ledger's name.
    pub ledger_id: Option<LedgerId>,
    /// Counts leaders.
    pub term: u64,
    /// The configuration in force.
    pub config: FarmConfig,
    /// Counts changes of the fleet.
    pub fleet_version: u64,
    /// All workers.
    pub workers: Vec<Worker>,
    /// All runs that are not forgotten.
    pub runs: Vec<Run>,
    /// Their jobs.
    pub jobs: Vec<Job>,
    /// The judgements of the present fleet, and those that runs which have not ended rest on.
    pub judgements: Vec<Judgement>,
}
