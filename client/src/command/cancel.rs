//! `rch cancel`.

use super::{Context, named};
use crate::error::CommandError;
use crate::output::{Ending, Label};

/// Asks for a run, or one job of it, to be cancelled. Succeeds when the farm has recorded that; the run ends by itself.
pub(crate) async fn run(context: &mut Context<'_>, id: &str) -> Result<Ending, CommandError> {
    let named = named::find(context, id, None).await?;
    let run_id = named.run.plan.run_id.clone();
    let what = match &named.job {
        Some(job) => {
            named.client.cancel_job(job).await?;
            format!("job {job} of run {run_id}")
        }
        None if named.run.state.is_terminal() => {
            let text = format!("{run_id} had ended already; nothing was cancelled");
            context.reporter.fact(&Label::Run, &text);
            return Ok(Ending { run_id: Some(run_id), ..Ending::success(text) });
        }
        None => {
            named.client.cancel_run(&run_id).await?;
            format!("run {run_id}")
        }
    };
    context.reporter.fact(&Label::Cancelled, &what);
    Ok(Ending { run_id: Some(run_id), ..Ending::success(format!("{what} is being cancelled")) })
}
