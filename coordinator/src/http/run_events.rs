//! `GET /v1/runs/{run}/events`: the whole run first, and again at each change.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::Response;
use axum::response::sse::Event;
use rch_scheduler::{Run, SourceGap};
use rch_schemas::wire::http::{RunChange, RunEvent, RunView};
use rch_schemas::{LedgerSeq, RunId};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::error::ApiResult;
use super::server::Api;
use super::sse::{Events, event};
use super::{names, sse, view};
use crate::clock;
use crate::projection::Applied;

/// How often a run with a waiting job is looked at although nothing was recorded: why it waits may change by itself.
const LOOK_AT_WAITING_EVERY: Duration = Duration::from_secs(1);
/// How often any other is, for good measure.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// How often an ended run is looked at whose sets are still being written.
const LOOK_FOR_SETS_EVERY: Duration = Duration::from_millis(100);
/// How long after its end a run is followed for the coordinator's own sets.
const SETS_WITHIN: Duration = Duration::from_secs(30);

/// Starts with the whole run, so `Last-Event-ID` needs no history: whoever missed something sees what it came to.
pub(super) async fn get(State(api): State<Api>, Path(name): Path<String>) -> ApiResult<Response> {
    let changes = api.shared.projection.changes();
    let run_id = names::run(&api.shared.projection.snapshot()?, &name)?.run_id;
    Ok(sse::response(RunFollower { api, run_id, changes, shown: None, gap: None, seq: LedgerSeq(0), ended: None, over: false }))
}

struct RunFollower {
    api: Api,
    run_id: RunId,
    changes: broadcast::Receiver<std::sync::Arc<Applied>>,
    /// What was sent last.
    shown: Option<RunView>,
    /// The gap that was told last.
    gap: Option<SourceGap>,
    /// The record the last view rests on.
    seq: LedgerSeq,
    /// Since when the run has ended.
    ended: Option<tokio::time::Instant>,
    over: bool,
}

/// Whether somebody who was shown `shown` learns something from `view`: of a job that goes on waiting, not how the time passes.
fn is_news(view: &RunView, shown: &RunView) -> bool {
    let mut view = view.clone();
    for (job, shown) in view.jobs.iter_mut().zip(&shown.jobs) {
        if let (Some(now), Some(then)) = (&job.waiting, &shown.waiting)
            && !now.is_news_after(then)
        {
            job.waiting.clone_from(&shown.waiting);
        }
    }
    view != *shown
}

impl Events for RunFollower {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if self.over {
                return None;
            }
            if self.shown.is_some() && self.wait().await.is_none() {
                return None;
            }
            match self.look().await {
                Ok(Some(event)) => return Some(event),
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(run_id = %self.run_id, ?error, "a run could not be read, its stream ends");
                    return None;
                }
            }
        }
    }
}

impl RunFollower {
    /// Waits until the run may have changed; `None` at shutdown.
    async fn wait(&mut self) -> Option<()> {
        let waits = self.shown.as_ref().is_some_and(|run| run.jobs.iter().any(|job| job.waiting.is_some()));
        let every = match (self.ended, waits) {
            (Some(_), _) => LOOK_FOR_SETS_EVERY,
            (None, true) => LOOK_AT_WAITING_EVERY,
            (None, false) => LOOK_EVERY,
        };
        let look = tokio::time::sleep(every);
        tokio::pin!(look);
        loop {
            tokio::select! {
                () = self.api.shutdown.cancelled() => return None,
                () = &mut look => return Some(()),
                change = self.changes.recv() => match change {
                    Ok(applied) if !applied.touched.runs.contains(&self.run_id) => {}
                    Ok(_) | Err(RecvError::Lagged(_)) => return Some(()),
                    Err(RecvError::Closed) => return None,
                },
            }
        }
    }

    /// The next event, if there is something new to say.
    async fn look(&mut self) -> ApiResult<Option<Event>> {
        let (seq, run) = {
            let snapshot = self.api.shared.projection.snapshot()?;
            (snapshot.position()?.seq, snapshot.run(&self.run_id)?)
        };
        let Some(run) = run else {
            self.over = true;
            return Ok(None);
        };
        self.seq = seq;
        if self.shown.is_some() && run.source_gap != self.gap {
            return Ok(self.tell_gap(&run));
        }
        let Some(view) = view::run(&self.api.shared, &self.run_id).await? else { return Ok(None) };
        self.look_for_end(&view);
        if self.shown.as_ref().is_some_and(|shown| !is_news(&view, shown)) {
            return Ok(None);
        }
        self.shown = Some(view.clone());
        Ok(Some(self.event(0, RunChange::Run { run: Box::new(view) })))
    }

    fn tell_gap(&mut self, run: &Run) -> Option<Event> {
        self.gap.clone_from(&run.source_gap);
        let missing = run.source_gap.as_ref()?.missing.clone();
        Some(self.event(1, RunChange::SourceMissing { missing }))
    }

    /// A stream is over when the run is and every set can be read, or will not be soon.
    fn look_for_end(&mut self, view: &RunView) {
        if !view.state.is_terminal() {
            return;
        }
        let ended = *self.ended.get_or_insert_with(tokio::time::Instant::now);
        self.over = view.jobs.iter().all(|job| job.manifest_sha256.is_some()) || ended.elapsed() > SETS_WITHIN;
    }

    fn event(&self, index: u32, change: RunChange) -> Event {
        let name = match &change {
            RunChange::Run { .. } => "run",
            RunChange::SourceMissing { .. } => "source_missing",
        };
        event(format!("{}.{index}", self.seq), name, &RunEvent { ledger_seq: self.seq, at: clock::wall(), change })
    }
}
