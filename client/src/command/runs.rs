//! `rch runs`.

use rch_schemas::wire::http::RunLine;
use serde_json::json;

use super::Context;
use crate::error::CommandError;
use crate::output::{Ending, table};

/// Lists the newest runs.
pub(crate) async fn run(context: &mut Context<'_>, limit: u32) -> Result<Ending, CommandError> {
    let layers = context.layers(Vec::new())?;
    let connected = context.connect(&layers).await?;
    let runs = connected.client.runs(limit).await?;
    let rows: Vec<[String; 6]> = runs.iter().map(row).collect();
    for line in table(["RUN", "STATE", "EXIT", "PROJECT", "WHO", "ACCEPTED"], &[2], &rows) {
        context.reporter.data(&line);
    }
    Ok(Ending::success(format!("{} runs", runs.len())).with_document(json!({ "runs": runs })))
}

fn row(run: &RunLine) -> [String; 6] {
    let state = serde_json::to_value(run.state).ok().and_then(|state| state.as_str().map(str::to_ascii_lowercase)).unwrap_or_default();
    let exit = run.exit_code.map_or_else(|| "-".to_owned(), |code| code.to_string());
    [run.run_id.to_string(), state, exit, run.project.clone(), run.requester.clone(), run.accepted_at.to_string()]
}
