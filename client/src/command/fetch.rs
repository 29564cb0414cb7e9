//! `rch fetch`: artifacts of a run that has ended, checked.

use rch_schemas::wire::http::RunView;
use serde_json::json;

use super::{Context, finish, named};
use crate::cli::FetchFlags;
use crate::download::{Collector, Wanted};
use crate::error::CommandError;
use crate::output::{Ending, Label};

/// Fetches everything, or what `paths` name, and checks it.
pub(crate) async fn run(context: &mut Context<'_>, flags: FetchFlags) -> Result<Ending, CommandError> {
    let named = named::find(context, &flags.id, flags.artifacts.as_deref()).await?;
    let run_id = named.run.plan.run_id.clone();
    let chosen =
        |run: &RunView| run.jobs.iter().any(|job| named.job.as_ref().is_none_or(|only| *only == job.job_id) && !job.state.is_terminal());
    if chosen(&named.run) {
        let what = format!("{run_id} has not ended; `rch wait {run_id}` waits for it");
        return Err(CommandError::NotFound { what, fix: "artifacts are there when it has" });
    }
    let paths: Vec<String> = flags.paths.iter().map(|path| path.trim_end_matches('/').to_owned()).collect();
    let wanted = if paths.is_empty() { Wanted::All } else { Wanted::Directories(paths.clone()) };
    let collector = Collector { client: &named.client, farm: &named.farm, place: &named.place, wanted };
    let mut collected = collector.run(&named.run, named.job.as_ref()).await;
    context.reporter.facts(&Label::Notice, &collected.notices);
    let directory = named.place.run(&run_id);
    finish::tell_artifacts(context.reporter, &collected, &named.place.shown(&directory), None);
    if let Some(error) = finish::worst(&mut collected, context.reporter) {
        return Err(Box::new(error).into());
    }
    let jobs = named.run.jobs.iter().filter(|job| named.job.as_ref().is_none_or(|only| *only == job.job_id));
    let here: Vec<_> = jobs.map(|job| named.place.job(job)).collect();
    for path in &paths {
        let found: Vec<_> = here.iter().map(|directory| directory.join(path)).filter(|file| file.exists()).collect();
        if found.is_empty() {
            let what = format!("no artifact of {run_id} is called {path}");
            return Err(CommandError::NotFound { what, fix: "`rch fetch ID` without a path fetches everything" });
        }
        let shown: Vec<String> = found.iter().map(|file| named.place.shown(file)).collect();
        context.reporter.data_lines(&shown);
    }
    let document = json!({ "directory": directory, "files": collected.sets.iter().map(|(_, set)| set.files).sum::<usize>() });
    Ok(Ending { run_id: Some(run_id), ..Ending::success("fetched and verified") }.with_document(document))
}
