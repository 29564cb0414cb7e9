//! Workers: listed, read, drained, resumed, removed, probed.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use rch_scheduler::{CommandBody, Worker};
use rch_schemas::capabilities::Facts;
use rch_schemas::wire::agent::Control;
use rch_schemas::wire::http::{ChangeIntake, Intake, RemoveWorker, WorkerRemoved, WorkerView};
use rch_schemas::{JobId, Reason};
use serde::de::DeserializeOwned;

use super::error::{ApiError, ApiResult};
use super::server::Api;
use super::{body, names, runs, view};
use crate::clock::Uptime;
use crate::effects::{control, note_failure};
use crate::error_line::error_line;

/// A few words, and what JSON needs around them.
const BODY_BYTES_MAX: u64 = 16 * 1024;
/// The words fit on a line of a person's screen together with what stands beside them.
const REASON_CHARS_MAX: usize = 120;

/// `GET /v1/workers`: those of the inventory, by name.
pub(super) async fn list(State(api): State<Api>) -> ApiResult<Json<Vec<WorkerView>>> {
    let snapshot = api.shared.projection.snapshot()?;
    let (config, vitals) = (snapshot.farm()?.config, api.shared.board.vitals());
    let mut views = Vec::new();
    for worker in snapshot.workers()? {
        if config.inventory.contains_key(&worker.name) {
            views.push(view::worker(&snapshot, &config, vitals.as_deref(), &worker)?);
        }
    }
    Ok(Json(views))
}

/// `GET /v1/workers/{worker}`.
pub(super) async fn get(State(api): State<Api>, Path(name): Path<String>) -> ApiResult<Json<WorkerView>> {
    read(&api, &name).map(Json)
}

/// `GET /v1/workers/{worker}/facts`: what it can do, as it last announced.
pub(super) async fn facts(State(api): State<Api>, Path(name): Path<String>) -> ApiResult<Json<Facts>> {
    let worker = enrolled(&api, &name)?;
    let (_, facts) = worker.facts.ok_or_else(|| ApiError::new(Reason::NotFound, format!("{name} has not said yet what it can do")))?;
    Ok(Json(facts))
}

/// `POST /v1/workers/{worker}/drain`: started runs finish there, no new ones begin.
pub(super) async fn drain(State(api): State<Api>, Path(name): Path<String>, body: Body) -> ApiResult<Json<WorkerView>> {
    set_intake(&api, &name, Intake::Draining, body).await
}

/// `POST /v1/workers/{worker}/resume`: it takes jobs again, whatever closed it.
pub(super) async fn resume(State(api): State<Api>, Path(name): Path<String>, body: Body) -> ApiResult<Json<WorkerView>> {
    set_intake(&api, &name, Intake::Open, body).await
}

/// `POST /v1/workers/{worker}/remove`: it leaves the fleet until the inventory names it anew.
pub(super) async fn remove(State(api): State<Api>, Path(name): Path<String>, body: Body) -> ApiResult<Json<WorkerRemoved>> {
    let RemoveWorker { reason, force } = parse_or_default(body).await?;
    check_reason(&reason)?;
    let given_up = running(&api, &name)?;
    let worker = enrolled(&api, &name)?.name;
    runs::ask(&api, CommandBody::RemoveWorker { worker: worker.clone(), reason, force }).await?;
    Ok(Json(WorkerRemoved { worker, given_up }))
}

/// `POST /v1/workers/{worker}/probe`: the agent reads its machine again; what it finds comes as a report.
pub(super) async fn probe(State(api): State<Api>, Path(name): Path<String>) -> ApiResult<(StatusCode, Json<WorkerView>)> {
    let worker = enrolled(&api, &name)?;
    let not_connected = || ApiError::new(Reason::Overloaded, "this coordinator has no connection to NATS");
    let connection = api.shared.connection.get().ok_or_else(not_connected)?;
    let asked = Uptime::now();
    if let Err(error) = control(connection, api.shared.config.farm.protocol, &worker, Control::Probe).await {
        note_failure(&api.shared, worker.name, &error_line(&error), Uptime::now().since(asked));
        return Err(error.into());
    }
    Ok((StatusCode::ACCEPTED, Json(read(&api, &name)?)))
}

async fn set_intake(api: &Api, name: &str, intake: Intake, body: Body) -> ApiResult<Json<WorkerView>> {
    let ChangeIntake { reason } = parse_or_default(body).await?;
    check_reason(&reason)?;
    let worker = enrolled(api, name)?.name;
    runs::ask(api, CommandBody::SetIntake { worker, intake, reason }).await?;
    read(api, name).map(Json)
}

/// The body; none at all is one in which everything is left as it usually is.
async fn parse_or_default<T: DeserializeOwned + Default>(body: Body) -> ApiResult<T> {
    let bytes = body::read(body, BODY_BYTES_MAX).await?;
    if bytes.is_empty() { Ok(T::default()) } else { body::parse(&bytes) }
}

fn check_reason(reason: &str) -> ApiResult<()> {
    if reason.chars().count() <= REASON_CHARS_MAX && !reason.chars().any(char::is_control) {
        return Ok(());
    }
    Err(ApiError::invalid("reason", &format!("one line of at most {REASON_CHARS_MAX} characters"), reason))
}

/// The jobs that run on a worker.
fn running(api: &Api, name: &str) -> ApiResult<Vec<JobId>> {
    Ok(read(api, name)?.running.into_iter().map(|job| job.job_id).collect())
}

/// The worker of this name, while it is of the fleet.
fn enrolled(api: &Api, name: &str) -> ApiResult<Worker> {
    let snapshot = api.shared.projection.snapshot()?;
    let worker = names::worker(&snapshot, name)?;
    let is_enrolled = snapshot.farm()?.config.inventory.contains_key(&worker.name);
    if is_enrolled { Ok(worker) } else { Err(ApiError::not_found("worker", name)) }
}

fn read(api: &Api, name: &str) -> ApiResult<WorkerView> {
    let worker = enrolled(api, name)?;
    let snapshot = api.shared.projection.snapshot()?;
    view::worker(&snapshot, &snapshot.farm()?.config, api.shared.board.vitals().as_deref(), &worker)
}
