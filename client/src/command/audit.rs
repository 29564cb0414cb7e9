//! `rch audit DIR`: what downloaded artifacts prove, line by line. Its result is printed, and written nowhere.

use std::path::Path;

use serde_json::json;

use super::Context;
use crate::config::Settings;
use crate::download::audit::{Audited, Claim, Pins, Standing, audit, found, tally};
use crate::download::audit_run::audit_run;
use crate::error::CommandError;
use crate::output::{Ending, Label, Why};

/// Looks over every set below `directory`.
pub(crate) async fn run(context: &mut Context<'_>, directory: &Path) -> Result<Ending, CommandError> {
    let directory = context.environment.working_directory.join(directory);
    let (sets, runs) = found(&directory);
    let pins = pins(context).await;
    let sets: Vec<Audited> = sets.iter().map(|set| audit(set, &pins)).collect();
    let runs: Vec<_> = runs.into_iter().map(|run| (audit_run(&run, &sets), run)).collect();
    let claims: Vec<&Claim> = sets.iter().flat_map(|set| &set.claims).chain(runs.iter().flat_map(|(claims, _)| claims)).collect();
    if sets.is_empty() && claims.iter().all(|claim| claim.standing != Standing::Refuted) {
        let what = format!("there is no artifact set in {}", directory.display());
        return Err(CommandError::NotFound { what, fix: "name a run's directory below .rch/artifacts; `rch fetch ID` makes one" });
    }
    let root = context.environment.working_directory.clone();
    let shown = |path: &Path| path.strip_prefix(&root).unwrap_or(path).display().to_string();
    let every = sets.iter().map(|set| (&set.directory, &set.claims)).chain(runs.iter().map(|(claims, run)| (run, claims)));
    for (path, claims) in every.filter(|(_, claims)| !claims.is_empty()) {
        context.reporter.data(&shown(path));
        for claim in claims {
            context.reporter.data(&format!("{:>12}  {}", word(claim.standing), claim.text));
        }
    }
    let text = tally(sets.len(), &claims);
    let refuted = claims.iter().filter_map(|claim| claim.reason);
    // A forged signature weighs more than a damaged file.
    let ending = match refuted.max_by_key(|reason| reason.exit_code()) {
        None if pins.is_err() => {
            let text = format!("{text}: the signer is not known here");
            context.reporter.fact(&Label::Intact, &text);
            context
                .reporter
                .detail("anyone can sign with a key of their own; reach the farm (--coordinator URL, `rch login URL`), then audit again");
            Ending::success(text)
        }
        None => {
            context.reporter.fact(&Label::Verified, &text);
            Ending::success(text)
        }
        Some(reason) => {
            context.reporter.fact(&Label::Failed, &text);
            Ending::because(Why::Reason(reason), text)
        }
    };
    let sets = sets.iter().map(|set| json!({ "set": shown(&set.directory), "claims": set.claims })).collect::<Vec<_>>();
    let runs = runs.iter().map(|(claims, run)| json!({ "run": shown(run), "claims": claims })).collect::<Vec<_>>();
    Ok(ending.with_document(json!({ "sets": sets, "runs": runs })))
}

/// The farm's word about keys. Nobody who has only the directory is kept from looking at it.
async fn pins(context: &Context<'_>) -> Pins {
    let layers = context.layers(Vec::new()).map_err(|error| error.sentence())?;
    let url = Settings::new(&layers.merged()).coordinator().map_err(|_| "no coordinator is configured".to_owned())?;
    let client = context.client(url).map_err(|error| error.sentence())?;
    client.farm().await.map_err(|error| format!("no farm could be asked: {}", error.brief()))
}

fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Proven => "proven",
        Standing::NotProven => "not proven",
        Standing::Refuted => "refuted",
    }
}
