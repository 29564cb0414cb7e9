//! `rch audit DIR`: what downloaded artifacts prove, line by line. Its result is printed, and written nowhere.

use std::path::Path;

use serde_json::json;

use super::Context;
use crate::config::Settings;
use crate::download::audit::{Claim, Pins, Standing, audit, sets, tally};
use crate::error::CommandError;
use crate::output::{Ending, Label, Why};

/// Looks over every set below `directory`.
pub(crate) async fn run(context: &mut Context<'_>, directory: &Path) -> Result<Ending, CommandError> {
    let directory = context.environment.working_directory.join(directory);
    let found = sets(&directory);
    if found.is_empty() {
        let what = format!("there is no artifact set in {}", directory.display());
        return Err(CommandError::NotFound { what, fix: "name a run's directory below .rch/artifacts; `rch fetch ID` makes one" });
    }
    let pins = pins(context).await;
    let mut audited = Vec::new();
    for set in &found {
        let shown = set.strip_prefix(&context.environment.working_directory).unwrap_or(set).display().to_string();
        let claims = audit(set, &pins);
        context.reporter.data(&shown);
        for claim in &claims {
            context.reporter.data(&format!("{:>12}  {}", word(claim.standing), claim.text));
        }
        audited.push((shown, claims));
    }
    let claims: Vec<&Claim> = audited.iter().flat_map(|(_, claims)| claims).collect();
    let text = tally(audited.len(), &claims);
    let refuted = claims.iter().filter_map(|claim| claim.reason);
    // A forged signature weighs more than a damaged file.
    let ending = match refuted.max_by_key(|reason| reason.exit_code()) {
        None => {
            context.reporter.fact(&Label::Verified, &text);
            Ending::success(text)
        }
        Some(reason) => {
            context.reporter.fact(&Label::Failed, &text);
            Ending::because(Why::Reason(reason), text)
        }
    };
    let document = audited.iter().map(|(set, claims)| json!({ "set": set, "claims": claims })).collect::<Vec<_>>();
    Ok(ending.with_document(json!({ "sets": document })))
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
