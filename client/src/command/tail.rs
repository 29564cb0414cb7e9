//! `rch tail` and `rch wait`: following a run that somebody started.

use std::sync::Arc;

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
    context.reporter.fact(&Label::Run, named.run.plan.run_id.as_str());
    let only = named.job.clone();
    let following = Following {
        client: Arc::clone(&named.client),
        run: named.run,
        telling: Telling { log, paths: TreePaths::default(), only: only.clone() },
        source: None,
        on_interrupt: OnInterrupt::Leave,
    };
    let followed = follow(following, context.reporter, &mut context.interrupts).await?;
    if followed.interrupted {
        context.reporter.fact(&Label::Notice, "the run goes on without us");
        return Err(CommandError::Interrupted);
    }
    Ok(finish::ending(followed.story.run(), only.as_ref()))
}
