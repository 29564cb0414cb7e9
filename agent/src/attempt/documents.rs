//! The documents that an agent writes into an artifact set, and what vouches for them.

use std::fs;
use std::io;
use std::path::Path;

use rch_bundle::artifacts;
use rch_schemas::Sha256;
use rch_schemas::digest::canonical;
use rch_schemas::document::{
    BuildSummary, CaseCounts, Destination, EventsHeader, Invocation, Job, Metrics, PhaseTime, SchemaId, SchemaVersion, SourceEntry,
    SourceManifest, Summary, TestSummary, ToolchainDocument,
};
use rch_schemas::seal::{
    ATTESTATION_PATH, Attestation, BackendIdentity, MANIFEST_PATH, Manifest, Reading, Signer, SignerRole, SigningKey, WorkerIdentity,
};
use rch_schemas::{Timestamp, WorkerName};
use serde::Serialize;

use super::destination::Provisioned;
use super::evidence::Evidence;
use super::process::{CommandLine, Exit};
use crate::caches::Fetched;
use crate::clock;
use crate::crash_point;
use crate::results::{self, BuildReport, LogFacts, TestEvidence, TestReport, Verdict};

/// Everything that is known when an attempt has run.
#[derive(Debug)]
pub(crate) struct Findings<'a> {
    pub(crate) job: &'a Job,
    pub(crate) worker: &'a WorkerName,
    pub(crate) verdict: &'a Verdict,
    pub(crate) log: &'a LogFacts,
    pub(crate) tests: &'a TestEvidence,
    pub(crate) exit: Exit,
    pub(crate) line: &'a CommandLine,
    pub(crate) backend: &'a BackendIdentity,
    pub(crate) provisioned: &'a Provisioned,
    pub(crate) ephemeral_cleanup_failed: bool,
    pub(crate) before: &'a Reading,
    pub(crate) after: &'a Reading,
    pub(crate) entries: &'a [SourceEntry],
    pub(crate) phases: &'a [PhaseTime],
    pub(crate) fetched: Fetched,
    pub(crate) log_bytes: u64,
    pub(crate) duration_ms: u64,
    pub(crate) evidence: Option<&'a Evidence>,
    pub(crate) rich: Option<&'a Rich>,
}

/// What the rich profile adds; its events are in the set already.
#[derive(Debug)]
pub(crate) struct Rich {
    pub(crate) build: BuildReport,
    /// Of a job that runs tests.
    pub(crate) tests: Option<TestReport>,
}

