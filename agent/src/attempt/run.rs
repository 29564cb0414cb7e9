//! The way of one attempt through its phases.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rch_schemas::document::{ArtifactProfile, DerivedDataCache, Job};
use rch_schemas::job_key::{Provisioning, ResolvedDestination};
use rch_schemas::seal::{Attestation, Reading, SigningKey};
use rch_schemas::wire::agent::{Finished, Offer, ReportBody};
use rch_schemas::{Action, LedgerSeq, Reason, RetryClass, Sha256, WorkerName};
use rch_store::layout::SetBase;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::destination::{Provisioned, Provisioner};
use super::directory::AttemptDirectory;
use super::documents::{self, Findings};
use super::ending::GivenUp;
use super::evidence::{self, Evidence};
use super::leftover::ProcessRecord;
use super::life::{Life, Step};
use super::process::{CommandLine, Exit, LogWriter, Running, Surroundings};
use super::progress::Progress;
use super::watchdog::{Limits, Stop};
use super::workspace::Workspace;
use super::{AttemptKey, EPHEMERAL_PREFIX, destination};
use crate::backend::{self, Plan};
use crate::caches::{Fetched, Source};
use crate::clock::Uptime;
use crate::error_line::error_line;
use crate::nats::{Acknowledge, Link, Log, stream_output};
use crate::outbox::Outbox;
use crate::probe;
use crate::results::{self, TestEvidence, Tree, Verdict};
use crate::tool::Tools;

/// `finished` waits this long for the stream's end; what is missing then is in the set's log.
const STREAM_GRACE: Duration = Duration::from_secs(10);
/// The set goes without its evidence when that is not there by then.
const EVIDENCE_GRACE: Duration = Duration::from_secs(10);
/// How often the limits are looked at while no backend runs.
const LOOK: Duration = Duration::from_millis(200);
/// Tries to store a set; a put may be repeated.
const UPLOAD_TRIES: u32 = 5;
/// Between two tries to store a set.
const UPLOAD_PAUSE: Duration = Duration::from_secs(2);

/// Everything attempts share.
#[derive(Debug)]
pub(crate) struct Workshop {
    pub(crate) worker: WorkerName,
    pub(crate) key: SigningKey,
    pub(crate) tools: Tools,
    pub(crate) workspace: Workspace,
    pub(crate) link: Link,
    pub(crate) outbox: Outbox,
    /// Where attempts have their directories.
    pub(crate) attempts: PathBuf,
    pub(crate) kill_grace: Duration,
}

/// An offer with the right to start it.
#[derive(Debug)]
pub(crate) struct Granted {
    pub(crate) offer: Box<Offer>,
    /// The record that granted it.
    pub(crate) ledger_seq: LedgerSeq,
    /// Says that the offer was taken.
    pub(crate) acknowledge: Option<Acknowledge>,
}

/// An attempt that is over; its report is in the outbox.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) key: AttemptKey,
    pub(crate) body: ReportBody,
}

impl Workshop {
    /// Runs a granted attempt to its end, whatever that is.
    pub(crate) async fn run(self: Arc<Self>, granted: Granted, progress: Arc<Progress>, stop: watch::Receiver<Option<Stop>>) -> Ended {
        let job = &granted.offer.job;
        let key = AttemptKey::new(&job.job_id, job.attempt);
        let directory = AttemptDirectory::of(&self.attempts, &key);
        let body = match persist(&directory, granted.ledger_seq).await {
            Ok(()) => {
                let mut attempt = Attempt::new(&self, job, &key, (&directory, &progress), stop);
                let acknowledged = async {
                    if let Some(acknowledge) = granted.acknowledge {
                        acknowledge.send().await;
                    }
                };
                tokio::join!(attempt.live(), acknowledged).0
            }
            Err(given_up) => given_up.report(&key),
        };
        self.keep(&key, &body).await;
        Ended { key, body }
    }

