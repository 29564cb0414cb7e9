//! The way of one attempt through its phases.

use std::time::Duration;

use rch_schemas::document::Job;
use rch_schemas::job_key::{Provisioning, ResolvedDestination};
use rch_schemas::seal::Reading;
use rch_schemas::wire::agent::{Finished, ReportBody};
use rch_schemas::{Reason, Timestamp};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::destination::{Provisioned, Provisioner};
use super::directory::AttemptDirectory;
use super::ending::GivenUp;
use super::evidence::{self, Evidence};
use super::life::{Life, Step};
use super::progress::Progress;
use super::watchdog::Stop;
use super::workshop::Workshop;
use super::{AttemptKey, EPHEMERAL_PREFIX, destination, documents};
use crate::caches::{Fetched, Source};
use crate::clock::{self, Uptime};
use crate::crash_point;
use crate::probe;

/// `finished` waits this long for the stream's end; what is missing then is in the set's log.
const STREAM_GRACE: Duration = Duration::from_secs(10);

/// How often the limits are looked at while no backend runs.
const LOOK: Duration = Duration::from_millis(200);

/// One attempt under way.
pub(super) struct Attempt<'a> {
    pub(super) workshop: &'a Workshop,
    pub(super) job: &'a Job,
    pub(super) key: &'a AttemptKey,
    pub(super) directory: &'a AttemptDirectory,
    pub(super) progress: &'a Progress,
    pub(super) stop: watch::Receiver<Option<Stop>>,
    pub(super) started: Uptime,
    pub(super) started_at: Timestamp,
    pub(super) life: Life,
    pub(super) provisioned: Provisioned,
    pub(super) streams: JoinSet<()>,
    /// Keeps the Mac awake; killed with the attempt if it has not ended by itself.
    pub(super) awake: Option<tokio::process::Child>,
    pub(super) evidence: JoinSet<Evidence>,
}

impl<'a> Attempt<'a> {
    pub(super) fn new(
        workshop: &'a Workshop,
        job: &'a Job,
        key: &'a AttemptKey,
        (directory, progress): (&'a AttemptDirectory, &'a Progress),
        stop: watch::Receiver<Option<Stop>>,
    ) -> Self {
        let started = Uptime::now();
        let mut evidence = JoinSet::new();
        evidence.spawn(evidence::fetch(workshop.workspace.store.clone(), job.clone()));
        Self {
            workshop,
            job,
            key,
            directory,
            progress,
            stop,
            started,
            started_at: clock::wall(),
            life: Life::new(started),
            provisioned: Provisioned::default(),
            streams: JoinSet::new(),
            awake: None,
            evidence,
        }
    }

    /// Goes through all phases. The simulator made on the way is gone when this returns, however it returns.
    pub(super) async fn live(&mut self) -> ReportBody {
        let result = self.phases().await;
        let body = match result {
            Ok(finished) => {
                self.step(Step::SetStored);
                ReportBody::Finished(Box::new(finished))
            }
            Err(given_up) => {
                self.step(Step::GivenUp);
                self.release_unfinished().await;
                given_up.report(self.key)
            }
        };
        tracing::info!(job_id = %self.key.job_id, attempt = %self.key.attempt, outcome = body.kind(), elapsed_ms = self.started.elapsed_ms(), "attempt ended");
        body
    }

    async fn phases(&mut self) -> Result<Finished, GivenUp> {
        let job = self.job;
        self.step(Step::FetchBegun);
        let (source, fetched) = self.source().await?;
        self.step(Step::SourceUnpacked);
        let before = self.reading().await?;
        self.provision().await?;
        self.step(Step::DestinationReady);
        let ran = self.execute(&source).await?;
        self.step(Step::BackendEnded);
        let stop = self.stop.clone();
        let collected = tokio::select! {
            why = must_stop(stop, None) => return Err(GivenUp::stopped(why)),
            collected = self.collect(&source, fetched, &before, &ran) => collected?,
        };
        self.step(Step::ResultsCollected);
        let (verdict, attestation) = collected;
        let duration_ms = self.started.elapsed_ms();
        let upload = Uptime::now();
        let stop = self.stop.clone();
        tokio::select! {
            why = must_stop(stop, None) => return Err(GivenUp::stopped(why)),
            stored = self.upload(documents::made_at(&attestation)) => stored?,
        }
        crash_point::reached("uploaded");
        self.wait_for_stream(STREAM_GRACE.saturating_sub(Uptime::now().since(ran.ended))).await;
        Ok(Finished {
            job_id: job.job_id.clone(),
            attempt: job.attempt,
            outcome: verdict.outcome,
            human_summary: verdict.sentence,
            manifest_sha256: attestation.manifest_sha256,
            attestation,
            artifact_profile: job.artifact_profile,
            duration_ms,
            log_bytes: ran.log_bytes,
            log_sha256: ran.log_sha256,
            upload_ms: upload.elapsed_ms(),
        })
    }

