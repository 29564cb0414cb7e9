//! `rch fetch`: artifacts of a run, checked.

use rch_bundle::name::{check, nfc};
use rch_schemas::wire::http::{JobView, RunView};
use serde_json::json;

use super::finish::Here;
use super::named::Named;
use super::{Context, finish, named, tail};
use crate::cli::{FetchFlags, LogMode};
use crate::download::{Collected, Collector, Wanted};
use crate::error::CommandError;
use crate::output::{Ending, Label};

/// Fetches everything that has ended, or what `paths` name of it, and checks it.
pub(crate) async fn run(context: &mut Context<'_>, flags: FetchFlags) -> Result<Ending, CommandError> {
    let paths = flags.paths.iter().map(|path| parse(path)).collect::<Result<Vec<_>, _>>()?;
    let mut named = named::find(context, &flags.id, flags.artifacts.as_deref()).await?;
    if flags.wait && chosen(&named, &named.run).any(|job| !job.state.is_terminal()) {
        named.run = tail::to_end(context, &named, LogMode::None).await?;
    }
    let named = named;
    let run_id = named.run.plan.run_id.clone();
    let mut collected = collect(context, &named, &paths).await?;
    context.reporter.facts(&Label::Notice, &collected.notices);
    let running: Vec<String> =
        chosen(&named, &named.run).filter(|job| !job.state.is_terminal()).map(|job| job.action.to_string()).collect();
    if !running.is_empty() {
        let text = format!("{} has not ended; rch fetch {} --wait waits for it", running.join(", "), flags.id);
        context.reporter.fact(&Label::Notice, &text);
    }
    let directory = named.place.run(&run_id);
    if collected.sets.is_empty() && collected.failures.is_empty() {
        context.reporter.fact(&Label::Artifacts, if running.is_empty() { "there are none" } else { "there are none yet" });
    } else {
        let here = Here { directory: named.place.shown(&directory), exit_code: 0, first_error: None, id: &flags.id };
        finish::tell_artifacts(context.reporter, &collected, &here);
    }
    if let Some(error) = finish::worst(&mut collected, context.reporter) {
        return Err(Box::new(error).into());
    }
    tell_paths(context, &named, &paths)?;
    let files = collected.sets.iter().map(|(_, set)| set.files).sum::<usize>();
    let document = json!({ "directory": directory, "files": files, "not_ended": running });
    let text = if running.is_empty() { "fetched and verified" } else { "what has ended was fetched and verified" };
    Ok(Ending { run_id: Some(run_id), ..Ending::success(text) }.with_document(document))
}

/// A path of an artifact, as a set of artifacts has it.
fn parse(text: &str) -> Result<String, CommandError> {
    let path = nfc(text.trim_end_matches('/')).into_owned();
    let path = if path.is_empty() { text.to_owned() } else { path };
    check(&path).map_err(|source| CommandError::ArtifactPath { path: path.chars().take(200).collect(), source })?;
    Ok(path)
}

/// The job that was named, else all.
fn chosen<'a>(named: &'a Named, run: &'a RunView) -> impl Iterator<Item = &'a JobView> {
    run.jobs.iter().filter(|job| named.job.as_ref().is_none_or(|only| *only == job.job_id))
}

async fn collect(context: &mut Context<'_>, named: &Named, paths: &[String]) -> Result<Collected, CommandError> {
    let wanted = if paths.is_empty() { Wanted::All } else { Wanted::Directories(paths.to_vec()) };
    let collector = Collector { client: &named.client, farm: &named.farm, place: &named.place, wanted };
    context.reporter.live(Some((&Label::Artifacts, "being fetched")));
    let collected = tokio::select! {
        collected = collector.run(&named.run, named.job.as_ref()) => collected,
        () = context.interrupts.asked(1) => return Err(CommandError::Interrupted),
    };
    context.reporter.live(None);
    Ok(collected)
}

/// Where each path that was asked for is now; refuses one that no set has.
fn tell_paths(context: &mut Context<'_>, named: &Named, paths: &[String]) -> Result<(), CommandError> {
    let here: Vec<_> = chosen(named, &named.run).map(|job| named.place.job(job)).collect();
    for path in paths {
        let found: Vec<_> = here.iter().map(|directory| directory.join(path)).filter(|file| file.exists()).collect();
        if found.is_empty() {
            let what = format!("no artifact of {} is called {path}", named.run.plan.run_id);
            return Err(CommandError::NotFound { what, fix: "`rch fetch ID` without a path fetches everything" });
        }
        let shown: Vec<String> = found.iter().map(|file| named.place.shown(file)).collect();
        context.reporter.data_lines(&shown);
    }
    Ok(())
}
