//! The phase in which the backend runs.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rch_bundle::xcconfig;
use rch_schemas::document::DerivedDataCache;
use rch_schemas::invocation;
use rch_schemas::{Action, Reason, Sha256, Timestamp, TreeDirectory};

use super::ending::GivenUp;
use super::leftover::ProcessRecord;
use super::process::{CommandLine, Exit, LogWriter, Running, Surroundings};
use super::run::Attempt;
use super::watchdog::{Limits, Stop};
use super::working_directory;
use crate::backend::{self, Plan};
use crate::caches::Source;
use crate::clock::{self, Uptime};
use crate::crash_point;
use crate::nats::{Log, stream_output};
use crate::results::Timeline;

/// Holds a power assertion until a process ends.
const CAFFEINATE: &str = "/usr/bin/caffeinate";

/// How long a stopped job waits for its last lines to be streamed; whoever cancelled it is waiting.
const STREAM_OF_A_STOPPED_JOB: Duration = Duration::from_secs(2);

/// What a backend's run left.
pub(super) struct Ran {
    pub(super) line: CommandLine,
    pub(super) exit: Exit,
    pub(super) log_bytes: u64,
    pub(super) log_sha256: Sha256,
    pub(super) timeline: Timeline,
    pub(super) started_at: Timestamp,
    pub(super) ended_at: Timestamp,
    pub(super) ended: Uptime,
}

impl Attempt<'_> {
    /// Runs the backend to its end, and streams what it prints.
    pub(super) async fn execute(&mut self, source: &Source) -> Result<Ran, GivenUp> {
        let (workshop, job) = (self.workshop, self.job);
        let backend =
            backend::of(job.backend, &workshop.tools).ok_or_else(|| GivenUp::new(Reason::FeatureMissing, "no such backend here"))?;
        let (tree, derived_data) = (source.tree(), self.derived_data(source));
        if job.cache.clean && job.action != Action::TestWithoutBuilding {
            remove(&derived_data).await?;
        }
        check_settings(&tree, &job.argv).await?;
        let working = working_directory(&tree, job.job_key_inputs.directory.as_ref()).await?;
        let plan = Plan {
            job,
            directory: self.directory,
            working: &working,
            packages_pinned: backend::are_packages_pinned(&job.job_key_inputs, &source.entries),
            derived_data: &derived_data,
            destination: &self.provisioned.argument,
        };
        let line = backend.command_line(&plan)?;
        let (mut log, grown) = LogWriter::create(&self.directory.log()).await?;
        let stream = Log { job_id: job.job_id.clone(), attempt: job.attempt, path: self.directory.log(), progress: grown };
        let nats = workshop.link.clone();
        self.streams.spawn(async move {
            if let Err(error) = stream_output(nats, stream).await {
                tracing::warn!(%error, "the log can no longer be streamed; the set will hold it");
            }
        });
        let started_at = clock::wall();
        let running = Running::start(&line)?;
        crash_point::reached("backend.started");
        self.record(&running).await;
        crash_point::reached("backend.recorded");
        self.keep_awake(&running);
        let limits = Limits {
            deadline: self.deadline(),
            idle: Duration::from_secs(job.timeouts.idle_log_seconds.into()),
            grace: workshop.kill_grace,
        };
        let around = Surroundings { log: &mut log, limits, progress: self.progress, stop: self.stop.clone() };
        let exit = running.finish(around).await;
        log.end();
        let exit = exit?;
        if let Some(why @ (Stop::Cancelled | Stop::Shutdown)) = exit.stopped {
            // There will be no set of ours: what was streamed is all that anybody will have of the log.
            self.wait_for_stream(STREAM_OF_A_STOPPED_JOB).await;
            return Err(GivenUp::stopped(why));
        }
        let (log_bytes, log_sha256) = (log.bytes(), log.sha256());
        let (timeline, ended_at) = (log.into_timeline(), clock::wall());
        Ok(Ran { line, exit, log_bytes, log_sha256, timeline, started_at, ended_at, ended: Uptime::now() })
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

    /// Keeps an idle Mac awake for as long as the backend runs; other systems have no such tool, and need none.
    fn keep_awake(&mut self, running: &Running) {
        let (Some(pid), true) = (running.id(), Path::new(CAFFEINATE).is_file()) else { return };
        let mut command = tokio::process::Command::new(CAFFEINATE);
        command.args(["-i", "-s", "-w", &pid.to_string()]).env_clear().kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        match command.spawn() {
            Ok(child) => self.awake = Some(child),
            Err(error) => tracing::warn!(%error, "the Mac is not kept awake"),
        }
    }

    /// Shared by the run's jobs for one destination, so that `build` then `test` compiles once; fresh where that was asked for.
    fn derived_data(&self, source: &Source) -> PathBuf {
        match self.job.cache.derived_data {
            DerivedDataCache::Off => self.directory.derived_data(),
            // What is kept on the worker across runs takes its place here; until then a run is the widest scope.
            DerivedDataCache::Run | DerivedDataCache::Shared => source.derived_data(&self.job.job_key_inputs),
        }
    }
}

/// The tree itself, or the directory of it that the job names.
async fn working_directory(tree: &Path, directory: Option<&TreeDirectory>) -> Result<PathBuf, GivenUp> {
    let Some(directory) = directory.cloned() else { return Ok(tree.to_owned()) };
    let tree = tree.to_owned();
    let found = tokio::task::spawn_blocking(move || working_directory::beneath(&tree, &directory)).await;
    Ok(found.map_err(|error| GivenUp::internal(&error))??)
}

/// The last look at a file of settings, as client and coordinator have looked at the arguments: it beats them.
async fn check_settings(tree: &Path, argv: &[String]) -> Result<(), GivenUp> {
    let Some(file) = invocation::xcconfig_of(argv).map(str::to_owned) else { return Ok(()) };
    let tree = tree.to_owned();
    let checked = tokio::task::spawn_blocking(move || xcconfig::check(&tree, &file)).await;
    checked.map_err(|error| GivenUp::internal(&error))?.map_err(|error| GivenUp::new(Reason::ProtocolError, error.to_string()))
}

/// What `clean` asks for. Products that an earlier step of the run built for testing are no part of it.
async fn remove(derived_data: &Path) -> Result<(), GivenUp> {
    let derived_data = derived_data.to_owned();
    let removed = tokio::task::spawn_blocking(move || crate::durable::remove_dir(&derived_data)).await;
    removed.map_err(|error| GivenUp::internal(&error))?.map_err(|error| GivenUp::internal(&error))
}