    fn step(&mut self, step: Step) {
        let now = Uptime::now();
        if let Some(phase) = self.life.step(step, now) {
            self.progress.enter(phase, now);
            crash_point::reached(phase.as_str());
            tracing::debug!(job_id = %self.key.job_id, attempt = %self.key.attempt, phase = phase.as_str(), "phase");
        }
    }

    pub(super) fn deadline(&self) -> Uptime {
        let overall = u64::from(self.job.timeouts.overall_seconds) * 1_000;
        Uptime::from_millis(self.started.millis().saturating_add(overall))
    }

    /// The run's tree: unpacked by whichever of its jobs comes first.
    async fn source(&mut self) -> Result<(Source, Fetched), GivenUp> {
        let (workshop, job, deadline, stop) = (self.workshop, self.job, self.deadline(), self.stop.clone());
        let cell = workshop.workspace.sources.of(&job.run_id);
        let mut fetched = Fetched::default();
        let mut unpacking = false;
        let filled = cell.get_or_try_init(|| async {
            let (recipe, cost) = workshop.workspace.fetch(job).await?;
            fetched = cost;
            unpacking = true;
            self.step(Step::SourceFetched);
            workshop.workspace.unpack(&job.run_id, recipe).await.map_err(GivenUp::from)
        });
        let source = tokio::select! {
            why = must_stop(stop, Some(deadline)) => return Err(GivenUp::stopped(why)),
            source = filled => source?.clone(),
        };
        if !unpacking {
            self.step(Step::SourceFetched);
        }
        Ok((source, fetched))
    }

    /// Toolchain and destination as the machine reports them now; a difference from the job key ends the attempt.
    pub(super) async fn reading(&self) -> Result<Reading, GivenUp> {
        let reading = probe::read(&self.workshop.tools, &self.job.job_key_inputs).await?;
        match probe::difference(&reading, &self.job.job_key_inputs) {
            None => Ok(reading),
            Some(difference) => Err(GivenUp::new(Reason::ToolchainChanged, difference)),
        }
    }

    pub(super) fn provisioner(&self) -> Provisioner<'a> {
        let developer_dir = &self.job.job_key_inputs.toolchain.developer_dir;
        Provisioner { tools: &self.workshop.tools, developer_dir, key: self.key, action: self.job.action }
    }

    async fn provision(&mut self) -> Result<(), GivenUp> {
        let (deadline, stop, provisioner) = (self.deadline(), self.stop.clone(), self.provisioner());
        let wanted = &self.job.job_key_inputs.destination;
        tokio::select! {
            why = must_stop(stop, Some(deadline)) => Err(GivenUp::stopped(why)),
            done = provisioner.provision(wanted, &mut self.provisioned) => Ok(done?),
        }
    }

    /// Also what was made in the moment the attempt was stopped, whose identity nobody has read.
    async fn release_unfinished(&mut self) {
        let provisioner = self.provisioner();
        if !provisioner.release(&mut self.provisioned).await || self.provisioned.udid.is_some() {
            return;
        }
        if let ResolvedDestination::Simulator { provisioning: Provisioning::Ephemeral, .. } = self.job.job_key_inputs.destination {
            let name = format!("{EPHEMERAL_PREFIX}{}-{}", self.key.job_id, self.key.attempt);
            destination::sweep(&self.workshop.tools, provisioner.developer_dir, &name).await;
        }
    }
}

/// Returns when the attempt must end: it was told to, or its deadline has passed.
async fn must_stop(mut stop: watch::Receiver<Option<Stop>>, deadline: Option<Uptime>) -> Stop {
    loop {
        if let Some(why) = *stop.borrow_and_update() {
            return why;
        }
        if deadline.is_some_and(|deadline| Uptime::now() >= deadline) {
            return Stop::Overall;
        }
        let _ = tokio::time::timeout(LOOK, async {
            if stop.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        })
        .await;
    }
}