    /// Puts the last report of an attempt where a crash does not reach it.
    pub(crate) async fn keep(&self, key: &AttemptKey, body: &ReportBody) {
        let (outbox, key, body) = (self.outbox.clone(), key.clone(), body.clone());
        let kept = tokio::task::spawn_blocking(move || outbox.put(&key, &body).map_err(|error| (key, error))).await;
        if let Ok(Err((key, error))) = kept {
            // The report is still sent from memory; after a crash the attempt counts as interrupted.
            tracing::error!(attempt = %key, %error, "a report could not be kept on disk: free some space");
        }
    }
}

async fn persist(directory: &AttemptDirectory, ledger_seq: LedgerSeq) -> Result<(), GivenUp> {
    let directory = directory.clone();
    let created = tokio::task::spawn_blocking(move || directory.create(ledger_seq)).await;
    match created {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(GivenUp::new(super::workspace::io_reason(&error), format!("cannot make the attempt's directory: {error}"))),
        Err(error) => Err(GivenUp::internal(&error)),
    }
}

/// What `clean` asks for. Products that an earlier step of the run built for testing are no part of it.
async fn remove(derived_data: &Path) -> Result<(), GivenUp> {
    let derived_data = derived_data.to_owned();
    let removed = tokio::task::spawn_blocking(move || crate::durable::remove_dir(&derived_data)).await;
    removed.map_err(|error| GivenUp::internal(&error))?.map_err(|error| GivenUp::internal(&error))
}

/// One attempt under way.
struct Attempt<'a> {
    shop: &'a Workshop,
    job: &'a Job,
    key: &'a AttemptKey,
    directory: &'a AttemptDirectory,
    progress: &'a Progress,
    stop: watch::Receiver<Option<Stop>>,
    started: Uptime,
    life: Life,
    provisioned: Provisioned,
    streams: JoinSet<()>,
    evidence: JoinSet<Evidence>,
}

/// What a backend's run left.
struct Ran {
    line: CommandLine,
    exit: Exit,
    log_bytes: u64,
    log_sha256: Sha256,
    ended: Uptime,
}

impl<'a> Attempt<'a> {
    fn new(
        shop: &'a Workshop,
        job: &'a Job,
        key: &'a AttemptKey,
        (directory, progress): (&'a AttemptDirectory, &'a Progress),
        stop: watch::Receiver<Option<Stop>>,
    ) -> Self {
        let started = Uptime::now();
        let mut evidence = JoinSet::new();
        evidence.spawn(evidence::fetch(shop.workspace.store.clone(), job.clone()));
        Self {
            shop,
            job,
            key,
            directory,
            progress,
            stop,
            started,
            life: Life::new(started),
            provisioned: Provisioned::default(),
            streams: JoinSet::new(),
            evidence,
        }
    }

