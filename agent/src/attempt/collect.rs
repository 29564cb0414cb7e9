//! The phases after the backend: what it came to, the artifact set, and the way of the set into the store.

use std::path::Path;
use std::time::Duration;

use rch_schemas::document::{ArtifactProfile, EventBody, Outcome};
use rch_schemas::job_key::ResolvedDestination;
use rch_schemas::seal::{Attestation, Reading};
use rch_schemas::{Reason, RetryClass, Timestamp};
use rch_store::layout::SetBase;

use super::documents::{DocumentError, Findings, Rich};
use super::ending::GivenUp;
use super::events::EventFile;
use super::execute::Ran;
use super::run::Attempt;
use crate::backend;
use crate::caches::{Fetched, Source};
use crate::clock;
use crate::crash_point;
use crate::error_line::error_line;
use crate::results::{self, Depth, LogReading, ResultReader, TestEvidence, Tree, Verdict};

/// The set goes without its evidence when that is not there by then.
const EVIDENCE_GRACE: Duration = Duration::from_secs(5);
/// Tries to store a set; a put may be repeated.
const UPLOAD_TRIES: u32 = 5;
/// Between two tries to store a set.
const UPLOAD_PAUSE: Duration = Duration::from_secs(2);

impl Attempt<'_> {
    /// Weighs what the run left, reads the machine again, and writes the set.
    pub(super) async fn collect(
        &mut self,
        source: &Source,
        fetched: Fetched,
        before: &Reading,
        ran: &Ran,
    ) -> Result<(Verdict, Attestation), GivenUp> {
        let job = self.job;
        let tree = Tree::at(&source.tree()).with_files(source.entries.iter().map(|entry| entry.path.as_str()));
        let (reading, events) = self.read_log(&tree, ran).await?;
        let log = &reading.facts;
        let tests = self.tests(&tree).await;
        let arch = match &job.job_key_inputs.destination {
            ResolvedDestination::Simulator { arch, .. } | ResolvedDestination::Mac { arch, .. } => Some(arch.as_str()),
            ResolvedDestination::Generic { .. } => None,
        };
        let (action, allow_empty) = (job.action, job.job_key_inputs.allow_empty);
        let verdict = results::judge(&results::Evidence { action, allow_empty, exit: ran.exit, log, tests: &tests, arch });
        // The machine is at fault, and another may not be: no set, so that another attempt may make one.
        if let Some(reason) = verdict.outcome.failure_subkind.filter(|reason| reason.retry_class() == RetryClass::Elsewhere) {
            return Err(GivenUp::new(reason, verdict.sentence));
        }
        let provisioner = self.provisioner();
        let released = provisioner.release(&mut self.provisioned).await;
        let after = self.reading().await?;
        let evidence = tokio::time::timeout(EVIDENCE_GRACE, self.evidence.join_next()).await.ok().flatten().and_then(Result::ok);
        let backend =
            backend::of(job.backend, &self.workshop.tools).ok_or_else(|| GivenUp::new(Reason::FeatureMissing, "no such backend here"))?;
        let rich = match events {
            Some(events) => Some(self.rich(&reading, &tests, &tree, (ran, events, verdict.outcome)).await?),
            None => None,
        };
        let findings = Findings {
            job,
            worker: &self.workshop.worker,
            verdict: &verdict,
            log,
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
            rich: rich.as_ref(),
        };
        let attestation = tokio::task::block_in_place(|| findings.write(&self.directory.set(), &self.workshop.key))?;
        crash_point::reached("sealed");
        Ok((verdict, attestation))
    }

    async fn tests(&self, tree: &Tree) -> TestEvidence {
        if !self.job.action.runs_tests() {
            return TestEvidence::NotOwed;
        }
        let depth = match self.job.artifact_profile {
            ArtifactProfile::Minimal => Depth::Failures,
            ArtifactProfile::Rich => Depth::Cases,
        };
        match self.results(&self.directory.result_bundle(), tree).tests(depth).await {
            Ok(results) => TestEvidence::Read(results),
            Err(why) => TestEvidence::Unreadable(why),
        }
    }

    fn results<'b>(&'b self, bundle: &'b Path, tree: &'b Tree) -> ResultReader<'b> {
        let (tools, xcode) = (&self.workshop.tools, &self.job.xcode_version);
        ResultReader { tools, developer_dir: &self.job.job_key_inputs.toolchain.developer_dir, xcode, bundle, tree }
    }

    /// Ends the events, and makes the two summaries: from the result bundle where it can be read, else from the log.
    async fn rich(
        &self,
        reading: &LogReading,
        tests: &TestEvidence,
        tree: &Tree,
        (ran, mut events, outcome): (&Ran, EventFile, Outcome),
    ) -> Result<Rich, GivenUp> {
        events.tell(clock::wall(), EventBody::Ended { outcome });
        events.finish().map_err(|source| DocumentError::Write { name: "events.jsonl", source })?;
        let ran_ms = u64::try_from(ran.ended_at.unix_ms().saturating_sub(ran.started_at.unix_ms())).unwrap_or(0);
        if !self.job.action.runs_tests() {
            return Ok(Rich { build: reading.build_report(None, ran_ms), tests: None });
        }
        let build = match self.results(&self.directory.result_bundle(), tree).build().await {
            Ok(build) => Some(build),
            Err(error) => {
                tracing::warn!(error, "the build summary is made from the log");
                None
            }
        };
        let report = match tests {
            TestEvidence::Read(results) => results.report.clone(),
            TestEvidence::NotOwed | TestEvidence::Unreadable(_) => None,
        };
        Ok(Rich { build: reading.build_report(build, ran_ms), tests: Some(report.unwrap_or_else(|| reading.test_report(ran_ms))) })
    }

    /// Puts the set into the store.
    pub(super) async fn upload(&self, created_at: Timestamp) -> Result<(), GivenUp> {
        let base = SetBase::Attempt { job_id: self.job.job_id.clone(), attempt: self.job.attempt };
        let mut last = String::new();
        for attempt in 0..UPLOAD_TRIES {
            if attempt > 0 {
                tokio::time::sleep(UPLOAD_PAUSE * attempt).await;
            }
            match self.workshop.workspace.store.put_set(&base, &self.directory.set(), created_at).await {
                Ok(()) => return Ok(()),
                Err(error) => {
                    tracing::warn!(job_id = %self.key.job_id, %error, "the artifact set is not stored yet");
                    last = error_line(&error);
                }
            }
        }
        Err(GivenUp::new(Reason::Transfer, format!("the artifact set could not be stored: {last}")))
    }

    /// Waits, for so long at most, until the stream holds the whole log.
    pub(super) async fn wait_for_stream(&mut self, at_most: Duration) {
        if tokio::time::timeout(at_most, self.streams.join_next()).await.is_err() {
            tracing::warn!(job_id = %self.key.job_id, "the log's stream is not complete");
        }
    }
}
