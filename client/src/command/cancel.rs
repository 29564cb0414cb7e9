//! `rch cancel`.

use rch_schemas::document::RunState;
use rch_schemas::wire::http::JobState;

use super::{Context, named};
use crate::error::CommandError;
use crate::output::{Ending, Label};

/// How what is to be cancelled stands once the farm has been asked.
enum Standing {
    /// The wish is recorded; the end comes by itself.
    Ending,
    Cancelled,
    HadEnded,
}

/// Asks for a run, or one job of it, to be cancelled. Succeeds when the farm has recorded that; the run ends by itself.
pub(crate) async fn run(context: &mut Context<'_>, id: &str) -> Result<Ending, CommandError> {
    let named = named::find(context, id, None).await?;
    let run_id = named.run.plan.run_id.clone();
    let (what, standing) = match &named.job {
        Some(job) => (format!("job {job} of run {run_id}"), of_job(named.client.cancel_job(job).await?.state)),
        None if named.run.state.is_terminal() => (run_id.to_string(), Standing::HadEnded),
        None => (format!("run {run_id}"), of_run(named.client.cancel_run(&run_id).await?.state)),
    };
    // The label says `Run` already.
    let had_ended = format!("{} had ended already; nothing was cancelled", what.strip_prefix("run ").unwrap_or(&what));
    let (label, text, message) = match standing {
        Standing::Ending => (Label::Cancelling, &what, format!("{what} is being cancelled")),
        Standing::Cancelled => (Label::Cancelled, &what, format!("{what} is cancelled")),
        Standing::HadEnded => (Label::Run, &had_ended, had_ended.clone()),
    };
    context.reporter.fact(&label, text);
    Ok(Ending { run_id: Some(run_id), ..Ending::success(message) })
}

fn of_job(state: JobState) -> Standing {
    match state {
        JobState::Queued | JobState::Running => Standing::Ending,
        JobState::Cancelled => Standing::Cancelled,
        JobState::Succeeded | JobState::Failed | JobState::Skipped | JobState::Rejected => Standing::HadEnded,
    }
}

fn of_run(state: RunState) -> Standing {
    match state {
        RunState::Queued | RunState::Running => Standing::Ending,
        RunState::Cancelled => Standing::Cancelled,
        RunState::Succeeded | RunState::Failed | RunState::Rejected => Standing::HadEnded,
    }
}
