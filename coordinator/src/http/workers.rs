//! Workers: listed, read, drained, resumed, probed.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use rch_scheduler::CommandBody;
use rch_schemas::Reason;
use rch_schemas::capabilities::Facts;
use rch_schemas::wire::agent::Control;
use rch_schemas::wire::http::{Intake, WorkerView};

use super::error::{ApiError, ApiResult};
use super::server::Api;
use super::submit::REQUESTER;
use super::{names, runs, view};
use crate::effects::control;

/// `GET /v1/workers`: those of the inventory, by name.
pub(super) async fn list(State(api): State<Api>) -> ApiResult<Json<Vec<WorkerView>>> {
    let snapshot = api.shared.projection.snapshot()?;
    let (config, vitals) = (snapshot.farm()?.config, api.shared.board.vitals());
    let mut views = Vec::new();
    for worker in snapshot.workers()? {
        if config.inventory.contains_key(&worker.name) || !worker.held.is_empty() {
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
    let worker = names::worker(&api.shared.projection.snapshot()?, &name)?;
    let (_, facts) = worker.facts.ok_or_else(|| ApiError::new(Reason::NotFound, format!("{name} has not said yet what it can do")))?;
    Ok(Json(facts))
}

/// `POST /v1/workers/{worker}/drain`: started runs finish there, no new ones begin.
pub(super) async fn drain(State(api): State<Api>, Path(name): Path<String>) -> ApiResult<Json<WorkerView>> {
    set_intake(&api, &name, Intake::Draining, format!("drained by {REQUESTER}")).await
}

/// `POST /v1/workers/{worker}/resume`.
pub(super) async fn resume(State(api): State<Api>, Path(name): Path<String>) -> ApiResult<Json<WorkerView>> {
    set_intake(&api, &name, Intake::Open, format!("resumed by {REQUESTER}")).await
}

/// `POST /v1/workers/{worker}/probe`: the agent reads its machine again; what it finds comes as a report.
pub(super) async fn probe(State(api): State<Api>, Path(name): Path<String>) -> ApiResult<(StatusCode, Json<WorkerView>)> {
    let worker = names::worker(&api.shared.projection.snapshot()?, &name)?;
    let not_connected = || ApiError::new(Reason::Overloaded, "this coordinator has no connection to NATS");
    let connection = api.shared.connection.get().ok_or_else(not_connected)?;
    control(connection, api.shared.config.farm.protocol, &worker, Control::Probe).await?;
    Ok((StatusCode::ACCEPTED, Json(read(&api, &name)?)))
}

async fn set_intake(api: &Api, name: &str, intake: Intake, reason: String) -> ApiResult<Json<WorkerView>> {
    let worker = names::worker(&api.shared.projection.snapshot()?, name)?.name;
    runs::ask(api, CommandBody::SetIntake { worker, intake, reason }).await?;
    read(api, name).map(Json)
}

fn read(api: &Api, name: &str) -> ApiResult<WorkerView> {
    let snapshot = api.shared.projection.snapshot()?;
    let worker = names::worker(&snapshot, name)?;
    view::worker(&snapshot, &snapshot.farm()?.config, api.shared.board.vitals().as_deref(), &worker)
}
