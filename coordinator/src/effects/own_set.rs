//! The set of a job that no agent finished: what is known, the log as far as it was streamed, signed by the farm.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rch_bundle::artifacts::{ListError, list};
use rch_scheduler::{AttemptRecord, Job, JobPhase, Run, State, coordinator_summary, job_document};
use rch_schemas::document::{Invocation, SchemaId, SchemaVersion};
use rch_schemas::seal::{ATTESTATION_PATH, Attestation, MANIFEST_PATH, Manifest, Signer, SignerRole};
use rch_schemas::{Attempt, Sha256, Timestamp};
use rch_store::layout::{self, SetBase};
use rch_store::set::{DOCUMENT_BYTES_MAX, PutSetError};
use rch_store::{Store, StoreError};
use serde::Serialize;
use tokio::io::AsyncWriteExt as _;

use crate::crash_point;
use crate::log::{Assembler, Filled, OutputError, OutputMessage, OutputStream, Taken, fill};
use crate::nats::Connection;
use crate::projection::ProjectionError;
use crate::shared::Shared;

/// How long the stream may be silent before what it has is all there is.
const QUIET: Duration = Duration::from_secs(2);

/// Why the set was not written.
#[derive(Debug, thiserror::Error)]
pub(super) enum OwnSetError {
    #[error("cannot write in {}", path.display())]
    Directory { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Output(#[from] OutputError),
    #[error(transparent)]
    List(#[from] ListError),
    #[error(transparent)]
    Put(#[from] PutSetError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Projection(#[from] ProjectionError),
}

/// Writes the set of a job that ended without one; the digest of its manifest.
pub(super) async fn write_own_set(
    shared: &Shared,
    connection: &Connection,
    (state, run): (&State, &Run),
    job: &Job,
) -> Result<Sha256, OwnSetError> {
    let directory = shared.config.data_dir.join("sets").join(job.job_id.as_str());
    let failed = |source| OwnSetError::Directory { path: directory.clone(), source };
    remove(&directory).await.map_err(failed)?;
    tokio::fs::create_dir_all(&directory).await.map_err(failed)?;
    let (ended_at, ran) = (ended_at(run, job), job.last_started());
    let log_complete = match ran {
        Some(record) => write_log(shared, connection, &directory, job, record).await?,
        None => write_bytes(&directory, "build.log", b"").await.map(|()| true)?,
    };
    if let Some(mut summary) = coordinator_summary(run, job) {
        summary.log_complete = log_complete;
        write_json(&directory, "summary.json", &summary).await?;
    }
    if let Some(invocation) = invocation(run, job, ended_at) {
        write_json(&directory, "invocation.json", &invocation).await?;
    }
    if let Some(document) = job_document(state, run, job, Attempt::NONE) {
        write_json(&directory, "job.json", &document).await?;
    }
    copy_evidence(&shared.store, &directory, run, job).await?;
    let manifest_sha256 = seal(shared, &directory, run, job, ended_at).await?;
    let base = SetBase::Coordinator { run_id: run.run_id.clone(), job_id: job.job_id.clone() };
    crash_point::reached("own_set.writing");
    shared.store.put_set(&base, &directory, ended_at).await?;
    crash_point::reached("own_set.written");
    remove(&directory).await.map_err(failed)?;
    Ok(manifest_sha256)
}

async fn remove(directory: &Path) -> std::io::Result<()> {
    match tokio::fs::remove_dir_all(directory).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn ended_at(run: &Run, job: &Job) -> Timestamp {
    match &job.phase {
        JobPhase::Ended { ended_at, .. } => *ended_at,
        JobPhase::Queued | JobPhase::Running => run.accepted_at,
    }
}

/// `invocation.json` as it was judged; nothing ran by the coordinator's knowledge.
fn invocation(run: &Run, job: &Job, created_at: Timestamp) -> Option<Invocation> {
    let step = run.steps.get(job.step as usize)?;
    Some(Invocation {
        schema_version: SchemaVersion::default(),
        schema_id: SchemaId::default(),
        created_at,
        run_id: run.run_id.clone(),
        job_id: job.job_id.clone(),
        job_key: job.job_key,
        attempt: Attempt::NONE,
        original_argv: step.original_argv.clone(),
        sanitized_argv: step.argv.clone(),
        action: job.action,
        dropped: step.dropped.clone(),
        rejected: step.rejected.iter().chain(&job.rejected).cloned().collect(),
        policy: run.policy.clone(),
        policy_sha256: run.policy.digest(),
        effective_argv: Vec::new(),
        environment: std::collections::BTreeSet::new(),
        directory: step.directory.clone(),
    })
}

/// The evidence of the job's destination, byte for byte, when a worker was ever chosen.
async fn copy_evidence(store: &Store, directory: &Path, run: &Run, job: &Job) -> Result<(), OwnSetError> {
    let index = job.destination as usize;
    if run.selection(job.destination).is_none() {
        return Ok(());
    }
    let copies = [
        ("worker_selection.json", layout::worker_selection(&run.run_id, index)),
        ("capabilities.json", layout::capabilities(&run.run_id, index)),
    ];
    for (name, key) in copies {
        if let Some(bytes) = store.get(&key, DOCUMENT_BYTES_MAX).await? {
            write_bytes(directory, name, &bytes).await?;
        }
    }
    Ok(())
}

/// Manifest and attestation; the digest of the manifest.
async fn seal(shared: &Shared, directory: &Path, run: &Run, job: &Job, created_at: Timestamp) -> Result<Sha256, OwnSetError> {
    let listed = directory.to_owned();
    let entries = tokio::task::spawn_blocking(move || list(&listed)).await.expect("listing does not panic")?;
    let manifest = Manifest {
        schema_version: SchemaVersion::default(),
        schema_id: SchemaId::default(),
        created_at,
        run_id: run.run_id.clone(),
        job_id: job.job_id.clone(),
        job_key: job.job_key,
        attempt: Attempt::NONE,
        artifact_root_sha256: Manifest::root_of(&entries),
        entries,
    };
    let bytes = serde_json::to_vec(&manifest).expect("documents serialize");
    let manifest_sha256 = Sha256::of(&bytes);
    write_bytes(directory, MANIFEST_PATH, &bytes).await?;
    let made = run.selection(job.destination).map(|made| &made.selection);
    let attestation = Attestation {
        schema_version: SchemaVersion::default(),
        schema_id: SchemaId::default(),
        created_at,
        run_id: run.run_id.clone(),
        job_id: job.job_id.clone(),
        job_key: job.job_key,
        attempt: Attempt::NONE,
        source_sha256: None,
        worker: None,
        capabilities_sha256: made.map(|selection| selection.capabilities_sha256),
        evidence_sha256: made.map(|selection| selection.evidence_sha256),
        backend: None,
        manifest_sha256,
        protocol_version: run.protocol_version,
        before: None,
        after: None,
        signer: Signer { role: SignerRole::Farm, name: shared.config.name.clone(), fingerprint: shared.key.public_key().fingerprint() },
        public_key: shared.key.public_key(),
        signature: None,
    };
    write_json(directory, ATTESTATION_PATH, &attestation.signed(&shared.key)).await?;
    Ok(manifest_sha256)
}

/// Writes `build.log` from what was streamed, every gap marked with a line of its own; whether it is complete.
async fn write_log(
    shared: &Shared,
    connection: &Connection,
    directory: &Path,
    job: &Job,
    record: &AttemptRecord,
) -> Result<bool, OwnSetError> {
    let path = directory.join("build.log");
    let failed = |source| OwnSetError::Directory { path: path.clone(), source };
    let mut file = tokio::fs::File::create(&path).await.map_err(failed)?;
    let mut output = OutputStream::open(&connection.jetstream, &job.job_id).await?;
    let (mut log, mut complete, mut ended) = (Assembler::new(record.number), true, false);
    let mut is_last = output.was_empty();
    while !ended && !is_last {
        let Ok(message) = tokio::time::timeout(QUIET, output.next()).await else { break };
        let OutputMessage { header, body, pending } = message?;
        is_last = pending == 0;
        loop {
            match log.take(&header, &body) {
                Taken::Gap { from, to } => {
                    match fill(&shared.store, None, (&job.job_id, record.number), (from, to)).await {
                        Filled::Bytes(bytes) => {
                            log.fill(&bytes);
                            file.write_all(&bytes).await.map_err(failed)?;
                        }
                        Filled::Nothing => {
                            complete = false;
                            log.skip_to(to);
                            file.write_all(gap_line(from, to).as_bytes()).await.map_err(failed)?;
                        }
                    }
                    continue;
                }
                Taken::Bytes { bytes, .. } => file.write_all(&bytes).await.map_err(failed)?,
                Taken::End { .. } => ended = true,
                Taken::Nothing | Taken::Newer | Taken::Corrupt => {}
            }
            break;
        }
    }
    if !ended {
        file.write_all(b"\n[rch: the log ends here; what the worker printed after this was not received]\n").await.map_err(failed)?;
    }
    file.flush().await.map_err(failed)?;
    file.sync_all().await.map_err(failed)?;
    Ok(complete && ended)
}

fn gap_line(from: u64, to: u64) -> String {
    format!("\n[rch: bytes {from} to {to} of the log were not received]\n")
}

async fn write_json(directory: &Path, name: &str, document: &impl Serialize) -> Result<(), OwnSetError> {
    let mut bytes = serde_json::to_vec_pretty(document).expect("documents serialize");
    bytes.push(b'\n');
    write_bytes(directory, name, &bytes).await
}

async fn write_bytes(directory: &Path, name: &str, bytes: &[u8]) -> Result<(), OwnSetError> {
    let path = directory.join(name);
    tokio::fs::write(&path, bytes).await.map_err(|source| OwnSetError::Directory { path, source })
}
