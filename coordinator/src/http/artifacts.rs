//! Artifact sets and run documents, each verified on its way out.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use rch_scheduler::{Job, JobPhase, Run};
use rch_schemas::document::{Recipe, WorkerSelection};
use rch_schemas::seal::{ATTESTATION_PATH, MANIFEST_PATH};
use rch_schemas::{JobId, Reason, RunId, Sha256};
use rch_store::layout::{self, Key, SetBase};
use rch_store::set::{DOCUMENT_BYTES_MAX, Set};

use super::error::{ApiError, ApiResult};
use super::names;
use super::server::Api;
use crate::effects::set_pointer;

const JSON: &str = "application/json";

/// `GET /v1/jobs/{job}/artifacts`: the manifest of the committed set, byte for byte.
pub(super) async fn manifest(State(api): State<Api>, Path(name): Path<String>) -> ApiResult<Response> {
    let set = open_set(&api, &name).await?;
    Ok(document(set.manifest_bytes().clone()))
}

/// `GET /v1/jobs/{job}/artifacts/{path}`: one file of the committed set.
pub(super) async fn of_job(State(api): State<Api>, Path((name, path)): Path<(String, String)>) -> ApiResult<Response> {
    let set = open_set(&api, &name).await?;
    match path.as_str() {
        MANIFEST_PATH => Ok(document(set.manifest_bytes().clone())),
        ATTESTATION_PATH => Ok(document(set.attestation_bytes().clone())),
        path => {
            let entry = set.manifest().entries.iter().find(|entry| entry.path == path);
            let size = entry.map(|entry| entry.size);
            let mut response = Body::from_stream(set.read(path).await?).into_response();
            response.headers_mut().insert(header::CONTENT_TYPE, content_type(path).parse().expect("a constant type"));
            if let Some(size) = size {
                response.headers_mut().insert(header::CONTENT_LENGTH, size.into());
            }
            Ok(response)
        }
    }
}

/// `GET /v1/jobs/{job}/recipe/{path}`: how a large file or a directory of the set is stored.
pub(super) async fn recipe(State(api): State<Api>, Path((name, path)): Path<(String, String)>) -> ApiResult<Json<Recipe>> {
    Ok(Json(open_set(&api, &name).await?.recipe(&path).await?))
}

/// `GET /v1/runs/{run}/artifacts/{path}`: a document of the run.
pub(super) async fn of_run(State(api): State<Api>, Path((name, path)): Path<(String, String)>) -> ApiResult<Response> {
    let run = names::run(&api.shared.projection.snapshot()?, &name)?;
    let key = run_document(&run.run_id, &path).ok_or_else(|| ApiError::not_found("document", &path).fix(DOCUMENTS))?;
    let bytes = api.shared.store.get(&key, DOCUMENT_BYTES_MAX).await?;
    bytes.map(document).ok_or_else(|| ApiError::not_found("document", &path).fix("it is written shortly after what it tells has happened"))
}

const DOCUMENTS: &str = "a run has run_plan.json, run_summary.json, selection/<index>/worker_selection.json, selection/<index>/capabilities.json and jobs/<job>/set.json";

/// The object of a run's document, by its path below the run.
fn run_document(run_id: &RunId, path: &str) -> Option<Key> {
    let parts: Vec<&str> = path.split('/').collect();
    match parts[..] {
        ["run_plan.json"] => Some(layout::run_plan(run_id)),
        ["run_summary.json"] => Some(layout::run_summary(run_id)),
        ["selection", index, "worker_selection.json"] => Some(layout::worker_selection(run_id, index.parse().ok()?)),
        ["selection", index, "capabilities.json"] => Some(layout::capabilities(run_id, index.parse().ok()?)),
        ["jobs", job, "set.json"] => Some(layout::set_pointer(run_id, &job.parse::<JobId>().ok()?)),
        _ => None,
    }
}

/// `GET /v1/runs/{run}/evidence`: the signed selection of each destination that has one, in order.
pub(super) async fn evidence(State(api): State<Api>, Path(name): Path<String>) -> ApiResult<Json<Vec<WorkerSelection>>> {
    let run = names::run(&api.shared.projection.snapshot()?, &name)?;
    let mut selections = Vec::new();
    for index in 0..run.destinations.len() {
        if let Some(bytes) = api.shared.store.get(&layout::worker_selection(&run.run_id, index), DOCUMENT_BYTES_MAX).await? {
            let selection = serde_json::from_slice(&bytes);
            selections.push(selection.map_err(|error| ApiError::new(Reason::IntegrityMismatch, format!("evidence {index}: {error}")))?);
        }
    }
    Ok(Json(selections))
}

async fn open_set(api: &Api, name: &str) -> ApiResult<Set> {
    let (job, run) = names::job(&api.shared.projection.snapshot()?, name)?;
    let (base, manifest_sha256) = committed(api, &run, &job).await?;
    Ok(api.shared.store.open_set(&base, manifest_sha256).await?)
}

/// The set that counts: by the ledger, or for the coordinator's own set by its pointer.
pub(super) async fn committed(api: &Api, run: &Run, job: &Job) -> ApiResult<(SetBase, Sha256)> {
    let not_yet = |detail: String| ApiError::new(Reason::NotFound, detail).fix("follow the run, and ask again when the job has ended");
    match &job.phase {
        JobPhase::Queued | JobPhase::Running => Err(not_yet(format!("{} has not ended, so it has no artifacts yet", job.job_id))),
        JobPhase::Ended { set: Some(set), .. } => {
            Ok((SetBase::Attempt { job_id: job.job_id.clone(), attempt: set.attempt }, set.manifest_sha256))
        }
        JobPhase::Ended { set: None, .. } => {
            let pointer = set_pointer(&api.shared.store, &run.run_id, &job.job_id).await?;
            let pointer = pointer.ok_or_else(|| not_yet(format!("the set of {} is being written", job.job_id)))?;
            let base = pointer.base.parse().map_err(|error| ApiError::new(Reason::IntegrityMismatch, format!("{error}")))?;
            Ok((base, pointer.manifest_sha256))
        }
    }
}

fn document(bytes: Bytes) -> Response {
    ([(header::CONTENT_TYPE, JSON)], bytes).into_response()
}

/// Logs are shown by browsers as text; nothing else needs more than bytes.
fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("json" | "jcs") => JSON,
        Some("log" | "txt") => "text/plain; charset=utf-8",
        Some("xml") => "application/xml",
        Some(_) | None => "application/octet-stream",
    }
}