/// Why a set could not be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DocumentError {
    #[error("cannot read or write {name} of the artifact set")]
    Write { name: &'static str, source: io::Error },
    #[error("junit.xml cannot be written")]
    Junit(#[from] quick_junit::SerializeError),
    #[error("the artifact set cannot be listed")]
    List(#[from] artifacts::ListError),
}

/// A document of this attempt: its header from the job, its own members as given.
macro_rules! of_job {
    ($document:ident, $findings:expr, { $($member:ident: $value:expr),* $(,)? }) => {
        $document {
            schema_version: SchemaVersion::default(),
            schema_id: SchemaId::default(),
            created_at: clock::wall(),
            run_id: $findings.job.run_id.clone(),
            job_id: $findings.job.job_id.clone(),
            job_key: $findings.job.job_key,
            attempt: $findings.job.attempt,
            $($member: $value,)*
        }
    };
}

/// The header of `events.jsonl`.
pub(crate) fn events_header(job: &Job) -> EventsHeader {
    EventsHeader {
        schema_version: SchemaVersion::default(),
        schema_id: SchemaId::default(),
        created_at: clock::wall(),
        run_id: job.run_id.clone(),
        job_id: job.job_id.clone(),
        job_key: job.job_key,
        attempt: job.attempt,
    }
}

impl Findings<'_> {
    /// Writes every document, then the manifest, then the attestation, into the set that already holds log and result bundle. Blocks.
    pub(crate) fn write(&self, set: &Path, key: &SigningKey) -> Result<Attestation, DocumentError> {
        let file =
            |name: &'static str, bytes: &[u8]| fs::write(set.join(name), bytes).map_err(|source| DocumentError::Write { name, source });
        let links = remove_links(set).map_err(|source| DocumentError::Write { name: "result.xcresult", source })?;
        file("job.json", &document_bytes(self.job))?;
        file("job_key_inputs.jcs", &self.job.job_key_inputs.canonical())?;
        file("summary.json", &document_bytes(&self.summary()))?;
        file("invocation.json", &document_bytes(&self.invocation()))?;
        file("toolchain.json", &document_bytes(&self.toolchain()))?;
        file("destination.json", &document_bytes(&self.destination()))?;
        file("metrics.json", &document_bytes(&self.metrics(links)))?;
        file("source_manifest.json", &document_bytes(&self.source_manifest()))?;
        if let Some(evidence) = self.evidence {
            file("worker_selection.json", &evidence.worker_selection)?;
            file("capabilities.json", &evidence.capabilities)?;
        }
        if let Some(Rich { build, tests }) = self.rich {
            file("build_summary.json", &document_bytes(&self.build_summary(build)))?;
            if let Some(tests) = tests {
                file("test_summary.json", &document_bytes(&self.test_summary(tests)))?;
                file("junit.xml", results::junit(tests)?.as_bytes())?;
            }
        }
        let entries = artifacts::list(set)?;
        let artifact_root_sha256 = Manifest::root_of(&entries);
        let manifest = document_bytes(&of_job!(Manifest, self, { entries: entries, artifact_root_sha256: artifact_root_sha256 }));
        crash_point::reached("sealing");
        file(MANIFEST_PATH, &manifest)?;
        let attestation = self.attestation(Sha256::of(&manifest), key);
        file(ATTESTATION_PATH, &document_bytes(&attestation))?;
        Ok(attestation)
    }

    fn summary(&self) -> Summary {
        let outcome = self.verdict.outcome;
        of_job!(Summary, self, {
            status: outcome.status,
            failure_kind: outcome.failure_kind,
            failure_subkind: outcome.failure_subkind,
            exit_code: outcome.exit_code,
            backend: Some(self.backend.name.clone()),
            backend_exit_code: self.exit.code,
            backend_term_signal: self.exit.signal,
            human_summary: self.verdict.sentence.clone(),
            duration_ms: self.duration_ms,
            artifact_profile: Some(self.job.artifact_profile),
            worker: Some(self.worker.clone()),
            first_errors: self.log.first_errors.clone(),
            failing_tests: match self.tests {
                TestEvidence::Read(results) => results.placed_by(&self.log.failing_tests),
                TestEvidence::NotOwed | TestEvidence::Unreadable(_) => self.log.failing_tests.clone(),
            },
            tests: self.tests.counts(),
            cached_from_job_id: None,
            log_complete: true,
            ephemeral_cleanup_failed: self.ephemeral_cleanup_failed,
            rejection_reason: None,
        })
    }

    fn invocation(&self) -> Invocation {
        let argv = &self.job.job_key_inputs.sanitized_argv;
        of_job!(Invocation, self, {
            original_argv: self.job.original_argv.clone(),
            sanitized_argv: argv.clone(),
            action: self.job.action,
            dropped: self.job.dropped.clone(),
            rejected: Vec::new(),
            policy: self.job.policy.clone(),
            policy_sha256: self.job.policy.digest(),
            effective_argv: vec![self.line.words()],
            environment: self.line.environment.keys().cloned().collect(),
            directory: self.job.job_key_inputs.directory.clone(),
        })
    }

    fn toolchain(&self) -> ToolchainDocument {
        of_job!(ToolchainDocument, self, {
            xcode_version: self.job.xcode_version.clone(),
            before: self.before.toolchain.clone(),
            after: self.after.toolchain.clone(),
        })
    }

    fn destination(&self) -> Destination {
        of_job!(Destination, self, {
            asked: self.job.destination.asked.clone(),
            resolved: self.job.destination.resolved.clone(),
            udid: self.provisioned.udid.clone(),
            created: self.provisioned.created,
            runtime_build_after_boot: self.provisioned.runtime_build_after_boot.clone(),
        })
    }

    fn metrics(&self, links_removed: u64) -> Metrics {
        let evidence_missing = u64::from(self.evidence.is_none());
        let counters = [("evidence_missing", evidence_missing), ("links_removed", links_removed)];
        of_job!(Metrics, self, {
            phases: self.phases.to_vec(),
            fetched_bytes: self.fetched.bytes,
            fetched_chunks: self.fetched.chunks,
            cached_chunks: self.fetched.cached,
            log_bytes: self.log_bytes,
            counters: counters.map(|(name, count)| (name.to_owned(), count)).into(),
        })
    }

    fn build_summary(&self, report: &BuildReport) -> BuildSummary {
        of_job!(BuildSummary, self, {
            status: self.verdict.outcome.status,
            source: report.source,
            duration_ms: report.duration_ms,
            phases: report.phases.clone(),
            targets: report.targets.clone(),
            diagnostics: report.diagnostics().to_vec(),
            diagnostics_omitted: report.diagnostics_omitted(),
            first_error: report.first_error.clone(),
            failed_commands: report.failed_commands.clone(),
            failed_scripts: report.failed_scripts.clone(),
            packages: report.packages.clone(),
            counts: report.counts(),
        })
    }

    fn test_summary(&self, report: &TestReport) -> TestSummary {
        of_job!(TestSummary, self, {
            source: report.source,
            plan: report.plan.clone(),
            devices: report.devices.clone(),
            duration_ms: report.duration_ms,
            counts: CaseCounts::of(&report.cases),
            counts_by_place: report.counts_by_place(),
            cases: report.cases.clone(),
            unattributed_failures: report.unattributed_failures.clone(),
            crashed_processes: report.crashed_processes.clone(),
        })
    }

    fn source_manifest(&self) -> SourceManifest {
        of_job!(SourceManifest, self, { source_sha256: self.job.job_key_inputs.source_sha256, entries: self.entries.to_vec() })
    }

    fn attestation(&self, manifest_sha256: Sha256, key: &SigningKey) -> Attestation {
        let public_key = key.public_key();
        let fingerprint = public_key.fingerprint();
        let unsigned = of_job!(Attestation, self, {
            source_sha256: Some(self.job.job_key_inputs.source_sha256),
            worker: Some(WorkerIdentity { name: self.worker.clone(), key_fingerprint: fingerprint }),
            capabilities_sha256: Some(self.job.capabilities_sha256),
            evidence_sha256: Some(self.job.evidence_sha256),
            backend: Some(self.backend.clone()),
            manifest_sha256: manifest_sha256,
            protocol_version: self.job.protocol_version,
            before: Some(self.before.clone()),
            after: Some(self.after.clone()),
            signer: Signer { role: SignerRole::Worker, name: self.worker.to_string(), fingerprint },
            public_key: public_key,
            signature: None,
        });
        unsigned.signed(key)
    }
}

/// Removes symbolic links, for which a manifest has no word, and says how many there were. What they led to in the set stays.
fn remove_links(directory: &Path) -> io::Result<u64> {
    let mut removed = 0;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_symlink() {
            fs::remove_file(entry.path())?;
            removed += 1;
        } else if kind.is_dir() {
            removed += remove_links(&entry.path())?;
        }
    }
    Ok(removed)
}

/// Canonical bytes; a configuration with a number that has no canonical form is written plainly.
fn document_bytes(document: &impl Serialize) -> Vec<u8> {
    canonical(document).unwrap_or_else(|_| serde_json::to_vec(document).expect("documents serialize"))
}

/// The time by which recipes of a set are made: the attestation's, so that nothing in the store is newer than what vouches for it.
pub(crate) fn made_at(attestation: &Attestation) -> Timestamp {
    attestation.created_at
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_in_a_result_bundle_is_removed_and_what_it_leads_to_stays() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("result.xcresult/Data")).unwrap();
        fs::write(dir.path().join("result.xcresult/Data/0"), "x").unwrap();
        symlink("Data/0", dir.path().join("result.xcresult/latest")).unwrap();
        symlink("result.xcresult/Data", dir.path().join("data")).unwrap();
        assert_eq!(remove_links(dir.path()).unwrap(), 2);
        assert_eq!(artifacts::list(dir.path()).unwrap().len(), 3);
    }
}