    /// Goes through all phases. The simulator made on the way is gone when this returns, however it returns.
    async fn live(&mut self) -> ReportBody {
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
        self.wait_for_stream(ran.ended).await;
        Ok(Finished {
            job_id: job.job_id.clone(),
            attempt: job.attempt,
            outcome: verdict.outcome,
            human_summary: verdict.sentence,
            manifest_sha256: attestation.manifest_sha256,
            attestation,
            artifact_profile: ArtifactProfile::Minimal,
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
            tracing::debug!(job_id = %self.key.job_id, attempt = %self.key.attempt, phase = phase.as_str(), "phase");
        }
    }

    fn deadline(&self) -> Uptime {
        let overall = u64::from(self.job.timeouts.overall_seconds) * 1_000;
        Uptime::from_millis(self.started.millis().saturating_add(overall))
    }

    /// The run's tree: unpacked by whichever of its jobs comes first.
    async fn source(&mut self) -> Result<(Source, Fetched), GivenUp> {
        let (shop, job, deadline, stop) = (self.shop, self.job, self.deadline(), self.stop.clone());
        let cell = shop.workspace.sources.of(&job.run_id);
        let mut fetched = Fetched::default();
        let mut unpacking = false;
        let filled = cell.get_or_try_init(|| async {
            let (recipe, cost) = shop.workspace.fetch(job).await?;
            fetched = cost;
            unpacking = true;
            self.step(Step::SourceFetched);
            shop.workspace.unpack(&job.run_id, recipe).await.map_err(GivenUp::from)
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
    async fn reading(&self) -> Result<Reading, GivenUp> {
        let reading = probe::read(&self.shop.tools, &self.job.job_key_inputs).await?;
        match probe::difference(&reading, &self.job.job_key_inputs) {
            None => Ok(reading),
            Some(difference) => Err(GivenUp::new(Reason::ToolchainChanged, difference)),
        }
    }

    fn provisioner(&self) -> Provisioner<'a> {
        let developer_dir = &self.job.job_key_inputs.toolchain.developer_dir;
        Provisioner { tools: &self.shop.tools, developer_dir, key: self.key, action: self.job.action }
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
            destination::sweep(&self.shop.tools, provisioner.developer_dir, &name).await;
        }
    }

    async fn execute(&mut self, source: &Source) -> Result<Ran, GivenUp> {
        let (shop, job) = (self.shop, self.job);
        let backend = backend::of(job.backend, &shop.tools).ok_or_else(|| GivenUp::new(Reason::FeatureMissing, "no such backend here"))?;
        let (tree, derived_data) = (source.tree(), self.derived_data(source));
        if job.cache.clean && job.action != Action::TestWithoutBuilding {
            remove(&derived_data).await?;
        }
        let plan =
            Plan { job, directory: self.directory, tree: &tree, derived_data: &derived_data, destination: &self.provisioned.argument };
        let line = backend.command_line(&plan)?;
        let (mut log, grown) = LogWriter::create(&self.directory.log()).await?;
        let stream = Log { job_id: job.job_id.clone(), attempt: job.attempt, path: self.directory.log(), progress: grown };
        let link = shop.link.clone();
        self.streams.spawn(async move {
            if let Err(error) = stream_output(link, stream).await {
                tracing::warn!(%error, "the log can no longer be streamed; the set will hold it");
            }
        });
        let running = Running::start(&line)?;
        self.record(&running).await;
        let limits =
            Limits { deadline: self.deadline(), idle: Duration::from_secs(job.timeouts.idle_log_seconds.into()), grace: shop.kill_grace };
        let around = Surroundings { log: &mut log, limits, progress: self.progress, stop: self.stop.clone() };
        let exit = running.finish(around).await;
        log.end();
        let exit = exit?;
        if let Some(why @ (Stop::Cancelled | Stop::Shutdown)) = exit.stopped {
            return Err(GivenUp::stopped(why));
        }
        Ok(Ran { line, exit, log_bytes: log.bytes(), log_sha256: log.sha256(), ended: Uptime::now() })
    }

    /// For the sweep after a crash. An attempt whose process cannot be written down still runs.
    async fn record(&self, running: &Running) {
        let Some(pid) = running.id() else { return };
        let directory = self.directory.clone();
        let recorded = tokio::task::spawn_blocking(move || directory.record_process(&ProcessRecord::of(pid))).await;
        if let Ok(Err(error)) = recorded {
            tracing::warn!(%error, "the backend's process could not be written down");
        }
    }

    /// Shared by the run's jobs for one destination, so that `build` then `test` compiles once; fresh where that was asked for.
    fn derived_data(&self, source: &Source) -> PathBuf {
        match self.job.cache.derived_data {
            DerivedDataCache::Off => self.directory.derived_data(),
            // What is kept on the worker across runs takes its place here; until then a run is the widest scope.
            DerivedDataCache::Run | DerivedDataCache::Shared => source.derived_data(&self.job.job_key_inputs.destination),
        }
    }

    async fn collect(&mut self, source: &Source, fetched: Fetched, before: &Reading, ran: &Ran) -> Result<(Verdict, Attestation), GivenUp> {
        let job = self.job;
        let tree = Tree::at(&source.tree());
        let log = {
            let (path, tree) = (self.directory.log(), tree.clone());
            tokio::task::spawn_blocking(move || results::read_log(&path, &tree)).await
        };
        let log = log.map_err(|error| GivenUp::internal(&error))?.map_err(|error| GivenUp::internal(&error))?;
        let tests = self.tests(&tree).await;
        let arch = match &job.job_key_inputs.destination {
            ResolvedDestination::Simulator { arch, .. } | ResolvedDestination::Mac { arch, .. } => Some(arch.as_str()),
            ResolvedDestination::Generic { .. } => None,
        };
        let verdict = results::judge(&results::Evidence { action: job.action, exit: ran.exit, log: &log, tests: &tests, arch });
        // The machine is at fault, and another may not be: no set, so that another attempt may make one.
        if let Some(reason) = verdict.outcome.failure_subkind.filter(|reason| reason.retry_class() == RetryClass::Elsewhere) {
            return Err(GivenUp::new(reason, verdict.sentence));
        }
        let provisioner = self.provisioner();
        let released = provisioner.release(&mut self.provisioned).await;
        let after = self.reading().await?;
        let evidence = tokio::time::timeout(EVIDENCE_GRACE, self.evidence.join_next()).await.ok().flatten().and_then(Result::ok);
        let backend =
            backend::of(job.backend, &self.shop.tools).ok_or_else(|| GivenUp::new(Reason::FeatureMissing, "no such backend here"))?;
        let findings = Findings {
            job,
            worker: &self.shop.worker,
            verdict: &verdict,
            log: &log,
            tests: &tests,
            exit: ran.exit,
            line: &ran.line,
            backend: &backend.identity(job),
            provisioned: &self.provisioned,
            ephemeral_cleanup_failed: !released,
            before,
            after: &after,
            entries: &source.entries,
            phases: self.life.phases(),
            fetched,
            log_bytes: ran.log_bytes,
            duration_ms: self.started.elapsed_ms(),
            evidence: evidence.as_ref(),
        };
        let attestation = tokio::task::block_in_place(|| findings.write(&self.directory.set(), &self.shop.key))?;
        Ok((verdict, attestation))
    }

    async fn tests(&self, tree: &Tree) -> TestEvidence {
        if !self.job.action.runs_tests() {
            return TestEvidence::NotOwed;
        }
        let (bundle, dir) = (self.directory.result_bundle(), &self.job.job_key_inputs.toolchain.developer_dir);
        match results::read_results(&self.shop.tools, dir, &bundle, tree).await {
            Ok(results) => TestEvidence::Read(results),
            Err(why) => TestEvidence::Unreadable(why),
        }
    }

    async fn upload(&self, created_at: rch_schemas::Timestamp) -> Result<(), GivenUp> {
        let base = SetBase::Attempt { job_id: self.job.job_id.clone(), attempt: self.job.attempt };
        let mut last = String::new();
        for attempt in 0..UPLOAD_TRIES {
            if attempt > 0 {
                tokio::time::sleep(UPLOAD_PAUSE * attempt).await;
            }
            match self.shop.workspace.store.put_set(&base, &self.directory.set(), created_at).await {
                Ok(()) => return Ok(()),
                Err(error) => {
                    tracing::warn!(job_id = %self.key.job_id, %error, "the artifact set is not stored yet");
                    last = error_line(&error);
                }
            }
        }
        Err(GivenUp::new(Reason::Transfer, format!("the artifact set could not be stored: {last}")))
    }

    async fn wait_for_stream(&mut self, ended: Uptime) {
        let left = STREAM_GRACE.saturating_sub(Uptime::now().since(ended));
        if tokio::time::timeout(left, self.streams.join_next()).await.is_err() {
            tracing::warn!(job_id = %self.key.job_id, "the log's stream is not complete; the set holds all of it");
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
