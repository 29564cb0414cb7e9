//! Jobs: read and cancelled.

use axum::Json;
use axum::extract::{Path, State};
use rch_scheduler::CommandBody;
use rch_schemas::wire::http::JobView;

use super::error::ApiResult;
use super::server::Api;
use super::{names, runs, view};

/// `GET /v1/jobs/{job}`.
pub(super) async fn get(State(api): State<Api>, Path(name): Path<String>) -> ApiResult<Json<JobView>> {
    let (job, run) = names::job(&api.shared.projection.snapshot()?, &name)?;
    Ok(Json(view::job(&api.shared, &run, &job).await?))
}

/// `POST /v1/jobs/{job}/cancel`: asking twice changes nothing.
pub(super) async fn cancel(State(api): State<Api>, Path(name): Path<String>) -> ApiResult<Json<JobView>> {
    let (job, _) = names::job(&api.shared.projection.snapshot()?, &name)?;
    runs::ask(&api, CommandBody::CancelJob { job_id: job.job_id.clone() }).await?;
    let (job, run) = names::job(&api.shared.projection.snapshot()?, &name)?;
    Ok(Json(view::job(&api.shared, &run, &job).await?))
}
