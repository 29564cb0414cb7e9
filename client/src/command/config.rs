//! `rch config show`.

use serde_json::{Value, json};

use super::Context;
use crate::cli::ConfigCommand;
use crate::config::{Merged, Settings};
use crate::error::CommandError;
use crate::farm::FarmClient;
use crate::output::{Ending, Label, table};

/// Shows the merged configuration, with the farm's defaults when the farm can be reached.
pub(crate) async fn run(context: &mut Context<'_>, command: ConfigCommand) -> Result<Ending, CommandError> {
    let ConfigCommand::Show { origin } = command;
    let layers = context.layers(Vec::new())?;
    let merged = layers.merged();
    let asked = match Settings::new(&merged).coordinator() {
        Ok(url) => FarmClient::new(url)?.farm().await.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    let merged = match asked {
        Ok(farm) => layers.merged_with(&farm),
        Err(error) => {
            context.reporter.fact(&Label::Notice, &format!("without the farm's defaults: {error}"));
            merged
        }
    };
    let rows: Vec<[String; 3]> = rows(&merged);
    if origin {
        let lines = table(["KEY", "VALUE", "FROM"], &[], &rows);
        context.reporter.data_lines(&lines);
    } else {
        let lines: Vec<String> = rows.iter().map(|[key, value, _]| format!("{key} = {value}")).collect();
        context.reporter.data_lines(&lines);
    }
    let origins: serde_json::Map<String, Value> =
        merged.origins.iter().map(|(path, place)| (path.join("."), Value::String(place.to_string()))).collect();
    let document = json!({ "values": merged.values, "origins": origins, "sources": merged.sources });
    Ok(Ending::success("the configuration, merged").with_document(document))
}

fn rows(merged: &Merged) -> Vec<[String; 3]> {
    let row = |(path, place): (&Vec<String>, &crate::config::Place)| {
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        [path.join("."), merged.get(&names).map(Value::to_string).unwrap_or_default(), place.to_string()]
    };
    merged.origins.iter().map(row).collect()
}
