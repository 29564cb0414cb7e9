//! `rch tail` and `rch wait`: following a run that somebody started.

use std::sync::Arc;
use std::time::Duration;

use rch_schemas::wire::http::RunView;

use super::finish::Times;
use super::named::{self, Named};
use super::{Context, finish};
use crate::cli::{LogMode, TailFlags};
use crate::error::CommandError;
use crate::follow::{Following, OnInterrupt, Telling, follow};
use crate::output::xcodebuild::TreePaths;
use crate::output::{Ending, Label};

/// Shows logs from their beginning, and goes on as they grow. Ends as the run does.
pub(crate) async fn tail(context: &mut Context<'_>, flags: TailFlags) -> Result<Ending, CommandError> {
    let named = named::find(context, &flags.id, None).await?;
    watch(context, named, flags.log).await
}

/// Waits for the end, and ends as the run does.
pub(crate) async fn wait(context: &mut Context<'_>, id: &str) -> Result<Ending, CommandError> {
    let named = named::find(context, id, None).await?;
    watch(context, named, LogMode::None).await
}

async fn watch(context: &mut Context<'_>, named: Named, log: LogMode) -> Result<Ending, CommandError> {
    let only = named.job.clone();
    let run = to_end(context, &named, log).await?;
    if only.is_none() {
        let since_accepted = |ended: rch_schemas::Timestamp| u64::try_from(ended.unix_ms() - run.accepted_at.unix_ms()).unwrap_or(0);
        let total = Duration::from_millis(run.ended_at.map_or(0, since_accepted));
        let times = Times { title: "run".to_owned(), total, upload: Duration::ZERO, wait: None };
        finish::tell_run(context.reporter, &run, &times);
    }
    Ok(finish::ending(&run, only.as_ref()))
}

/// Follows what was named to its end. Whoever leaves with Ctrl-C leaves it running: it is not ours to cancel.
pub(super) async fn to_end(context: &mut Context<'_>, named: &Named, log: LogMode) -> Result<RunView, CommandError> {
    let run_id = named.run.plan.run_id.clone();
    let has_ended = named.run.state.is_terminal();
    let hint = if has_ended { "" } else { " (Ctrl-C leaves it running)" };
    context.reporter.fact(&Label::Run, &format!("{run_id}{hint}"));
    let following = Following {
        client: Arc::clone(&named.client),
        run: named.run.clone(),
        telling: Telling { log, paths: TreePaths::default(), only: named.job.clone() },
        source: None,
        on_interrupt: OnInterrupt::Leave,
    };
    let followed = follow(following, context.reporter, &mut context.interrupts).await?;
    if followed.stopped.is_some() {
        return Err(CommandError::Left { run_id });
    }
    Ok(followed.story.run().clone())
}
