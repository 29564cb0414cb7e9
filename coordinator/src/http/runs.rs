//! Runs: listed, read, cancelled.

use axum::Json;
use axum::extract::{Path, Query, State};
use rch_scheduler::{CommandBody, Reply, Run};
use rch_schemas::wire::http::{RunLine, RunView};
use serde::Deserialize;

use super::error::{ApiError, ApiResult};
use super::server::Api;
use super::submit::{REQUESTER, unexpected};
use super::{middleware, names, view};
use crate::dispatcher::Queue;

/// Runs in one answer, unless fewer are asked for.
const LIMIT_DEFAULT: usize = 50;
/// Runs in one answer at most.
const LIMIT_MAX: usize = 1_000;

/// How a list is asked for.
#[derive(Debug, Deserialize)]
pub(super) struct ListQuery {
    /// How many; text, so that another is refused in our words.
    limit: Option<String>,
}

/// `GET /v1/runs`: the newest first.
pub(super) async fn list(State(api): State<Api>, Query(query): Query<ListQuery>) -> ApiResult<Json<Vec<RunLine>>> {
    let snapshot = api.shared.projection.snapshot()?;
    let limit = match query.limit.as_deref() {
        Some(text) => text.parse().map_err(|_| ApiError::invalid("limit", "a number", text))?,
        None => LIMIT_DEFAULT,
    };
    let limit = limit.min(LIMIT_MAX);
    let mut lines = Vec::new();
    for run_id in snapshot.newest_runs(limit)? {
        lines.extend(snapshot.run(&run_id)?.map(|run| line(&run)));
    }
    Ok(Json(lines))
}

fn line(run: &Run) -> RunLine {
    RunLine {
        run_id: run.run_id.clone(),
        state: run.state,
        project: run.project.clone(),
        requester: run.requester.clone(),
        priority: run.options.priority,
        accepted_at: run.accepted_at,
        ended_at: run.ended.as_ref().map(|ended| ended.at),
        steps: run.steps.iter().map(|step| step.name.clone()).collect(),
        exit_code: run.ended.as_ref().map(|ended| ended.exit_code),
    }
}

/// `GET /v1/runs/{run}`.
pub(super) async fn get(State(api): State<Api>, Path(name): Path<String>) -> ApiResult<Json<RunView>> {
    let run_id = names::run(&api.shared.projection.snapshot()?, &name)?.run_id;
    view::run(&api.shared, &run_id).await?.map(Json).ok_or_else(|| ApiError::not_found("run", &name))
}

/// `POST /v1/runs/{run}/cancel`: asking twice changes nothing.
pub(super) async fn cancel(State(api): State<Api>, Path(name): Path<String>) -> ApiResult<Json<RunView>> {
    let run_id = names::run(&api.shared.projection.snapshot()?, &name)?.run_id;
    ask(&api, CommandBody::CancelRun { run_id: run_id.clone() }).await?;
    view::run(&api.shared, &run_id).await?.map(Json).ok_or_else(|| ApiError::not_found("run", &name))
}

/// Asks an operator's command and waits until its record can be read here.
pub(super) async fn ask(api: &Api, body: CommandBody) -> ApiResult<()> {
    let answer = api.shared.asks.ask(Queue::Operators, REQUESTER.to_owned(), None, body).await?;
    match answer.reply {
        Reply::Done => middleware::wait_for(api, answer.seq).await,
        Reply::Refused(problem) => Err(problem.into()),
        Reply::Run(_) | Reply::Preview(_) | Reply::Receipt(_) | Reply::NotAccepted(_) => Err(unexpected()),
    }
}
