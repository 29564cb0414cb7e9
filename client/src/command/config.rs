//! `rch config`.

use serde_json::{Map, Value, json};

use super::Context;
use crate::cli::ConfigCommand;
use crate::config::{Layers, Merged, Place, Settings, described_keys, dotted, effective};
use crate::error::CommandError;
use crate::farm::FarmError;
use crate::output::{Ending, Label, table};

/// Shows the configuration, or what it may hold.
pub(crate) async fn run(context: &mut Context<'_>, command: ConfigCommand) -> Result<Ending, CommandError> {
    match command {
        ConfigCommand::Show { origin } => show(context, origin).await,
        ConfigCommand::Keys => Ok(keys(context)),
    }
}

/// The merged configuration, with the farm's defaults when the farm can be reached, and without what may be secret.
async fn show(context: &mut Context<'_>, origin: bool) -> Result<Ending, CommandError> {
    let layers = context.layers(Vec::new())?;
    let merged = with_farm(context, &layers).await?;
    context.reporter.facts(&Label::Notice, &merged.notices);
    let record = effective(&merged);
    let rows = rows(&merged, &record.values);
    if origin {
        let lines = table(["KEY", "VALUE", "FROM"], &[], &rows);
        context.reporter.data_lines(&lines);
    } else {
        let lines: Vec<String> = rows.iter().map(|[key, value, _]| format!("{key} = {value}")).collect();
        context.reporter.data_lines(&lines);
    }
    let origins: Map<String, Value> = merged.origins.iter().map(|(path, place)| (dotted(path), Value::String(place.to_string()))).collect();
    let document = json!({ "values": record.values, "origins": origins, "sources": record.sources, "redactions": record.redactions });
    Ok(Ending::success("the configuration, merged").with_document(document))
}

/// Asks the farm once. A farm out of reach is no reason to show nothing; another farm in its place is.
async fn with_farm(context: &mut Context<'_>, layers: &Layers) -> Result<Merged, CommandError> {
    let merged = layers.merged();
    let asked = match Settings::new(&merged).coordinator() {
        Ok(url) => context.client(url)?.farm().await,
        Err(error) => {
            context.reporter.fact(&Label::Notice, &format!("without the farm's defaults: {error}"));
            return Ok(merged);
        }
    };
    match asked {
        Ok(farm) => Ok(layers.merged_with(&farm)?),
        Err(error @ FarmError::KeyChanged { .. }) => Err(error.into()),
        Err(error) => {
            context.reporter.fact(&Label::Notice, &format!("without the farm's defaults: {error}"));
            Ok(merged)
        }
    }
}

fn rows(merged: &Merged, shown: &Value) -> Vec<[String; 3]> {
    let value = |path: &[String]| path.iter().try_fold(shown, |value, name| value.get(name)).map(Value::to_string);
    let row = |(path, place): (&Vec<String>, &Place)| [dotted(path), value(path).unwrap_or_default(), place.to_string()];
    merged.origins.iter().map(row).collect()
}

/// Every key there is.
fn keys(context: &mut Context<'_>) -> Ending {
    let keys = described_keys();
    let rows: Vec<[String; 4]> = keys
        .iter()
        .map(|key| [key.key.clone(), key.built_in.clone().unwrap_or_else(|| "-".to_owned()), key.variable.clone(), key.expected.clone()])
        .collect();
    context.reporter.data_lines(&table(["KEY", "BUILT-IN", "VARIABLE", "EXPECTED"], &[], &rows));
    Ending::success("the keys of the configuration").with_document(json!(keys))
}
