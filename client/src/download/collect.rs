//! The sets of a run, each waited for, fetched and checked.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rch_schemas::JobId;
use rch_schemas::document::{Farm, Summary};
use rch_schemas::wire::http::{JobState, JobView, RunView};

use super::documents;
use super::fetch::{DownloadError, Fetched, Wanted, fetch};
use super::place::Place;
use crate::farm::FarmClient;
use crate::output::grouped;

/// How long the set of a job that ran may be on its way after the run has ended: it is written after the event that ends the job.
const PATIENCE: Duration = Duration::from_mins(1);
/// The same for a job that never ran: its set is small, and made by the coordinator alone.
const PATIENCE_NEVER_RAN: Duration = Duration::from_secs(5);
/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(200);

/// Fetches sets into their place.
pub(crate) struct Collector<'a> {
    /// The coordinator.
    pub(crate) client: &'a FarmClient,
    /// Whose keys are believed.
    pub(crate) farm: &'a Farm,
    /// Where they go.
    pub(crate) place: &'a Place,
    /// What of them.
    pub(crate) wanted: Wanted,
}

/// What was fetched, and what was not.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    /// The sets that are here and are what was signed.
    pub(crate) sets: Vec<(JobId, Fetched)>,
    /// The sets that are not.
    pub(crate) failures: Vec<DownloadError>,
    /// What else is not here, in words.
    pub(crate) notices: Vec<String>,
}

impl Collector<'_> {
    /// Everything of `run`, which has ended; of the jobs in `only`, when there are some.
    pub(crate) async fn run(&self, run: &RunView, only: Option<&JobId>) -> Collected {
        let mut collected = Collected::default();
        let run_id = &run.plan.run_id;
        let directory = match self.place.prepare(run_id) {
            Ok(directory) => directory,
            Err(source) => {
                collected.failures.push(DownloadError::Local { path: self.place.run(run_id), source });
                return collected;
            }
        };
        let run = self.when_ready(run, only).await;
        for job in run.jobs.iter().filter(|job| only.is_none_or(|only| *only == job.job_id)) {
            self.job(job, &mut collected).await;
        }
        collected.notices.extend(documents::fetch(self.client, &run, &directory).await);
        collected
    }

    async fn job(&self, job: &JobView, collected: &mut Collected) {
        if job.manifest_sha256.is_none() {
            let named = format!("{} {}", job.action, job.job_id);
            match job.state {
                JobState::Succeeded => collected.failures.push(DownloadError::Missing { job: named }),
                JobState::Failed | JobState::Cancelled => collected.notices.push(format!("the farm has no artifacts of {named}")),
                JobState::Queued | JobState::Running | JobState::Skipped | JobState::Rejected => {}
            }
            return;
        }
        match fetch(self.client, self.farm, job, &self.place.job(job), &self.wanted).await {
            Ok(fetched) => collected.sets.push((job.job_id.clone(), fetched)),
            Err(error) => collected.failures.push(error),
        }
    }

    /// The run once its sets can be read, or when waiting for them is no use any more.
    async fn when_ready(&self, run: &RunView, only: Option<&JobId>) -> RunView {
        let (started, mut run) = (Instant::now(), run.clone());
        loop {
            let waited = started.elapsed();
            let is_awaited = |job: &JobView| match job.state {
                JobState::Succeeded | JobState::Failed | JobState::Cancelled => {
                    waited < if job.duration_ms > 0 { PATIENCE } else { PATIENCE_NEVER_RAN }
                }
                JobState::Queued | JobState::Running | JobState::Skipped | JobState::Rejected => false,
            };
            let of_interest = |job: &&JobView| only.is_none_or(|only| *only == job.job_id);
            if !run.jobs.iter().filter(of_interest).any(|job| job.manifest_sha256.is_none() && is_awaited(job)) {
                return run;
            }
            tokio::time::sleep(PAUSE).await;
            // Out of reach for a moment is no more than another pause.
            run = self.client.run(run.plan.run_id.as_str()).await.unwrap_or(run);
        }
    }
}

impl Collected {
    /// `signed by macmini-02 (7c1f..e90a), 41 files match the manifest`; nothing when nothing was fetched.
    pub(crate) fn verified(&self) -> Option<String> {
        let mut signers: Vec<String> = self.sets.iter().map(|(_, set)| set.signed_by()).collect();
        signers.sort();
        signers.dedup();
        let files: usize = self.sets.iter().map(|(_, set)| set.files).sum();
        let matching = if files == 1 { "file matches" } else { "files match" };
        (!self.sets.is_empty()).then(|| format!("signed by {}, {} {matching} the manifest", signers.join(" and "), grouped(files as u64)))
    }

    /// Bytes that are here.
    pub(crate) fn bytes(&self) -> u64 {
        self.sets.iter().map(|(_, set)| set.bytes).sum()
    }

    /// Stored directories that stay on the farm, by path, with their bytes in each set.
    pub(crate) fn stays(&self) -> BTreeMap<&str, Vec<u64>> {
        let mut stays: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
        for (path, size) in self.sets.iter().flat_map(|(_, set)| &set.stays) {
            stays.entry(path).or_default().push(*size);
        }
        stays
    }

    /// What a job came to, in its own words.
    pub(crate) fn summary(&self, job_id: &JobId) -> Option<&Summary> {
        self.sets.iter().find(|(id, _)| id == job_id).and_then(|(_, set)| set.summary.as_ref())
    }
}
